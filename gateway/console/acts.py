"""Acts on deliveries: chosen, rehearsed, done at once or proposed; and the proposals that wait for a second person.

A choice comes as ids, as a document with all its lines, or as a filter of the ledger, of which the newest lines are
taken; what a page showed is what is rehearsed and touched, since its ids go along in the form. Nothing is done
without a reason. `gateway.admin.mass` decides what one person may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import mass, purges
from gateway.admin.mass import GiveAnswer, MassAct
from gateway.admin.purges import CancelPurge, ConfirmPurge
from gateway.admin.queues import shown
from gateway.clock import VIETNAM, instant, rfc3339
from gateway.console.headers import own_address
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.eligibility import MOST, WORDS, ActName, Judged, Unfit, judge
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.ledger.proposals import line_of
from gateway.search.filter import parse
from gateway.search.lines import Search

#: What each act is called.
NAMES: Final[Mapping[ActName, str]] = {
    ActName.REQUEUE: N_("Send again"),
    ActName.HOLD: N_("Hold"),
    ActName.RELEASE: N_("Release"),
    ActName.CONFIRM: N_("Confirm the arrival"),
    ActName.CANCEL: N_("Cancel"),
    ActName.QUARANTINE: N_("Quarantine"),
    ActName.HAND_OVER: N_("Handed over by post or hand"),
    ActName.REDELIVER: N_("Push once more"),
    ActName.FORWARD: N_("Forward to another office"),
}
#: What it does, for whoever chooses.
MEANINGS: Final[Mapping[ActName, str]] = {
    ActName.REQUEUE: N_("A new series of attempts, for what was given up, refused, deferred or quarantined."),
    ActName.HOLD: N_("What waits is not sent until somebody releases it."),
    ActName.RELEASE: N_("What is held goes on."),
    ActName.CONFIRM: N_("Its recipient says that it has what is held here in doubt."),
    ActName.CANCEL: N_("Nobody is sent it any more; its sender sees that it was cancelled."),
    ActName.QUARANTINE: N_("It is kept whole, and nobody is given it until somebody sends it again."),
    ActName.HAND_OVER: N_("It was delivered on paper; how is kept with it."),
    ActName.REDELIVER: N_("Its recipient has lost what it had confirmed."),
    ActName.FORWARD: N_("Another office gets the document, too; what still waits here ends."),
}
_SHOWN: Final = 50
_NAMES_OF_WAYS: Final = {"post": N_("post"), "hand": N_("by hand"), "fax": N_("fax"), "other": N_("another way")}


async def choose(visit: Visit) -> web.StreamResponse:
    """Which acts there are for a choice, and for how many of it each is."""
    ids = await _chosen(visit)
    rows = await visit.base.readers.fetch("delivery_list_for_act", (as_json(ids),))
    lines = [line_of(row) for row in rows]
    judged = {act: judge(act, lines, ids) for act in ActName}
    return visit.page(
        "acts_choose.html",
        ids=ids,
        lines=(await shown(visit.base, ids[:_SHOWN])),
        judged=judged,
        names=NAMES,
        meanings=MEANINGS,
        words=_why,
        back=_back(visit),
    )


async def rehearse(visit: Visit) -> web.StreamResponse:
    """What the act would come to, and the form that does it."""
    act = _act(visit)
    ids = await _chosen(visit)
    code = visit.form.get("to", "").strip()
    judged = judge(act, [], ids)
    told = None
    if act is not ActName.FORWARD or code:
        told = await mass.rehearse(visit.base, _asked(visit, act, ids, rehearsing=True))
        judged = Judged(fit=told.fit, unfit=told.unfit)
    return visit.page(
        "acts_rehearse.html",
        act=act,
        name=NAMES[act],
        ids=ids,
        told=told,
        why=_why(judged),
        lines=await shown(visit.base, [line.id for line in judged.fit[:_SHOWN]]),
        to=code,
        ways=_NAMES_OF_WAYS,
        now=visit.at.astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M"),
        back=_back(visit),
    )


async def do(visit: Visit) -> web.StreamResponse:
    """Do it, or propose it where a second person must consent or is asked to."""
    act = _act(visit)
    request = _asked(visit, act, await _chosen(visit))
    server, _ = visit.parts.server, visit.gettext
    told = await mass.rehearse(visit.base, request)
    if told.needs_second or visit.form.get("how") == "propose":
        made = await mass.propose(server, request, visit.actor)
        return visit.redirect(
            f"/requests/{made['proposal']}", flash=_("It waits for the consent of a second person.")
        )
    done = await mass.act(server, request, visit.actor)
    left = len(done["items"]) - done["moved"]
    text = visit.ngettext("Done for %(count)s delivery.", "Done for %(count)s deliveries.", done["moved"])
    text %= {"count": visit.number(done["moved"])}
    visit.flash(text, "done" if done["moved"] else "wrong")
    if left:
        text = visit.ngettext("%(count)s was left as it is.", "%(count)s were left as they are.", left)
        visit.flash(text % {"count": visit.number(left)}, "note")
    return visit.redirect(_back(visit) or "/")


async def requests(visit: Visit) -> web.StreamResponse:
    """What waits for a second person, what is being carried out, and what became of the others."""
    newest = await visit.parts.live.newest()
    return visit.page("requests.html", newest=newest, **await _requests(visit))


async def requests_part(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("requests_part.html", **await _requests(visit))


async def _requests(visit: Visit) -> dict[str, Any]:
    waiting = await mass.proposals(visit.base, waiting=True)
    recent = [each for each in await mass.proposals(visit.base, waiting=False, limit=50) if each.answer]
    orders = await _orders(visit) if visit.may(Permission.OPERATE) else []
    actors = {each.made_by for each in (*waiting, *recent)} | {
        each.answered_by for each in recent if each.answered_by
    }
    actors |= {order["by"] for order in orders}
    return {
        "waiting": waiting,
        "recent": recent,
        "orders": orders,
        "names": NAMES,
        "people": await visit.names(sorted(actors)),
    }


async def _orders(visit: Visit) -> list[dict[str, Any]]:
    """Orders to destroy that are not confirmed."""
    rows = await visit.base.readers.fetch("purge_list_some", {"all": 0})
    return [
        {
            "id": row[0],
            "ref": row[2],
            "reason": row[3],
            "documents": row[7],
            "made_at": instant(row[8]),
            "by": row[11] or row[9],
            "is_own": visit.actor in {row[9], row[11]},
            "lapses_at": instant(row[8]) + visit.base.settings.retention.confirm_within,
        }
        for row in rows
        if not row[13]
    ]


async def request(visit: Visit) -> web.StreamResponse:
    """One proposal with its deliveries."""
    newest = await visit.parts.live.newest()
    found = await mass.proposal(visit.base, visit.request.match_info["id"])
    beyond = visit.request.query.get("beyond", "0")
    lines = await mass.proposed_lines(visit.base, found.id, beyond=int(beyond) if beyond.isdecimal() else 0)
    details = await shown(visit.base, (line.delivery_id for line in lines))
    return visit.page(
        "request.html",
        newest=newest,
        found=found,
        name=NAMES[found.act],
        lines=list(zip(lines, details, strict=True)),
        more=lines[-1].place if lines and lines[-1].place < found.deliveries else 0,
        result=lambda code: visit.of(_Words(*WORDS[Unfit(code)])),
        people=await visit.names({found.made_by, found.answered_by} - {""}),
        ways=_NAMES_OF_WAYS,
        has_lapsed=visit.at >= found.expires_at,
    )


async def answer_request(visit: Visit) -> web.StreamResponse:
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


async def answer_order(visit: Visit) -> web.StreamResponse:
    """Answer for an order to destroy, or cancel it."""
    given = {"order": visit.request.match_info["id"], "reason": visit.form.get("reason", "")}
    if visit.form.get("answer") == "cancel":
        await purges.cancel_purge(visit.parts.server, converted(given, CancelPurge), visit.actor)
        return visit.redirect("/requests", flash=visit.gettext("The order is cancelled: nothing is destroyed."))
    done = await purges.confirm_purge(visit.parts.server, converted(given, ConfirmPurge), visit.actor)
    told = visit.gettext("The order is confirmed: it is carried out now.")
    if not done["confirmed"]:
        told = visit.gettext("You have answered for the order; a second person must confirm it.")
    return visit.redirect("/requests", flash=told)


class _Words:
    """For `visit.of`."""

    def __init__(self, vi: str, en: str) -> None:
        self.vi, self.en = vi, en


def _why(judged: Judged) -> list[tuple[int, _Words]]:
    """How many are unfit and why, most first."""
    counted = sorted(judged.unfit.items(), key=lambda item: -len(item[1]))
    return [(len(ids), _Words(*WORDS[why])) for why, ids in counted]


async def _chosen(visit: Visit) -> list[str]:
    """Ids of a form or an address; at most `MOST`, and at least one."""
    form, query = visit.form, visit.request.query
    ids = form.get("ids", "").split() + form.getall("delivery", []) + query.getall("delivery", [])
    if message := form.get("message", "") or query.get("message", ""):
        ids += [line.id for line in await visit.base.reads.deliveries(message)]
    if wanted := form.get("filter", ""):
        ids += await _filtered(visit, wanted)
    ids = list(dict.fromkeys(ids))
    if not ids:
        raise RefusedError("parameter_invalid", visit.gettext("Choose at least one delivery."))
    if len(ids) > MOST:
        raise RefusedError("parameter_invalid", f"{len(ids)} > {MOST}")
    return ids


async def _filtered(visit: Visit, wanted: str) -> list[str]:
    """The newest lines that a filter of the ledger fits, as many as one act may touch."""
    search, ids = Search(visit.base.readers), list[str]()
    async for portion in search.all(parse(parse_qsl(wanted)), visit.scope):
        ids += [line.id for line in portion]
        if len(ids) > MOST:
            break
    if len(ids) > MOST:
        visit.flash(
            visit.gettext("The filter fits more lines than one act may touch: the newest are taken."), "note"
        )
    return ids[:MOST]


def _act(visit: Visit) -> ActName:
    try:
        return ActName(visit.form.get("act", ""))
    except ValueError as error:
        raise RefusedError("parameter_invalid", "act") from error


def _asked(visit: Visit, act: ActName, ids: list[str], *, rehearsing: bool = False) -> MassAct:
    form = visit.form
    given: dict[str, object] = {"act": act, "deliveries": ids, "to": form.get("to", "").strip()}
    given["reason"] = "---" if rehearsing else form.get("reason", "").strip()
    if act is ActName.HAND_OVER:
        given["handed_over"] = {
            "channel": form.get("channel", "other" if rehearsing else ""),
            "number": form.get("number", "-" if rehearsing else "").strip(),
            "by": form.get("by", "-" if rehearsing else "").strip(),
            "at": rfc3339(visit.at) if rehearsing else _instant(form.get("at", "")),
        }
    request: MassAct = converted(given, MassAct)
    return request


def _instant(text: str) -> str:
    """What a browser's field for date and time gives, as an instant in Vietnam's time."""
    try:
        return rfc3339(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))
    except ValueError as error:
        raise RefusedError("parameter_invalid", text[:40]) from error


def converted(given: Mapping[str, object], kind: type[Any]) -> Any:
    """The request of an act; `parameter_invalid` where the form does not make one."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise RefusedError("parameter_invalid", str(error)) from error


def _back(visit: Visit) -> str:
    return own_address(visit.form.get("back", "") or visit.request.query.get("back", "") or "/")


_MAY: Final = Permission.OPERATE
ROUTES: Final = (
    Route("GET", "/acts", choose, _MAY),
    Route("POST", "/acts", choose, _MAY),
    Route("POST", "/acts/rehearse", rehearse, _MAY),
    Route("POST", "/acts/do", do, _MAY),
    Route("GET", "/requests", requests, Permission.VIEW),
    Route("GET", "/requests/now", requests_part, Permission.VIEW),
    Route("GET", "/requests/{id}", request, Permission.VIEW),
    Route("POST", "/requests/{id}", answer_request, _MAY),
    Route("POST", "/requests/orders/{id}", answer_order, Permission.ADMINISTER),
)
