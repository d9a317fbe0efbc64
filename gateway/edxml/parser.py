"""Reads one edXML message of any dialect as a stream.

`parse_file` never raises for what a file holds: the answer is a `ParseReport` with an envelope, or a refusal,
and the findings either way. Memory stays flat whatever the attachments weigh, since their text never enters a
tree. Only a missing file (`OSError`) and memory running out (`MemoryError`) come out as exceptions.

The plan: 1. pass over junk before the XML; 2. read the file into the light tree, by streaming it unless it is
ordinary and no longer than a chunk, and what MIME parts there are past it; 3. unwrap a base64 `message`; 4. find
the blocks by local name and pair the attachments; 5. tell the dialect; 6. read the header.

It does not judge by schema (`gateway.validate`), does not verify signatures, and does not keep any bytes.
"""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass, replace

from lxml import etree

from gateway.edxml.attachments import Attached, read_attachments
from gateway.edxml.dialects import Blocks, dialect_of, find_blocks, note_namespaces, note_signatures
from gateway.edxml.encoded import EncodedFile
from gateway.edxml.envelope import Finding, ParseReport
from gateway.edxml.findings import finding
from gateway.edxml.headers import is_status, read_document, read_status
from gateway.edxml.limits import ParseLimits
from gateway.edxml.marks import IN_XML, WordSearch
from gateway.edxml.mime import MIME_TYPE, ByteSource, Readable
from gateway.edxml.mime_parts import MimeMessage, PartFile, open_mime
from gateway.edxml.notes import Notes
from gateway.edxml.prolog import read_prolog
from gateway.edxml.scan import MessageTarget, Node, Scan
from gateway.edxml.source import Stored, opened
from gateway.edxml.whole import read_whole
from gateway.errors import RefusedError
from gateway.xml import SaxTarget, sax_parser, syntax_refusal

_CHUNK = 64 * 1024
#: A wrapped message is looked for only in texts longer than this.
_SHORTEST_WRAPPED = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedMessage:
    """The report and the tree to validate."""

    report: ParseReport
    #: The whole message without the text of ContentTransferEncoded; None when it was not read to its end.
    skeleton: etree._Element | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamedMessage:
    """What the streaming pass gave; for the reader of the header and for extraction."""

    root: Node
    #: Every ContentTransferEncoded, in file order.
    files: list[EncodedFile]
    header: Node
    blocks: Blocks
    attached: Attached
    #: The XML that was inside a base64 `message`, None when there was no such wrapper.
    unwrapped: bytes | None
    #: Whether it came as MIME, and the attachments in parts of their own.
    is_mime: bool
    parts: list[PartFile]
    #: Whether a signature may be in it.
    is_marked: bool


def parse_file(source: str | Stored, *, limits: ParseLimits) -> ParsedMessage:
    """Reads the message in a file."""
    with opened(source) as stream:
        return parse_stream(stream, limits=limits)


def parse_stream(stream: ByteSource, *, limits: ParseLimits) -> ParsedMessage:
    """The same of an open stream, from where it stands."""
    findings: list[Finding] = []
    try:
        message = read_message(stream, limits, findings)
        return _understand(message, limits, findings)
    except RefusedError as error:
        told = (*findings, *(one for one in error.findings if isinstance(one, Finding)))
        report = ParseReport(envelope=None, findings=told, refusal=error.code, detail=error.detail)
        return ParsedMessage(report=report, skeleton=None)


def read_message(stream: ByteSource, limits: ParseLimits, findings: list[Finding]) -> StreamedMessage:
    """Plan 1 to 4, without understanding the header; refuses what is no edXML."""
    mime = open_mime(stream)
    xml = _Searched(stream if mime is None else mime.root)
    root, files = _scan(xml, limits, findings)
    parts = [] if mime is None else _read_parts(mime, files, limits, findings)
    wrapped = _unwrap(root)
    if wrapped is not None:
        findings.append(finding("EDX-FILE-04"))
        root, files = _scan(io.BytesIO(wrapped), limits, findings)
    blocks = Blocks() if root is None else find_blocks(root)
    if root is None or blocks.header is None:
        raise RefusedError("not_edxml", "There is no MessageHeader and no Status in the XML.")
    return StreamedMessage(
        root=root,
        files=files,
        header=blocks.header,
        blocks=blocks,
        attached=read_attachments(blocks.manifest, blocks.attachments, parts, limits),
        unwrapped=wrapped,
        is_mime=mime is not None,
        parts=parts,
        # parts of a MIME message, and what was unwrapped, were not looked through
        is_marked=xml.search.found
        or mime is not None
        or wrapped is not None
        or any(each.is_marked for each in files),
    )


