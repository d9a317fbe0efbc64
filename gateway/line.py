"""One line to a receiver: an adaptive window and a circuit breaker. Pure: receives `now` and its random source.

The window says how many transmissions may be under way: it starts small, grows by one with each success up
to what the receiver can take, is halved by each failure and cut to one by a failure after long silence. The
breaker opens after `breaker_failures` failures in a row, or when more than half of the last twenty failed;
while it is open one probe goes out per back-off step, and a success closes it. A transmission that takes far
longer than its size explains is *overdue*: it says nothing yet and no longer fills the window, but a line on
which nothing succeeded since is *stalled*.

It does NOT know whether it stands for an endpoint or for one recipient behind it: `gateway.windows` does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.config.settings import DeliverySettings
from gateway.model import AttemptId
from gateway.retry import Draw, backoff

_WINDOW_START = 4
_RECENT = 20
_PATIENCE = timedelta(seconds=2)
_PATIENCE_PER_BYTE = timedelta(seconds=1) / 1_048_576


class Breaker(StrEnum):
    """Whether a line is used."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnderWay:
    """One transmission that has begun."""

    since: datetime
    #: From then on it is overdue.
    patient_until: datetime


def patient_until(now: datetime, size: int) -> datetime:
    """Until when a transmission of `size` bytes that begins now is no surprise."""
    return now + _PATIENCE + _PATIENCE_PER_BYTE * size


class Line:
    """The window and the breaker of one line; `most` may be changed when the directory says so."""

    def __init__(self, settings: DeliverySettings, draw: Draw, *, most: int, window: int = _WINDOW_START) -> None:
        self.most = most
        self.window = min(window, most)
        self.breaker = Breaker.CLOSED
        #: Since when the breaker is not closed.
        self.opened_at: datetime | None = None
        #: When an open breaker lets a probe out.
        self.probe_at: datetime | None = None
        #: Until when the receiver asked to be left alone.
        self.quiet_until: datetime | None = None
        self.under_way: dict[AttemptId, UnderWay] = {}
        self._settings = settings
        self._draw = draw
        self._probe: AttemptId | None = None
        self._probes = 0
        self._failures_in_a_row = 0
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._succeeded_at: datetime | None = None

    @property
    def is_calm(self) -> bool:
        """Whether forgetting this line would lose nothing."""
        return (
            self.breaker is Breaker.CLOSED
            and not self.under_way
            and self._failures_in_a_row == 0
            and self.quiet_until is None
        )

    def places(self, now: datetime) -> int:
        """How many more may begin at `now`."""
        if self.quiet_until is not None:
            if now < self.quiet_until:
                return 0
            self.quiet_until = None
        if self.breaker is Breaker.CLOSED:
            fresh = sum(1 for one in self.under_way.values() if now < one.patient_until)
            return max(0, min(self.window - fresh, self.most - len(self.under_way)))
        return 1 if self._may_probe(now) else 0

    def _may_probe(self, now: datetime) -> bool:
        return self._probe is None and self.probe_at is not None and now >= self.probe_at

    def is_stalled(self, now: datetime) -> bool:
        """Whether something is overdue and nothing has succeeded since it began."""
        return any(
            now >= one.patient_until and (self._succeeded_at is None or self._succeeded_at < one.since)
            for one in self.under_way.values()
        )

    def opens_at(self) -> datetime | None:
        """When a closed door opens by itself: the next probe, or the end of the silence asked for."""
        if self.breaker is not Breaker.CLOSED and self._probe is None:
            return max(filter(None, (self.probe_at, self.quiet_until)), default=None)
        return self.quiet_until

    def begin(self, attempt_id: AttemptId, size: int, now: datetime) -> None:
        """A transmission begins; on an open breaker it is the probe."""
        self.under_way[attempt_id] = UnderWay(since=now, patient_until=patient_until(now, size))
        if self.breaker is Breaker.OPEN and self._may_probe(now):
            self.breaker, self._probe = Breaker.HALF_OPEN, attempt_id

    def succeed(self, attempt_id: AttemptId, now: datetime) -> None:
        """It got through, which closes the breaker."""
        self.window = min(self.window + 1, self.most)
        self.reach(attempt_id, now)

    def reach(self, attempt_id: AttemptId, now: datetime) -> None:
        """The line itself worked, though the message did not get through; that closes the breaker too."""
        self._end(attempt_id)
        self._succeeded_at = now
        self._failures_in_a_row = 0
        self._recent.append(True)
        if self.breaker is not Breaker.CLOSED:
            self.breaker, self.opened_at, self.probe_at = Breaker.CLOSED, None, None
            self._probe, self._probes = None, 0
            self._recent.clear()

    def fail(self, attempt_id: AttemptId, now: datetime, quiet_until: datetime | None = None) -> None:
        """It failed, which may open the breaker. A failed probe doubles the wait for the next one."""
        one = self.under_way.get(attempt_id)
        was_overdue = one is not None and now >= one.patient_until
        was_probe = self._end(attempt_id)
        self.window = 1 if was_overdue else max(1, self.window // 2)
        self._failures_in_a_row += 1
        self._recent.append(False)
        if quiet_until is not None:
            self.quiet_until = max(quiet_until, self.quiet_until or quiet_until)
        if self.breaker is Breaker.CLOSED:
            if self._is_too_much():
                self.opened_at = now
                self._wait_for_probe(now)
        elif was_probe:
            self._probes += 1
            self._wait_for_probe(now)

    def abandon(self, attempt_id: AttemptId, now: datetime) -> None:
        """It ended without telling anything about the line; a probe is tried again after the same wait."""
        if self._end(attempt_id):
            self._wait_for_probe(now)

    def reopen(self, since: datetime, now: datetime) -> None:
        """The breaker was open in an earlier run: the next transmission is a probe."""
        self.breaker, self.opened_at, self.probe_at = Breaker.OPEN, since, now

    def shift(self, jump: timedelta) -> None:
        """The clock that gives `now` has jumped."""
        self.opened_at, self.probe_at, self.quiet_until, self._succeeded_at = (
            None if at is None else at + jump
            for at in (self.opened_at, self.probe_at, self.quiet_until, self._succeeded_at)
        )
        self.under_way = {
            key: UnderWay(since=one.since + jump, patient_until=one.patient_until + jump)
            for key, one in self.under_way.items()
        }

    def _is_too_much(self) -> bool:
        in_a_row = self._failures_in_a_row >= self._settings.breaker_failures
        return in_a_row or (len(self._recent) == _RECENT and self._recent.count(False) * 2 > _RECENT)

    def _wait_for_probe(self, now: datetime) -> None:
        self.breaker = Breaker.OPEN
        base, cap = self._settings.breaker_probe, self._settings.cap
        self.probe_at = now + backoff(self._probes, base=base, cap=cap, draw=self._draw)

    def _end(self, attempt_id: AttemptId) -> bool:
        self.under_way.pop(attempt_id, None)
        was_probe = attempt_id == self._probe
        if was_probe:
            self._probe = None
        return was_probe
