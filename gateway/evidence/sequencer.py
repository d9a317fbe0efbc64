"""Grows the log's tree: the events that are no leaves yet become leaves, in the order of their numbers.

Events are numbered by the one writer in the order of its commits, so what a reader sees is all that there is up to
its last number, and no event turns up before another that is a leaf already. A turn:

1. Read the tree, the tiles that it left partial, and the next events' leaf hashes; all of it was committed.
2. Work out the tree and its tiles in a thread.
3. Write both in a transaction of the pump, if the tree is still the one that was read (`GrowOperation`).

A crash anywhere leaves the tree before or after a turn. Portions are small enough that neither the event loop nor
the pump is held up; memory does not grow with what there is to do.

`require_continued` compares the tree with the mark of what was signed last (`gateway.evidence.log_mark`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gateway.errors import LogRefusedError
from gateway.evidence.log_mark import Mark, read_mark
from gateway.failpoints import failpoint
from gateway.ledger.params import as_json
from gateway.ledger.tree import Grow, GrowOperation, LogReads, Tree, tree_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.transparency.note import VerifierKey
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


async def require_continued(readers: Readers, mark_file: Path, tree: Tree, key: VerifierKey) -> Mark | None:
    """The mark, if the tree continues what was signed last; LogRefusedError says why it does not."""
    mark = await asyncio.to_thread(read_mark, mark_file)
    reads = LogReads(readers)
    if mark is None:
        # without a mark only a log begins of which, as far as the ledger tells, nothing was ever signed; a ledger
        # that was restored may have lost what it signed: there, `gateway log init` begins the mark
        ((ledger_epoch,),) = await readers.fetch("epoch_read_number")
        if tree.epoch > 1 or ledger_epoch > 1 or await reads.latest() is not None:
            raise LogRefusedError("mark_missing", f"{mark_file} is gone: what was signed last is not known")
        return None
    if mark.key != key.digest.hex():
        raise LogRefusedError("other_key", f"{mark_file} is of a log with another key")
    if mark.epoch < tree.epoch:  # the ledger has the event that declared its end
        return mark
    if mark.epoch > tree.epoch or mark.size > tree.size:
        told = f"{mark.size} leaves were signed in epoch {mark.epoch}; here are {tree.size} in epoch {tree.epoch}"
        raise LogRefusedError("behind", told)
    if await reads.root_at(mark.size) != mark.root_hash:
        raise LogRefusedError("other_history", f"the first {mark.size} leaves are not those that were signed")
    return mark


def _worked_out(tree: Tree, edge: Mapping[TileId, bytes], rows: Sequence[tuple[int, bytes]]) -> Grow:
    growth = grow(tree.frontier, edge, [row[1] for row in rows])
    return Grow(before=tree, after=growth.frontier, seqs=[row[0] for row in rows], tiles=growth.tiles)
