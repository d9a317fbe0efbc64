"""The head of the log by another hash, so that the end of SHA-256 does not end the proof [RFC 4998 5.3].

A *renewal* is a text that says: over its first so many leaves the log's tree, built with this hash in place of
SHA-256, has this root; and what was there before (the checkpoint of that size, the stamps over it, the renewal
before with its stamp) has these digests by the same hash. The text is time-stamped under the same hash. So each
renewal vouches for all that came before it, while the hashes and certificates of that still hold.

The tree is RFC 6962's with another hash: H(0x00 || leaf), H(0x01 || left || right). Of it only the roots of
complete subtrees of 256 leaves are kept (`Chunks`); the rest is worked out from the leaves when it is asked for.
What is proved is the leaves. What they name by SHA-256 (receipts, bodies) hangs on SHA-256 all the same.

RFC 4998 renews a chain in ASN.1; readers of that know no log, so the same is said in JSON. Pure code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import msgspec

from gateway.errors import ProofError
from gateway.transparency.merkle import MAX_SIZE, verify_consistency, verify_inclusion

FORMAT: Final = "edoc-log-renewal"
VERSION: Final = 1
#: Leaves of a complete subtree whose root is kept, and its level.
CHUNK: Final = 256
LEVEL: Final = 8
#: Name -> hash, as time stamps name it (asn1crypto), and as Python does.
ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "sha384": ("sha384", "sha384"),
        "sha512": ("sha512", "sha512"),
        "sha3-256": ("sha3_256", "sha3_256"),
        "sha3-512": ("sha3_512", "sha3_512"),
    }
)


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash that a head is renewed with; ProofError for one that is not known."""

    name: str

    def __post_init__(self) -> None:
        """Known ones only."""
        if self.name not in ALGORITHMS:
            raise ProofError(f"{self.name[:40]} is no hash that a head is renewed with")

    @property
    def stamped_as(self) -> str:
        """As time stamps name it."""
        return ALGORITHMS[self.name][0]

    def digest(self, data: bytes) -> bytes:
        """Of some bytes."""
        return hashlib.new(ALGORITHMS[self.name][1], data).digest()

    def leaf(self, leaf: bytes) -> bytes:
        """Of a leaf."""
        return self.digest(b"\x00" + leaf)

    def node(self, left: bytes, right: bytes) -> bytes:
        """Of two nodes."""
        return self.digest(b"\x01" + left + right)

    def root(self, hashes: Sequence[bytes]) -> bytes:
        """Over leaves or subtrees whose hashes these are, one at least."""
        row = list(hashes)
        while len(row) > 1:
            odd = [row[-1]] if len(row) & 1 else []
            row = [self.node(left, right) for left, right in zip(row[0::2], row[1::2], strict=False)] + odd
        return row[0]


