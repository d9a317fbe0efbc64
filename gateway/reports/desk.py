"""Reports for pages: one at a time, and each remembered for a minute.

A report holds a reader of the pool for as long as it takes, and the pool has few; whoever asks meanwhile waits for
his turn, and finds it made when he asked for the same.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from gateway.directory.directory import Directory
from gateway.directory.lru import Lru
from gateway.reports.making import Period, Report, make_report
from gateway.storage.readers import Readers

#: How old a report may be that is shown again.
FRESH: Final = timedelta(minutes=1)
_REMEMBERED: Final = 8


class ReportDesk:
    """One per process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._made: Lru[Period, Report] = Lru(_REMEMBERED)

    async def report(self, readers: Readers, directory: Directory, period: Period, *, now: datetime) -> Report:
        """Of now, or of the last minute."""
        async with self._turn:
            known = self._made.get(period)
            if known is not None and timedelta(0) <= now - known.made_at < FRESH:
                return known
            report = await make_report(readers, directory, period, now=now)
            self._made.put(period, report)
            return report
