"""Days off: the law's fixed ones with what makes up for them, what people entered, and where a term ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from gateway.workdays import Workdays, off_by_law


@pytest.mark.parametrize(
    ("term", "end"),
    [
        (date(2026, 11, 27), date(2026, 11, 27)),  # a Friday
        (date(2026, 11, 28), date(2026, 11, 30)),  # a Saturday
        (date(2026, 9, 2), date(2026, 9, 3)),  # National Day, a Wednesday
        (date(2026, 4, 30), date(2026, 5, 4)),  # Thursday, Labour Day, the weekend
        (date(2027, 5, 1), date(2027, 5, 4)),  # a Saturday, made up for on Monday
        (date(2023, 4, 29), date(2023, 5, 3)),  # a Sunday is made up for after Labour Day
    ],
)
def test_term_that_ends_on_a_day_off_ends_on_the_next_working_day(term: date, end: date) -> None:
    assert Workdays().end_of(term) == end


def test_what_people_entered_goes_before_the_rule() -> None:
    """A Saturday that is worked on, and Tết."""
    entered = {date(2026, 11, 28): True} | {date(2026, 2, day): False for day in range(16, 21)}
    calendar = Workdays(entered)
    assert calendar.works(date(2026, 11, 28))
    assert calendar.end_of(date(2026, 2, 14)) == date(2026, 2, 23)


def test_calendar_without_working_days_ends_all_the_same() -> None:
    endless = Workdays({date.fromordinal(date(2026, 1, 1).toordinal() + n): False for n in range(400)})
    assert endless.end_of(date(2026, 1, 1)) > date(2026, 1, 1)


def test_every_fixed_holiday_of_a_year_is_named() -> None:
    assert {date(2026, 1, 1), date(2026, 4, 30), date(2026, 5, 1), date(2026, 9, 2)} <= off_by_law(2026).keys()


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        ("2026-11-27T17:30", "2026-11-30T06:59", 0),  # Friday evening to Monday
        ("2026-11-27T16:00", "2026-11-30T09:00", 3),
        ("2026-11-27T17:30", "2026-11-30T17:00", 10),
        ("2026-11-30T08:00", "2026-11-30T09:30", 1.5),
        ("2026-11-30T17:00", "2026-11-30T23:00", 0),
        ("2026-11-02T08:00", "2026-11-30T09:00", 12),
        ("2026-11-30T09:00", "2026-11-27T09:00", 0),
    ],
)
def test_hours_in_which_offices_are_open_are_counted(since: str, until: str, hours: float) -> None:
    """By Vietnam's clock, up to a limit: nothing is late at the weekend."""
    first, last = (datetime.fromisoformat(f"{each}+07:00") for each in (since, until))
    assert Workdays().open_between(first, last, timedelta(hours=12)) == timedelta(hours=hours)
