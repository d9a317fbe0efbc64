"""Trees to prove things of: leaves, and every complete subtree of them by the book."""

from __future__ import annotations

from hashlib import sha256

from gateway.transparency.merkle import Get, node_hash


def leaves(count: int) -> list[bytes]:
    """So many leaf hashes, all different."""
    return [sha256(b"\x00" + number.to_bytes(4, "big")).digest() for number in range(count)]


def root_by_the_book(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 2.1 defines it, by recursion and nothing cleverer."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(root_by_the_book(hashes[:split]), root_by_the_book(hashes[split:]))


def subtrees(hashes: list[bytes]) -> Get:
    """Complete subtrees over these leaves."""

    def get(level: int, index: int) -> bytes:
        part = hashes[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "asked for a subtree that is not complete"
        return root_by_the_book(part)

    return get
