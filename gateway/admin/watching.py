"""How channels are, for people: all of them in one list, and one with what waits, what was said, what happened.

Reading alone. What the running server knows beside the ledger (the window and the breaker of a line) is asked of
the worker by whoever shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final

import msgspec

from gateway.admin.calls import calls_lately, looks_lately
from gateway.admin.queues import ShownLine, shown
from gateway.admin.refusals import Refusals, Refused, refusals
from gateway.channel_health import (
    FETCHED_SILENT,
    Calls,
    ChannelFacts,
    ChannelHealth,
    Judgement,
    Looks,
    judge_channel,
)
from gateway.clock import VIETNAM, instant, micros
from gateway.config.alerts import AlarmSettings
from gateway.directory.endpoints import EndpointState, called, label_of
from gateway.foundation import Foundation
from gateway.ids import uuid7_floor
from gateway.ledger.calendar import workdays
from gateway.ledger.params import as_json
from gateway.model import Agency, Endpoint, Lane, whole_code
from gateway.workdays import Workdays

#: Transmissions of one channel that are counted, replies that are shown, tries that a report goes through.
COUNTED: Final = 20_000
REPLIES: Final = 10
#: Older ones say nothing of today.
REPLIES_OF: Final = timedelta(days=7)
NEXT: Final = 10
TRIES: Final = 20_000
#: Events of channels that are told, the newest; what happened oftener is told with the number.
EVENTS: Final = 20_000
_AGAIN: Final = 10
#: Documents, offices and acts that a paper names; events of acts that are read at once.
NAMED: Final = 2_000
_PORTION: Final = 20_000
#: What is told of a pause that nobody ended: its time had come.
RAN_OUT: Final = "pause.ran_out"
#: Over which time the rate is measured.
RATE_OVER: Final = timedelta(minutes=10)
GOT_THROUGH: Final = frozenset({"delivered", "relayed"})
_FORWARDED: Final = "document.readdressed"
_HANDED_OVER: Final = "delivery.handed_over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One of the list."""

    state: EndpointState
    #: The agency that it leads to, where that is one alone; else its own name.
    label: str
    judgement: Judgement
    waiting: int
    oldest_at: datetime | None
    #: When its list was last read, and why it cannot be.
    listed_at: datetime | None
    list_reason: str
    #: Since when it cannot be, or nothing has come that should have.
    list_since: datetime | None
    #: How its calls went lately, where several had trouble.
    calls: Calls | None
    #: How the looks at its list went, where it could not be read several times.
    looks: Looks | None
    #: What was refused or given up there lately.
    refused: Refused | None = None

    @property
    def called(self) -> str:
        """The label, and the channel's own name where that is another."""
        return called(self.state.endpoint.name, self.label)

    @property
    def parts(self) -> tuple[Calls, ...]:
        """What of it fails in part."""
        return tuple(each for each in (self.calls, self.looks) if each is not None)

    def told(self, *, vi: bool) -> str:
        """The numbers of these, for people."""
        return "; ".join(each.told(vi=vi) for each in self.parts)

    @property
    def is_calm(self) -> bool:
        """Nothing about it needs a look."""
        return self.judgement.health is ChannelHealth.FINE


