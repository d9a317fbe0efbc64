"""Periods of a report: weeks, months, quarters, half-years, years, the one before, the same a year ago. Pure.

Offices' periodic reports to those above them are closed on the 14th (Decree
09/2019/NĐ-CP, art. 12): their month runs from the 15th of the month before to the 14th, and so do quarters,
half-years and years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from gateway.errors import RefusedError

_DAY: Final = timedelta(days=1)
_MONTHS: Final = 12
#: The first day of a month that is closed on the 14th, and its last.
_BEGINS: Final = 15
_CLOSES: Final = _BEGINS - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """Days of Vietnam, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise RefusedError("parameter_invalid", f"period: {self.first} is after {self.last}")

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    def until(self, today: date) -> Period:
        """What is over of it, where it has begun."""
        return Period(first=self.first, last=min(self.last, max(self.first, today)))


class Unit(StrEnum):
    """What people report by, the shortest first; those of the decree are closed on the 14th."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    YEAR = "year"
    DECREE_MONTH = "decree_month"
    DECREE_QUARTER = "decree_quarter"
    DECREE_HALF = "decree_half"
    DECREE_YEAR = "decree_year"


class Against(StrEnum):
    """What a period is held against."""

    NOTHING = "none"
    BEFORE = "before"
    YEAR = "year"


_LENGTHS: Final = {
    Unit.MONTH: 1, Unit.QUARTER: 3, Unit.HALF: 6, Unit.YEAR: 12,
    Unit.DECREE_MONTH: 1, Unit.DECREE_QUARTER: 3, Unit.DECREE_HALF: 6, Unit.DECREE_YEAR: 12,
}  # fmt: skip


def whole(unit: Unit, day: date) -> Period:
    """The week, month … in which a day lies; a week begins on Monday."""
    if unit is Unit.WEEK:
        monday = day - day.weekday() * _DAY
        return Period(first=monday, last=monday + 6 * _DAY)
    length, is_decree = _LENGTHS[unit], unit.startswith("decree")
    month = day.year * _MONTHS + day.month - 1 + (is_decree and day.day > _CLOSES)
    begin = month - month % _MONTHS % length
    if is_decree:
        return Period(
            first=_first(begin - 1).replace(day=_BEGINS), last=_first(begin + length - 1).replace(day=_CLOSES)
        )
    return Period(first=_first(begin), last=_first(begin + length) - _DAY)


def before(period: Period) -> Period:
    """The one before: of a month the month before; of days that are no unit as many days."""
    unit, end = unit_of(period), period.first - _DAY
    return Period(first=period.first - period.days * _DAY, last=end) if unit is None else whole(unit, end)


def after(period: Period) -> Period:
    """The one that comes next."""
    unit, first = unit_of(period), period.last + _DAY
    return Period(first=first, last=period.last + period.days * _DAY) if unit is None else whole(unit, first)


def held_against(period: Period, against: Against, today: date) -> Period | None:
    """The period that it is held against; while it goes on, only as many days of that."""
    if against is Against.NOTHING:
        return None
    over = period.until(today)
    if against is Against.YEAR:
        return a_year_ago(over)
    found = before(period)
    return (
        found
        if over == period
        else Period(first=found.first, last=min(found.last, found.first + over.days * _DAY - _DAY))
    )


def a_year_ago(period: Period) -> Period:
    """The same days of the year before; a month's last day stays the last."""
    return Period(first=_year_before(period.first), last=_year_before(period.last + _DAY) - _DAY)


def unit_of(period: Period) -> Unit | None:
    """Which unit a period is."""
    return next((unit for unit in Unit if period == whole(unit, period.first)), None)


def _first(month: int) -> date:
    """The first day of a month, counted from the year 0."""
    return date(month // _MONTHS, month % _MONTHS + 1, 1)


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=day.day - 1)
