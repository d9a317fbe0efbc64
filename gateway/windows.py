"""How much may go where, now: a line per endpoint and, behind endpoints, a line per recipient in trouble.

A failure touches exactly what it says something about:

- no connection, or a failed transmission for several recipients at once: the endpoint;
- an error, or silence, on a transmission for one recipient: that recipient alone, so that one dead office
  never holds up the others behind its endpoint. Its transmissions never take more than half of the
  endpoint's window, and once its breaker is open it costs one probe per back-off step;
- a refusal: nobody, for the peer answered;
- shutdown and troubles of our own: nobody.

An endpoint is *down* while its breaker is open, or that of its only recipient. Going down and coming up are
*turns*, told to the caller, because time in which an endpoint is down does not count towards giving up.

Places are dealt out fairly: every endpoint in turn gets one before any gets more. A transmission overdue
stops counting towards `max_in_flight` (up to four times as many in all), so that receivers that accept and
then fall silent cannot use up the places of those that answer.

Pure: receives `now`. It does NOT know what is waiting: the caller names the endpoints that have work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.config.settings import DeliverySettings
from gateway.line import Breaker, Line, patient_until
from gateway.model import AgencyId, AttemptId, Endpoint, EndpointId, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.retry import Draw, clamp_retry_after

#: Reasons that say something about the connection and not about whoever sits behind it.
_OF_THE_ENDPOINT = frozenset({"connect_failed", "connection_lost", "peer_tls_failed"})
#: Reasons that say nothing about the peer at all.
_OUR_OWN = frozenset({"server_stopping", "server_busy", "storage_unavailable", "body_damaged", "internal_error"})
_WAITING = frozenset({OutcomeKind.DEFERRED, OutcomeKind.UNKNOWN})

#: An open breaker of a recipient whose probe nobody claims for so long has nothing waiting: it is forgotten.
_FORGET_AFTER = timedelta(minutes=1)
_OVERDUE_FACTOR = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one endpoint may get in a claim round."""

    endpoint_id: EndpointId
    places: int
    #: Recipients behind it that are left alone for now.
    blocked: tuple[AgencyId, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """An endpoint, or one recipient behind it, went down or came up again."""

    endpoint_id: EndpointId
    #: None: the endpoint as a whole.
    recipient_id: AgencyId | None
    is_up: bool
    #: Since when it is, or was, down.
    since: datetime
    at: datetime
    #: Of going down: the code of what failed last.
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineView:
    """How the line to an endpoint is, for people."""

    window: int
    most: int
    under_way: int
    breaker: Breaker
    opened_at: datetime | None
    #: When the next probe may go, or the silence that was asked for ends.
    opens_at: datetime | None
    is_stalled: bool
    #: Recipients behind it that are left alone.
    recipients_in_trouble: int


class _Way:
    """An endpoint's line and those of its recipients that are under way or in trouble."""

    __slots__ = ("down_since", "fans_out", "first", "hosts_many", "line", "reason", "recipients")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.recipients: dict[AgencyId, Line] = {}
        self.fans_out = False
        self.first: AgencyId | None = None
        #: Of the last try that failed.
        self.reason = ""
        self.hosts_many = False
        #: As told to the caller.
        self.down_since: datetime | None = None

    def meet(self, outgoing: Outgoing) -> None:
        """Learn who sits behind this endpoint from what is sent there."""
        for delivery in outgoing.deliveries:
            if self.first is None:
                self.first = delivery.recipient_id
            elif delivery.recipient_id != self.first:
                self.hosts_many = True

    def opened_at(self) -> datetime | None:
        """Since when nothing gets through to the endpoint as a whole."""
        lines = [self.line] if self.hosts_many else [self.line, *self.recipients.values()]
        return min((one.opened_at for one in lines if one.opened_at is not None), default=None)

    def is_waiting(self) -> bool:
        """Whether time alone may open something here."""
        return self.line.opens_at() is not None or any(one.opens_at() for one in self.recipients.values())


class Windows:
    """All lines of this process."""

    def __init__(self, *, settings: DeliverySettings, draw: Draw, on_turn: Callable[[Turn], None]) -> None:
        self._settings = settings
        self._draw = draw
        self._on_turn = on_turn
        self._ways: dict[EndpointId, _Way] = {}
        self._waiting: set[EndpointId] = set()
        self._patient_until: dict[AttemptId, datetime] = {}

    def restore(self, endpoint: Endpoint, now: datetime) -> None:
        """An endpoint recorded as down by an earlier run begins with a probe."""
        if endpoint.down_since is not None:
            way = self._way(endpoint)
            way.down_since = endpoint.down_since
            way.line.reopen(endpoint.down_since, now)

    def shift(self, jump: timedelta) -> None:
        """The clock that gives `now` has jumped: every instant kept here goes with it."""
        self._patient_until = {key: until + jump for key, until in self._patient_until.items()}
        for way in self._ways.values():
            for line in (way.line, *way.recipients.values()):
                line.shift(jump)

    def line_view(self, endpoint_id: EndpointId, now: datetime) -> LineView | None:
        """How the line to an endpoint is; None where nothing was sent to it since the start."""
        way = self._ways.get(endpoint_id)
        if way is None:
            return None
        line = way.line
        blocked = [each for each in way.recipients.values() if each.breaker is not Breaker.CLOSED]
        return LineView(
            window=line.window,
            most=line.most,
            under_way=len(line.under_way),
            breaker=line.breaker,
            opened_at=line.opened_at,
            opens_at=line.opens_at(),
            is_stalled=line.is_stalled(now),
            recipients_in_trouble=len(blocked),
        )

    def free(self, now: datetime) -> int:
        """How many transmissions may begin now, all endpoints together."""
        most = self._settings.max_in_flight
        counted = sum(1 for until in self._patient_until.values() if now < until)
        return max(0, min(most - counted, most * _OVERDUE_FACTOR - len(self._patient_until)))

    def shares(self, endpoints: Sequence[Endpoint], now: datetime) -> list[Share]:
        """Who may get how much of what is free; endpoints named earlier are served first when it is scarce."""
        free = self.free(now)
        if free == 0:
            return []
        rooms = [room for room in (self._room(endpoint, now) for endpoint in endpoints) if room.places]
        return _deal(rooms, free)

    def _room(self, endpoint: Endpoint, now: datetime) -> Share:
        way = self._way(endpoint)
        places = way.line.places(now)
        if way.fans_out and way.line.is_stalled(now):
            places = 0
        half = max(1, way.line.window // 2)
        if way.hosts_many and not way.fans_out:
            places = min(places, half)
        if not places or not way.recipients:
            return Share(endpoint_id=endpoint.id, places=places)
        blocked = []
        for recipient_id, line in list(way.recipients.items()):
            room = line.places(now)
            if way.hosts_many and _is_forgotten(line, now):
                del way.recipients[recipient_id]
            elif room <= 0 or line.is_stalled(now) or (way.hosts_many and len(line.under_way) >= half):
                blocked.append(recipient_id)
            elif line.breaker is not Breaker.CLOSED or not way.hosts_many:
                places = min(places, room)  # a claim has no limit per recipient: a probe's round takes one
        return Share(endpoint_id=endpoint.id, places=places, blocked=tuple(blocked))

    def begin(self, outgoing: Outgoing, now: datetime) -> None:
        """A claimed dispatch begins."""
        way = self._ways[outgoing.endpoint_id]
        way.meet(outgoing)
        self._tell(way, outgoing.endpoint_id, now)
        self._patient_until[outgoing.attempt_id] = patient_until(now, outgoing.size)
        way.line.begin(outgoing.attempt_id, outgoing.size, now)
        if (recipient_id := _only_recipient(outgoing)) is not None and not way.fans_out:
            line = way.recipients.get(recipient_id)
            if line is None:
                most = way.line.most
                line = way.recipients[recipient_id] = Line(self._settings, self._draw, most=most, window=most)
            line.begin(outgoing.attempt_id, outgoing.size, now)

    def end(self, outgoing: Outgoing, report: SendReport, now: datetime) -> datetime | None:
        """Learn from a try; returns when the way of this dispatch is probed next, if its breaker is open."""
        way = self._ways[outgoing.endpoint_id]
        self._patient_until.pop(outgoing.attempt_id, None)
        recipient_id = _only_recipient(outgoing)
        behind = way.recipients.get(recipient_id) if recipient_id is not None else None
        self._learn(way, behind, outgoing, report, now)
        self._tell(way, outgoing.endpoint_id, now)
        if recipient_id is not None and behind is not None and behind.is_calm:
            way.recipients.pop(recipient_id, None)
        (self._waiting.add if way.is_waiting() else self._waiting.discard)(outgoing.endpoint_id)
        probes = [line.probe_at for line in (way.line, behind) if line is not None and line.probe_at is not None]
        return max(probes, default=None)

    def next_change(self, now: datetime) -> datetime | None:
        """When time alone opens something that is closed now."""
        moments = [
            moment
            for endpoint_id in self._waiting
            for line in (self._ways[endpoint_id].line, *self._ways[endpoint_id].recipients.values())
            if (moment := line.opens_at()) is not None and moment > now
        ]
        if self.free(now) == 0:
            moments.extend(until for until in self._patient_until.values() if until > now)
        return min(moments, default=None)

    def breaker(self, endpoint_id: EndpointId, recipient_id: AgencyId | None = None) -> Breaker:
        """The state of a breaker; closed where nothing is known."""
        way = self._ways.get(endpoint_id)
        if way is None:
            return Breaker.CLOSED
        line = way.line if recipient_id is None else way.recipients.get(recipient_id)
        return Breaker.CLOSED if line is None else line.breaker

    def _way(self, endpoint: Endpoint) -> _Way:
        way = self._ways.get(endpoint.id)
        most = endpoint.capabilities.max_in_flight
        if way is None:
            way = self._ways[endpoint.id] = _Way(Line(self._settings, self._draw, most=most))
        way.line.most = most
        way.fans_out = endpoint.capabilities.fans_out
        return way

    def _learn(self, way: _Way, behind: Line | None, outgoing: Outgoing, report: SendReport, now: datetime) -> None:
        attempt_id = outgoing.attempt_id
        outcomes = list(report.outcomes.values())
        failed = [one for one in outcomes if one.kind in _WAITING]
        if not outcomes or (failed and all(one.reason in _OUR_OWN for one in failed)):
            way.line.abandon(attempt_id, now)
            if behind is not None:
                behind.abandon(attempt_id, now)
            return
        way.reason = failed[0].reason if failed else way.reason
        quiet_until = self._quiet_until(failed, now) if not report.answered else None
        if _blames_endpoint(way, report, outcomes, failed):
            way.line.fail(attempt_id, now, quiet_until)
            if behind is not None:
                behind.abandon(attempt_id, now)
            return
        (way.line.reach if failed else way.line.succeed)(attempt_id, now)
        if behind is None:
            return
        was_open_since = behind.opened_at
        if failed:
            behind.fail(attempt_id, now, quiet_until)
        else:
            behind.succeed(attempt_id, now)
        if behind.opened_at != was_open_since:
            self._on_turn(
                Turn(
                    endpoint_id=outgoing.endpoint_id,
                    recipient_id=outgoing.deliveries[0].recipient_id,
                    is_up=behind.opened_at is None,
                    since=was_open_since or now,
                    at=now,
                )
            )

    def _tell(self, way: _Way, endpoint_id: EndpointId, now: datetime) -> None:
        """Tell the caller if the endpoint as a whole went down or came up."""
        opened_at = way.opened_at()
        if (opened_at is None) == (way.down_since is None):
            return
        is_up = opened_at is None
        since = way.down_since or opened_at or now
        way.down_since = opened_at
        reason = "" if is_up else way.reason
        turn = Turn(endpoint_id=endpoint_id, recipient_id=None, is_up=is_up, since=since, at=now, reason=reason)
        self._on_turn(turn)

    def _quiet_until(self, failed: Iterable[Outcome], now: datetime) -> datetime | None:
        """Until when a busy peer asked for silence; never beyond `cap`, so that its recovery is noticed."""
        waits = [one.retry_after for one in failed if one.reason == "peer_busy" and one.retry_after is not None]
        if not waits:
            return None
        return now + min(clamp_retry_after(max(waits), self._settings), self._settings.cap)


def _only_recipient(outgoing: Outgoing) -> AgencyId | None:
    return outgoing.deliveries[0].recipient_id if len(outgoing.deliveries) == 1 else None


def _blames_endpoint(way: _Way, report: SendReport, outcomes: list[Outcome], failed: list[Outcome]) -> bool:
    if report.answered or len(failed) < len(outcomes) or not failed:
        return False
    if any(one.reason in _OF_THE_ENDPOINT for one in failed):
        return True
    return way.fans_out or len(outcomes) > 1


def _is_forgotten(line: Line, now: datetime) -> bool:
    idle = line.breaker is Breaker.OPEN and line.probe_at is not None and now >= line.probe_at + _FORGET_AFTER
    return idle and not line.under_way


def _deal(rooms: list[Share], free: int) -> list[Share]:
    """Everybody in turn gets an equal part before anybody gets more; in the order given when it is scarce."""
    if not rooms:
        return []
    rooms = rooms[:free]
    given = [0] * len(rooms)
    while free > 0:
        hungry = [place for place, room in enumerate(rooms) if given[place] < room.places]
        if not hungry:
            break
        part = max(1, free // len(hungry))
        for place in hungry[:free]:
            more = min(part, rooms[place].places - given[place], free)
            given[place] += more
            free -= more
    return [
        Share(endpoint_id=room.endpoint_id, places=places, blocked=room.blocked)
        for room, places in zip(rooms, given, strict=True)
    ]
