"""Puts a bundle together: entries in their order, manifest, and the seal over all of them.

1. `compose` writes every entry but the seal, the largest ones in pieces; what is to be sealed comes back.
2. The caller has it signed (`gateway.seal.writer.draft_export`), wherever the key lives.
3. `finish` adds the seal and closes the container.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.bundle.container import Container, ContainerWriter
from gateway.bundle.facts import Facts, written
from gateway.bundle.format import (
    ACCEPTANCE,
    BUNDLE,
    CHECKPOINT,
    DOCUMENT,
    EXPORT,
    MANIFEST,
    MIMETYPE,
    RECORD,
    RECORD_MANIFEST,
    TRANSFER,
    media_type_of,
    role_of,
)
from gateway.bundle.manifest import manifest_of, record_manifest_of
from gateway.seal.writer import SealedEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class Papers:
    """A message and its acceptance."""

    #: Its bytes, in pieces; None where they were destroyed by order.
    body: Iterable[bytes] | None
    transfer: bytes
    receipt: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What a bundle is made of."""

    #: `entries` is filled in by `compose`.
    facts: Facts
    document: Papers
    #: By the message's id.
    messages: Mapping[str, Papers] = field(default_factory=dict)
    #: Index -> exact bytes of the leaf, and its tlog-proof.
    leaves: Mapping[int, tuple[bytes, bytes]] = field(default_factory=dict)
    #: The signed note with the lines of witnesses; b"" when nothing was signed yet.
    checkpoint: bytes = b""
    #: DER TimeStampResp each.
    stamps: Sequence[bytes] = ()
    #: DER of the evidence record over the acceptance; b"" where there is none.
    record: bytes = b""
    #: Name of an entry -> bytes: revocation answers, verdicts, certificates.
    others: Mapping[str, bytes] = field(default_factory=dict)


def compose(writer: ContainerWriter, material: Material) -> list[SealedEntry]:
    """Write the entries; those to be sealed, in their order."""
    bodies = _bodies(material)
    small = _small(material)
    order = [
        *(n for n in bodies if n == DOCUMENT),
        TRANSFER,
        *(name for name in small if name != TRANSFER),
        *(n for n in bodies if n != DOCUMENT),
    ]
    if material.record:
        order += [RECORD, RECORD_MANIFEST]
    everything = [*order, MANIFEST, BUNDLE]
    roles = {name: role_of(name) or "" for name in sorted([*order, MANIFEST, EXPORT])}
    facts = msgspec.structs.replace(material.facts, entries=roles)
    small |= {MANIFEST: manifest_of(everything), BUNDLE: written(facts), RECORD: material.record}
    # of the document also where it is not here: the record is over it
    digests = {DOCUMENT: bytes.fromhex(facts.document.sha256)}
    for name in everything:
        if name == RECORD_MANIFEST:
            small[name] = record_manifest_of(digests)
        digests[name] = writer.add_pieces(name, bodies.get(name) or (small[name],))
    return [SealedEntry(name=name, sha256=digests[name], media_type=media_type_of(name)) for name in everything]


def resealed(container: Container, writer: ContainerWriter, seal: bytes) -> None:
    """The same bundle with another export seal, or with more added to it."""
    for name in container.entries:
        if name not in {MIMETYPE, EXPORT}:
            writer.add_pieces(name, container.pieces_of(name))
    finish(writer, seal)


def finish(writer: ContainerWriter, seal: bytes) -> None:
    """Add the seal; nothing may follow."""
    writer.add(EXPORT, seal)
    writer.close()


def _bodies(material: Material) -> dict[str, Iterable[bytes]]:
    """Those that are here."""
    found = {DOCUMENT: material.document.body}
    found |= {f"messages/{key}.edxml": papers.body for key, papers in material.messages.items()}
    return {name: body for name, body in found.items() if body is not None}


def _small(material: Material) -> dict[str, bytes]:
    found = {TRANSFER: material.document.transfer, ACCEPTANCE: material.document.receipt}
    for key, papers in material.messages.items():
        found |= {f"messages/{key}.transfer.json": papers.transfer, f"messages/{key}.receipt.xml": papers.receipt}
    for index, (leaf, proof) in sorted(material.leaves.items()):
        found |= {f"evidence/leaves/{index}.json": leaf, f"evidence/leaves/{index}.tlog-proof": proof}
    if material.checkpoint:
        found[CHECKPOINT] = material.checkpoint
    found |= {f"evidence/stamps/{number}.tsr": token for number, token in enumerate(material.stamps)}
    return found | dict(sorted(material.others.items()))
