"""Evidence records [RFC 4998]: one time stamp over many receipts, and the way from each of them to it.

A *group* is what belongs together: a receipt, the document and the transfer manifest that it seals. Its hash is
that of the members' SHA-256, sorted and put together; the groups' hashes are the leaves of a binary tree [RFC
4998 4.2] whose root is stamped. A record for one group holds the members, what stands beside the way up, and
the stamp. So any program that reads evidence records tells that the three files were there at the stamp's time,
without our log.

Only the shape that is written here is read: one stamp, SHA-256, nothing renewed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.errors import StampError
from gateway.seal import der
from gateway.seal.stamp_token import MAX_REPLY_BYTES, SHA256, UNREADABLE

_HASH: Final = 32
#: Levels of a tree of 2**32 groups.
_MAX_LEVELS: Final = 33
_MAX_GROUP: Final = 16
MAX_RECORD_BYTES: Final = MAX_REPLY_BYTES + 16 * 1024


_SHA256: Final = der.written(der.SEQUENCE, der.written_oid(SHA256), der.written(der.NULL))


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An evidence record."""

    #: SHA-256 of the files of its group.
    group: tuple[bytes, ...]
    #: What stands beside each step up, from the group on.
    path: tuple[tuple[bytes, ...], ...]
    #: ContentInfo in DER.
    token: bytes

    @property
    def root(self) -> bytes:
        """What the stamp must be over."""
        found = group_hash(self.group)
        for beside in self.path:
            found = _parent((found, *beside))
        return found


def group_hash(members: Sequence[bytes]) -> bytes:
    """Of the SHA-256 digests of a group's files; a single one stands for itself."""
    return _parent(members)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The tree's root over groups' hashes, at least one."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path_of(leaves: Sequence[bytes], index: int) -> tuple[tuple[bytes, ...], ...]:
    """What stands beside the way from a leaf to the root: the reduced tree [RFC 4998 4.2]."""
    level, path = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append((level[beside],))
        level, index = _above(level), index // 2
    return tuple(path)


def write_record(group: Sequence[bytes], path: Sequence[Sequence[bytes]], token: bytes) -> bytes:
    """The record in DER; `token` is the stamp's ContentInfo."""
    tree = [
        der.written(der.SEQUENCE, *(der.written(der.OCTETS, each) for each in sorted(part)))
        for part in (group, *path)
    ]
    stamp = der.written(der.SEQUENCE, der.written(der.THIRD, *tree), token)
    chains = der.written(der.SEQUENCE, der.written(der.SEQUENCE, stamp))
    return der.written(der.SEQUENCE, der.written_integer(1), der.written(der.SEQUENCE, _SHA256), chains)


def read_record(raw: bytes) -> Record:
    """A record of the one shape; StampError for anything else."""
    if len(raw) > MAX_RECORD_BYTES:
        raise StampError(f"the evidence record has {len(raw)} bytes")
    try:
        tree, token = _read(raw)
    except UNREADABLE as error:
        raise StampError(f"this is no evidence record: {str(error)[:200]}") from error
    is_sound = 0 < len(tree) <= _MAX_LEVELS and all(
        0 < len(part) <= _MAX_GROUP and all(len(each) == _HASH for each in part) for part in tree
    )
    if not is_sound:
        raise StampError("the evidence record's hash tree is not of SHA-256 digests")
    return Record(group=tree[0], path=tuple(tree[1:]), token=token)


def _read(raw: bytes) -> tuple[list[tuple[bytes, ...]], bytes]:
    """The reduced tree and the stamp of EvidenceRecord [RFC 4998 3.1], without what protects encrypted data."""
    record = der.parts_of(der.read(raw))
    version, algorithms = der.integer(record.next()), record.next().parts()
    if version != 1 or [der.oid(each.parts()[0]) for each in algorithms] != [SHA256]:
        raise StampError("the evidence record is not of version 1 and SHA-256")
    chains = record.next().parts()
    record.end()
    if len(chains) != 1 or len(chains[0].parts()) != 1:
        raise StampError("the evidence record was renewed: this is not read here")
    stamp = der.parts_of(chains[0].parts()[0])
    for tag in (der.FIRST, der.SECOND):  # of the stamp's own hash, attributes
        stamp.optional(tag)
    tree, token = stamp.optional(der.THIRD), stamp.next()
    stamp.end()
    token.of(der.SEQUENCE)
    parts = tree.parts(der.THIRD) if tree else []
    return [tuple(der.octets(each) for each in part.parts()) for part in parts], token.raw


def _above(level: list[bytes]) -> list[bytes]:
    """The next level; who has nobody beside moves up as it is."""
    return [_parent(level[at : at + 2]) for at in range(0, len(level), 2)]


def _parent(hashes: Sequence[bytes]) -> bytes:
    return hashes[0] if len(hashes) == 1 else sha256(b"".join(sorted(hashes))).digest()