@dataclass(frozen=True, kw_only=True, slots=True)
class Urgency:
    """What waits in one lane."""

    lane: Lane
    waiting: int
    in_flight: int
    held: int
    oldest_at: datetime | None
    #: How many are given up before the day ends.
    due_today: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a peer answered to one try."""

    at: datetime
    outcome: str
    reason: str
    detail: str
    #: As it was noted: status, address, certificate …
    peer: Mapping[str, Any]
    #: The document that was sent.
    message_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """Something that happened to a channel."""

    at: datetime
    kind: str
    actor: str
    why: str
    #: Of a failure: its code.
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """What waits for one channel, and how fast it goes."""

    lanes: tuple[Urgency, ...]
    #: There are more than COUNTED that are given up today.
    more: bool
    #: Transmissions a minute that got through lately.
    per_minute: float

    @property
    def waiting(self) -> int:
        """All of it."""
        return sum(each.waiting for each in self.lanes)

    def done_at(self, now: datetime, faster: float = 1.0) -> datetime | None:
        """When it is all sent at the present rate, or at so many times of it; None where nothing gets through."""
        return now + timedelta(minutes=self.waiting / (self.per_minute * faster)) if self.per_minute else None


async def channels(
    base: Foundation, calendar: Workdays | None = None, refused: Refusals | None = None
) -> list[Channel]:
    """All of them, the worst first, then the axis and other relays, then by name.

    By a calendar and refusals that were read already, if any.
    """
    now = base.clock.now()
    counts = await base.reads.waiting()
    rows = [
        *await base.readers.fetch("dispatch_oldest_waiting"),
        *await base.readers.fetch("dispatch_oldest_in_inbox"),
    ]
    oldest = {row[0]: instant(row[1]) for row in rows}
    sources = {row[0]: row for row in await base.readers.fetch("source_list_states")}
    calendar = calendar or await workdays(base.readers)
    found, leads_to = [], await base.directory.of_one_agency()
    refused = refused or await refusals(base, now)
    lately, looked = await calls_lately(base, now), await looks_lately(base.readers, now)
    for state in await base.directory.endpoint_states():
        source, since = sources.get(state.endpoint.name), oldest.get(state.endpoint.id)
        is_inbox = state.endpoint.kind == "inbox"
        calls = None if is_inbox else lately.get(state.endpoint.id)
        looks = looked.get(state.endpoint.id)
        list_since = _at(source[1]) if source else None
        quiet_since, only = since, leads_to.get(state.endpoint.id)
        if is_inbox and since is not None and only is None and state.last_success_at is not None:
            # of offices that share it, one alone that fetches nothing says nothing of the others
            quiet_since = max(since, state.last_success_at)
        facts = ChannelFacts(
            is_inbox=is_inbox,
            paused_until=state.endpoint.paused_until,
            down_since=state.endpoint.down_since,
            failing_since=None if _comes_and_goes(looks, list_since, base.settings.alarms, now) else list_since,
            silent_since=_at(source[6]) if source else None,
            oldest_at=quiet_since,
            open_for=calendar.open_between(quiet_since, now, FETCHED_SILENT) if quiet_since else timedelta(),
            part_since=_part_since((calls, looks), base.settings.alarms),
            refusing_since=_refusing_since(state, only, refused),
        )
        found.append(
            Channel(
                state=state,
                label=label_of(state.endpoint, leads_to),
                judgement=judge_channel(facts, now),
                waiting=counts.get(state.endpoint.id, 0),
                oldest_at=since,
                listed_at=_at(source[4]) if source else None,
                list_reason=source[2] if source else "",
                list_since=list_since or facts.silent_since,
                calls=calls,
                looks=looks,
                refused=refused.by_channel.get(state.endpoint.id),
            )
        )
    worst = {health: place for place, health in enumerate(type(found[0].judgement.health))} if found else {}
    return sorted(found, key=lambda each: (worst[each.judgement.health], *_place(each.state.endpoint)))


def _place(endpoint: Endpoint) -> tuple[bool, str]:
    """Behind a relay, such as the axis, are the most offices."""
    return not endpoint.is_relay, endpoint.name


def _part_since(parts: Iterable[Calls | None], settings: AlarmSettings) -> datetime | None:
    """Since when something fails in part."""
    failing = (each for each in parts if each is not None and each.is_failing(settings.failing))
    return min((each.first_at for each in failing), default=None)


def _comes_and_goes(looks: Looks | None, since: datetime | None, settings: AlarmSettings, now: datetime) -> bool:
    """Whether a list that cannot be read now has been so again and again, each time for a moment.

    Then it is one that fails in part, until it has been so for as long as an outage is.
    """
    return (
        looks is not None
        and looks.is_failing(settings.failing)
        and since is not None
        and now - since < settings.down
    )


def _refusing_since(state: EndpointState, only: Agency | None, refused: Refusals) -> datetime | None:
    """Since when a channel refuses: as its only office does, else where nothing has got through since."""
    found = refused.by_channel.get(state.endpoint.id)
    if found is None or (only is None and state.endpoint.kind == "inbox"):
        return None
    if only is not None and not state.endpoint.is_relay:
        office = refused.by_office.get(only.id)
        return office.since if office is not None else None
    last = state.last_success_at
    return found.first_at if last is None or last < found.last_at else None


async def waits(base: Foundation, endpoint_id: str) -> Waits:
    """What waits for one of them, by urgency."""
    now = base.clock.now()
    tonight = datetime.combine(now.astimezone(VIETNAM).date() + timedelta(days=1), time(), VIETNAM)
    params = {"endpoint": endpoint_id, "before": micros(tonight), "limit": COUNTED}
    rows = await base.readers.fetch("dispatch_count_by_lane", (endpoint_id,))
    ending = dict[int, int](await base.readers.fetch("dispatch_count_ending_by_lane", params))
    lanes = []
    for rank, lane in enumerate(Lane):
        of_lane = {row[1]: row for row in rows if row[0] == rank}
        count = Counter({state: row[2] for state, row in of_lane.items()})
        waiting = [row for state, row in of_lane.items() if state in {"ready", "inbox"}]
        lanes.append(
            Urgency(
                lane=lane,
                waiting=count["ready"] + count["inbox"],
                in_flight=count["in_flight"],
                held=count["held"],
                oldest_at=min((instant(row[3]) for row in waiting), default=None),
                due_today=ending.get(rank, 0),
            )
        )
    through = [row for row in await tries(base, endpoint_id, now - RATE_OVER, now) if row[2] in GOT_THROUGH]
    return Waits(
        lanes=tuple(lanes),
        more=sum(ending.values()) >= COUNTED,
        per_minute=len(through) / (RATE_OVER / timedelta(minutes=1)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """A transmission that goes soon, or is tried again."""

    message_id: str
    code: str
    subject: str
    lane: Lane
    #: As which it is taken by now: waiting has lifted it.
    counts_as: Lane
    since: datetime
    #: When it is tried again; None: it is due.
    due_at: datetime | None


async def next_up(base: Foundation, endpoint_id: str) -> list[Next]:
    """What goes next over a channel, in its order; then what is tried again later, hỏa tốc first."""
    params = {"endpoint": endpoint_id, "now": micros(base.clock.now()), "limit": NEXT}
    ageing = {"ageing": max(1, base.settings.delivery.ageing // timedelta(microseconds=1))}
    due = await base.readers.fetch("dispatch_list_next_of_channel", params | ageing)
    later = await base.readers.fetch("dispatch_list_later_of_channel", params)
    rows = [(*row, None) for row in due] + [(key, lane, lane, since, at) for key, lane, since, at in later]
    facts = await base.readers.fetch("message_get_for_sending", (as_json(sorted({row[0] for row in rows})),))
    known = {row[0]: row for row in facts}
    lanes = tuple(Lane)
    return [
        Next(
            message_id=message_id,
            code=whole_code(*known[message_id][9:11]),
            subject=known[message_id][11],
            lane=lanes[lane],
            counts_as=lanes[counts_as],
            since=instant(since),
            due_at=_at(due_at),
        )
        for message_id, lane, counts_as, since, due_at in rows
    ]


async def replies(base: Foundation, endpoint_id: str) -> list[Said]:
    """What its peer said lately, newest first."""
    floor = uuid7_floor(base.clock.now() - REPLIES_OF)
    params = {"endpoint": endpoint_id, "floor": floor, "limit": REPLIES}
    rows = await base.readers.fetch("attempt_last_of_endpoint", params)
    return [
        Said(
            at=instant(row[3]),
            outcome=row[4],
            reason=row[5],
            detail=row[6],
            peer=msgspec.json.decode(row[7]),
            message_id=row[8],
        )
        for row in rows
    ]


async def history(base: Foundation, endpoint_id: str) -> list[Turn]:
    """What happened to it lately, newest first."""
    return [_turn(row) for row in await _turns(base, endpoint_id, 0)]


async def turns(base: Foundation, since: datetime) -> list[tuple[str, Turn]]:
    """What happened to all of them since an instant, oldest first: channel, what."""
    return [(row[4] or "", _turn(row)) for row in reversed(await _turns(base, None, micros(since)))]


def shortened(told: Sequence[tuple[str, Turn]]) -> list[tuple[str, Turn, int]]:
    """Of what happened to a channel again and again the first and the last, with how often it was, else 1."""
    times = Counter((key, turn.kind, turn.reason) for key, turn in told)
    seen, found = Counter[tuple[str, str, str]](), []
    for key, turn in told:
        same = (key, turn.kind, turn.reason)
        seen[same] += 1
        if times[same] <= _AGAIN:
            found.append((key, turn, 1))
        elif seen[same] in {1, times[same]}:
            found.append((key, turn, times[same]))
    return found


async def _turns(base: Foundation, endpoint_id: str | None, since: int) -> list[tuple[Any, ...]]:
    params = {"span": EVENTS, "endpoint": endpoint_id, "since": since, "limit": EVENTS}
    return await base.readers.fetch("event_list_of_channels", params)


def _turn(row: Sequence[Any]) -> Turn:
    kind = RAN_OUT if row[1] == "endpoint.resumed" and row[3] == "gateway" else row[1]
    return Turn(at=instant(row[2]), kind=kind, actor=row[3], why=row[5], reason=row[6])


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a person did with some deliveries, for one reason."""

    kind: str
    actor: str
    why: str
    at: datetime
    #: The first of them; none of an act beyond the first NAMED.
    lines: Sequence[ShownLine]
    count: int


