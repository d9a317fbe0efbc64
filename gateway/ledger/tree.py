"""The transparency log in the ledger: the tree and its tiles, which leaf is which event, what was signed.

`GrowOperation` appends leaves under a compare-and-swap of the tree's size and root: whoever read another tree grows
nothing. `LogReads` makes proofs from the tiles of what was committed. Nothing here signs. Leaves are the events, in
the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from gateway.clock import instant, micros
from gateway.errors import LogRaceError, ProofError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.storage.pump import Transaction
from gateway.storage.readers import Reader, Readers
from gateway.transparency.merkle import Frontier, Get, consistency_proof, frontier_at, inclusion_proof, root_at
from gateway.transparency.note import SignedNote
from gateway.transparency.proof import InclusionProof
from gateway.transparency.quorum import Quorum
from gateway.transparency.tiles import TileHashes, TileId, needed, width_at

T = TypeVar("T")

_NOBODY: Final = Quorum()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """The tree as it is committed."""

    frontier: Frontier
    root: bytes
    #: Number of the last event in it; 0 of the empty tree.
    seq: int
    #: 1, and one more with each declared gap: another epoch is signed as another log.
    epoch: int

    @property
    def size(self) -> int:
        """Leaves."""
        return self.frontier.size


@dataclass(frozen=True, kw_only=True, slots=True)
class Grow:
    """Leaves to append, worked out over the tree that was read."""

    before: Tree
    after: Frontier
    #: Numbers of the events, ascending.
    seqs: Sequence[int]
    tiles: Mapping[TileId, bytes]


class GrowOperation:
    """Appends leaves; LogRaceError for whoever worked over a tree that is not the present one."""

    name = "grow_tree"

    async def apply(self, tx: Transaction, payloads: Sequence[Grow]) -> Sequence[Tree | Exception]:
        """The tree that each came to."""
        return [await self._grow(tx, payload) for payload in payloads]

    async def _grow(self, tx: Transaction, grow: Grow) -> Tree | Exception:
        before, root = grow.before, grow.after.root()
        values = {
            "size": grow.after.size,
            "root": root,
            "frontier": grow.after.packed(),
            "seq": grow.seqs[-1],
            "old_size": before.size,
            "old_root": before.root,
        }
        if not await tx.fetch("log_tree_advance_if_unchanged", values):
            return LogRaceError(size=before.size)
        for first, index, count in runs_of(grow.seqs, before.size):
            if first == before.seq + 1 and before.size:
                await tx.execute_many("log_run_extend_last", [(count,)])
            else:
                await tx.execute_many("log_run_insert", [(first, index, count)])
        await tx.execute_many("log_tile_put", [(tile.level, tile.index, row) for tile, row in grow.tiles.items()])
        return Tree(frontier=grow.after, root=root, seq=grow.seqs[-1], epoch=before.epoch)


def runs_of(seqs: Sequence[int], first_index: int) -> list[tuple[int, int, int]]:
    """Numbers that follow each other, put together: (first number, index of its leaf, count)."""
    found: list[tuple[int, int, int]] = []
    for index, seq in enumerate(seqs, first_index):
        if found and seq == found[-1][0] + found[-1][2]:
            first, at, count = found[-1]
            found[-1] = (first, at, count + 1)
        else:
            found.append((seq, index, 1))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """A checkpoint that was signed, about to be kept."""

    size: int
    root: bytes
    at: datetime
    note: bytes


class KeepCheckpointOperation:
    """Keeps it; from then on it may be shown to others."""

    name = "keep_checkpoint"

    async def apply(self, tx: Transaction, payloads: Sequence[Signed]) -> Sequence[None]:
        """Nothing to give back."""
        rows = [(each.size, each.root, micros(each.at), each.note) for each in payloads]
        await tx.execute_many("checkpoint_insert", rows)
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclareGap:
    """An operator says that what was signed beyond the restored copy is lost."""

    #: The epoch to be opened.
    epoch: int
    #: What the mark tells of the lost tree; None where there is no mark, which is the loss.
    lost: tuple[int, bytes] | None
    now: datetime
    actor: str
    note: str


class DeclareGapOperation:
    """Records the gap as an event, which becomes a leaf, and opens the log's new epoch in the same transaction."""

    name = "declare_gap"

    async def apply(self, tx: Transaction, payloads: Sequence[DeclareGap]) -> Sequence[Tree]:
        """The tree, in its new epoch."""
        found = []
        for ask in payloads:
            tree = tree_of((await tx.fetch("log_tree_read"))[0])
            facts: dict[str, object] = {"epoch": ask.epoch, "size": tree.size, "root": tree.root.hex()}
            if ask.lost is not None:
                facts |= {"lost_size": ask.lost[0], "lost_root": ask.lost[1].hex()}
            row = history.EventRow(kind=Event.LOG_DECLARED, at=ask.now, actor=ask.actor, facts=facts, note=ask.note)
            await history.append(tx, [row])
            await tx.execute_many("log_tree_set_epoch", [(ask.epoch,)])
            found.append(Tree(frontier=tree.frontier, root=tree.root, seq=tree.seq, epoch=ask.epoch))
        return found


