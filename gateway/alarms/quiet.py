"""When people may be told of an alarm that is not about hỏa tốc. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from gateway.clock import VIETNAM
from gateway.config.alerts import AlarmSettings
from gateway.config.values import WEEKDAYS

#: A week of quiet days with a night each.
_STEPS: Final = 16


def told_from(at: datetime, settings: AlarmSettings) -> datetime:
    """The instant itself, or the end of the quiet period that it falls into."""
    local = at.astimezone(VIETNAM)
    for _ in range(_STEPS):
        ends = _quiet_until(local, settings)
        if ends is None:
            break
        local = ends
    return local


def _quiet_until(local: datetime, settings: AlarmSettings) -> datetime | None:
    """When this piece of quiet ends, of which others may follow; None: it is not quiet."""
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if WEEKDAYS[local.weekday()] in settings.quiet_days:
        return midnight + timedelta(days=1)
    if not settings.quiet_from or settings.quiet_from == settings.quiet_until:
        return None
    begin, end = (_of_day(midnight, each or "00:00") for each in (settings.quiet_from, settings.quiet_until))
    if begin < end:
        return end if begin <= local < end else None
    if local < end:
        return end
    return end + timedelta(days=1) if local >= begin else None


def _of_day(midnight: datetime, text: str) -> datetime:
    return datetime.combine(midnight.date(), time.fromisoformat(text), VIETNAM)