class Renewal(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What is stamped."""

    format: str = FORMAT
    version: int = VERSION
    #: 1, 2, …
    number: int
    origin: str
    algorithm: str
    #: Leaves.
    size: int
    #: By the new hash, and by SHA-256 as the checkpoint has it; hexadecimal.
    root: str
    sha256_root: str
    #: Digest over those of the checkpoint, of the stamps over it, of the renewal before and of its stamp.
    chain: str
    made_at: str

    def text(self) -> bytes:
        """The bytes that are stamped."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def parse(cls, text: bytes) -> Renewal:
        """Read; ProofError when it is none, or not written as `text` writes it."""
        try:
            found = msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProofError(f"it is no renewal: {error}") from error
        if (found.format, found.version) != (FORMAT, VERSION) or found.text() != text:
            raise ProofError("it is no renewal of the one form")
        if not 0 < found.size <= MAX_SIZE:
            raise ProofError("it is over no leaves")
        return found

    @property
    def hash(self) -> Hash:
        """Of its algorithm."""
        return Hash(self.algorithm)


class Kept(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A renewal with its stamp, and what it was made over."""

    text: bytes
    #: TimeStampResp over the text.
    token: bytes
    server: str
    at: str
    #: The checkpoint as the log signed it, and the stamps over it.
    note: bytes
    stamps: list[bytes]


def chain_of(hash_: Hash, note: bytes, stamps: Iterable[bytes], before: tuple[bytes, bytes] | None) -> str:
    """`Renewal.chain`; `before`: text and stamp of the renewal before."""
    parts = [note, *stamps, *(before or ())]
    return hash_.digest(b"".join(hash_.digest(each) for each in parts)).hex()


@dataclass(kw_only=True)
class Chunks:
    """A tree by another hash, while it is built: the roots of complete subtrees, and the leaves behind them."""

    hash: Hash
    roots: list[bytes] = field(default_factory=list)
    rest: list[bytes] = field(default_factory=list)

    def add(self, leaves: Iterable[bytes]) -> None:
        """More leaves, as they stand in the log."""
        for leaf in leaves:
            self.rest.append(self.hash.leaf(leaf))
            if len(self.rest) == CHUNK:
                self.roots.append(self.hash.root(self.rest))
                self.rest = []

    def root(self) -> bytes:
        """Over all of them."""
        return root_at(self.hash, self.roots, self.rest)


def root_at(hash_: Hash, roots: Sequence[bytes], rest: Sequence[bytes]) -> bytes:
    """The root over complete subtrees of one size, and leaves behind them that are no complete one."""
    found = hash_.root(rest) if rest else None
    count, end = len(roots), len(roots)
    while count:
        part = count & -count
        node = hash_.root(roots[end - part : end])
        found = node if found is None else hash_.node(node, found)
        count, end = count - part, end - part
    if found is None:
        raise ProofError("there is no leaf")
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkHashes:
    """The `Get` of `gateway.transparency.merkle` over kept roots and the leaves of some chunks."""

    hash: Hash
    roots: Sequence[bytes]
    #: Number of a chunk -> hashes of its leaves.
    leaves: Mapping[int, Sequence[bytes]]

    def __call__(self, level: int, index: int) -> bytes:
        """ProofError when what it takes is not there."""
        if level >= LEVEL:
            count = 1 << (level - LEVEL)
            found = self.roots[index * count : (index + 1) * count]
        else:
            count = 1 << level
            chunk, first = divmod(index * count, CHUNK)
            found = self.leaves.get(chunk, ())[first : first + count]
        if len(found) != count:
            raise ProofError(f"subtree {level}/{index} is not there")
        return self.hash.root(found)


def chunks_needed(proof: Callable[[Callable[[int, int], bytes]], Any]) -> set[int]:
    """The chunks whose leaves making a proof takes."""
    found: set[int] = set()

    def note(level: int, index: int) -> bytes:
        if level < LEVEL:
            found.add((index << level) // CHUNK)
        return b""

    proof(note)
    return found


def verify_leaf(renewal: Renewal, index: int, leaf: bytes, path: Sequence[bytes]) -> None:
    """ProofError unless the leaf is under the renewal."""
    hash_ = renewal.hash
    root = bytes.fromhex(renewal.root)
    verify_inclusion(index, renewal.size, hash_.leaf(leaf), list(path), root, node=hash_.node)


@dataclass(kw_only=True)
class Grown:
    """A tree by another hash that leaves are appended to: what a month archive is followed along."""

    hash: Hash
    size: int
    hashes: list[bytes]

    def __post_init__(self) -> None:
        """The frontier of a tree of that size."""
        if len(self.hashes) != self.size.bit_count():
            raise ProofError(f"that is not the frontier of a tree of {self.size} leaves")

    def add(self, leaf: bytes) -> None:
        """One more."""
        node, bits = self.hash.leaf(leaf), self.size
        while bits & 1:
            node = self.hash.node(self.hashes.pop(), node)
            bits >>= 1
        self.hashes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Of the whole tree; ProofError before the first leaf."""
        if not self.hashes:
            raise ProofError("there is no leaf")
        *left, found = self.hashes
        for each in reversed(left):
            found = self.hash.node(each, found)
        return found

    def verify(self, renewal: Renewal, path: Sequence[bytes]) -> None:
        """ProofError unless the renewal's tree begins with this one."""
        root = bytes.fromhex(renewal.root)
        verify_consistency(self.size, renewal.size, self.root(), root, list(path), node=self.hash.node)
