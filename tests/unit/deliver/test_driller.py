"""The drill's duty: due by a date that is kept, recorded each time, again soon after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.backup.drill import DrillReport
from gateway.backup.state import BackupState, read_state, write_state
from gateway.events import Event
from gateway.maintenance.driller import AGAIN, Driller
from gateway.observe import Metrics

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
GOOD = DrillReport(ok=True, copy="c", taken_at=START - timedelta(hours=3))
BAD = DrillReport(ok=False, copy="c", code="copy_damaged")


class StoppedClock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Lab:
    """A duty whose drills are scripted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.metrics = folder, StoppedClock(), Metrics()
        self.reports: list[DrillReport] = []
        self.recorded: list[tuple[Event, str]] = []
        self.runs = 0

    def duty(self, every: timedelta = WEEK) -> Driller:
        """A new one, as after a restart."""

        async def practise() -> DrillReport:
            self.runs += 1
            return self.reports.pop(0) if self.reports else GOOD

        async def record(event: Event, report: DrillReport, _now: datetime) -> None:
            self.recorded.append((event, report.code))

        return Driller(
            practise, record, folder=self.folder, drill_every=every, metrics=self.metrics, clock=self.clock
        )

    def gauge(self, name: str) -> float:
        return self.metrics.registry.get_sample_value(f"gateway_{name}_timestamp_seconds") or 0.0


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


async def test_first_drill_is_due_at_once_and_the_next_after_the_wait(lab: Lab) -> None:
    """A restart in between neither repeats nor forgets one."""
    await lab.duty().run_once()
    lab.clock.at += WEEK - timedelta(minutes=1)
    await lab.duty().run_once()
    assert lab.runs == 1
    lab.clock.at += timedelta(minutes=1)
    await lab.duty().run_once()
    assert lab.runs == 2
    assert lab.recorded == [(Event.DRILL_PASSED, "")] * 2


async def test_failed_drill_is_recorded_and_due_again_soon(lab: Lab) -> None:
    """The metric of the last one that passed stays behind, which is what alerts."""
    lab.reports = [GOOD, BAD]
    await lab.duty().run_once()
    lab.clock.at += WEEK
    await lab.duty().run_once()
    assert lab.recorded == [(Event.DRILL_PASSED, ""), (Event.DRILL_FAILED, "copy_damaged")]
    assert lab.gauge("drill") > lab.gauge("drill_passed") == START.timestamp()
    lab.clock.at += AGAIN
    await lab.duty().run_once()
    assert lab.gauge("drill") == lab.gauge("drill_passed") == lab.clock.at.timestamp()


async def test_copy_that_no_server_was_told_of_is_known_by_its_drill(lab: Lab) -> None:
    """The metric shows the newest copy, whoever told of it."""
    await lab.duty().run_once()
    assert lab.gauge("backup") == (START - timedelta(hours=3)).timestamp()
    write_state(lab.folder, BackupState(copied_at=START, drill_due_at=START + WEEK))
    await lab.duty().run_once()
    assert lab.gauge("backup") == START.timestamp()


async def test_shorter_setting_and_a_clock_set_back_do_not_keep_drills_away(lab: Lab) -> None:
    """A date further off than the wait is not meant any more."""
    await lab.duty().run_once()
    await lab.duty(timedelta(days=1)).run_once()
    assert lab.runs == 2
    lab.clock.at -= timedelta(days=300)
    await lab.duty(timedelta(days=1)).run_once()
    assert lab.runs == 3


async def test_damaged_memory_means_that_a_drill_is_due(lab: Lab) -> None:
    """Nothing known is the safe side."""
    await lab.duty().run_once()
    (lab.folder / "backup.json").write_bytes(b"{")
    assert read_state(lab.folder) == BackupState()
    await lab.duty().run_once()
    assert lab.runs == 2
