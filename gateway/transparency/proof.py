"""Proofs of inclusion as files, after C2SP tlog-proof: index, audit path and checkpoint of one entry.

    c2sp.org/tlog-proof@v1
    extra <base 64>          (may be left out)
    index 73894
    <base 64 of a hash>      (none or more)
    <empty line>
    the checkpoint, a signed note

Whoever has the entry, the log's public key and this file can check without us that the entry is in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.errors import ProofError
from gateway.transparency.checkpoint import Checkpoint, decimal, opened
from gateway.transparency.merkle import MAX_PROOF, verify_inclusion
from gateway.transparency.note import MAX_NOTE_BYTES, VerifierKey, decode_base64, encode_base64

MAGIC: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
MEDIA_TYPE: Final = "text/plain; charset=utf-8"
#: What stands above the checkpoint is smaller.
_MAX_HEAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an entry is in a log."""

    index: int
    #: 32 bytes each, from the leaf's sibling up.
    hashes: tuple[bytes, ...]
    #: The checkpoint, verbatim.
    checkpoint: bytes
    #: Of whoever made the file; proves nothing.
    extra: bytes = b""

    def __bytes__(self) -> bytes:
        """The file."""
        lines = [MAGIC]
        if self.extra:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines += [f"index {self.index}", *map(encode_base64, self.hashes), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, file: bytes) -> InclusionProof:
        """Read a file; raises ProofError. The checkpoint is not looked into before `verify`."""
        head, gap, checkpoint = file.partition(b"\n\n")
        if not gap or len(head) > _MAX_HEAD_BYTES or len(checkpoint) > MAX_NOTE_BYTES:
            raise ProofError("a proof is a few lines, an empty line, and a checkpoint")
        try:
            magic, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise ProofError("the lines of a proof are ASCII") from error
        if magic != MAGIC:
            raise ProofError(f"a proof begins with {MAGIC}")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "))
        if not lines or not lines[0].startswith("index "):
            raise ProofError("a proof has a line with the index")
        index = decimal(lines.pop(0).removeprefix("index "))
        if len(lines) > MAX_PROOF:
            raise ProofError(f"a proof has at most {MAX_PROOF} hashes")
        return cls(index, tuple(decode_base64(line) for line in lines), checkpoint, extra)

    def verify(self, leaf_hash: bytes, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, list[VerifierKey]]:
        """The checkpoint that the leaf is under, and the keys that signed it; ProofError when any of it fails."""
        checkpoint, signed = opened(self.checkpoint, keys)
        verify_inclusion(self.index, checkpoint.size, leaf_hash, self.hashes, checkpoint.root)
        return checkpoint, signed
