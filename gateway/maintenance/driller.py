"""Practises the restore of the newest copy on a schedule, and says how it went.

When a drill is due is kept in the data folder, so a restart neither repeats nor forgets one; a failed one is due
again after an hour, since its cause may be a disk that was away for a moment. Each leaves an event and two metrics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from gateway.backup.drill import DrillReport
from gateway.backup.state import BackupState, read_state, write_state
from gateway.clock import Clock
from gateway.events import Event
from gateway.ledger.history import EventRow, RecordEvents
from gateway.observe import Metrics
from gateway.storage.pump import Pump

#: The wait after a drill that failed, unless drills are due more often anyway.
AGAIN = timedelta(hours=1)

_log = structlog.get_logger(__name__)


class Practice(Protocol):
    """Whoever restores and examines the newest copy."""

    def __call__(self) -> Awaitable[DrillReport]:
        """Once; a failure is a report, too."""
        ...


class Driller:
    """Looks every minute whether a drill is due."""

    name = "driller"
    every = timedelta(minutes=1)

    def __init__(
        self,
        practise: Practice,
        record: Callable[[Event, DrillReport, datetime], Awaitable[None]],
        *,
        folder: Path,
        drill_every: timedelta,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._practise, self._record = practise, record
        self._folder, self._drill_every = folder, drill_every
        self._metrics, self._clock = metrics, clock

    async def run_once(self) -> None:
        """Show how old the copies are; practise if it is time."""
        state = await asyncio.to_thread(read_state, self._folder)
        self._show(state)
        now = self._clock.now()
        if state.drill_due_at is not None and now < state.drill_due_at <= now + self._drill_every:
            return  # beyond that the clock or the setting has changed: the date is no longer meant
        report = await self._practise()
        now = self._clock.now()
        event = Event.DRILL_PASSED if report.ok else Event.DRILL_FAILED
        await self._record(event, report, now)
        wait = self._drill_every if report.ok else min(AGAIN, self._drill_every)
        # read anew: a backup may have been made meanwhile
        state = msgspec.structs.replace(
            await asyncio.to_thread(read_state, self._folder), drilled_at=now, drill_due_at=now + wait
        )
        if report.ok:
            # the copy may have been made while no server ran
            taken = [at for at in (report.taken_at, state.copied_at) if at is not None]
            state = msgspec.structs.replace(state, passed_at=now, copied_at=max(taken, default=None))
        await asyncio.to_thread(write_state, self._folder, state)
        self._show(state)
        told = msgspec.to_builtins(report)
        if report.ok:
            _log.info("drill.passed", **told)
        else:
            _log.error("drill.failed", **told)

    def _show(self, state: BackupState) -> None:
        metrics = self._metrics
        for gauge, at in (
            (metrics.backup_at, state.copied_at),
            (metrics.drill_at, state.drilled_at),
            (metrics.drill_passed_at, state.passed_at),
        ):
            gauge.set(at.timestamp() if at else 0)


async def record_drill(pump: Pump, event: Event, report: DrillReport, now: datetime) -> None:
    """One event of the ledger."""
    facts: dict[str, object] = {
        "copy": report.copy,
        "milliseconds": int(report.seconds * 1000),
        "documents": report.documents,
        "events": report.events,
        "held": report.held,
        "code": report.code,
    }
    await pump.submit(RecordEvents(), EventRow(kind=event, at=now, actor="gateway", facts=facts))
