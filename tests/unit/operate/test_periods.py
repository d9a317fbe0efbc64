"""Periods of reports: what people call a month, and what it is held against."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reports.periods import Against, Period, Unit, a_year_ago, after, before, held_against, unit_of, whole

_DAYS = st.dates(date(1995, 1, 1), date(2100, 1, 1))


def _period(text: str) -> Period:
    first, last = (date.fromisoformat(part) for part in text.split("/"))
    return Period(first=first, last=last)


@pytest.mark.parametrize(
    ("unit", "day", "wanted"),
    [
        (Unit.WEEK, "2026-11-29", "2026-11-23/2026-11-29"),
        (Unit.MONTH, "2028-02-29", "2028-02-01/2028-02-29"),
        (Unit.QUARTER, "2026-11-29", "2026-10-01/2026-12-31"),
        (Unit.HALF, "2026-06-30", "2026-01-01/2026-06-30"),
        (Unit.YEAR, "2026-06-30", "2026-01-01/2026-12-31"),
        (Unit.DECREE_MONTH, "2026-11-14", "2026-10-15/2026-11-14"),
        (Unit.DECREE_MONTH, "2026-12-15", "2026-12-15/2027-01-14"),
        (Unit.DECREE_QUARTER, "2026-11-14", "2026-09-15/2026-12-14"),
        (Unit.DECREE_HALF, "2026-01-01", "2025-12-15/2026-06-14"),
        (Unit.DECREE_HALF, "2026-06-15", "2026-06-15/2026-12-14"),
        (Unit.DECREE_YEAR, "2026-12-15", "2026-12-15/2027-12-14"),
    ],
)
def test_units_are_those_of_offices(unit: Unit, day: str, wanted: str) -> None:
    """Decree 09/2019/NĐ-CP, art. 12: figures are closed on the 14th."""
    assert whole(unit, date.fromisoformat(day)) == _period(wanted)


@pytest.mark.parametrize(
    ("period", "today", "wanted"),
    [
        # a month against the month before, whatever their lengths
        ("2026-02-01/2026-02-28", "2026-11-30", "2026-01-01/2026-01-31"),
        ("2026-10-15/2026-11-14", "2026-11-20", "2026-09-15/2026-10-14"),
        # one that goes on: as many days of the one before
        ("2026-11-01/2026-11-30", "2026-11-20", "2026-10-01/2026-10-20"),
        ("2026-03-01/2026-03-31", "2026-03-30", "2026-02-01/2026-02-28"),
        ("2026-10-01/2026-12-31", "2026-10-01", "2026-07-01/2026-07-01"),
        ("2026-07-01/2026-12-31", "2026-11-20", "2026-01-01/2026-05-23"),
        # days that are no unit: as many before them
        ("2026-11-03/2026-11-05", "2026-11-20", "2026-10-31/2026-11-02"),
    ],
)
def test_period_is_held_against_the_one_before(period: str, today: str, wanted: str) -> None:
    assert held_against(_period(period), Against.BEFORE, date.fromisoformat(today)) == _period(wanted)


def test_same_period_of_the_year_before_ends_where_months_end() -> None:
    """And while it goes on, with as many days."""
    assert a_year_ago(_period("2028-02-01/2028-02-29")) == _period("2027-02-01/2027-02-28")
    assert a_year_ago(_period("2029-02-01/2029-02-28")) == _period("2028-02-01/2028-02-29")
    assert a_year_ago(_period("2026-01-01/2026-12-31")) == _period("2025-01-01/2025-12-31")
    month = _period("2026-11-01/2026-11-30")
    assert held_against(month, Against.YEAR, date(2026, 11, 6)) == _period("2025-11-01/2025-11-06")
    assert held_against(month, Against.NOTHING, date(2026, 11, 6)) is None


@given(day=_DAYS, unit=st.sampled_from(Unit))
def test_units_follow_each_other_without_a_gap(day: date, unit: Unit) -> None:
    """Every day lies in one, and the one before ends the day before; so does the next, and leads back."""
    period = whole(unit, day)
    assert period.first <= day <= period.last
    assert unit_of(period) is unit
    assert before(period).last == period.first - timedelta(days=1)
    assert after(before(period)) == period
    assert before(after(period)) == period


def test_days_of_no_unit_follow_each_other_by_their_number() -> None:
    three = _period("2026-11-03/2026-11-05")
    assert unit_of(three) is None
    assert after(three) == _period("2026-11-06/2026-11-08")
    assert before(three) == _period("2026-10-31/2026-11-02")
