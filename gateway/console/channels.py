"""Channels: all of them, and a page for each with what waits, what was said, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.admin import acts, offers, reconcile, urgent, watching
from gateway.admin.acts import PauseChannel, ResumeChannel
from gateway.admin.channel_acts import SendTest, SetOrder, SetPace, send_test_document, set_order, set_pace
from gateway.admin.offers import PollSources
from gateway.admin.reconcile import ReconcileDay
from gateway.channel_health import ChannelHealth
from gateway.channels import has_counterpart
from gateway.clock import VIETNAM, instant, rfc3339
from gateway.console.acts import converted
from gateway.console.document_words import FACTS, OUTCOMES
from gateway.console.instants import instant_given
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.directory.endpoints import EndpointState
from gateway.directory.records import Record
from gateway.errors import RefusedError
from gateway.model import Lane
from gateway.reasons import REASONS
from gateway.search.filter import Filter
from gateway.search.lines import Count, Search

#: Word -> tone of its badge, and what it is called.
HEALTH: Final[Mapping[ChannelHealth, tuple[str, str]]] = {
    ChannelHealth.PAUSED: ("calm", N_("paused")),
    ChannelHealth.DOWN: ("bad", N_("down")),
    ChannelHealth.UNREADABLE: ("bad", N_("its list cannot be read")),
    ChannelHealth.SILENT: ("wait", N_("silent")),
    ChannelHealth.REFUSING: ("bad", N_("failing")),
    ChannelHealth.FAILING: ("wait", N_("failing in part")),
    ChannelHealth.SLOW: ("wait", N_("slow")),
    ChannelHealth.FINE: ("good", N_("up")),
}
LANES: Final[Mapping[Lane, str]] = {
    Lane.FLASH: N_("express"),
    Lane.URGENT: N_("urgent"),
    Lane.NORMAL: N_("ordinary"),
    Lane.BULK: N_("bulk"),
}
#: Lane -> the urgencies of the documents in it, as the ledger's filter knows them.
URGENCIES: Final[Mapping[Lane, list[int]]] = {
    lane: [each for each in range(5) if Lane.of_priority(each) is lane] for lane in Lane
}
TURNS: Final[Mapping[str, str]] = {
    "endpoint.opened": N_("answers again"),
    "endpoint.closed": N_("went down"),
    "endpoint.paused": N_("was paused"),
    "endpoint.resumed": N_("the pause ended"),
    watching.RAN_OUT: N_("the pause ran out"),
    "source.opened": N_("its list can be read again"),
    "source.closed": N_("its list cannot be read"),
    "source.silenced": N_("fell silent"),
    "source.heard": N_("was heard again"),
}
_TURNS_SHOWN: Final = 30
_COMPARISONS: Final = 10
#: Agencies behind a channel that are named; the axis has thousands.
_NAMED: Final = 20
#: What the list of whom to call shows, as the ledger's filter.
_ALL_URGENT: Final[Mapping[str, object]] = {
    "kind": "all",
    "urgency": [*URGENCIES[Lane.FLASH], *URGENCIES[Lane.URGENT]],
    "state": ["queued", "deferred", "in_flight", "held"],
}
#: The most transmissions at once that a channel can be set to.
MOST_AT_ONCE: Final = 256


async def show_all(visit: Visit) -> web.StreamResponse:
    """The list."""
    newest = await visit.parts.live.newest()
    return visit.page("channels.html", newest=newest, **await _all(visit))


async def all_now(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("channels_part.html", **await _all(visit))


async def _all(visit: Visit) -> dict[str, Any]:
    found = await watching.channels(visit.base)
    return {
        "channels": found,
        "health": HEALTH,
        "people": await visit.names({each.state.paused_by for each in found} - {""}),
    }


async def show(visit: Visit) -> web.StreamResponse:
    """One of them."""
    newest = await visit.parts.live.newest()
    return visit.page("channel.html", newest=newest, **await _one(visit))


async def now(visit: Visit) -> web.StreamResponse:
    """The same, for a page that is open."""
    return visit.page("channel_part.html", **await _one(visit))


async def _one(visit: Visit) -> dict[str, Any]:
    base, found = visit.base, await channel_of(visit)
    key = found.state.endpoint.id
    waits = await watching.waits(base, key)
    turns = watching.shortened([(key, each) for each in await watching.history(base, key)])
    history = turns[:_TURNS_SHOWN]
    rows = await base.readers.fetch("reconciliation_list_of_endpoint", (key, _COMPARISONS + 1))
    comparisons = [
        {"id": key, "day": day, "at": instant(at), "findings": findings} for key, day, at, findings in rows
    ]
    behind = await _offices(visit, key)
    names = await visit.names({found.state.paused_by, *(each.actor for _, each, _ in history)} - {"", "gateway"})
    return {
        "channel": found,
        "endpoint": found.state.endpoint,
        "health": HEALTH,
        "lanes": LANES,
        "waits": waits,
        "done_at": waits.done_at(visit.at),
        "has_books": has_counterpart(found.state.endpoint),
        "line": visit.parts.server.line_view(found.state.endpoint.id),
        "listed": await _listed(visit, key, waits),
        "next_up": await watching.next_up(base, key),
        "ageing": base.settings.delivery.ageing,
        "paces": _paces(found.state.endpoint.capabilities.max_in_flight, waits, visit.at),
        "replies": joined(await watching.replies(base, key)),
        "history": [(each.at, turn_told(visit, each, names, times)) for _, each, times in history],
        "outcomes": OUTCOMES,
        "facts": FACTS,
        "reasons": REASONS,
        "urgent": await urgent.of_channel(base, key),
        "all_urgent": urlencode({**_ALL_URGENT, "channel": key}, doseq=True),
        "turns_left": len(turns) - len(history),
        "comparisons": comparisons[:_COMPARISONS],
        "comparisons_cut": len(comparisons) > _COMPARISONS,
        "offices": behind,
        "offices_more": await _count(visit, key) - len(behind) if len(behind) == _NAMED else 0,
        "contacts": {
            key: contact_of(each)
            for key, each in (await base.directory.records([each.id for each in behind])).items()
        },
        "people": names,
        "may": visit.may(Permission.OPERATE),
        "until": (visit.at + timedelta(hours=2)).astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M"),
        "yesterday": (visit.at.astimezone(VIETNAM) - timedelta(days=1)).date().isoformat(),
    }


async def _listed(visit: Visit, key: str, waits: watching.Waits) -> dict[Lane, tuple[str, Count]]:
    """By lane: where the ledger lists what waits, and how many deliveries; a transmission may be for several."""
    search, found = Search(visit.base.readers), {}
    for lane in (each.lane for each in waits.lanes if each.waiting and URGENCIES[each.lane]):
        wanted = Filter(
            kind="all", channel=(key,), urgency=tuple(map(str, URGENCIES[lane])), state=("queued", "deferred")
        )
        found[lane] = (wanted.address, await search.count(wanted, visit.scope))
    return found


def contact_of(record: Record) -> dict[str, str]:
    """How people reach the office: the telephone first."""
    return {name: value for name, value in sorted(record.contact.items(), key=lambda it: it[0] != "phone") if value}


async def channel_of(visit: Visit) -> watching.Channel:
    """The one whose id the address holds, as the list has it; `not_found`."""
    key = visit.request.match_info["id"]
    found = next((each for each in await watching.channels(visit.base) if each.state.endpoint.id == key), None)
    if found is None:
        raise RefusedError("not_found")
    return found


def joined(replies: Iterable[watching.Said]) -> list[tuple[watching.Said, int]]:
    """The newest of those that say the same one after the other, and how many they are."""
    runs = groupby(replies, key=lambda each: (each.outcome, each.reason, each.detail))
    return [(those[0], len(those)) for those in (list(run) for _, run in runs)]


def turn_told(visit: Visit, turn: watching.Turn, people: Mapping[str, str], times: int) -> str:
    """What happened, who did it, why or what was said, how often, in one line."""
    reason = REASONS.get(turn.reason)
    who = "" if turn.actor == "gateway" else people.get(turn.actor, turn.actor)
    often = f"× {visit.number(times)}" if times > 1 else ""
    parts = (visit.gettext(TURNS[turn.kind]), often, who, visit.of(reason) if reason else turn.reason, turn.why)
    return " · ".join(filter(None, parts))


def _paces(most: int, waits: watching.Waits, now: datetime) -> list[tuple[int, datetime | None]]:
    """So many at once -> when all would be through, if the peer takes as many more as it is sent."""
    offered = sorted({max(1, most // 2), most, min(2 * most, MOST_AT_ONCE), min(4 * most, MOST_AT_ONCE)})
    return [(each, waits.done_at(now, each / most) if waits.waiting else None) for each in offered]


async def _offices(visit: Visit, key: str) -> list[Any]:
    """The agencies behind it, by name, as many as are named one by one."""
    rows = await visit.base.readers.fetch("agency_list_first_of_endpoint", (key, _NAMED))
    return sorted(
        (await visit.base.directory.agencies([row[0] for row in rows])).values(), key=lambda each: each.name
    )


async def _count(visit: Visit, key: str) -> int:
    row = await visit.base.readers.fetch_one("agency_count_of_endpoint", (key,))
    return row[0] if row else 0


async def pause(visit: Visit) -> web.StreamResponse:
    """Send nothing until an instant."""
    state = await _state(visit)
    until = instant_given(visit.form.get("until", ""))
    request = {"target": state.endpoint.id, "until": rfc3339(until), "reason": visit.form.get("reason", "")}
    await acts.pause_channel(visit.parts.server, converted(request, PauseChannel), visit.actor)
    return _done(visit, state, visit.gettext("Nothing is sent over this channel until then."))


async def resume(visit: Visit) -> web.StreamResponse:
    """Send again."""
    state = await _state(visit)
    request = {"target": state.endpoint.id, "reason": visit.form.get("reason", "")}
    await acts.resume_channel(visit.parts.server, converted(request, ResumeChannel), visit.actor)
    return _done(visit, state, visit.gettext("The channel is used again."))


async def pace(visit: Visit) -> web.StreamResponse:
    """How much may go there at once."""
    state = await _state(visit)
    most = visit.form.get("most", "")
    request = {
        "channel": state.endpoint.id,
        "most": int(most) if most.isascii() and most.isdigit() and len(most) < 5 else 0,  # noqa: PLR2004
        "reason": visit.form.get("reason", ""),
    }
    await set_pace(visit.parts.server, converted(request, SetPace), visit.actor)
    return _done(visit, state, visit.gettext("The pace is set."))


async def order(visit: Visit) -> web.StreamResponse:
    """What of that which waits goes first."""
    state = await _state(visit)
    request = {
        "channel": state.endpoint.id,
        "order": visit.form.get("order", ""),
        "reason": visit.form.get("reason", ""),
    }
    await set_order(visit.parts.server, converted(request, SetOrder), visit.actor)
    return _done(visit, state, visit.gettext("The order is set."))


async def poll(visit: Visit) -> web.StreamResponse:
    """Have its list read now."""
    state = await _state(visit)
    request = {"channel": state.endpoint.name, "reason": visit.form.get("reason", "")}
    done = await offers.poll_sources(visit.parts.server, converted(request, PollSources), visit.actor)
    told = (
        visit.gettext("Its list is being read.") if done["channels"] else visit.gettext("It has no list to read.")
    )
    return _done(visit, state, told)


async def compare(visit: Visit) -> web.StreamResponse:
    """Compare a day with its peer's own books."""
    state = await _state(visit)
    request = {
        "channel": state.endpoint.name,
        "day": visit.form.get("day", ""),
        "reason": visit.form.get("reason", ""),
    }
    done = await reconcile.reconcile_day(visit.parts.server, converted(request, ReconcileDay), visit.actor)
    found = done["report"]["findings"]
    text = visit.ngettext("Compared: %(count)s difference.", "Compared: %(count)s differences.", found)
    return visit.redirect(
        f"/channels/{state.endpoint.id}/comparisons/{done['id']}", flash=text % {"count": visit.number(found)}
    )


