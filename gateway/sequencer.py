"""Grows the log's tree: the events that are no leaves yet become leaves, in the order of their numbers.

Events are numbered by the one writer in the order of its commits, so what a reader sees is all that there is up to
its last number, and no event turns up before another that is a leaf already. A turn:

1. Read the tree, the tiles that it left partial, and the next events' leaf hashes; all of it was committed.
2. Work out the tree and its tiles in a thread.
3. Write both in a transaction of the pump, if the tree is still the one that was read (`GrowOperation`).

A crash anywhere leaves the tree before or after a turn. Portions are small enough that neither the event loop nor
the pump is held up; memory does not grow with what there is to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from gateway.failpoints import failpoint
from gateway.ledger.params import as_json
from gateway.ledger.tree import Grow, GrowOperation, Tree, tree_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.transparency.tiles import TileId, edge_of, grow

#: Events that become leaves at a time.
PORTION = 2048


class Sequencer:
    """One per server."""

    def __init__(self, readers: Readers, pump: Pump, *, portion: int = PORTION) -> None:
        self._readers, self._pump, self._portion = readers, pump, portion
        self._grow = GrowOperation()

    async def catch_up(self, progress: Callable[[Tree], None] = lambda _: None) -> Tree:
        """Turns until every event that was committed when this began is a leaf; the tree then."""
        ((until,),) = await self._readers.fetch("event_last_seq")
        tree = tree_of((await self._readers.fetch("log_tree_read"))[0])
        while tree.seq < until:
            tree = await self._turn(tree)
            progress(tree)
        return tree

    async def _turn(self, tree: Tree) -> Tree:
        # 1
        rows = await self._readers.fetch("event_list_hashes_after", {"after": tree.seq, "limit": self._portion})
        asked = as_json([[tile.level, tile.index] for tile in edge_of(tree.size)])
        found = await self._readers.fetch("log_tile_list", (asked,))
        edge = {TileId(level, index): hashes for level, index, hashes in found}
        # 2
        asking = await asyncio.to_thread(_worked_out, tree, edge, rows)
        # 3
        failpoint("log.grow.before")
        grown = await self._pump.submit(self._grow, asking)
        failpoint("log.grow.after")
        return grown


def _worked_out(tree: Tree, edge: Mapping[TileId, bytes], rows: Sequence[tuple[int, bytes]]) -> Grow:
    growth = grow(tree.frontier, edge, [row[1] for row in rows])
    return Grow(before=tree, after=growth.frontier, seqs=[row[0] for row in rows], tiles=growth.tiles)
