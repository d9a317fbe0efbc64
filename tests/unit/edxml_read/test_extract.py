"""Attachments come out as the bytes that were measured."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path

import pytest

from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.errors import RefusedError
from tests.unit.edxml_read.samples import PDF, attachment, document, streamed_zip, zipped


def _extract(tmp_path: Path, data: bytes, number: int) -> bytes:
    path = tmp_path / "message"
    path.write_bytes(data)
    out = io.BytesIO()
    found = extract_attachment(str(path), number=number, out=out, limits=ParseLimits())
    assert (found.size, found.sha256) == (len(out.getvalue()), hashlib.sha256(out.getvalue()).hexdigest())
    return out.getvalue()


def test_attachments_of_every_kind_come_out(tmp_path: Path) -> None:
    """Raw, zipped, zipped by a streaming writer, a bare DOCX, a wrapped one; each by its number."""
    docx = zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))
    data = document(
        attachments=attachment(PDF)
        + attachment(zipped(("x", PDF + b"2")), kind="application/zip")
        + attachment(streamed_zip("x", PDF + b"3"), kind="application/zip")
        + attachment(docx, name="a.docx", kind="application/zip")
        + attachment(zipped(("x", docx)), name="a.docx", kind="application/zip")
        + attachment(docx, name="no extension")
    )
    got = [_extract(tmp_path, data, number) for number in range(1, 7)]
    assert got == [PDF, PDF + b"2", PDF + b"3", docx, docx, docx]


def test_attachment_of_a_wrapped_message_comes_out(tmp_path: Path) -> None:
    """The wrapper is opened for extraction as for parsing."""
    inner = base64.b64encode(document(attachments=attachment(PDF))).decode()
    assert _extract(tmp_path, f"<message>{inner}</message>".encode(), 1) == PDF


def test_text_before_its_name_comes_out(tmp_path: Path) -> None:
    """Type and name may stand behind the text."""
    encoded = base64.b64encode(zipped(("x", PDF))).decode()
    part = (
        f"<Attachment><ContentTransferEncoded>{encoded}</ContentTransferEncoded>"
        "<AttachmentName>a.zip</AttachmentName></Attachment>"
    )
    assert _extract(tmp_path, document(attachments=part), 1) == zipped(("x", PDF))


def test_number_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With a code for the caller."""
    with pytest.raises(RefusedError) as caught:
        _extract(tmp_path, document(attachments=attachment(PDF)), 2)
    assert caught.value.code == "not_found"


def test_damaged_attachment_is_refused(tmp_path: Path) -> None:
    """Half a file is not handed out."""
    with pytest.raises(RefusedError) as caught:
        _extract(tmp_path, document(attachments=attachment("AAA")), 1)
    assert caught.value.code == "attachment_invalid"
