"""A finished month for tests: the days up to its end are closed as the duty would, and signed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from gateway.clock import VIETNAM
from gateway.maintenance.registrar import MARGIN, Registrar
from gateway.observe import Metrics
from tests.journeys.installation import Installation
from tests.journeys.test_log import signed


class MonthOver:
    """Just after the day before `first`, and two days later, when a closing believes the clock."""

    def __init__(self, first: date) -> None:
        midnight = datetime.combine(first, datetime.min.time(), VIETNAM)
        self._now, self._gone = (midnight + MARGIN + timedelta(minutes=1)).astimezone(UTC), 0.0

    def now(self) -> datetime:
        return self._now + timedelta(seconds=self._gone)

    def monotonic(self) -> float:
        before, self._gone = self._gone, 2 * 86400.0
        return before


class NextMonth(MonthOver):
    """After the present month of Vietnam."""

    def __init__(self) -> None:
        self.today = datetime.now(VIETNAM).date()
        super().__init__((self.today.replace(day=1) + timedelta(days=31)).replace(day=1))


async def close_month(site: Installation) -> str:
    """The month, such as 2026-11; its last closing is signed."""
    assert site.app is not None
    base, clock = site.app.foundation, NextMonth()
    await signed(site)
    await Registrar(base.readers, base.pump, clock=clock, metrics=Metrics()).run_once()
    await signed(site)
    return f"{clock.today:%Y-%m}"
