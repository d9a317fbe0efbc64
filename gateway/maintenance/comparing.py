"""Which days are to be compared with a peer's own books, and how far they were. Pure: rows in, days out.

A day counts as compared by a comparison that was made after its end, whoever asked for it. Every other one since
the channel is in use is due: after three days without the peer all three are. Older than LONGEST, a day is left out
and named in the next report, once. The present day is due after an outage, which is known by the looks at the
peer's list that have failed since the newest comparison; so a restart forgets nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from gateway.clock import VIETNAM, instant
from gateway.reconcile import bounds_of

#: From this hour on, in Vietnam, the day before is compared.
HOUR: Final = 1
#: So many days back what was missed is made up for.
LONGEST: Final = timedelta(days=14)
#: Wait after a comparison or a failed one, before another of the same peer is tried.
AGAIN: Final = timedelta(hours=1)
#: Up to so long after midnight a night's comparison may take before somebody is told.
LATE: Final = timedelta(hours=30)
#: Findings of comparisons up to this old stand; the night's are a day old when the next night's come.
_STANDING: Final = timedelta(hours=26)

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The newest comparison of one day."""

    day: date
    made_at: datetime
    findings: int

    @property
    def is_whole(self) -> bool:
        """Whether the day was over."""
        return self.made_at >= bounds_of(self.day)[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What is to be done with one peer."""

    #: In their order.
    days: tuple[date, ...]
    #: Never compared, and too long ago to make up for.
    left_out: tuple[date, ...]
    #: Up to when every day was compared or left out.
    until: datetime


def compared_of(rows: Sequence[Sequence[Any]]) -> tuple[Compared, ...]:
    """Rows of `reconciliation_list_days`."""
    return tuple(Compared(day=date.fromisoformat(row[0]), made_at=instant(row[1]), findings=row[2]) for row in rows)


def due_days(known: Sequence[Compared], *, began_at: datetime, now: datetime) -> Due:
    """Days that are over; `began_at`: since when the channel is in use."""
    local = now.astimezone(VIETNAM)
    last = local.date() - (_DAY if local.hour >= HOUR else 2 * _DAY)
    whole = {each.day for each in known if each.is_whole}
    begun = min([began_at, *(each.made_at for each in known)])
    first = begun.astimezone(VIETNAM).date() - _DAY
    oldest = local.date() - LONGEST
    days = [day for day in _between(max(first, oldest), last) if day not in whole]
    left_out = _between(max(first, max(whole) + _DAY), oldest - _DAY) if whole else []
    until = bounds_of(days[0])[0] if days else bounds_of(last)[1]
    return Due(days=tuple(days), left_out=tuple(left_out), until=until)


def standing_findings(known: Sequence[Compared], now: datetime) -> int:
    """Of all days that were compared lately."""
    return sum(each.findings for each in known if now - each.made_at <= _STANDING)


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=place) for place in range((last - first).days + 1)]
