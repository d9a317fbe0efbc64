"""Takes lines into the index that the ledger is searched by: new ones each second, old ones as time allows.

A portion holds the event loop for some milliseconds, so it is small and others get their turn in between. A ledger
of ten million lines from before the index is in it within some hours; until then pages say what they leave out.

A portion is read before it is written: a damaged page that the writer came by would fail everybody's batch, each
second anew. A line that cannot be read stays outside the index, and the next ones get in.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.errors import LedgerDamagedError, StorageError
from gateway.ledger.search_index import IndexLines, IndexLinesOperation, Portion, next_portion
from gateway.storage.driver import is_damage
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_PORTION: Final = 100
#: Portions of one run.
_PORTIONS: Final = 30
#: Seconds between two portions: nobody waits for them.
_PAUSE: Final = 0.02
#: Seconds of rest where the index itself is damaged.
_REST: Final = 600

_log = structlog.get_logger(__name__)


class Indexer:
    """One per server."""

    name = "indexer"
    every = timedelta(seconds=1)

    def __init__(self, readers: Readers, pump: Pump, clock: Clock) -> None:
        self._readers, self._pump, self._clock = readers, pump, clock
        self._take, self._not_before = IndexLinesOperation(), 0.0

    async def run_once(self) -> None:
        """Some portions; nothing is written where nothing waits."""
        if self._clock.monotonic() < self._not_before:
            return
        for _ in range(_PORTIONS):
            portion = await next_portion(self._readers.fetch, _PORTION)
            if portion is None:
                return
            without = await self._unreadable(portion)
            try:
                await self._pump.submit(self._take, IndexLines(limit=_PORTION, without=without))
            except StorageError as error:
                if error.__cause__ is not None and is_damage(error.__cause__):
                    # the lines can be read, so that it is the index: others must not pay for it each second
                    self._not_before = self._clock.monotonic() + _REST
                raise
            await asyncio.sleep(_PAUSE)

    async def _unreadable(self, portion: Portion) -> tuple[int, ...]:
        first, last = portion.first, portion.last
        if await self._is_readable(first, last):
            return ()
        lines = await self._readers.fetch("search_list_lines", {"first": first, "last": last})
        without = tuple([line for (line,) in lines if not await self._is_readable(line, line)])
        _log.error("search.unreadable", lines=without[:10], count=len(without))
        return without

    async def _is_readable(self, first: int, last: int) -> bool:
        try:
            await self._readers.fetch("search_probe_lines", {"first": first, "last": last})
        except LedgerDamagedError:
            return False
        return True
