"""Checkpoints, after C2SP tlog-checkpoint: origin, size and root of a log, the text of a signed note."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.errors import ProofError
from gateway.transparency.merkle import HASH_BYTES, MAX_SIZE
from gateway.transparency.note import SignedNote, VerifierKey, decode_base64, encode_base64

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: with so many leaves its tree has this root."""

    #: The name of the log.
    origin: str
    #: Leaves.
    size: int
    #: 32 bytes.
    root: bytes
    #: Lines that others added; this gateway writes none.
    extensions: tuple[str, ...] = ()

    def text(self) -> bytes:
        """The text of the note."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Read the text of a note; raises ProofError."""
        try:
            lines = text.decode().split("\n")
        except UnicodeDecodeError as error:
            raise ProofError("a checkpoint is UTF-8") from error
        if len(lines) <= _LINES or lines[-1] or not all(lines[:-1]):
            raise ProofError("a checkpoint has an origin, a size and a root, a line each")
        origin, size, root, *extensions = lines[:-1]
        hash_ = decode_base64(root)
        if len(hash_) != HASH_BYTES:
            raise ProofError("the root of a checkpoint has 32 bytes")
        return cls(origin, decimal(size), hash_, tuple(extensions))


def decimal(digits: str) -> int:
    """A number without leading zeroes that may be the size of a tree; raises ProofError."""
    if _DECIMAL.fullmatch(digits) is None or int(digits) > MAX_SIZE:
        raise ProofError("that is not the size of a tree")
    return int(digits)


def opened(note: bytes, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, list[VerifierKey]]:
    """The checkpoint in a note and those of the keys that signed it; ProofError unless its log is one of them.

    The log's key has the origin for its name; whoever else signed cannot speak for the log.
    """
    signed_note = SignedNote.parse(note)
    signed = signed_note.verify(keys)
    checkpoint = Checkpoint.parse(signed_note.text)
    if checkpoint.origin not in {key.name for key in signed}:
        raise ProofError(f"no known key of the log {checkpoint.origin} signed the checkpoint")
    return checkpoint, signed
