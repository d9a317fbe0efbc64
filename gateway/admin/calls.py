"""How the calls over channels, and the looks at their lists, went lately: of those alone over which several failed.

Where nothing fails, one index of what failed is looked at, and nothing else. What failed in an outage that is over
says nothing of how the channel is now: only what was called after it counts; but a channel that goes down and up
again and again is judged by all of it. Reading alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gateway.channel_health import CALLS_OVER, LEAST_TROUBLED, Calls, Looks, looks_of
from gateway.clock import instant, micros
from gateway.foundation import Foundation
from gateway.ids import uuid7_floor
from gateway.storage.readers import Readers

#: The newest calls that are looked at, over all channels; and turns of channels.
_CALLS: Final = 20_000
_TURNS: Final = 2_000
_BEGINS: Final = frozenset({"endpoint.opened", "endpoint.resumed"})
_MINUTE: Final = timedelta(minutes=1) // timedelta(microseconds=1)


async def looks_lately(readers: Readers, now: datetime) -> Mapping[str, Looks]:
    """By channel; none of one whose list could always be read again, or ceased to be but once or twice."""
    rows = await readers.fetch("source_list_looks")
    told = {channel: msgspec.json.decode(text, type=list[int]) for channel, text in rows}
    found = {channel: looks_of([(instant(abs(at)), at < 0) for at in each], now) for channel, each in told.items()}
    return {channel: each for channel, each in found.items() if each is not None}


async def calls_lately(base: Foundation, now: datetime) -> Mapping[str, Calls]:
    """By channel; none of one over which fewer than three transmissions had trouble."""
    since = now - CALLS_OVER
    troubled = await base.readers.fetch("attempt_list_troubled", {"since": micros(since), "limit": _CALLS})
    if not _several(troubled):
        return {}
    again = await _again(base, since)
    troubled = [row for row in troubled if row[2] >= again.get(row[0], 0)]
    found = _several(troubled)
    if not found:
        return {}
    params = {"floor": uuid7_floor(since), "since": micros(since), "limit": _CALLS}
    sums: dict[str, list[int]] = {key: [0, 0, 0] for key in found}
    for channel, minute, *counts in await base.readers.fetch("attempt_count_by_minute", params):
        if channel in sums and minute * _MINUTE >= again.get(channel, 0):
            sums[channel] = [total + count for total, count in zip(sums[channel], counts, strict=True)]
    return {key: _calls([row[2] for row in troubled if row[0] == key], sums[key], found[key]) for key in found}


def _several(troubled: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    """The channels over which more than a few transmissions had trouble, and over each how many."""
    different = Counter(channel for channel, _ in {row[:2] for row in troubled})
    return {channel: count for channel, count in different.items() if count >= LEAST_TROUBLED}


def _calls(began: Sequence[int], sums: Sequence[int], transmissions: int) -> Calls:
    ended, failed, slow = sums
    first, last = instant(min(began)), instant(max(began))
    return Calls(ended=ended, failed=failed, slow=slow, transmissions=transmissions, first_at=first, last_at=last)


async def _again(base: Foundation, since: datetime) -> dict[str, int]:
    """The first whole minute in which channels got anything through again after one outage, or a long one."""
    ends: dict[str, list[tuple[int, int]]] = {}
    params = {"span": _TURNS, "endpoint": None, "since": micros(since), "limit": _TURNS}
    for _, kind, at, _, channel, _, _, began in await base.readers.fetch("event_list_of_channels", params):
        if kind in _BEGINS and channel:
            ends.setdefault(channel, []).append((at, at - (began or at)))
    long = base.settings.alarms.down // timedelta(microseconds=1)
    over = {
        channel: max((at for at, lasted in those if len(those) == 1 or lasted >= long), default=0)
        for channel, those in ends.items()
    }
    return {channel: -(-at // _MINUTE) * _MINUTE for channel, at in over.items() if at}
