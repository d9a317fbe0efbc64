"""Jumps of the wall clock: noticed, recorded once, and everything that waits moved with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.clock import Steady
from gateway.errors import StorageError
from gateway.maintenance.clock_watch import ClockWatch
from gateway.observe import Metrics

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


class Clock:
    """Both of its hands are set by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = START, 100.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def go(self, seconds: float, *, jump: timedelta = timedelta(0)) -> None:
        """Time passes, and the wall clock is set."""
        self.steady += seconds
        self.wall += timedelta(seconds=seconds) + jump


class Watched:
    """A watch and what it told."""

    def __init__(self) -> None:
        self.clock, self.metrics = Clock(), Metrics()
        self.recorded: list[timedelta] = []
        self.shifted: list[timedelta] = []
        self.full = False
        self.watch = ClockWatch(self.record, self.shifted.append, clock=self.clock, metrics=self.metrics)

    async def record(self, _now: datetime, jump: timedelta) -> None:
        if self.full:
            raise StorageError
        self.recorded.append(jump)


@pytest.mark.parametrize("jump", [2 * HOUR, -2 * HOUR, 3 * SECOND], ids=str)
async def test_jump_is_recorded_once_and_moves_what_waits(jump: timedelta) -> None:
    """The next look starts from the clock as it is now."""
    found = Watched()
    found.clock.go(1, jump=jump)
    await found.watch.run_once()
    found.clock.go(1)
    await found.watch.run_once()
    assert found.recorded == found.shifted == [jump]
    assert "jumped by" in found.watch.told


async def test_clock_that_is_led_slowly_makes_no_jump() -> None:
    """An hour of the fastest correction that is usual, a second now and then."""
    found = Watched()
    for _ in range(100):
        found.clock.go(1, jump=timedelta(milliseconds=500))
        await found.watch.run_once()
    assert found.recorded == []
    assert not found.watch.told


async def test_jump_that_cannot_be_recorded_yet_is_recorded_later() -> None:
    """Memory is moved at once, the ledger when it takes something again."""
    found = Watched()
    found.full = True
    found.clock.go(1, jump=HOUR)
    with pytest.raises(StorageError):
        await found.watch.run_once()
    found.full = False
    await found.watch.run_once()
    assert found.recorded == found.shifted == [HOUR]


def test_leases_go_by_a_time_without_jumps() -> None:
    """`Steady` knows of none."""
    clock = Clock()
    steady = Steady(clock)
    clock.go(10, jump=-2 * HOUR)
    assert steady.now() == START + 10 * SECOND
