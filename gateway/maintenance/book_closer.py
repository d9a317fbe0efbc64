"""Closes the days of clerks' registers that are over: lines are counted, their digests kept in the log.

A day is closed a little after its midnight (Vietnam), one register after the other; a crash leaves a day closed or
not, and the next run goes on. Nobody adds a line to a closed day: numbers are given for today.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway.clock import VIETNAM, Clock
from gateway.ledger.desk import DeskReads
from gateway.ledger.entries import CloseBook, CloseBookOperation
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: After midnight: whatever was numbered before it has been written.
_MARGIN: Final = timedelta(minutes=10)

_log = structlog.get_logger(__name__)


class BookCloser:
    """One per server."""

    name = "desk_books"
    every = timedelta(minutes=1)

    def __init__(self, readers: Readers, pump: Pump, *, clock: Clock) -> None:
        self._reads, self._pump, self._clock = DeskReads(readers), pump, clock
        self._close = CloseBookOperation()

    async def run_once(self) -> None:
        """Every day that is over."""
        now = self._clock.now()
        today = (now - _MARGIN).astimezone(VIETNAM).date()
        for office, direction, day in await self._reads.due_days(today):
            ask = CloseBook(office_id=office, direction=direction, day=day, now=now)
            entries = await self._pump.submit(self._close, ask)
            _log.info("desk.day_closed", office=office, direction=direction, day=day.isoformat(), entries=entries)
