"""Sets aside the lines whose rows are damaged, once a statement has come by a damaged page.

Until then such a line stops its whole channel, or its office's inbox: whoever looks for work comes by it again and
again. A disk that cannot be read gives the same error and is no damage, so the files of the database are read as a
whole first: where that fails, nothing is set aside, and all is well again with the disk. As it may fail between two
reads, a line must be unreadable twice, each time after such a reading.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.errors import LedgerDamagedError
from gateway.ledger.damage import Unreadable, UnreadableOperation
from gateway.observe import Metrics
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: How often a line is read before it is set aside.
_LOOKS = 2
#: Between two looks: each reads everything, and a damaged row may be asked for again and again.
_REST_SECONDS = 60.0
#: Reads files to their end.
_READ = """
import sys
for name in sys.argv[1:]:
    with open(name, "rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
"""

_log = structlog.get_logger(__name__)


class UnreadableFinder:
    """Looks only when there is a reason to."""

    name = "unreadable"
    every = timedelta(seconds=5)

    def __init__(self, readers: Readers, pump: Pump, database: Path, *, clock: Clock, metrics: Metrics) -> None:
        self._readers, self._pump, self._database = readers, pump, database
        self._clock, self._metrics = clock, metrics
        self._set_aside = UnreadableOperation()
        self._met = 0
        self._rest_until = 0.0

    async def run_once(self) -> None:
        """Read every message that somebody is to get yet, and set aside what cannot be read."""
        met = self._readers.damaged + self._pump.counters.damaged
        if met == self._met or self._clock.monotonic() < self._rest_until:
            return
        suspects: Sequence[tuple[str, str]] | None = None
        for _ in range(_LOOKS):
            if not await _can_be_read(self._database):
                _log.error("ledger.disk_unreadable", database=str(self._database))
                return
            if suspects is None:
                suspects = await self._readers.fetch("delivery_list_waiting")
            suspects = await self._unreadable(suspects)
        unreadable = tuple(delivery_id for delivery_id, _ in suspects or ())
        lines = await self._pump.submit(self._set_aside, Unreadable(delivery_ids=unreadable, now=self._clock.now()))
        self._met = self._readers.damaged + self._pump.counters.damaged  # our own look came by it, too
        self._rest_until = self._clock.monotonic() + _REST_SECONDS
        self._metrics.ledger_damaged.inc()
        _log.error("ledger.damaged", lines_set_aside=lines)

    async def _unreadable(self, lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of these deliveries, each with its message's id, whose messages cannot be read."""
        readable: dict[str, bool] = {}
        for _, message_id in lines:
            if message_id not in readable:
                readable[message_id] = await self._is_readable(message_id)
        return [(delivery_id, message_id) for delivery_id, message_id in lines if not readable[message_id]]

    async def _is_readable(self, message_id: str) -> bool:
        try:
            return bool(await self._readers.fetch("message_read_whole", (message_id,)))
        except LedgerDamagedError:
            return False


async def _can_be_read(database: Path) -> bool:
    """By a process of its own: in ours, closing the file would let go of SQLite's locks on it."""
    command = (sys.executable, "-I", "-c", _READ, str(database), f"{database}-wal")
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
