"""Takes lines into the index that the ledger is searched by: new ones each second, old ones as time allows.

A portion holds the event loop for some milliseconds, so it is small and others get their turn in between. A ledger
of ten million lines from before the index is in it within some hours; until then pages say what they leave out.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from gateway.ledger.search_index import IndexLines, IndexLinesOperation
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_PORTION: Final = 100
#: Portions of one run.
_PORTIONS: Final = 30
#: Seconds between two portions: nobody waits for them.
_PAUSE: Final = 0.02


class Indexer:
    """One per server."""

    name = "indexer"
    every = timedelta(seconds=1)

    def __init__(self, readers: Readers, pump: Pump) -> None:
        self._readers, self._pump, self._take = readers, pump, IndexLinesOperation()

    async def run_once(self) -> None:
        """Some portions; nothing is written where nothing waits."""
        for _ in range(_PORTIONS):
            row = await self._readers.fetch_one("search_read_extent")
            if row is None or (row[0] <= 1 and row[1] >= row[2]):
                return
            if not await self._pump.submit(self._take, IndexLines(limit=_PORTION)):
                return
            await asyncio.sleep(_PAUSE)
