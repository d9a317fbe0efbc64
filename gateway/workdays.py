"""Which days are worked on, and on which one a term ends. Pure.

Off are Saturdays and Sundays, the holidays that fall on the same day each year (Labour Code 2019, art. 112:
1 January, 30 April, 1 May, 2 September) and, where one of these falls on a weekend, the next working day (art.
111.3). The days of the lunar calendar (Tết, 10th of the third month), the second day beside 2 September, what a new
law adds and days that are exchanged are announced each year: people enter them, and that goes before the rule.

A term that ends on a day off ends at the end of the next working day (Civil Code 2015, art. 148.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal

from gateway.clock import VIETNAM

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
#: When offices are open on a day that they work.
OPENS, CLOSES = time(7), time(17)
WORKDAY: Final = timedelta(hours=10)
#: Month and day -> what it is called, in Vietnamese and English.
FIXED: Final[Mapping[tuple[int, int], tuple[str, str]]] = {
    (1, 1): ("Tết Dương lịch", "New Year"),
    (4, 30): ("Ngày Chiến thắng", "Victory Day"),
    (5, 1): ("Ngày Quốc tế lao động", "Labour Day"),
    (9, 2): ("Quốc khánh", "National Day"),
}
Outcome = Literal["early", "on_time", "late", "overdue", "open"]
#: No row of days off is longer.
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Workdays:
    """The calendar: day -> whether it is worked on, as it was entered."""

    entered: Mapping[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        """Whether offices are open on it."""
        said = self.entered.get(day)
        return said if said is not None else day not in off_by_law(day.year) and day.weekday() < _SATURDAY

    def end_of(self, term: date) -> date:
        """The last day of a term that ends on this one."""
        day = term
        while not self.works(day) and day - term < _LONGEST * _DAY:
            day += _DAY
        return day

    def outcome(self, term: date, answered_at: datetime | None, today: date) -> Outcome:
        """How an answer that is due on a day stands: `early` is before the day, `on_time` until the term ends."""
        last = self.end_of(term)
        if answered_at is None:
            return "overdue" if last < today else "open"
        answered = answered_at.astimezone(VIETNAM).date()
        return "late" if answered > last else "early" if answered < term else "on_time"

    def open_between(self, since: datetime, until: datetime, most: timedelta) -> timedelta:
        """How long offices were open from one instant to another; counted up to `most`."""
        found, day = timedelta(), since.astimezone(VIETNAM).date()
        while found < most and (opens := datetime.combine(day, OPENS, VIETNAM)) < until:
            if self.works(day):
                closes = datetime.combine(day, CLOSES, VIETNAM)
                found += max(min(closes, until) - max(opens, since), timedelta())
            day += _DAY
        return min(found, most)


@lru_cache(16)
def off_by_law(year: int) -> Mapping[date, tuple[str, str]]:
    """The fixed holidays of a year, and the days that make up for those on a weekend."""
    found = {date(year, month, day): names for (month, day), names in FIXED.items()}
    for holiday, (vi, en) in sorted(found.items()):
        if holiday.weekday() < _SATURDAY:
            continue
        day = holiday + _DAY
        while day in found or day.weekday() >= _SATURDAY:
            day += _DAY
        found[day] = (f"Nghỉ bù {vi}", f"in place of {en}")
    return found
