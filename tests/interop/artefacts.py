"""What others are asked about: each kind of evidence in a bundle, and the same with one thing in it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Final

from gateway.bundle.build import Material
from gateway.bundle.container import Container
from gateway.bundle.format import ACCEPTANCE, DOCUMENT, EXPORT, MIMETYPE, RECORD
from gateway.seal.evidence_record import read_record
from gateway.seal.stamp_token import token_of
from gateway.seal.unsigned import (
    Unsigned,
    archive_imprint,
    extended,
    read_unsigned,
    signature_imprint,
)
from gateway.transparency.note import SignedNote
from tests.bundle.making import (
    MADE_AT,
    STAMPED_AT,
    answers,
    crl,
    lasting,
    made,
    record_of,
    story,
    with_,
    with_entry,
)
from tests.bundle.stamping import stamp

#: When the verifiers look; a day later.
LOOKED_AT: Final = MADE_AT + timedelta(days=1)
_OTHER: Final = b"\1" * 32
_LISTS: Final = ("seal-ca", "seal-root", "tsa-root")


@dataclass(frozen=True, kw_only=True, slots=True)
class Artefact:
    """One kind of evidence."""

    key: str
    title: str
    #: Where it lies.
    entry: str
    #: A bundle with it, and one where it is wrong.
    good: bytes
    altered: bytes
    #: What is wrong in that.
    how: str
    #: Its time stamps, of a bundle: token in DER, and the SHA-256 it must be over.
    stamps: Callable[[Container], list[tuple[bytes, bytes]]] = lambda container: []
    #: Whether it is a signature in XML.
    is_xml: bool = True


def artefacts(member: str = "seal-rsa") -> list[Artefact]:
    """All of them, sealed by this member of the test PKI."""
    whole = _whole(member)
    changed = with_entry(whole, DOCUMENT, Container.of(whole).bytes_of(DOCUMENT).replace(b"giao ban", b"giao bao"))
    by_time = _whole(member, is_stamped=True)
    return [
        Artefact(key="acceptance", title="acceptance seal (XAdES B-B)", entry=ACCEPTANCE, good=whole,
                 altered=changed, how="one letter of the document"),
        Artefact(key="export", title="export seal (XAdES B-B)", entry=EXPORT, good=_whole(member, is_lasting=False),
                 altered=with_entry(_whole(member, is_lasting=False), DOCUMENT, b"<other/>"),
                 how="another document"),
        Artefact(key="stamp", title="time stamp over the checkpoint (RFC 3161)", entry="evidence/stamps/0.tsr",
                 good=whole, altered=_whole(member, stamped=b"another checkpoint"), how="over another checkpoint",
                 stamps=_of_checkpoint, is_xml=False),
        Artefact(key="record", title="evidence record (RFC 4998)", entry=RECORD, good=whole,
                 altered=_whole(member, record_imprint=_OTHER), how="a stamp over another root",
                 stamps=_of_record, is_xml=False),
        Artefact(key="b-t", title="receipt with its own stamp (XAdES B-T)", entry=ACCEPTANCE, good=by_time,
                 altered=_whole(member, is_stamped=True, imprint=_OTHER), how="a stamp over another digest",
                 stamps=_of_receipt),
        Artefact(key="b-lta", title="export seal with `--lta` (XAdES B-LTA)", entry=EXPORT, good=whole,
                 altered=_whole(member, archived=_OTHER), how="an archive stamp over something else",
                 stamps=_of_export),
    ]  # fmt: skip


def _whole(
    member: str,
    *,
    is_stamped: bool = False,
    is_lasting: bool = True,
    stamped: bytes = b"",
    record_imprint: bytes = b"",
    imprint: bytes = b"",
    archived: bytes = b"",
) -> bytes:
    """A bundle of everything; `is_stamped`: the receipt has a stamp of its own instead of a record."""
    lists = tuple(map(crl, _LISTS))
    a = story(member)
    a = with_(a, export_member=member, stamped=stamped, recorded_at=None if is_stamped else STAMPED_AT)

    def change(material: Material) -> Material:
        material = replace(material, others=dict(material.others) | answers(*lists))
        if record_imprint:
            return replace(material, record=record_of(a.document, STAMPED_AT, imprint=record_imprint))
        if not is_stamped:
            return material
        receipt = material.document.receipt
        token = token_of(stamp(imprint or signature_imprint(receipt), STAMPED_AT))
        receipt = extended(receipt, Unsigned(signature_stamp=token))
        return replace(material, document=replace(material.document, receipt=receipt))

    bundle = made(a, change=change)
    return lasting(bundle, *lists, archived=archived) if is_lasting else _with_values(bundle, lists)


def _with_values(bundle: bytes, lists: tuple[bytes, ...]) -> bytes:
    """As an export without `--lta`: CAs and lists, no stamp."""
    seal = Container.of(lasting(bundle, *lists)).bytes_of(EXPORT)
    properties = read_unsigned(seal)
    assert properties is not None
    return with_entry(bundle, EXPORT, extended(seal, replace(properties, signature_stamp=b"", archive_stamp=b"")))


def _of_checkpoint(container: Container) -> list[tuple[bytes, bytes]]:
    note = SignedNote.parse(container.bytes_of("evidence/checkpoint.note"))
    signed = bytes(SignedNote(note.text, note.signatures[:1]))
    return [(token_of(container.bytes_of("evidence/stamps/0.tsr")), sha256(signed).digest())]


def _of_record(container: Container) -> list[tuple[bytes, bytes]]:
    record = read_record(container.bytes_of(RECORD))
    return [(record.token, record.root)]


def _of_receipt(container: Container) -> list[tuple[bytes, bytes]]:
    receipt = container.bytes_of(ACCEPTANCE)
    properties = read_unsigned(receipt)
    assert properties is not None
    return [(properties.signature_stamp, signature_imprint(receipt))]


def _of_export(container: Container) -> list[tuple[bytes, bytes]]:
    seal, content = container.bytes_of(EXPORT), sha256()
    properties = read_unsigned(seal)
    assert properties is not None
    for entry in container.entries:
        if entry not in {MIMETYPE, EXPORT}:
            content.update(container.bytes_of(entry))
    return [
        (properties.signature_stamp, signature_imprint(seal)),
        (properties.archive_stamp, archive_imprint(seal, content)),
    ]
