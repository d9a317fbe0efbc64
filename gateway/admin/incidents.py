"""What an outage of a channel came to: from when to when, what it failed or kept waiting, whose it was. It reads.

Nothing is sent over a channel that is down or paused; its list may be unreadable or silent meanwhile or besides.
Any of these is an incident; documents wait for the first two alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.admin import watching
from gateway.admin.watching import COUNTED, NAMED, REPLIES_OF, Channel, Turn
from gateway.clock import instant, micros
from gateway.foundation import Foundation
from gateway.ids import uuid7_floor
from gateway.ledger.params import as_json
from gateway.model import Agency, AgencyId, whole_code

#: What begins a trouble, and what ends it: of sending, and of the list, which cannot be read or is silent.
_SENDING: Final = (
    frozenset({"endpoint.closed", "endpoint.paused"}),
    frozenset({"endpoint.opened", "endpoint.resumed", watching.RAN_OUT}),
)
_LISTING: Final = (
    (frozenset({"source.closed"}), frozenset({"source.opened"})),
    (frozenset({"source.silenced"}), frozenset({"source.heard"})),
)
_Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """What an outage of a channel came to."""

    since: datetime
    until: datetime
    #: Whether it is over, and since when, where that is known.
    is_over: bool
    over_at: datetime | None
    #: Before it began.
    last_good_at: datetime | None
    tries: int
    #: More tried or waits than is gone through: there may be more tries, documents, offices.
    least: bool
    failures: Mapping[str, int]
    documents: int
    #: How many of them merely waited: no try failed.
    waited: int
    #: Number and subject of the first `NAMED` of them.
    named: Sequence[tuple[str, str]]
    #: Whose documents they were, with their telephone numbers.
    offices: Sequence[tuple[Agency, str]]
    waiting: int


async def incident(base: Foundation, channel: Channel, since: datetime, until: datetime) -> Incident:
    """From when to when; tries, reasons; documents and offices that it failed or kept waiting."""
    key = channel.state.endpoint.id
    tries = await watching.tries(base, key, since, until)
    failed = [row for row in tries if row[2] and row[2] not in watching.GOT_THROUGH]
    turns = await watching.history(base, key)
    ended, unsent = stops(turns, since, until), _spans(turns, *_SENDING, since, until)
    is_cut = len(tries) >= watching.TRIES
    touched = {row[5]: row[4] for row in failed} | _delayed(tries, unsent)
    if before := until if _sends_nothing(channel, until) else unsent[-1][1] if unsent else None:
        params = {"endpoint": key, "before": micros(before), "limit": COUNTED}
        waiting = await base.readers.fetch("dispatch_list_open_before", params)
        touched |= dict(waiting)
        is_cut = is_cut or len(waiting) >= COUNTED
    documents = sorted(set(touched.values()))
    rows = await base.readers.fetch("delivery_list_recipients_of_dispatches", (as_json(sorted(touched)),))
    ids = [AgencyId(row[0]) for row in rows]
    agencies, phones = await base.directory.agencies(ids), await base.directory.phones(ids)
    facts = await base.readers.fetch("message_get_for_sending", (as_json(documents[:NAMED]),))
    is_over = began_at(channel, until) is None
    return Incident(
        since=since,
        until=until,
        is_over=is_over,
        over_at=ended[-1][1] if ended and is_over else None,
        last_good_at=await _last_good(base, channel, since),
        tries=len(tries),
        least=is_cut,
        failures=dict(Counter(row[3] or "outcome_unknown" for row in failed).most_common()),
        documents=len(documents),
        waited=len(set(documents) - {row[4] for row in failed}),
        named=[(whole_code(*row[9:11]), row[11]) for row in sorted(facts)],
        offices=[(each, phones[each.id]) for each in sorted(agencies.values(), key=lambda each: each.name)],
        waiting=channel.waiting,
    )


def began_at(channel: Channel, now: datetime) -> datetime | None:
    """Since when the trouble lasts that a channel is in; None where it is in none."""
    down = (channel.state.endpoint.down_since or now) if _sends_nothing(channel, now) else None
    return min((each for each in (down, channel.list_since) if each is not None), default=None)


def stops(turns: Sequence[Turn], since: datetime, until: datetime) -> _Spans:
    """The times in which a channel was in trouble, of those that ended in a period; oldest first."""
    found: _Spans = []
    for begins, ends in (_SENDING, *_LISTING):
        found += _spans(turns, begins, ends, since, until)
    merged: _Spans = []
    for first, last in sorted(found):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _spans(
    turns: Sequence[Turn], begins: frozenset[str], ends: frozenset[str], since: datetime, until: datetime
) -> _Spans:
    found, began = [], None
    for each in sorted(turns, key=lambda each: each.at):
        if each.kind in begins:
            began = began or each.at
        elif each.kind in ends:
            if since <= each.at <= until:
                found.append((max(began or since, since), each.at))
            began = None
    return found


def _sends_nothing(channel: Channel, now: datetime) -> bool:
    endpoint = channel.state.endpoint
    is_paused = endpoint.paused_until is not None and endpoint.paused_until > now
    return endpoint.down_since is not None or is_paused


async def _last_good(base: Foundation, channel: Channel, before: datetime) -> datetime | None:
    """When something got through, or its list was read, for the last time before an instant, as far as is known."""
    known = [each for each in (channel.state.last_success_at, channel.listed_at) if each and each <= before]
    if channel.state.last_success_at is None or channel.state.last_success_at > before:
        floor, ceiling = uuid7_floor(before - REPLIES_OF), uuid7_floor(before)
        params = {
            "floor": floor,
            "ceiling": ceiling,
            "before": micros(before),
            "endpoint": channel.state.endpoint.id,
        }
        known += [instant(row[0]) for row in await base.readers.fetch("attempt_last_through", params)]
    return max(known, default=None)


def _delayed(tries: Sequence[tuple[Any, ...]], ended: _Spans) -> dict[str, str]:
    """Transmission -> document of what got through only after such a time, in which it waited."""
    spans = [(micros(first), micros(last)) for first, last in ended]
    return {
        row[5]: row[4]
        for row in tries
        if row[2] in watching.GOT_THROUGH and any(row[0] >= first and row[6] < last for first, last in spans)
    }
