"""What the parser takes for evidently unsigned is what an examination finds nothing in."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.edxml.limits import ParseLimits
from gateway.signatures.document import Task, examine, is_evidently_unsigned
from gateway.signatures.model import Examined
from gateway.validate import inspect
from tests.unit.edxml_read.samples import attachment, document, streamed_zip, zipped
from tests.unit.enveloped.test_reading import HOSTILE

_NOW = datetime(2018, 11, 5, tzinfo=UTC)
_PLAIN = b"%PDF-1.4\n" + b"nothing but a page\n" * 9
_SIGNED = _PLAIN + b"/ByteRange [0 1 2 3]"
#: Makes a message longer than what is read whole.
_LONG = b"a page\n" * 20_000


def _with(content: bytes, name: str = "a.pdf", kind: str = "") -> bytes:
    return document(attachments=attachment(content, name=name, kind=kind))


UNSIGNED = {
    "none": document(),
    "pdf": _with(_PLAIN),
    "pdf_in_zip": _with(zipped(("a.pdf", _PLAIN))),
    "pdf_in_streamed_zip": _with(streamed_zip("a.pdf", _PLAIN)),
    "long_pdf": _with(_PLAIN + _LONG),
    "long_pdf_in_zip": _with(zipped(("a.pdf", _PLAIN + _LONG), stored=True)),
    "text": _with(b"a text", name="a.txt"),
}
WORTH_A_LOOK = {
    "pdf": _with(_SIGNED),
    "pdf_in_zip": _with(zipped(("a.pdf", _SIGNED))),
    "pdf_in_stored_zip": _with(zipped(("a.pdf", _SIGNED), stored=True)),
    "pdf_in_streamed_zip": _with(streamed_zip("a.pdf", _SIGNED)),
    "long_pdf": _with(_LONG + _SIGNED),
    "long_pdf_in_zip": _with(zipped(("a.pdf", _LONG + _SIGNED), stored=True)),
    "second_pdf": document(attachments=attachment(_PLAIN) + attachment(_SIGNED, content_id="2", name="b.pdf")),
    "xml_signature": document(tail='<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/>'),
    "decorative": document(tail="<Signature/>"),
    "behind_a_long_attachment": document(
        attachments=attachment(_LONG), tail='<s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/>'
    ),
    "detached": document(attachments=attachment(_PLAIN) + attachment(b"x", content_id="2", name="a.pdf.p7s")),
    "encrypted": _with(HOSTILE["cut off"][0](), name="a.pdf"),
    "office": _with(zipped(("[Content_Types].xml", b"")), name="a.docx"),
    "mime": b"--B\r\nContent-Type: text/xml\r\n\r\n" + document() + b"\r\n--B--\r\n",
    "wrapped": b"<message><b>%b</b></message>" % base64.b64encode(_with(_SIGNED)),
}


def _report(data: bytes, folder: Path) -> Examined:
    path = folder / "message"
    path.write_bytes(data)
    return Examined.decode(examine(Task(message=str(path), at=_NOW)))


def _is_unsigned(data: bytes) -> bool:
    report = inspect(data, ParseLimits(), "full", _NOW)
    assert report.envelope is not None, report
    return is_evidently_unsigned(report)


@pytest.mark.parametrize("name", UNSIGNED)
def test_message_without_signatures_need_not_be_looked_at(name: str, tmp_path: Path) -> None:
    """And the look would say the same."""
    assert _is_unsigned(UNSIGNED[name])
    assert _report(UNSIGNED[name], tmp_path) == Examined(at=_NOW)


@pytest.mark.parametrize("name", WORTH_A_LOOK)
def test_whatever_may_be_a_signature_is_looked_at(name: str) -> None:
    """In the XML, in a PDF at any depth, beside one, or where nobody can tell."""
    assert not _is_unsigned(WORTH_A_LOOK[name])


def test_mark_is_found_wherever_the_message_is_cut(tmp_path: Path) -> None:
    """It stands across the pieces in which a long message is read, in any of its positions."""
    before = _with(b"").index(b"</ContentTransferEncoded>")
    cut = (64 * 1024 - before) // 4 * 3
    for shift in range(-14, 5):
        filler = b"x" * (cut + shift)
        path = tmp_path / "message"
        path.write_bytes(_with(filler + b"/ByteRange" + _LONG))
        assert inspect(str(path), ParseLimits(), "full", _NOW).marked, shift