def tree_of(row: Sequence[object]) -> Tree:
    """A row of `log_tree_read`."""
    size, root, packed, seq, epoch = row
    assert isinstance(size, int)
    assert isinstance(root, bytes)
    assert isinstance(packed, bytes)
    assert isinstance(seq, int)
    assert isinstance(epoch, int)
    return Tree(frontier=Frontier.parse(size, packed), root=root, seq=seq, epoch=epoch)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """A time stamp over a checkpoint: DER TimeStampResp over SHA-256 of the note as we signed it."""

    server: str
    at: datetime
    token: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCheckpoint:
    """A checkpoint with what was added to it since."""

    #: Leaves.
    size: int
    root: bytes
    at: datetime
    #: The note as it is handed out: text, our signature, the lines of witnesses.
    note: bytes
    #: The note as we signed it, which time stamps are over.
    signed: bytes
    stamps: tuple[Stamp, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proved:
    """A leaf and that it is in the log."""

    index: int
    leaf: bytes
    proof: InclusionProof
    checkpoint: StoredCheckpoint


class LogReads:
    """What others ask of the log. Everything is of what was committed."""

    def __init__(self, readers: Readers, *, quorum: Quorum = _NOBODY) -> None:
        """`quorum`: witnesses that a proof should have, where any cosign."""
        self._readers, self._quorum = readers, quorum

    async def tree(self) -> Tree:
        """The tree as it is."""
        return tree_of((await self._readers.fetch("log_tree_read"))[0])

    async def latest(self) -> StoredCheckpoint | None:
        """What was signed last."""
        async with self._readers.snapshot() as reader:
            return await _stored(reader, await reader.fetch_one("checkpoint_read_latest"))

    async def covering(self, leaf_index: int) -> StoredCheckpoint | None:
        """The first checkpoint that a leaf is under and that enough witnesses cosigned, else simply the first.

        None while it is under none.
        """
        async with self._readers.snapshot() as reader:
            if self._quorum.least:
                names = as_json(sorted(self._quorum.names))
                asked = {"leaf": leaf_index, "names": names, "quorum": self._quorum.least}
                row = await reader.fetch_one("checkpoint_find_cosigned", asked)
                if row is not None:
                    return await _stored(reader, row)
            return await _stored(reader, await reader.fetch_one("checkpoint_find_covering", (leaf_index,)))

    async def latest_cosigned(self) -> StoredCheckpoint | None:
        """The newest that enough witnesses cosigned; None where none did, or where none are asked for."""
        if not self._quorum.least:
            return None
        asked = {"names": as_json(sorted(self._quorum.names)), "quorum": self._quorum.least}
        async with self._readers.snapshot() as reader:
            return await _stored(reader, await reader.fetch_one("checkpoint_find_last_cosigned", asked))

    async def of_size(self, size: int) -> StoredCheckpoint | None:
        """The checkpoint of exactly so many leaves."""
        async with self._readers.snapshot() as reader:
            return await _stored(reader, await reader.fetch_one("checkpoint_read", (size,)))

    def has_quorum(self, checkpoint: StoredCheckpoint) -> bool:
        """Whether enough witnesses cosigned it."""
        return self._quorum.is_met(SignedNote.parse(checkpoint.note))

    async def index_of(self, seq: int) -> int | None:
        """The leaf of an event; None while it is none."""
        row = await self._readers.fetch_one("log_run_find_seq", (seq,))
        return row[1] + seq - row[0] if row is not None and seq < row[0] + row[2] else None

    async def seq_of(self, leaf_index: int) -> int | None:
        """The event of a leaf; None where there is no such leaf."""
        row = await self._readers.fetch_one("log_run_find_index", (leaf_index,))
        return row[0] + leaf_index - row[1] if row is not None and leaf_index < row[1] + row[2] else None

    async def leaf(self, leaf_index: int) -> bytes | None:
        """The exact bytes of a leaf."""
        seq = await self.seq_of(leaf_index)
        row = None if seq is None else await self._readers.fetch_one("event_read_leaf", (seq,))
        return None if row is None else bytes(row[0])

    async def accepted_seq(self, message_id: str) -> int | None:
        """The event of a message's acceptance."""
        row = await self._readers.fetch_one("event_find_accepted", (message_id,))
        return None if row is None else int(row[0])

    async def inclusion(self, leaf_index: int, size: int) -> list[bytes]:
        """The audit path of a leaf in the tree of that size; ProofError when there is no such leaf or tree."""
        return (await self.inclusions([leaf_index], size))[0]

    async def inclusions(self, leaf_indices: Sequence[int], size: int) -> list[list[bytes]]:
        """The same of many leaves, each tile read once."""
        return await self._proved(size, lambda get: [inclusion_proof(each, size, get) for each in leaf_indices])

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """That the tree of `new` leaves begins with that of `old`; ProofError when there is no such tree."""
        return await self._proved(new, lambda get: consistency_proof(old, new, get))

    async def root_at(self, size: int) -> bytes:
        """The root that the tree had with so many leaves; ProofError when it never had."""
        return await self._proved(size, lambda get: root_at(size, get))

    async def frontier_at(self, size: int) -> Frontier:
        """What was needed to append to the tree when it had so many leaves; ProofError when it never had."""
        return await self._proved(size, lambda get: frontier_at(size, get))

    async def tile(self, tile: TileId, width: int) -> bytes | None:
        """The first `width` hashes of a tile, if it has so many in what was signed; None otherwise."""
        latest = await self._readers.fetch_one("checkpoint_read_latest")
        if latest is None or width > width_at(tile, latest[0]):
            return None
        found = await self._tiles({tile})
        return found[tile][: width * 32] if tile in found else None

    async def proved(self, leaf_index: int) -> Proved | None:
        """A leaf with its proof under the first checkpoint that covers it; None while none does."""
        checkpoint = await self.covering(leaf_index)
        leaf = await self.leaf(leaf_index)
        if checkpoint is None or leaf is None:
            return None
        path = await self.inclusion(leaf_index, checkpoint.size)
        proof = InclusionProof(leaf_index, tuple(path), checkpoint.note)
        return Proved(index=leaf_index, leaf=leaf, proof=proof, checkpoint=checkpoint)

    async def _proved(self, size: int, make: Callable[[Get], T]) -> T:
        tree = await self.tree()
        if not 0 <= size <= tree.size:
            raise ProofError(f"the tree has {tree.size} leaves, not {size}")
        return make(TileHashes(await self._tiles(needed(make))))

    async def _tiles(self, tiles: set[TileId]) -> dict[TileId, bytes]:
        asked = as_json([[tile.level, tile.index] for tile in sorted(tiles)])
        rows = await self._readers.fetch("log_tile_list", (asked,))
        return {TileId(level, index): hashes for level, index, hashes in rows}


async def _stored(reader: Reader, row: Sequence[object] | None) -> StoredCheckpoint | None:
    if row is None:
        return None
    size, root, at, note = row
    assert isinstance(size, int)
    assert isinstance(root, bytes)
    assert isinstance(at, int)
    assert isinstance(note, bytes)
    stamps = await reader.fetch("checkpoint_list_stamps", (size,))
    lines = [line for (line,) in await reader.fetch("cosignature_list", (size,))]
    return StoredCheckpoint(
        size=size,
        root=root,
        at=instant(at),
        note=note + "".join(lines).encode(),
        signed=note,
        stamps=tuple(Stamp(server=name, at=instant(when), token=token) for name, when, token in stamps),
    )
