"""Whether the log of today begins with what was signed on a day, or with a checkpoint that somebody kept.

The proof from one to the other is made of the log as it is, and verified here as a witness would: were a leaf of
before changed, taken away or put between, it would not lead to the root that was signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.errors import ProofError
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.storage.readers import Readers
from gateway.transparency.checkpoint import opened
from gateway.transparency.merkle import verify_consistency
from gateway.transparency.note import VerifierKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Continuity:
    """What was found."""

    #: The checkpoint of then, and the newest.
    old: StoredCheckpoint | None
    new: StoredCheckpoint | None
    #: Hashes of the proof from one to the other.
    steps: int
    #: Why it does not hold; "" where it does.
    fault: str

    @property
    def holds(self) -> bool:
        """Whether the log was only added to."""
        return self.old is not None and self.new is not None and not self.fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A checkpoint that somebody brought, held against the log."""

    size: int
    origin: str
    fault: str


async def since(readers: Readers, at: datetime) -> Continuity:
    """From the first checkpoint that was signed at that instant or later."""
    reads = LogReads(readers)
    new = await reads.latest()
    old = await _first_since(reads, at, new.size) if new is not None else None
    if new is None or old is None:
        return Continuity(old=old, new=new, steps=0, fault="")
    try:
        path = await reads.consistency(old.size, new.size)
        verify_consistency(old.size, new.size, old.root, new.root, path)
    except ProofError as error:
        return Continuity(old=old, new=new, steps=0, fault=str(error))
    return Continuity(old=old, new=new, steps=len(path), fault="")


async def compare(readers: Readers, note: bytes, keys: tuple[VerifierKey, ...]) -> Compared:
    """One of our own checkpoints, such as a weekly head; ProofError where it is none, or not signed by our key."""
    kept, _ = opened(note, keys)
    root = await LogReads(readers).root_at(kept.size)
    fault = "" if root == kept.root else f"the first {kept.size} leaves have the root {root.hex()} here"
    return Compared(size=kept.size, origin=kept.origin, fault=fault)


async def _first_since(reads: LogReads, at: datetime, size: int) -> StoredCheckpoint | None:
    """Checkpoints are signed in the order of their sizes; so it is found in a few looks."""
    low, high, found = 0, size, None
    while low < high:
        middle = (low + high) // 2
        checkpoint = await reads.covering(middle)
        if checkpoint is None:
            high = middle
        elif checkpoint.at >= at:
            found, high = checkpoint, middle
        else:
            low = checkpoint.size
    return found
