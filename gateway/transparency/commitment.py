"""Commitments to a value that can be shown to be *another* value, by a single bit and nothing else.

A value is reduced to 64 bits of its SHA-256. Each bit is hidden behind a salt of its own, and the 64 are the leaves
of an RFC 6962 tree, whose root is the commitment:

    bits   = the first 64 of SHA-256(field || 00 || value in UTF-8)
    leaf j = SHA-256(00 || salt j (16 bytes) || bit j as a byte)

To show that a commitment is not to value N, one bit is opened that N has otherwise: its salt and six hashes.
Whoever checks learns that bit; who tries all values that there could be is left with half of them. Whoever knows
all salts can make the root again, and so tell whether it is to a value (`is_of`).

Two different values have the same 64 bits once in 2**64; then nothing can be shown (`position_of` finds none).
Does no I/O; whatever strangers hand in is judged with ProofError only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_256
from typing import Final

from gateway.errors import ProofError
from gateway.transparency.merkle import inclusion_proof, leaf_hash, node_hash, root_of, verify_inclusion

BITS: Final = 64
SALT_BYTES: Final = 16
#: All salts of one commitment.
SALTS_BYTES: Final = BITS * SALT_BYTES


def bits_of(field: str, value: str) -> int:
    """The 64 bits that stand for a value of a field, as a number; the first is the highest."""
    return int.from_bytes(sha256(field.encode() + b"\x00" + value.encode()).digest()[: BITS // 8], "big")


def bit_at(bits: int, position: int) -> int:
    """0 or 1."""
    return bits >> (BITS - 1 - position) & 1


def salts_of(seed: bytes, *about: str | int) -> bytes:
    """The salts of one commitment, out of a secret; `about` tells it from all others of that secret."""
    text = "\x00".join(map(str, about)).encode()
    return shake_256(len(seed).to_bytes(2, "big") + seed + text).digest(SALTS_BYTES)


def commitment(bits: int, salts: bytes) -> bytes:
    """The root over the 64 hidden bits."""
    return root_of(_leaves(bits, salts))


def is_of(root: bytes, field: str, value: str, salts: bytes) -> bool:
    """Whether a commitment is to that value, told by its salts."""
    return len(salts) == SALTS_BYTES and commitment(bits_of(field, value), salts) == root


@dataclass(frozen=True, slots=True)
class Opening:
    """One bit of a commitment."""

    #: 0 to 63.
    position: int
    #: 0 or 1.
    bit: int
    salt: bytes
    #: 32 bytes each, from the leaf's sibling up.
    path: tuple[bytes, ...]

    def verify(self, root: bytes) -> None:
        """ProofError unless it is a bit of that commitment."""
        if self.bit not in {0, 1} or len(self.salt) != SALT_BYTES:
            raise ProofError("it is no bit with its salt")
        verify_inclusion(self.position, BITS, _leaf(self.salt, self.bit), self.path, root)

    def tells_apart(self, bits: int) -> bool:
        """Whether those bits have another one there."""
        return bit_at(bits, self.position) != self.bit


def position_of(bits: int, others: int, salts: bytes) -> int | None:
    """One of the positions where two values differ, the same one each time; None where they do not.

    Drawn by the salts: the first one would tell, too, that all before it are equal.
    """
    found = [position for position in range(BITS) if bit_at(bits ^ others, position)]
    if not found:
        return None
    drawn = int.from_bytes(sha256(salts + others.to_bytes(BITS // 8, "big")).digest()[:8], "big")
    return found[drawn % len(found)]


def opening(bits: int, salts: bytes, position: int) -> Opening:
    """That bit of the commitment."""
    levels = [_leaves(bits, salts)]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([node_hash(left, right) for left, right in zip(row[0::2], row[1::2], strict=True)])
    path = inclusion_proof(position, BITS, lambda level, index: levels[level][index])
    return Opening(position, bit_at(bits, position), _salt(salts, position), tuple(path))


def _leaves(bits: int, salts: bytes) -> Sequence[bytes]:
    # `_leaf` of each, without a call for each: a day has millions
    new, text = sha256, f"{bits:0{BITS}b}"
    return [
        new(b"\x00" + salts[at : at + SALT_BYTES] + (b"\x01" if bit == "1" else b"\x00")).digest()
        for at, bit in zip(range(0, SALTS_BYTES, SALT_BYTES), text, strict=True)
    ]


def _salt(salts: bytes, position: int) -> bytes:
    return salts[position * SALT_BYTES : (position + 1) * SALT_BYTES]


def _leaf(salt: bytes, bit: int) -> bytes:
    return leaf_hash(salt + bytes((bit,)))
