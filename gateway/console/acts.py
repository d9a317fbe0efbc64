"""Acts on deliveries: chosen, rehearsed, done at once or proposed to a second person (`gateway.console.requests`).

A choice comes as ids, as a document with all its lines, or as a filter of the ledger, of which the newest lines are
taken; what a page showed is what is rehearsed and touched, since its ids go along in the form. Nothing is done
without a reason. `gateway.admin.mass` decides what one person may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import mass
from gateway.admin.mass import MassAct
from gateway.admin.queues import shown
from gateway.clock import VIETNAM, rfc3339
from gateway.console.agencies import is_code, one
from gateway.console.headers import own_address
from gateway.console.instants import instant_given
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.eligibility import MOST, WORDS, ActName, Judged, judge
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.ledger.proposals import line_of
from gateway.model import Agency
from gateway.search.filter import parse
from gateway.search.lines import Search

#: What each act is called.
NAMES: Final[Mapping[ActName, str]] = {
    ActName.REQUEUE: N_("Try anew what did not arrive"),
    ActName.HOLD: N_("Hold"),
    ActName.RELEASE: N_("Release"),
    ActName.CONFIRM: N_("Confirm the arrival"),
    ActName.CANCEL: N_("Cancel"),
    ActName.QUARANTINE: N_("Quarantine"),
    ActName.HAND_OVER: N_("Handed over by post or hand"),
    ActName.REDELIVER: N_("Send once more what had arrived"),
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
#: How papers get to an office without the gateway.
WAYS: Final[Mapping[str, str]] = {
    "post": N_("post"),
    "hand": N_("by hand"),
    "fax": N_("fax"),
    "other": N_("another way"),
}


async def choose(visit: Visit) -> web.StreamResponse:
    """Which acts there are for a choice, and for how many of it each is."""
    if visit.request.method == "GET" and not visit.request.query:
        return visit.redirect("/ledger")  # where one chooses
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
    text, office = visit.form.get("to", "").strip(), None
    judged = judge(act, [], ids)
    told = None
    if act is ActName.FORWARD and text:
        office = await one(visit, text, is_open=True)
    if act is not ActName.FORWARD or office:
        told = await mass.rehearse(visit.base, _asked(visit, act, ids, office=office, rehearsing=True))
        judged = Judged(fit=told.fit, unfit=told.unfit)
    return visit.page(
        "acts_rehearse.html",
        act=act,
        name=NAMES[act],
        ids=ids,
        told=told,
        why=_why(judged),
        lines=await shown(visit.base, [line.id for line in judged.fit[:_SHOWN]]),
        office=office,
        reason=visit.form.get("reason", ""),
        ways=WAYS,
        now=visit.at.astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M"),
        back=_back(visit),
    )


async def do(visit: Visit) -> web.StreamResponse:
    """Do it, or propose it where a second person must consent or is asked to.

    An office that is given by its name is shown in a rehearsal first.
    """
    act, to = _act(visit), visit.form.get("to", "").strip()
    if act is ActName.FORWARD and to and not await is_code(visit, to):
        return await rehearse(visit)
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
    text = visit.ngettext(
        "%(act)s: done for %(count)s delivery.", "%(act)s: done for %(count)s deliveries.", done["moved"]
    )
    text %= {"act": _(NAMES[act]), "count": visit.number(done["moved"])}
    visit.flash(text, "done" if done["moved"] else "wrong")
    if left:
        text = visit.ngettext("%(count)s was left as it is.", "%(count)s were left as they are.", left)
        visit.flash(text % {"count": visit.number(left)}, "note")
    return visit.redirect(_back(visit) or "/")


class Words:
    """Vietnamese and English, for `visit.of`."""

    def __init__(self, vi: str, en: str) -> None:
        self.vi, self.en = vi, en


def _why(judged: Judged) -> list[tuple[int, Words]]:
    """How many are unfit and why, most first."""
    counted = sorted(judged.unfit.items(), key=lambda item: -len(item[1]))
    return [(len(ids), Words(*WORDS[why])) for why, ids in counted]


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


def _asked(
    visit: Visit, act: ActName, ids: list[str], *, office: Agency | None = None, rehearsing: bool = False
) -> MassAct:
    form = visit.form
    to = office.organ_id if office else form.get("to", "").strip()
    given: dict[str, object] = {"act": act, "deliveries": ids, "to": to}
    given["reason"] = "---" if rehearsing else form.get("reason", "").strip()
    if act is ActName.HAND_OVER:
        given["handed_over"] = {
            "channel": form.get("channel", "other" if rehearsing else ""),
            "number": form.get("number", "-" if rehearsing else "").strip(),
            "by": form.get("by", "-" if rehearsing else "").strip(),
            "at": rfc3339(visit.at) if rehearsing else rfc3339(instant_given(form.get("at", ""))),
        }
    request: MassAct = converted(given, MassAct)
    return request


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
)
