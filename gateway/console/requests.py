"""What waits for a second person, what is being carried out, and what became of the others: proposals and orders.

A proposal is shown with the very deliveries that it is for; `gateway.admin.mass` says who may answer. Orders to
destroy stand in the same lists, and have pages of their own (`gateway.console.orders`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import mass
from gateway.admin.mass import GiveAnswer
from gateway.admin.queues import shown
from gateway.console.acts import NAMES, WAYS, Words, converted
from gateway.console.document_words import actors_of
from gateway.console.formats import small_number
from gateway.console.orders import MOST, RECENT, orders
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.eligibility import WORDS, Unfit

#: Proposals that are looked at for what was answered lately.
_RECENT: Final = 50


async def show_all(visit: Visit) -> web.StreamResponse:
    """The lists."""
    newest = await visit.parts.live.newest()
    return visit.page("requests.html", newest=newest, **await _all(visit))


async def all_now(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("requests_part.html", **await _all(visit))


async def _all(visit: Visit) -> dict[str, Any]:
    waiting = await mass.proposals(visit.base, waiting=True, limit=MOST)
    newest = await mass.proposals(visit.base, waiting=False, limit=_RECENT)
    recent = [each for each in newest if each.answer]
    may = visit.may(Permission.OPERATE)
    ordered = await orders(visit.base, waiting=True) if may else []
    answered = await orders(visit.base, waiting=False) if may else []
    actors = {actor for each in (*waiting, *recent) for actor in (each.made_by, each.answered_by) if actor}
    actors |= {actor for each in (*ordered, *answered) for actor in each.actors}
    return {
        "waiting": waiting,
        "recent": recent,
        "orders": ordered,
        "answered": answered,
        "least": len(waiting) >= MOST or len(ordered) >= MOST,
        "older": len(newest) >= _RECENT or len(answered) >= RECENT,
        "names": NAMES,
        "people": await actors_of(visit, actors),
    }


async def show(visit: Visit) -> web.StreamResponse:
    """One proposal with its deliveries."""
    newest = await visit.parts.live.newest()
    return visit.page("request.html", newest=newest, **await _one(visit))


async def now(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("request_part.html", **await _one(visit))


async def _one(visit: Visit) -> dict[str, Any]:
    base = visit.base
    found = await mass.proposal(base, visit.request.match_info["id"])
    beyond = small_number(visit.request.query.get("beyond", ""))
    lines = await mass.proposed_lines(base, found.id, beyond=beyond)
    details = await shown(base, (line.delivery_id for line in lines))
    to = found.details.get("to", "")
    other = (await base.directory.resolve([to], visit.at)).get(to) if to else None
    return {
        "found": found,
        "name": NAMES[found.act],
        "lines": list(zip(lines, details, strict=True)),
        "beyond": beyond,
        "more": lines[-1].place if lines and lines[-1].place < found.deliveries else 0,
        "result": lambda code: visit.of(Words(*WORDS[Unfit(code)])),
        "people": await visit.names({found.made_by, found.answered_by} - {""}),
        "ways": WAYS,
        "moment": datetime.fromisoformat,
        "other": other.name if other else "",
        "has_lapsed": visit.at >= found.expires_at,
    }


async def answer(visit: Visit) -> web.StreamResponse:
    """Consent, refusal, or second thoughts."""
    given = {"proposal": visit.request.match_info["id"], "answer": visit.form.get("answer", "")}
    request = converted({**given, "reason": visit.form.get("reason", "")}, GiveAnswer)
    await mass.answer(visit.parts.server, request, visit.actor)
    told = {
        "consented": visit.gettext("You have consented: it is carried out now."),
        "refused": visit.gettext("You have refused: nothing is done."),
        "withdrawn": visit.gettext("You have withdrawn it."),
    }
    return visit.redirect(f"/requests/{request.proposal}", flash=told[request.answer])


ROUTES: Final = (
    Route("GET", "/requests", show_all, Permission.VIEW),
    Route("GET", "/requests/now", all_now, Permission.VIEW),
    Route("GET", "/requests/{id}", show, Permission.VIEW),
    Route("GET", "/requests/{id}/now", now, Permission.VIEW),
    Route("POST", "/requests/{id}", answer, Permission.OPERATE),
)
