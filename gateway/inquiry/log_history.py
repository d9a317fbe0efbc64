"""Whether the log of today begins with what was signed on a day, or with a checkpoint that somebody kept.

The proof from one to the other is made of the log as it is, and verified here as a witness would: were a leaf of
before changed, taken away or put between, it would not lead to the root that was signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.errors import ProofError
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.storage.readers import Readers
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.merkle import verify_consistency
from gateway.transparency.note import SignedNote, VerifierKey


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


class Outcome(StrEnum):
    """What a checkpoint that somebody brought says of the log; the first two say nothing of it."""

    #: The text is no checkpoint.
    UNREADABLE = "unreadable"
    #: No key of this log signed it as it stands.
    UNSIGNED = "unsigned"
    CONSISTENT = "consistent"
    #: The log has fewer leaves than were signed.
    SHORTER = "shorter"
    #: The leaves that were signed are others here.
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A checkpoint that somebody brought, held against the log."""

    outcome: Outcome
    size: int = 0
    origin: str = ""
    #: In the words of the proof, for those who look into it.
    fault: str = ""


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
    """One of our own checkpoints, such as a weekly head."""
    try:
        kept = Checkpoint.parse(SignedNote.parse(note).text)
    except ProofError as error:
        return Compared(outcome=Outcome.UNREADABLE, fault=str(error))
    try:
        opened(note, keys)
    except ProofError as error:
        return Compared(outcome=Outcome.UNSIGNED, size=kept.size, origin=kept.origin, fault=str(error))
    try:
        root = await LogReads(readers).root_at(kept.size)
    except ProofError as error:
        return Compared(outcome=Outcome.SHORTER, size=kept.size, origin=kept.origin, fault=str(error))
    if root != kept.root:
        fault = f"the first {kept.size} leaves have the root {root.hex()} here"
        return Compared(outcome=Outcome.OTHER, size=kept.size, origin=kept.origin, fault=fault)
    return Compared(outcome=Outcome.CONSISTENT, size=kept.size, origin=kept.origin)


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
