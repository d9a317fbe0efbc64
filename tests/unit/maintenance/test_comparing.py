"""Which days are due, from what was compared: no database, no peer."""

from __future__ import annotations

from datetime import date, datetime

from gateway.audit.findings import Severity
from gateway.clock import VIETNAM
from gateway.diagnosis.doctor_source import examine_books
from gateway.maintenance.comparing import Compared, due_days, standing_findings

BEGAN = datetime(2026, 1, 5, 9, 0, tzinfo=VIETNAM)


def at(day: int, hour: int = 9) -> datetime:
    """That day of March."""
    return datetime(2026, 3, day, hour, 0, tzinfo=VIETNAM)


def compared(day: int, made: datetime, findings: int = 0) -> Compared:
    """A comparison of that day of March."""
    return Compared(day=date(2026, 3, day), made_at=made, findings=findings)


def numbers(days: tuple[date, ...]) -> list[int]:
    """Days of March."""
    return [day.day for day in days]


def test_channel_that_is_new_owes_the_day_before_and_no_earlier_one() -> None:
    """Nothing was sent by it before; and before one o'clock it owes nothing."""
    due = due_days([], began_at=at(20, 8), now=at(20))
    assert (numbers(due.days), due.left_out, due.until) == ([19], (), at(19, 0))
    assert due_days([], began_at=at(20, 0), now=at(20, 0)).days == ()


def test_comparison_of_a_day_that_was_not_over_leaves_it_due() -> None:
    """As the one after an outage is, or one that an operator asked for."""
    known = [compared(18, at(19, 1)), compared(19, at(19, 15))]
    assert numbers(due_days(known, began_at=at(19, 8), now=at(20)).days) == [19]


def test_gap_before_a_day_that_a_person_compared_stays_due() -> None:
    """Whoever looks at the last day of an outage by hand has not looked at the others."""
    known = [compared(15, at(16, 1)), compared(19, at(20, 8))]
    due = due_days(known, began_at=at(16, 8), now=at(20))
    assert (numbers(due.days), due.until) == ([16, 17, 18], at(16, 0))


def test_what_is_too_old_is_left_out_unless_nothing_was_ever_compared() -> None:
    """A gateway that learns to compare has no days to name from before."""
    assert due_days([compared(1, at(2, 1))], began_at=BEGAN, now=at(20)).left_out == tuple(
        date(2026, 3, day) for day in range(2, 6)
    )
    fresh = due_days([], began_at=BEGAN, now=at(20))
    assert (numbers(fresh.days), fresh.left_out) == (list(range(6, 20)), ())


def test_findings_of_the_last_night_stand_and_those_before_do_not() -> None:
    """Else yesterday's mended difference alarms for ever."""
    known = [compared(17, at(18, 1), 4), compared(18, at(19, 9), 2), compared(19, at(20, 1), 1)]
    assert standing_findings(known, at(20)) == 3


def test_doctor_warns_once_the_night_is_over_without_a_comparison() -> None:
    """Up to six in the morning there is time."""
    known = [compared(18, at(19, 1))]
    told = []
    for hour in (5, 7):
        due = due_days(known, began_at=at(19, 8), now=at(20, hour))
        told += examine_books(due, 0, at(20, hour))
    assert [each.code for each in told] == ["layer_fine", "reconciliation_old"]
    assert told[1].kind.severity is Severity.WARNING
    assert "before 2026-03-19" in told[1].detail
