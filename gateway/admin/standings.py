"""How each office is, in one word: by what is its own, where it shares its channel with others. Reading alone.

Behind one inbox may be a hundred communes: one that fetches nothing is silent, the others are not, and the channel
itself cannot tell. Of an office with a channel of its own, the channel's facts are its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.admin.refusals import Refusals, Refused
from gateway.admin.watching import Channel
from gateway.channel_health import PUSHED_SLOW, Judgement, OfficeFacts, judge_office
from gateway.clock import instant
from gateway.foundation import Foundation
from gateway.ledger.params import as_json
from gateway.model import Agency, AgencyId
from gateway.workdays import Workdays

#: Documents of one office that are looked at; among those that it has, its last fetch is looked for.
_COUNTED: Final = 1_000
_FETCHES: Final = 100
#: Transmissions that wait to be sent over channels that offices share.
_WAITING: Final = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How an office is."""

    judgement: Judgement
    #: Transmissions for it, counted up to a thousand where it fetches.
    waiting: int
    refused: Refused | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waits:
    """What waits for an office."""

    count: int = 0
    oldest_at: datetime | None = None
    #: Tries of it have failed.
    fails: bool = False


async def standings(
    base: Foundation,
    agencies: Collection[Agency],
    channels: Iterable[Channel],
    refused: Refusals,
    calendar: Workdays,
) -> dict[AgencyId, Standing]:
    """Those of some offices whose channels are among these."""
    now, after = base.clock.now(), base.settings.alarms.office_silent
    by_id = {each.state.endpoint.id: each for each in channels}
    behind = {
        each.id: by_id[each.endpoint.id]
        for each in agencies
        if each.endpoint is not None and each.endpoint.id in by_id
    }
    alone = await base.directory.of_one_agency()
    shared = {each.state.endpoint.id for each in behind.values() if each.state.endpoint.id not in alone}
    waits = await _waits(base, behind, shared)
    opened = {
        key: calendar.open_between(each.oldest_at, now, after)
        for key, each in waits.items()
        if each.oldest_at is not None and behind[key].state.endpoint.kind == "inbox"
    }
    silent = await _silent(base, {key: waits[key] for key, hours in opened.items() if hours >= after})
    found = {}
    for key, channel in behind.items():
        own, since = waits.get(key, _Waits()), silent.get(key)
        facts = OfficeFacts(
            channel=channel.judgement,
            is_inbox=channel.state.endpoint.kind == "inbox",
            oldest_at=own.oldest_at,
            open_for=opened.get(key, timedelta()),
            silent_for=calendar.open_between(since, now, after) if since else timedelta(),
            silent_since=since,
            silent_after=after,
            refusing_since=_refusing_since(own, refused.by_office.get(key), now),
        )
        found[key] = Standing(
            judgement=judge_office(facts, now), waiting=own.count, refused=refused.by_office.get(key)
        )
    return found


def _refusing_since(waits: _Waits, refused: Refused | None, now: datetime) -> datetime | None:
    if refused is not None and refused.since is not None:
        return refused.since
    is_left = waits.fails and waits.oldest_at is not None and now - waits.oldest_at >= PUSHED_SLOW
    return waits.oldest_at if is_left else None


async def _waits(
    base: Foundation, behind: Mapping[AgencyId, Channel], shared: Collection[str]
) -> dict[AgencyId, _Waits]:
    """What each has not fetched, or was not sent; of a channel that nobody else uses, what waits there."""
    found: dict[AgencyId, _Waits] = {}
    inboxes, pushed = list[str](), set[str]()
    for key, channel in behind.items():
        endpoint = channel.state.endpoint
        if endpoint.kind == "inbox":
            inboxes.append(key)
        elif endpoint.id in shared and not endpoint.is_relay:
            pushed.add(endpoint.id)
        elif not endpoint.is_relay:
            found[key] = _Waits(count=channel.waiting, oldest_at=channel.oldest_at)
    fetch = base.readers.fetch
    params = {"offices": as_json(inboxes), "limit": _COUNTED}
    for office, count, at in await fetch("delivery_find_unfetched", params) if inboxes else ():
        found[AgencyId(office)] = _Waits(count=count, oldest_at=None if at is None else instant(at))
    params = {"channels": as_json(sorted(pushed)), "limit": _WAITING}
    for office, count, at, failures in await fetch("dispatch_group_by_office", params) if pushed else ():
        if office is not None:
            found[AgencyId(office)] = _Waits(count=count, oldest_at=instant(at), fails=failures > 0)
    return {key: each for key, each in found.items() if key in behind}


async def _silent(base: Foundation, late: Mapping[AgencyId, _Waits]) -> dict[AgencyId, datetime]:
    """Since when those fetched nothing that have left something for long: what came then, or the last fetch."""
    if not late:
        return {}
    params = {"offices": as_json(sorted(late)), "limit": _FETCHES}
    last = {
        row[0]: max(at or 0 for at in row[1:]) for row in await base.readers.fetch("delivery_last_fetch", params)
    }
    return {
        key: max(each.oldest_at, instant(last.get(key, 0)))
        for key, each in late.items()
        if each.oldest_at is not None
    }
