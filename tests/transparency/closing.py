"""Closes the days that are due: `python -m tests.transparency.closing FOLDER INSTANT`, for a test that kills it."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.clock import SystemClock
from gateway.foundation import load_statements
from gateway.maintenance.registrar import Registrar
from gateway.observe import Metrics
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.storage.sqlite import SqliteSettings, connect_writer


class Clock:
    """Stands until it is moved; `at` alone is a jump."""

    def __init__(self, at: datetime) -> None:
        self.at, self._gone = at, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self._gone

    def go(self, by: timedelta) -> None:
        self.at += by
        self._gone += by.total_seconds()


async def close(folder: Path, at: datetime) -> None:
    """As the duty does that has run for a day."""
    database = folder / "gateway.sqlite"
    writer = await connect_writer(database, SqliteSettings(allow_affected_sqlite=True))
    pump = Pump(writer, load_statements(), clock=SystemClock())
    await pump.start()
    readers = Readers(database, load_statements(), count=1, allow_affected_sqlite=True)
    await readers.start()
    clock = Clock(at - timedelta(days=1))
    registrar = Registrar(readers, pump, clock=clock, metrics=Metrics())
    clock.go(timedelta(days=1))
    await registrar.run_once()
    await readers.close()
    await pump.close()
    await writer.close()


if __name__ == "__main__":
    asyncio.run(close(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]).astimezone(UTC)))
