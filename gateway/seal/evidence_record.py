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

from asn1crypto import algos, cms, core

from gateway.errors import StampError
from gateway.seal.stamp_token import MAX_REPLY_BYTES, UNREADABLE

_HASH: Final = 32
#: Levels of a tree of 2**32 groups.
_MAX_LEVELS: Final = 33
_MAX_GROUP: Final = 16
MAX_RECORD_BYTES: Final = MAX_REPLY_BYTES + 16 * 1024


class _PartialTree(core.SequenceOf):  # type: ignore[misc]
    _child_spec = core.OctetString


class _Tree(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _PartialTree


class _Attributes(core.SetOf):  # type: ignore[misc]
    _child_spec = cms.CMSAttribute


class _ArchiveTimeStamp(core.Sequence):  # type: ignore[misc]
    _fields = [  # noqa: RUF012  # as asn1crypto asks for it
        ("digest_algorithm", algos.DigestAlgorithm, {"implicit": 0, "optional": True}),
        ("attributes", _Attributes, {"implicit": 1, "optional": True}),
        ("reduced_hashtree", _Tree, {"implicit": 2, "optional": True}),
        ("time_stamp", cms.ContentInfo),
    ]


class _Algorithms(core.SequenceOf):  # type: ignore[misc]
    _child_spec = algos.DigestAlgorithm


class _Chain(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _ArchiveTimeStamp


class _Chains(core.SequenceOf):  # type: ignore[misc]
    _child_spec = _Chain


class _EvidenceRecord(core.Sequence):  # type: ignore[misc]
    """[RFC 4998 3.1], without what protects encrypted data."""

    _fields = [  # noqa: RUF012
        ("version", core.Integer),
        ("digest_algorithms", _Algorithms),
        ("chains", _Chains),
    ]


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
    stamp = {"reduced_hashtree": [sorted(group), *map(sorted, path)], "time_stamp": cms.ContentInfo.load(token)}
    record = {"version": 1, "digest_algorithms": [{"algorithm": "sha256"}], "chains": [[stamp]]}
    return bytes(_EvidenceRecord(record).dump())


def read_record(raw: bytes) -> Record:
    """A record of the one shape; StampError for anything else."""
    if len(raw) > MAX_RECORD_BYTES:
        raise StampError(f"the evidence record has {len(raw)} bytes")
    try:
        found = _EvidenceRecord.load(raw, strict=True)
        algorithms = [each["algorithm"].native for each in found["digest_algorithms"]]
        if found["version"].native != 1 or algorithms != ["sha256"]:
            raise StampError("the evidence record is not of version 1 and SHA-256")
        if len(found["chains"]) != 1 or len(found["chains"][0]) != 1:
            raise StampError("the evidence record was renewed: this is not read here")
        stamp = found["chains"][0][0]
        tree = [tuple(each.native for each in part) for part in stamp["reduced_hashtree"]]
        token = bytes(stamp["time_stamp"].dump())
    except UNREADABLE as error:
        raise StampError(f"this is no evidence record: {str(error)[:200]}") from error
    is_sound = 0 < len(tree) <= _MAX_LEVELS and all(
        0 < len(part) <= _MAX_GROUP and all(len(each) == _HASH for each in part) for part in tree
    )
    if not is_sound:
        raise StampError("the evidence record's hash tree is not of SHA-256 digests")
    return Record(group=tree[0], path=tuple(tree[1:]), token=token)


def _above(level: list[bytes]) -> list[bytes]:
    """The next level; who has nobody beside moves up as it is."""
    return [_parent(level[at : at + 2]) for at in range(0, len(level), 2)]


def _parent(hashes: Sequence[bytes]) -> bytes:
    return hashes[0] if len(hashes) == 1 else sha256(b"".join(sorted(hashes))).digest()
