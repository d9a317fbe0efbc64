"""Whether a list that is in order has been empty for longer than is usual. Pure.

An axis that loses what is for us, or lists it for somebody else, answers "OK, none" as it does at night. So what is
usual is learned: the mean number of entries of the same hour of the same weekday over the last WEEKS weeks, in
Vietnam's time, where weekdays and hours fall together with weeks of 168 hours. If more than EXPECTED entries would
have come since the last one, nothing having come by chance is less likely than one in a hundred.

Before there are two weeks to learn from, a fixed time decides; a floor keeps short pauses of busy hours quiet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.errors import ConfigError

#: Of history that is kept and used.
WEEKS: Final = 6
#: e^-5 is less than one in a hundred.
EXPECTED: Final = 5.0

_LEAST_WEEKS: Final = 2
_WEEK_HOURS: Final = 168
_HOUR_SECONDS: Final = 3600
_WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """What a channel says of it."""

    #: Never silent before this.
    floor: timedelta
    #: While too little is known.
    at_first: timedelta


def patience_of(settings: Mapping[str, object], *, is_relay: bool) -> Patience | None:
    """`silent_minutes` (30), `silent_hours` (24); None for an office's own channel, where nothing is expected."""
    if not is_relay and "silent_hours" not in settings:
        return None
    return Patience(
        floor=timedelta(minutes=_number(settings, "silent_minutes", 30)),
        at_first=timedelta(hours=_number(settings, "silent_hours", 24)),
    )


def is_silent(
    arrivals: Mapping[int, int], *, now: datetime, arrived_at: datetime, watched_since: datetime, patience: Patience
) -> bool:
    """Whether it is; `arrivals` counts entries by the hour since 1970."""
    quiet = now - arrived_at
    if quiet < patience.floor:
        return False
    weeks = min(WEEKS, (now - watched_since) // _WEEK)
    if weeks < _LEAST_WEEKS:
        return quiet >= patience.at_first
    return expected_between(arrivals, arrived_at, now, weeks=weeks) >= EXPECTED


def expected_between(arrivals: Mapping[int, int], since: datetime, until: datetime, *, weeks: int) -> float:
    """How many entries would usually have come."""
    start, end = since.timestamp(), until.timestamp()
    total = 0.0
    first = int(start // _HOUR_SECONDS)
    for hour in range(first, min(int(end // _HOUR_SECONDS), first + weeks * _WEEK_HOURS) + 1):
        share = (min(end, (hour + 1) * _HOUR_SECONDS) - max(start, hour * _HOUR_SECONDS)) / _HOUR_SECONDS
        usual = sum(arrivals.get(hour - _WEEK_HOURS * week, 0) for week in range(1, weeks + 1)) / weeks
        total += share * usual
    return total


def hour_of(at: datetime) -> int:
    """The hour since 1970."""
    return int(at.timestamp() // _HOUR_SECONDS)


def _number(settings: Mapping[str, object], name: str, default: float) -> float:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigError(f"{name} is a positive number")
    return float(value)
