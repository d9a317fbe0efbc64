"""Records who reads what, before it is shown; a disk that takes nothing stops no reading.

`record` returns when the row is synced. Where the ledger cannot be written, what was accepted can still be read:
the reading is kept in memory, is told in the log with its facts, and is written after the next one that can be.
First hand-outs are not recorded here: they move a delivery, so they wait for the disk (`gateway.ledger.inbox`).
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import structlog

from gateway.errors import StorageError
from gateway.ledger.readings import Reading, RecordReadings
from gateway.storage.pump import Pump

#: Readings that wait for a disk that can be written; of more only the log tells.
_MOST: Final = 10_000

_log: Any = structlog.get_logger("gateway.readings")


class Readings:
    """One per process."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._record = RecordReadings()
        self._waiting: deque[Reading] = deque(maxlen=_MOST)

    async def record(self, reading: Reading) -> None:
        """Written when this returns, or kept and told."""
        try:
            await self._pump.submit(self._record, reading)
        except StorageError as error:
            self._waiting.append(reading)
            _log.warning(
                "reading.unwritten",
                document=reading.message_id,
                actor=reading.actor,
                act=str(reading.act),
                error=str(error),
            )
        else:
            await self._catch_up()

    async def _catch_up(self) -> None:
        """What waited, each once: who takes one out writes it, or puts it back."""
        while self._waiting:
            earlier = self._waiting.popleft()
            try:
                await self._pump.submit(self._record, earlier)
            except StorageError:
                self._waiting.append(earlier)
                return