async def test(visit: Visit) -> web.StreamResponse:
    """Send a test document to an office behind it."""
    state = await _state(visit)
    request = converted(
        {"organ_id": visit.form.get("organ_id", ""), "reason": visit.form.get("reason", "")}, SendTest
    )
    server, code = visit.parts.server, request.organ_id
    named = (await visit.base.directory.resolve([code], visit.at)).get(code)
    if named is not None and (named.endpoint is None or named.endpoint.id != state.endpoint.id):
        raise RefusedError(
            "parameter_invalid", visit.gettext("%(office)s is not behind this channel") % {"office": named.name}
        )
    done = await send_test_document(server, server.gateway.journey, request, visit.actor)
    visit.flash(visit.gettext("A test document is on its way."))
    return visit.redirect(
        f"/documents/{done['document']}" if visit.form.get("then") else f"/channels/{state.endpoint.id}"
    )


async def _state(visit: Visit) -> EndpointState:
    key = visit.request.match_info["id"]
    for state in await visit.base.directory.endpoint_states():
        if state.endpoint.id == key:
            return state
    raise RefusedError("not_found")


def _done(visit: Visit, state: EndpointState, text: str) -> web.StreamResponse:
    return visit.redirect(f"/channels/{state.endpoint.id}", flash=text)


ROUTES: Final = (
    Route("GET", "/channels", show_all, Permission.VIEW),
    Route("GET", "/channels/now", all_now, Permission.VIEW),
    Route("GET", "/channels/{id}", show, Permission.VIEW),
    Route("GET", "/channels/{id}/now", now, Permission.VIEW),
    Route("POST", "/channels/{id}/pause", pause, Permission.OPERATE),
    Route("POST", "/channels/{id}/resume", resume, Permission.OPERATE),
    Route("POST", "/channels/{id}/pace", pace, Permission.OPERATE),
    Route("POST", "/channels/{id}/order", order, Permission.OPERATE),
    Route("POST", "/channels/{id}/poll", poll, Permission.OPERATE),
    Route("POST", "/channels/{id}/compare", compare, Permission.OPERATE),
    Route("POST", "/channels/{id}/test", test, Permission.OPERATE),
)