class _Searched:
    """A stream that is looked through for the name of a signature while it is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.search = WordSearch(IN_XML)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""
        data = self._stream.read(size) or b""
        self.search.feed(data)
        return data


def _read_parts(
    mime: MimeMessage, files: list[EncodedFile], limits: ParseLimits, findings: list[Finding]
) -> list[PartFile]:
    """The attachments beside the XML; they share the room of those inside it."""
    findings.append(finding("EDX-FILE-05"))
    inside = sum(file.largest for file in files)
    return mime.read_files(limits, limits.max_total_attachment_bytes - inside, findings)


def _scan(stream: Readable, limits: ParseLimits, findings: list[Finding]) -> Scan:
    """Plan 1 and 2; a message of no more than a chunk is read whole if it may be."""
    head, more = _begin(stream, findings)
    whole = None if more else read_whole(head, limits)
    if whole is not None:
        return whole
    target = MessageTarget(limits)
    try:
        _feed(head, more, stream, target)
    finally:
        scan = target.take()
    return scan


def feed_message(stream: Readable, target: SaxTarget) -> None:
    """Streams a file into `target`, passing over what stands before the XML."""
    head, more = _begin(stream, [])
    _feed(head, more, stream, target)


def _begin(stream: Readable, findings: list[Finding]) -> tuple[bytes, bytes]:
    """The first chunk without what stands before the XML, and the second; what was passed over is noted."""
    chunk = stream.read(_CHUNK) or b""
    prolog = read_prolog(chunk)
    if prolog.junk:
        findings.append(finding("EDX-FILE-01", value=prolog.junk.decode("utf-8", "replace")))
    if prolog.has_mark:
        findings.append(finding("EDX-FILE-02"))
    if prolog.mislabelled:
        findings.append(finding("EDX-FILE-03", value=prolog.mislabelled))
    return chunk[prolog.skip :], stream.read(_CHUNK) or b""


def _feed(head: bytes, more: bytes, stream: Readable, target: SaxTarget) -> None:
    parser = sax_parser(target)
    chunk = more
    try:
        parser.feed(head)
        while chunk:
            parser.feed(chunk)
            chunk = stream.read(_CHUNK) or b""
        parser.close()
    except etree.XMLSyntaxError as error:
        raise syntax_refusal(error) from error


def _unwrap(root: Node | None) -> bytes | None:
    """The XML inside a base64 `message` element, None when the root is something else (plan 3)."""
    if root is None or root.name != "message" or find_blocks(root).header is not None:
        return None
    text = max(_leaf_texts(root), key=len, default="")
    if len(text) < _SHORTEST_WRAPPED:
        return None
    try:
        plain = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return plain if b"<" in plain else None


def _leaf_texts(node: Node) -> list[str]:
    texts, waiting = [], [node]
    while waiting:
        one = waiting.pop()
        waiting += one.kids
        if one.text:
            texts.append(one.text)
    return texts


def _understand(message: StreamedMessage, limits: ParseLimits, findings: list[Finding]) -> ParsedMessage:
    """Plan 5 and 6."""
    blocks, header, attached = message.blocks, message.header, message.attached
    notes = Notes(message.root)
    dialect = dialect_of(message.root, blocks, is_mime=message.is_mime)
    note_namespaces(message.root, header, notes)
    if blocks.headers > 1:
        notes.refuse("edxml_invalid", "EDX-HDR-04", header, header.local)
    if len(message.files) + len(message.parts) > sum(one is not None for one in attached.files):
        notes.add("EDX-ATT-09")
    if is_status(header):
        envelope = read_status(header, dialect, notes)
    else:
        envelope = read_document(header, blocks, attached, dialect, limits, notes)
    if message.is_mime:
        envelope = replace(envelope, media_type=MIME_TYPE)
    note_signatures(blocks, notes)
    report = ParseReport(
        envelope=envelope,
        findings=(*findings, *notes.findings, *attached.findings),
        refusal=notes.refusal or attached.refusal,
        detail=notes.detail if notes.refusal else attached.detail,
        marked=message.is_marked,
    )
    return ParsedMessage(report=report, skeleton=message.root.element)
