"""Whether the transparency log still is what was grown and signed: leaves, tiles, checkpoints, mark.

1. Every event that is a leaf: its leaf hash, made again from its bytes, against the tile that holds it. So a
   changed, missing or inserted event is named itself.
2. The tiles above and the root, made again from the tiles of the leaves.
3. Every checkpoint: its signature, those of its witnesses, and its root against the tree of its size. Whoever
   rewrote events and tiles alike is found here; what was changed lies between this checkpoint and the one before.
4. The mark of what was signed last: whoever cut off or rewrote the tail with all its checkpoints is found here.

Goes through the ledger once, beside a running server: the tree is that of the beginning. Memory does not grow with
it. Repairs nothing. A rewritten history that was signed again, and marked, is found by whoever kept an older
checkpoint.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence

from gateway.audit.findings import Findings
from gateway.audit.rows import EventRecord
from gateway.config.settings import LogSettings
from gateway.errors import LogRefusedError, ProofError
from gateway.evidence.log_mark import Mark, read_mark
from gateway.ledger.params import as_json
from gateway.ledger.tree import Tree, tree_of
from gateway.storage.readers import Readers
from gateway.transparency.checkpoint import opened
from gateway.transparency.keys import of_epoch, read_vkeys
from gateway.transparency.merkle import HASH_BYTES, Frontier, leaf_hash
from gateway.transparency.note import SignedNote, VerifierKey
from gateway.transparency.tiles import WIDTH, TileId, edge_of, grow, split

_CHECKPOINTS_AT_ONCE = 500
_UNREADABLE = Mark(key="", epoch=0, size=0, root="")
#: Leaves, root, note, lines of witnesses.
_Row = tuple[int, bytes, bytes, str]


class TreeExaminer:
    """Takes the events in their order, a page at a time; `begin` first, `end` last."""

    def __init__(self, readers: Readers, settings: LogSettings, findings: Findings, *, mark: bool) -> None:
        """`mark`: whether the tree is compared with what was signed last on this machine."""
        self._readers, self._settings, self._findings, self._mark = readers, settings, findings, mark
        self._tree: Tree
        self._keys: list[VerifierKey] = []
        self._runs: list[tuple[int, int, int]] = []
        self._firsts: list[int] = []
        #: Leaf hashes of events that were given, by index, until their tile is looked at.
        self._given: dict[int, bytes] = {}
        self._frontier, self._edge = Frontier(), dict[TileId, bytes]()
        self._checkpoints: list[_Row] = []
        self._signed = self._last = 0
        #: What was signed last on this machine: size and root; size 0: nothing to compare.
        self._marked = (0, b"")
        #: Size at which the last checkpoint agreed.
        self._agreed = 0
        self.checkpoints = 0

    @property
    def leaves(self) -> int:
        """Leaves that were examined."""
        return self._frontier.size

    async def begin(self) -> None:
        """Read what there is to compare with."""
        mark = await asyncio.to_thread(self._read_mark) if self._mark else None  # first: it is never ahead
        async with self._readers.snapshot() as reader:
            ((self._last,),) = await reader.fetch("fsck_checkpoint_last")
            self._tree = tree_of((await reader.fetch("fsck_log_tree"))[0])
            self._runs = [(row[0], row[1], row[2]) for row in await reader.fetch("fsck_log_runs")]
        self._firsts = [run[0] for run in self._runs]
        expected = 0
        for first, index, count in self._runs:
            if index != expected:
                self._findings.add("log_tree_differs", f"run of event {first}", f"leaf {index}, not {expected}")
            expected = index + count
        if expected != self._tree.size:
            self._findings.add("log_tree_differs", "tree", f"{self._tree.size} leaves, runs for {expected}")
        if self._mark and mark is not _UNREADABLE:
            self._take_mark(mark)
        self._keys = await asyncio.to_thread(self._read_keys)
        self._checkpoints = await self._more_checkpoints()

    async def take(self, records: Sequence[EventRecord]) -> None:
        """A page of events."""
        reached = self._frontier.size
        for record in records:
            if record.seq > self._tree.seq:
                continue  # not a leaf yet
            index = self.index_of(record.seq)
            if index is None:
                self._findings.add("log_leaf_foreign", f"event {record.seq}", record.kind[:100])
                continue
            self._given[index] = leaf_hash(record.leaf)
            reached = max(reached, index + 1)
        await self._advance(reached)

    async def end(self) -> None:
        """What is left when there are no more events."""
        await self._advance(self._tree.size)
        if self._frontier.root() != self._tree.root or self._frontier != self._tree.frontier:
            self._findings.add("log_tree_differs", "tree", f"of {self._tree.size} leaves")
        await self._compare_tiles(self._edge)
        while self._checkpoints:
            for size, _, _, _ in self._checkpoints:
                self._findings.add(
                    "checkpoint_differs", f"checkpoint {size}", f"there are {self._tree.size} leaves"
                )
            self._checkpoints = await self._more_checkpoints()

    def index_of(self, seq: int) -> int | None:
        """Which leaf an event is; None for none."""
        at = bisect_right(self._firsts, seq) - 1
        if at < 0 or seq >= self._runs[at][0] + self._runs[at][2]:
            return None
        return self._runs[at][1] + seq - self._runs[at][0]

    def _seq_of(self, index: int) -> int:
        at = bisect_right([run[1] for run in self._runs], index) - 1
        return self._runs[at][0] + index - self._runs[at][1] if at >= 0 else 0

    async def _advance(self, until: int) -> None:
        """Compare and grow up to so many leaves."""
        while self._frontier.size < until:
            size = self._frontier.size
            # a tile, or less of it where a checkpoint comes first
            stops = [self._marked[0], *(row[0] for row in self._checkpoints[:1])]
            end = min([until, (size // WIDTH + 1) * WIDTH, *(stop for stop in stops if stop > size)])
            stored = split((await self._tiles([TileId(0, size // WIDTH)])).get(TileId(0, size // WIDTH), b""))
            chosen = [self._compared(index, stored) for index in range(size, end)]
            growth = grow(self._frontier, self._edge, chosen)
            await self._compare_tiles(
                {tile: hashes for tile, hashes in growth.tiles.items() if len(hashes) == WIDTH * HASH_BYTES}
            )
            self._frontier = growth.frontier
            self._edge = {tile: growth.tiles.get(tile) or self._edge[tile] for tile in edge_of(self._frontier.size)}
            await self._compare_checkpoints()
            self._compare_mark()

    def _compared(self, index: int, stored: Sequence[bytes]) -> bytes:
        """The hash that the tree was grown with, so that one wrong event is one finding."""
        kept = stored[index % WIDTH] if index % WIDTH < len(stored) else None
        given = self._given.pop(index, None)
        if given is None:
            self._findings.add("log_leaf_missing", f"event {self._seq_of(index)}", f"leaf {index}")
        elif kept is None:
            self._findings.add("log_tile_differs", f"tile 0/{index // WIDTH}", f"without leaf {index}")
        elif kept != given:
            self._findings.add("log_leaf_changed", f"event {self._seq_of(index)}", f"leaf {index}")
        return kept or given or bytes(HASH_BYTES)

    async def _compare_tiles(self, made: dict[TileId, bytes]) -> None:
        above = {tile: hashes for tile, hashes in made.items() if tile.level > 0}
        if not above:
            return
        found = await self._tiles(list(above))
        for tile, hashes in above.items():
            # the server may have added to it since
            if found.get(tile, b"")[: len(hashes)] != hashes:
                self._findings.add("log_tile_differs", f"tile {tile.level}/{tile.index}")

    async def _tiles(self, tiles: Sequence[TileId]) -> dict[TileId, bytes]:
        asked = as_json([[tile.level, tile.index] for tile in tiles])
        rows = await self._readers.fetch("fsck_log_tiles", (asked,))
        return {TileId(level, index): hashes for level, index, hashes in rows}

    async def _compare_checkpoints(self) -> None:
        while self._checkpoints and self._checkpoints[0][0] <= self._frontier.size:
            size, root, note, lines = self._checkpoints.pop(0)
            self.checkpoints += 1
            await asyncio.to_thread(self._compare_checkpoint, size, root, note)
            if lines:
                await asyncio.to_thread(self._compare_lines, size, note, lines)
            if not self._checkpoints:
                self._checkpoints = await self._more_checkpoints()

    def _compare_checkpoint(self, size: int, root: bytes, note: bytes) -> None:
        subject = f"checkpoint {size}"
        if root != self._frontier.root():
            told = f"of the leaves {self._agreed} to {size - 1}, one at least is not what was signed"
            self._findings.add("checkpoint_differs", subject, told)
        else:
            self._agreed = size
        if not self._keys:
            return  # told once
        try:
            checkpoint, _ = opened(note, self._keys)
        except ProofError as error:
            self._findings.add("checkpoint_unproven", subject, str(error))
            return
        if (checkpoint.size, checkpoint.root) != (size, root):
            self._findings.add("checkpoint_differs", subject, "its row says otherwise than its note")

    def _compare_lines(self, size: int, note: bytes, lines: str) -> None:
        """A wrong line of a witness would make every bundle under this checkpoint fail."""
        known = {(each.key.name, each.key.key_id): each.key for each in self._settings.witnesses}
        try:
            cosigned = SignedNote.parse(note + lines.encode())
            for line in cosigned.signatures:
                key = known.get((line.name, line.key_id))
                if key is not None:
                    key.check(cosigned.text, line.signature)
        except ProofError as error:
            self._findings.add("checkpoint_cosignature", f"checkpoint {size}", str(error))

    async def _more_checkpoints(self) -> list[_Row]:
        page = {"after": self._signed, "last": self._last, "limit": _CHECKPOINTS_AT_ONCE}
        found = await self._readers.fetch("fsck_checkpoint_page", page)
        rows = [(row[0], row[1], row[2], row[3] or "") for row in found]
        self._signed = rows[-1][0] if rows else self._signed
        return rows

    def _read_mark(self) -> Mark | None:
        try:
            return read_mark(self._settings.mark)
        except LogRefusedError as error:
            self._findings.add("log_mark_differs", "log.mark", error.detail)
            return _UNREADABLE

    def _read_keys(self) -> list[VerifierKey]:
        try:
            keys = read_vkeys(self._settings.vkey.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ProofError) as error:
            self._findings.add("checkpoint_unproven", "log.vkey", str(error))
            return []
        return [*keys, *(of_epoch(keys[0], epoch) for epoch in range(2, self._tree.epoch + 1))]

    def _take_mark(self, mark: Mark | None) -> None:
        if mark is None:
            if self._last:
                self._findings.add("log_mark_differs", "log.mark", "it is gone, though something was signed")
        elif mark.epoch > self._tree.epoch or (mark.epoch == self._tree.epoch and mark.size > self._tree.size):
            told = f"{mark.size} leaves were signed in epoch {mark.epoch}, here are {self._tree.size}"
            self._findings.add("log_mark_differs", "log.mark", told)
        elif mark.epoch == self._tree.epoch and mark.size:
            self._marked = (mark.size, mark.root_hash)

    def _compare_mark(self) -> None:
        size, root = self._marked
        if size == self._frontier.size and root != self._frontier.root():
            told = f"one at least of the first {size} leaves is not what was signed"
            self._findings.add("log_mark_differs", "log.mark", told)
