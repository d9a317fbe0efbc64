"""How often a peer's list is read, and how fast what waits there is taken. Pure but for the clock given.

`Pace`: soon again while something comes, then later and later up to `longest`; where the list cannot be read, later
still, up to PATIENCE times that. `Rate`: so many a second, evenly, so that an outage's backlog does not push aside
what offices send meanwhile. Nothing here is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from gateway.clock import Clock
from gateway.errors import ConfigError

#: Of the longest wait, what an outage may make of it.
PATIENCE: Final = 10

_LEAST_SHARE: Final = 15
_LEAST_SECONDS: Final = 0.05
_AT_ONCE_MOST: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class PollSettings:
    """How one channel is polled, from its settings."""

    #: Waits between two lists, seconds.
    shortest: float
    longest: float
    #: Entries accepted a second; 0: as fast as it goes.
    rate: float
    #: Entries fetched a second, ahead of that; 0: as fast as it goes.
    fetch_rate: float
    #: Entries fetched, or accepted, side by side.
    at_once: int


def poll_settings(settings: Mapping[str, object], *, every: timedelta) -> PollSettings:
    """`poll_seconds`, `poll_seconds_min`, `poll_[fetch_]rate`, `poll_at_once`; ConfigError for nonsense."""
    longest = _number(settings, "poll_seconds", max(_LEAST_SECONDS, every.total_seconds()), _LEAST_SECONDS)
    shortest = _number(settings, "poll_seconds_min", max(_LEAST_SECONDS, longest / _LEAST_SHARE), _LEAST_SECONDS)
    at_once = int(_number(settings, "poll_at_once", 16, 1))
    return PollSettings(
        shortest=min(shortest, longest),
        longest=longest,
        rate=_number(settings, "poll_rate", 0, 0),
        fetch_rate=_number(settings, "poll_fetch_rate", 0, 0),
        at_once=min(at_once, _AT_ONCE_MOST),
    )


class Pace:
    """The wait of one source."""

    def __init__(self, settings: PollSettings) -> None:
        self._settings = settings
        self._wait = settings.shortest

    def after_list(self, *, came: bool) -> float:
        """Seconds until the next list, when one was read and held something new or not."""
        settings = self._settings
        self._wait = settings.shortest if came else min(settings.longest, self._wait * 2)
        return self._wait

    def after_failure(self) -> float:
        """The same, when it could not be read."""
        longest = self._settings.longest
        self._wait = min(longest * PATIENCE, max(longest, self._wait * 2))
        return self._wait


class Rate:
    """Lets so many through a second."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._free_at = 0.0

    async def admit(self) -> None:
        """Until it is this caller's turn."""
        if not self._gap:
            return
        now = self._clock.monotonic()
        turn = max(now, self._free_at)
        self._free_at = turn + self._gap
        await asyncio.sleep(turn - now)


def _number(settings: Mapping[str, object], name: str, default: float, least: float) -> float:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        raise ConfigError(f"{name} is a number of at least {least:g}")
    return float(value)
