"""Writes a document as edXML in dialect A or B, as a stream.

Guarantees: the same envelope, files (with ids given) and profile give the same bytes, in the order of
elements the two widespread builders emit; attachments are never whole in memory; nothing is cut: a text
that XML or the peer cannot hold is refused with `parameter_invalid`. A refusal for a text comes before the
first byte is written; an attachment that cannot be read raises its own error after some were.

It does NOT validate the envelope (`gateway.validate` does), invent texts, or sign. Statuses are built by
`gateway.edxml.builder_status`, copies for other dialects by `gateway.edxml.rendition`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.edxml.builder_attachments import (
    ZIP_TYPE,
    AttachmentSource,
    Sink,
    travels_zipped,
    write_payload,
)
from gateway.edxml.builder_frame import close_envelope, open_envelope
from gateway.edxml.builder_header import write_message_header, write_trace_header_list
from gateway.edxml.builder_status import build_status
from gateway.edxml.envelope import Dialect, Envelope
from gateway.edxml.markup import NAMESPACE, Markup, escape, escape_attribute
from gateway.edxml.profiles import Profile
from gateway.errors import RefusedError
from gateway.ids import uuid7

__all__ = ["AttachmentSource", "WrittenDigest", "build_status", "write_document"]

_XLINK = "http://www.w3.org/1999/xlink"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenDigest:
    """What was written."""

    #: Hexadecimal, lower case.
    sha256: str
    #: Bytes.
    size: int


class _DigestingSink:
    """Passes bytes on and counts them."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes, /) -> None:
        self._out.write(data)
        self._digest.update(data)
        self._size += len(data)

    def result(self) -> WrittenDigest:
        return WrittenDigest(sha256=self._digest.hexdigest(), size=self._size)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """One attachment with the decisions about it made."""

    source: AttachmentSource
    zipped: bool
    content_id: str
    content_type: str


def write_document(
    out: BinaryIO,
    envelope: Envelope,
    files: Sequence[AttachmentSource],
    profile: Profile,
    *,
    scratch: Path | None = None,
) -> WrittenDigest:
    """Write the document to `out`.

    `scratch` is a folder on a disk; without one temporary files go where the machine has them, often into memory.
    """
    if not envelope.sender.organ_id:
        raise RefusedError("sender_missing", "A document needs From/OrganId")
    if not envelope.recipients:
        raise RefusedError("recipients_missing", "A document needs at least one To")
    parts = [_part(source, profile) for source in files]
    markup = Markup()
    open_envelope(markup, profile)
    _write_header(markup, envelope, profile)
    _write_manifest(markup, parts, profile.dialect)
    close_envelope(markup)
    encoded = [_encoded_head(part, profile.dialect) for part in parts]
    sink = _DigestingSink(out)
    if parts:
        markup.raw("<AttachmentEncoded>")
    sink.write(markup.take())
    for part, head in zip(parts, encoded, strict=True):
        _write_encoded(sink, part, head, profile.dialect, scratch)
    sink.write(b"</AttachmentEncoded></edXML>" if parts else b"</edXML>")
    return sink.result()


def _part(source: AttachmentSource, profile: Profile) -> _Part:
    zipped = travels_zipped(source, profile)
    return _Part(
        source=source,
        zipped=zipped,
        content_id=source.content_id or uuid7(),
        content_type=ZIP_TYPE if zipped else source.content_type,
    )


def _write_header(markup: Markup, envelope: Envelope, profile: Profile) -> None:
    markup.open("edXMLHeader")
    write_message_header(markup, envelope, profile.dialect)
    write_trace_header_list(markup, envelope, profile.dialect)
    if profile.dialect is Dialect.B:
        markup.text("DigitalSignature", "")
    markup.close("edXMLHeader")


def _write_manifest(markup: Markup, parts: Sequence[_Part], dialect: Dialect) -> None:
    markup.open("edXMLBody")
    markup.open("edXMLManifest", ' version="1.0"')
    for part in parts:
        reference = f"cid:{part.content_id}"
        markup.open("Reference", _xlink_attributes(reference) if dialect is Dialect.B else "")
        markup.text("ContentId", reference)
        markup.text("ContentType", part.content_type)
        markup.text("Description", part.source.description)
        markup.text("AttachmentName", part.source.name)
        markup.close("Reference")
    markup.close("edXMLManifest")
    markup.close("edXMLBody")


def _xlink_attributes(reference: str) -> str:
    href = escape_attribute(reference, "ContentId")
    return f' xmlns:xlink="{_XLINK}" xlink:href="{href}" xlink:role="XLinkRole" xlink:type="simple"'


def _encoded_head(part: _Part, dialect: Dialect) -> bytes:
    """The start of one `Attachment`; in A its last child is written under the prefix, its siblings without."""
    content_id = part.content_id if dialect is Dialect.B else f"cid:{part.content_id}"
    fields = (
        ("ContentId", content_id),
        ("AttachmentName", part.source.name),
        ("Description", part.source.description),
        ("ContentType", part.content_type),
    )
    texts = "".join(f"<{name}>{escape(value, name)}</{name}>" for name, value in fields)
    payload_tag = (
        f'<edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}">'
        if dialect is Dialect.A
        else "<ContentTransferEncoded>"
    )
    return f"<Attachment>{texts}{payload_tag}".encode()


def _write_encoded(sink: Sink, part: _Part, head: bytes, dialect: Dialect, scratch: Path | None) -> None:
    sink.write(head)
    write_payload(sink, part.source, zipped=part.zipped, scratch=scratch)
    prefix = b"edXML:" if dialect is Dialect.A else b""
    sink.write(b"</" + prefix + b"ContentTransferEncoded></Attachment>")
