"""The Merkle tree of RFC 6962 and RFC 9162: hashes, growing, proofs and their verification.

A tree of `size` leaves has the root MTH of [RFC 9162 2.1.1]. It is grown by a `Frontier`, which holds the roots of
its complete subtrees, largest first: one for each bit that is set in `size`; that is all that appending needs.
Proofs are made from a `Get`, which answers with the root of one complete subtree: `get(level, index)` is the MTH of
the leaves from `index * 2**level` to `(index + 1) * 2**level`.

Hashes are 32 bytes everywhere. Whoever verifies hands in bytes of strangers: whatever is wrong with them, and
whatever does not hold, is a ProofError that says what, never another exception. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.errors import ProofError

HASH_BYTES: Final = 32
#: MTH of no leaf at all.
EMPTY_ROOT: Final = sha256(b"").digest()
#: No tree is larger; a proof has at most this many bits of size to answer for.
MAX_SIZE: Final = 2**63 - 1
#: No honest proof is longer: an audit path has one hash for each level, a consistency proof one more.
MAX_PROOF: Final = 64

#: `(level, index)` to the root of that complete subtree.
Get = Callable[[int, int], bytes]
#: How two nodes make the one above them: SHA-256 in the log's own tree, others when its head is renewed.
Node = Callable[[bytes, bytes], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is needed of a tree to append to it: its size, and the roots of its complete subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, size: int, packed: bytes) -> Frontier:
        """As `packed` wrote it; raises ProofError when the number of hashes is not that of such a tree."""
        _checked_size(size)
        if len(packed) != size.bit_count() * HASH_BYTES:
            raise ProofError(f"a frontier of {len(packed)} bytes is not that of a tree of {size} leaves")
        return cls(size, tuple(packed[at : at + HASH_BYTES] for at in range(0, len(packed), HASH_BYTES)))

    def packed(self) -> bytes:
        """The hashes, one after the other."""
        return b"".join(self.hashes)

    def extended(self, leaf_hashes: Iterable[bytes]) -> Frontier:
        """The frontier after these leaves were appended; amortised one hash a leaf."""
        size, hashes, new = self.size, list(self.hashes), sha256
        for hash_ in leaf_hashes:
            node, bits = hash_, size
            while bits & 1:
                node = new(b"\x01" + hashes.pop() + node).digest()
                bits >>= 1
            hashes.append(node)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """The root of the whole tree."""
        if not self.hashes:
            return EMPTY_ROOT
        *left, root = self.hashes
        for hash_ in reversed(left):
            root = node_hash(hash_, root)
        return root


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaves whose hashes these are [RFC 9162 2.1.1]."""
    row = list(leaf_hashes)
    if not row:
        return EMPTY_ROOT
    new = sha256
    while len(row) > 1:
        odd = [row[-1]] if len(row) & 1 else []
        row = [
            new(b"\x01" + left + right).digest() for left, right in zip(row[0::2], row[1::2], strict=False)
        ] + odd
    return row[0]


def frontier_at(size: int, get: Get) -> Frontier:
    """The frontier that the tree had when it had `size` leaves."""
    found, begin = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            found.append(get(level, begin >> level))
            begin += 1 << level
    return Frontier(size, tuple(found))


def root_at(size: int, get: Get) -> bytes:
    """The root that the tree had when it had `size` leaves."""
    return _range(0, size, get) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, get: Get, node: Node = node_hash) -> list[bytes]:
    """The audit path of a leaf in the tree of `size` leaves, from the leaf's sibling up [RFC 9162 2.1.3.1]."""
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range(middle, end, get, node))
            end = middle
        else:
            path.append(_range(begin, middle, get, node))
            begin = middle
    return path[::-1]


def consistency_proof(old: int, new: int, get: Get, node: Node = node_hash) -> list[bytes]:
    """Proof that the tree of `new` leaves begins with that of `old` [RFC 9162 2.1.4.1].

    Empty where there is nothing to prove: from the empty tree, and from a tree to itself.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {new} leaves cannot begin with one of {old}")
    if old in {0, new}:
        return []
    path: list[bytes] = []
    begin, end, whole = 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(_range(middle, end, get, node))
            end = middle
        else:
            path.append(_range(begin, middle, get, node))
            begin, whole = middle, False
    if not whole:
        path.append(_range(begin, end, get, node))
    return path[::-1]


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes, *, node: Node = node_hash
) -> None:
    """ProofError unless the leaf of hash `leaf` is number `index` of the tree with this root [RFC 9162 2.1.3.2]."""
    _checked_size(size)
    if not _is_number(index) or not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    width = _width_of(node)
    _checked_hashes("leaf hash", [leaf], width)
    _checked_hashes("root", [root], width)
    _checked_hashes("proof", proof, width)
    first, last, found = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            raise ProofError("the inclusion proof is too long")
        if first & 1 or first == last:
            found = node(hash_, found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            found = node(found, hash_)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofError("the inclusion proof is too short")
    if found != root:
        raise ProofError("the inclusion proof leads to another root")


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes], *, node: Node = node_hash
) -> None:
    """ProofError unless the tree of `new` leaves begins with that of `old` [RFC 9162 2.1.4.2]."""
    _checked_size(old)
    _checked_size(new)
    width = _width_of(node)
    _checked_hashes("root", [old_root, new_root], width)
    _checked_hashes("proof", proof, width)
    if old > new:
        raise ProofError(f"a tree of {new} leaves cannot begin with one of {old}")
    if old in {0, new}:
        _verify_trivial(old, new, old_root, new_root, proof)
        return
    # 1. a tree that is one complete subtree is its own first node
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise ProofError("the consistency proof is empty")
    # 2. go up to where the old tree's last complete subtree hangs
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    # 3. build both roots at once
    old_node = new_node = path[0]
    for hash_ in path[1:]:
        if last == 0:
            raise ProofError("the consistency proof is too long")
        if first & 1 or first == last:
            old_node, new_node = node(hash_, old_node), node(hash_, new_node)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_node = node(new_node, hash_)
        first, last = first >> 1, last >> 1
    if last:
        raise ProofError("the consistency proof is too short")
    if old_node != old_root:
        raise ProofError("the consistency proof leads to another old root")
    if new_node != new_root:
        raise ProofError("the consistency proof leads to another new root")


def _verify_trivial(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofError("the consistency proof is too long")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ProofError("the root of the empty tree is another")
    if old == new and old_root != new_root:
        raise ProofError(f"two trees of {new} leaves have different roots")


def _split(size: int) -> int:
    """The largest power of two below `size`, which is 2 or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _range(begin: int, end: int, get: Get, node: Node = node_hash) -> bytes:
    """MTH of the leaves from `begin` to `end`, a range that RFC 9162 splits off: its begin is aligned."""
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return get(level, begin >> level)
    middle = begin + _split(size)
    return node(_range(begin, middle, get, node), _range(middle, end, get, node))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _checked_size(size: int) -> None:
    if not _is_number(size) or not 0 <= size <= MAX_SIZE:
        raise ProofError(f"{size!r} is not the size of a tree")


def _width_of(node: Node) -> int:
    return HASH_BYTES if node is node_hash else len(node(b"", b""))


def _checked_hashes(what: str, hashes: Sequence[bytes], width: int) -> None:
    if not isinstance(hashes, list | tuple) or len(hashes) > MAX_PROOF:
        raise ProofError(f"the {what} is not a list of at most {MAX_PROOF} hashes")
    for hash_ in hashes:
        if not isinstance(hash_, bytes) or len(hash_) != width:
            raise ProofError(f"the {what} holds something that is not a hash of {width} bytes")
