"""Reports for pages: made beside them, one at a time, and kept for whoever asks again.

A report holds a reader of the pool for as long as it takes, and the pool has few; so the others wait for their
turn, and a page says how far it is. A finished one is kept for a while that grows with the time it took, so that
page, workbook and print are of the same one; whoever wants it newer asks for it anew. Nothing outlives the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.clock import Clock
from gateway.directory.directory import Directory
from gateway.directory.lru import Lru
from gateway.errors import RefusedError
from gateway.reports.making import Report, make_report
from gateway.reports.periods import Period
from gateway.storage.readers import Readers

#: How long a report is shown again: so long, or so many times what it took to make.
FRESH: Final = timedelta(minutes=1)
_TIMES: Final = 60
_REMEMBERED: Final = 8
#: Reports that are made or wait for that.
_MOST_WAITING: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A report: of a period, held against another."""

    period: Period
    against: Period | None = None


@dataclass(kw_only=True, eq=False)
class Making:
    """A report that is being made, or waits for its turn."""

    wanted: Wanted
    began_at: datetime
    #: Days that are counted, and all of them; 0 of 0: it waits.
    done: int = 0
    days: int = 0
    task: asyncio.Task[Report] | None = None

    def heard(self, done: int, days: int) -> None:
        """How far it is."""
        self.done, self.days = done, days


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    report: Report
    until: datetime


class ReportDesk:
    """One per process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._kept: Lru[Wanted, _Kept] = Lru(_REMEMBERED)
        self._making: dict[Wanted, Making] = {}

    def kept(self, wanted: Wanted, now: datetime) -> Report | None:
        """One that is shown again."""
        kept = self._kept.get(wanted)
        return kept.report if kept is not None and kept.report.made_at <= now < kept.until else None

    def forget(self, wanted: Wanted) -> None:
        """It is to be made anew when it is asked for next."""
        self._kept.pop(wanted)

    async def report(
        self, readers: Readers, directory: Directory, clock: Clock, wanted: Wanted, *, patience: timedelta
    ) -> Report | Making:
        """What is kept; else what is made within `patience`; else how far it is, while it goes on."""
        now = clock.now()
        if (kept := self.kept(wanted, now)) is not None:
            return kept
        making = self._making.get(wanted) or self._begin(readers, directory, clock, wanted)
        assert making.task is not None
        done, _ = await asyncio.wait([making.task], timeout=patience.total_seconds())
        return making.task.result() if done else making

    async def close(self) -> None:
        """Give up what is being made."""
        await _ended(making.task for making in self._making.values() if making.task is not None)

    def _begin(self, readers: Readers, directory: Directory, clock: Clock, wanted: Wanted) -> Making:
        if len(self._making) >= _MOST_WAITING:
            raise RefusedError("reports_waiting")
        making = self._making[wanted] = Making(wanted=wanted, began_at=clock.now())
        making.task = asyncio.create_task(
            self._make(readers, directory, clock, making), name=f"report:{wanted.period.first}-{wanted.period.last}"
        )
        making.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # whoever asks is told
        return making

    async def _make(self, readers: Readers, directory: Directory, clock: Clock, making: Making) -> Report:
        wanted = making.wanted
        try:
            async with self._turn:
                now = clock.now()
                report = await make_report(
                    readers, directory, wanted.period, against=wanted.against, now=now, progress=making.heard
                )
                until = now + max(FRESH, _TIMES * (clock.now() - now))
                self._kept.put(wanted, _Kept(report=report, until=until))
                return report
        finally:
            del self._making[wanted]


async def _ended(tasks: Iterable[asyncio.Task[Report]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