@dataclass(kw_only=True, slots=True)
class _Act:
    """The same, while events are read."""

    at: int
    #: The first of them.
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, lines: Sequence[str]) -> None:
        self.lines += lines[: REPLIES - len(self.lines)]
        self.count += len(lines)


async def done_by_people(base: Foundation, since: datetime) -> list[Done]:
    """Acts on deliveries since an instant, oldest first; what somebody did many times for one reason is one."""
    done: dict[tuple[str, str, str], _Act] = {}
    # a line in whose place others are is handed over with the same act
    handed: list[tuple[_Act, str]] = []
    forwarded: set[str] = set()
    place = {"since": micros(since), "after": 0}
    while rows := await base.readers.fetch("event_list_done_by_people", {**place, "limit": _PORTION}):
        for kind, at, actor, delivery, why, added, instead_of, _ in rows:
            act = done.setdefault((kind, actor, why), _Act(at=at))
            forwarded.add(instead_of)
            if kind == _HANDED_OVER:
                handed.append((act, delivery))
            else:
                act.add(msgspec.json.decode(added) if kind == _FORWARDED else [delivery])
        place = {"since": rows[-1][1], "after": rows[-1][-1]}
    for act, delivery in handed:
        if delivery not in forwarded:
            act.add([delivery])
    found = [(key, act) for key, act in done.items() if act.count]
    ids = (delivery for _, act in found[:NAMED] for delivery in act.lines)
    lines = {line.id: line for line in await shown(base, dict.fromkeys(ids))}
    return [
        Done(
            kind=kind,
            actor=actor,
            why=why,
            at=instant(act.at),
            lines=[lines[key] for key in act.lines if key in lines],
            count=act.count,
        )
        for (kind, actor, why), act in found
    ]


async def tries(base: Foundation, endpoint_id: str, since: datetime, until: datetime) -> list[tuple[Any, ...]]:
    """Those that began in a period, as `attempt_list_between` has them."""
    params = {
        "floor": uuid7_floor(since),
        "ceiling": uuid7_floor(until),
        "endpoint": endpoint_id,
        "limit": TRIES,
    }
    return await base.readers.fetch("attempt_list_between", params)


def _at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)
