"""Messages made for a test: a minimal document or status with parts put in, and ZIPs."""

from __future__ import annotations

import base64
import io
import zipfile

from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import ParsedMessage, parse_stream

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PDF = b"%PDF-1.4\n" + b"a small file\n" * 9


def document(
    *, header: str = "", traces: str = "", manifest: str = "", attachments: str = "", tail: str = ""
) -> bytes:
    """A document from H33 to G22; `header`, `traces` … are put into the blocks of that name."""
    return (
        f'<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>'
        f"<From><OrganId>000.00.00.H33</OrganId></From><To><OrganId>000.00.00.G22</OrganId></To>{header}"
        f"</MessageHeader><TraceHeaderList>{traces or business('0')}</TraceHeaderList></edXMLHeader>"
        f"<edXMLBody><edXMLManifest>{manifest}</edXMLManifest></edXMLBody></edXMLEnvelope>"
        f"<AttachmentEncoded>{attachments}</AttachmentEncoded>{tail}</edXML>"
    ).encode()


def status(code: str, *, answer: str = "<DocumentId>1</DocumentId>") -> bytes:
    """A status message with that StatusCode."""
    return (
        f'<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader><MessageHeader>'
        f"<From><OrganId>000.00.00.G22</OrganId></From><ResponseFor>{answer}</ResponseFor>"
        f"<StatusCode>{code}</StatusCode></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>"
    ).encode()


def business(kind: str) -> str:
    """A Bussiness block."""
    return f"<Bussiness><BussinessDocType>{kind}</BussinessDocType></Bussiness>"


def reference(content_id: str, name: str) -> str:
    """A line of the manifest."""
    return f"<Reference><ContentId>cid:{content_id}</ContentId><AttachmentName>{name}</AttachmentName></Reference>"


def attachment(content: bytes | str, *, content_id: str = "1", name: str = "a.pdf", kind: str = "") -> str:
    """An Attachment; bytes are encoded, a text is taken as it is."""
    encoded = content if isinstance(content, str) else base64.b64encode(content).decode()
    return (
        f"<Attachment><ContentId>{content_id}</ContentId><AttachmentName>{name}</AttachmentName>"
        f"<ContentType>{kind}</ContentType><ContentTransferEncoded>{encoded}</ContentTransferEncoded></Attachment>"
    )


def zipped(*entries: tuple[str, bytes], stored: bool = False) -> bytes:
    """A ZIP as a program that can seek writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


class _Pipe(io.RawIOBase):
    """Only written, never sought."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def streamed_zip(name: str, content: bytes) -> bytes:
    """A ZIP as a streaming writer makes it: sizes and checksum behind the data."""
    out = _Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.data


def parse(data: bytes, **limits: int) -> ParsedMessage:
    """Parses bytes under limits that differ from the defaults where named."""
    return parse_stream(io.BytesIO(data), limits=ParseLimits(**limits))


def rules(message: ParsedMessage) -> list[str]:
    """The ids of its findings."""
    return [one.rule for one in message.report.findings]
