"""Queues of problems: parked statuses, documents at the wrong office, conflicts, contradictions, quarantine.

Each row comes with what is likely to be right, and one button for it; `gateway.admin.queues` finds both. With
them stand documents whose signatures wait for what CAs say: nobody acts on these, but somebody will ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import queues, statuses
from gateway.admin.queues import SettleProblem
from gateway.admin.statuses import DismissStatus, MatchStatus
from gateway.console.acts import converted
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.ledger.unanswered import unanswered
from gateway.reasons import REASONS
from gateway.reports.words import state_name

#: Queue -> its title.
QUEUES: Final[Mapping[str, str]] = {
    "parked": N_("Statuses that match nothing"),
    "misrouted": N_("Documents at the wrong office"),
    "conflicts": N_("Conflicts and contradictions"),
    "quarantined": N_("Quarantined"),
    "signatures": N_("Signatures that wait for a CA"),
}
#: What a status may agree with a delivery in.
AGREES: Final[Mapping[str, str]] = {
    "number": N_("number"),
    "notation": N_("notation"),
    "day": N_("day"),
    "year": N_("year"),
    "sender": N_("sender"),
    "recipient": N_("recipient"),
    "awaited": N_("awaits an answer"),
}


_LONGEST_ID: Final = 40


async def show(visit: Visit) -> web.StreamResponse:
    """The page, with one of the queues open."""
    newest = await visit.parts.live.newest()
    return visit.page("queues.html", newest=newest, **await _values(visit))


async def part(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("queues_part.html", **await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    chosen, after = visit.request.query.get("show", ""), visit.request.query.get("after", "")[:_LONGEST_ID]
    chosen = chosen if chosen in QUEUES else "parked"
    base = visit.base
    # one more than is shown tells whether there is another page
    parked = await queues.parked(base, after=after, limit=queues.PARKED + 1) if chosen == "parked" else []
    wrong = await queues.misrouted(base)
    conflicting, flagged = await queues.conflicts(base), await queues.flagged(base)
    quarantined = await queues.quarantined(base)
    ((open_now, _, decided),) = await base.readers.fetch("check_due_count_waiting")
    counts = {
        "parked": queues.Tally(count=await base.reads.parked()),
        "misrouted": queues.tally(wrong),
        "conflicts": queues.tally(conflicting, flagged),
        "quarantined": queues.tally(quarantined),
        "signatures": queues.Tally(count=open_now + decided),
    }
    waiting = await unanswered(base.readers, queues.MOST) if chosen == "signatures" else []
    is_cut = len(waiting) >= queues.MOST if chosen == "signatures" else counts[chosen].least
    return {
        "chosen": chosen,
        "titles": QUEUES,
        "counts": counts,
        "is_cut": is_cut,
        "parked": parked[: queues.PARKED],
        "after": after,
        "next": parked[queues.PARKED - 1].id if len(parked) > queues.PARKED else "",
        "wrong": await queues.suggested(base, wrong) if chosen == "misrouted" else [],
        "conflicting": conflicting,
        "flagged": flagged,
        "quarantined": quarantined,
        "unanswered": waiting,
        "grace": base.settings.revocation.grace,
        "agrees": AGREES,
        "reasons": REASONS,
        "may": visit.may(Permission.OPERATE),
    }


async def match(visit: Visit) -> web.StreamResponse:
    """A parked status is about this delivery."""
    request = converted(_fields(visit, "status", "delivery", "reason"), MatchStatus)
    done = await statuses.match_status(visit.parts.server, request, visit.actor)
    return visit.redirect(
        _same_page(visit),
        flash=visit.gettext("The status %(code)s is matched; the delivery is now: %(state)s.")
        % {"code": done["code"], "state": state_name(done["state"], visit.preferences.language)},
    )


async def dismiss(visit: Visit) -> web.StreamResponse:
    """A parked status is about nothing here."""
    request = converted(_fields(visit, "status", "reason"), DismissStatus)
    await statuses.dismiss_status(visit.parts.server, request, visit.actor)
    return visit.redirect(_same_page(visit), flash=visit.gettext("The status is put aside."))


async def settle(visit: Visit) -> web.StreamResponse:
    """Somebody has dealt with it."""
    request = converted(_fields(visit, "kind", "subject", "reason"), SettleProblem)
    await queues.settle(visit.parts.server, request, visit.actor)
    back = "misrouted" if request.kind == "misrouted" else "conflicts"
    return visit.redirect(f"/queues?show={back}", flash=visit.gettext("It waits no more."))


def _same_page(visit: Visit) -> str:
    after = visit.form.get("after", "")[:_LONGEST_ID]
    return visit.address("/queues", show="parked", **({"after": after} if after else {}))


def _fields(visit: Visit, *names: str) -> dict[str, str]:
    return {name: visit.form.get(name, "").strip() for name in names}


ROUTES: Final = (
    Route("GET", "/queues", show, Permission.VIEW),
    Route("GET", "/queues/now", part, Permission.VIEW),
    Route("POST", "/queues/match", match, Permission.OPERATE),
    Route("POST", "/queues/dismiss", dismiss, Permission.OPERATE),
    Route("POST", "/queues/settle", settle, Permission.OPERATE),
)
