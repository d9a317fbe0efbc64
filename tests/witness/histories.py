"""A log that can tell two histories: what a witness is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.keys import LogSigner, new_key, read_key
from gateway.transparency.merkle import consistency_proof, root_at
from gateway.transparency.note import SignedNote, sign
from gateway.transparency.witnessing import AddCheckpoint
from tests.transparency.growing import subtrees


def leaf(name: str) -> bytes:
    """A leaf hash."""
    return sha256(b"\x00" + name.encode()).digest()


@dataclass(frozen=True)
class History:
    """One tree of a log; the same signer may have another."""

    signer: LogSigner
    hashes: tuple[bytes, ...]

    @classmethod
    def of(cls, count: int, origin: str = "example.vn/log") -> History:
        """So many leaves, under a new key."""
        return cls(LogSigner(origin, read_key(new_key())), tuple(leaf(f"{number}") for number in range(count)))

    def forked(self, at: int) -> History:
        """The same log, whose leaves are others from `at` on."""
        return History(self.signer, (*self.hashes[:at], *(leaf(f"other {n}") for n in range(at, len(self.hashes)))))

    def checkpoint(self, size: int) -> Checkpoint:
        """The tree of so many leaves."""
        return Checkpoint(self.signer.name, size, root_at(size, subtrees(list(self.hashes))))

    def note(self, size: int) -> SignedNote:
        """The same, signed."""
        return sign(self.checkpoint(size).text(), self.signer)

    def ask(self, old: int, size: int) -> bytes:
        """The body of a request, with the proof that this tree has."""
        proof = consistency_proof(old, size, subtrees(list(self.hashes))) if old <= size else []
        return bytes(AddCheckpoint(old, tuple(proof), bytes(self.note(size))))

    def has(self, checkpoint: Checkpoint) -> bool:
        """Whether it is one of this tree."""
        return checkpoint == self.checkpoint(checkpoint.size)


def tells_one_history(cosigned: Iterable[Checkpoint], histories: Iterable[History]) -> bool:
    """Whether one tree has all of these checkpoints."""
    found = list(cosigned)
    return any(all(map(history.has, found)) for history in histories)
