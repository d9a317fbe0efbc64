"""The injected clock: the only place that asks the machine for the time.

Instants are aware UTC `datetime`s; stored as integer microseconds since 1970 (`micros`, `instant`).
Deciding code never calls this module: it receives `now`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

#: Vietnam has had no daylight saving since 1979, so a fixed offset is exact for every document here.
VIETNAM = timezone(timedelta(hours=7), "ICT")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """What the composition root hands to everything that needs the time."""

    def now(self) -> datetime:
        """The aware UTC instant."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; for timeouts and durations only."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The aware UTC instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()


class Steady:
    """Instants that begin at the wall clock and then go with the monotonic one: for leases within one run."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._at, self._began = clock, clock.now(), clock.monotonic()

    def now(self) -> datetime:
        """No jump of the wall clock since the start is in it."""
        return self._at + timedelta(seconds=self._clock.monotonic() - self._began)


def micros(at: datetime) -> int:
    """Integer microseconds since 1970 of an aware instant; a naive one is refused."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return (at - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """The aware UTC instant of `micros`."""
    return _EPOCH + timedelta(microseconds=value)


def in_vietnam(at: datetime) -> str:
    """For people: `14:05 30/11/2026`, by Vietnam's time."""
    return f"{at.astimezone(VIETNAM):%H:%M %d/%m/%Y}"


def rfc3339(at: datetime) -> str:
    """`2026-11-22T09:30:00.123456Z`, always UTC, always six digits."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
