"""Messages that come as MIME: parts come out whole however the bytes arrive, and nothing in them is believed."""

from __future__ import annotations

import base64
import hashlib
import io
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edxml.envelope import Dialect
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.mime import MAX_FIELDS, MimeReader, boundary_of, media_type_of
from gateway.edxml.mime_parts import read_fields
from gateway.errors import RefusedError
from tests.unit.edxml_read.samples import PDF, attachment, document, parse, reference, rules, zipped
from tools.vectors import FOLDER, vector_folders


def _part(content: bytes, *fields: str) -> bytes:
    head = "".join(f"{field}\r\n" for field in fields)
    return f"\r\n--Boundary\r\n{head}\r\n".encode() + content


def _message(*parts: bytes, root: bytes = b"", end: bytes = b"\r\n--Boundary--\r\n") -> bytes:
    return _part(root or document(), "Content-Type: text/xml")[2:] + b"".join(parts) + end


class _Drip(io.RawIOBase):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, _size: int = -1, /) -> bytes:
        return self._data.read(self._size)


def _parts(data: bytes, size: int) -> list[tuple[bytes, bytes]]:
    boundary = boundary_of(data)
    assert boundary is not None
    reader, found = MimeReader(_Drip(data, size), boundary), []
    while (fields := reader.next_part()) is not None:
        content = b""
        while piece := reader.read():
            content += piece
        found.append((fields, content))
    assert not reader.is_cut_off
    return found


_CONTENT = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--Boundary", b"--Boundary--", b"x", b"\0\xff", b" "]),
    max_size=12,
).map(b"".join)


@given(st.lists(_CONTENT.filter(lambda one: b"\n--Boundary" not in b"\n" + one), max_size=4), st.integers(1, 40))
def test_parts_come_out_byte_for_byte_in_any_pieces(contents: list[bytes], size: int) -> None:
    """Line ends and what looks like a boundary belong to the content, wherever the reads fall."""
    data = _message(*(_part(content, f"Content-ID: <{number}>") for number, content in enumerate(contents)))
    found = _parts(data, size)
    assert [content for _, content in found] == [document(), *contents]


def test_a_line_that_goes_on_behind_the_boundary_is_content() -> None:
    """Only white space may follow a delimiter."""
    content = b"a\r\n--Boundary2\r\n--Boundary--x\r\nb"
    assert _parts(_message(_part(content)), 7)[1] == (b"", content)


def test_attachments_of_every_encoding_come_out(tmp_path: Path) -> None:
    """base64, raw, quoted-printable, wrapped in a ZIP; beside one inside the XML."""
    inside = document(
        manifest=reference("0", "0.pdf") + reference("1", "1.pdf") + reference("4", "4.pdf"),
        attachments=attachment(PDF + b"0", content_id="0", name="0.pdf"),
    )
    data = _message(
        _part(base64.encodebytes(PDF + b"1"), "Content-ID: <1>", "Content-Transfer-Encoding: BASE64"),
        _part(PDF + b"2\r\n", "Content-ID: <2>", "Content-Transfer-Encoding: binary"),
        _part(b"100=25 =\r\ng=E1=BB=8D=6E", "Content-ID: <3>", "Content-Transfer-Encoding: quoted-printable"),
        _part(zipped(("x", PDF + b"4")), "Content-ID: <4>", "Content-Type: application/zip"),
        root=inside,
    )
    path = tmp_path / "body"
    path.write_bytes(data)
    report = parse(data).report
    assert report.envelope is not None
    assert not report.refusal
    assert (report.envelope.dialect, report.envelope.media_type) == (Dialect.C, "multipart/related")
    wanted = [PDF + b"0", PDF + b"1", PDF + b"2\r\n", "100% gọn".encode(), PDF + b"4"]
    for known, content in zip(report.envelope.attachments, wanted, strict=True):
        out = io.BytesIO()
        extract_attachment(str(path), number=known.number, out=out, limits=ParseLimits())
        assert out.getvalue() == content
        assert (known.size, known.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_what_a_mail_library_writes_is_read() -> None:
    """Its boundaries, folded fields and encoded names."""
    message = EmailMessage()
    message.set_content(document(manifest=reference("1", "")), "text", "xml", cte="base64")
    message.add_related(PDF, "application", "pdf", cid="<1>", filename="Báo cáo quý III năm 2025.pdf")
    envelope = parse(message.as_bytes()).report.envelope
    assert envelope is not None
    (found,) = envelope.attachments
    assert (found.name, found.size, found.content_type) == (
        "Báo cáo quý III năm 2025.pdf", len(PDF), "application/pdf",
    )  # fmt: skip


@pytest.mark.parametrize(
    "field",
    [
        'Content-Disposition: attachment; filename="bảng.pdf"',
        'Content-Type: application/pdf; name="=?utf-8?B?YuG6o25nLnBkZg==?="',
        "Content-Disposition: attachment; filename*=utf-8''b%E1%BA%A3ng.pdf",
        "Content-Disposition: attachment;\r\n filename*0*=utf-8''b%E1%BA%A3;\r\n filename*1=ng.pdf",
    ],
)
def test_names_are_read_in_every_form(field: str) -> None:
    """Raw UTF-8, an encoded word, a percent-encoded parameter, and one in pieces."""
    assert read_fields(field.encode()).name == "bảng.pdf"


@given(st.binary(max_size=200))
def test_arbitrary_fields_are_read(raw: bytes) -> None:
    """Never an exception."""
    read_fields(b"Content-Disposition: attachment; filename" + raw)
    read_fields(raw)


def test_limits_are_those_of_other_attachments() -> None:
    """Size of one, of all, their number, and zip bombs."""
    small = (_part(PDF), _part(PDF))
    size = len(PDF)
    assert parse(_message(*small), max_attachment_bytes=size - 1).report.refusal == "attachment_too_large"
    assert parse(_message(*small), max_total_attachment_bytes=2 * size - 1).report.refusal == "attachment_too_large"
    assert parse(_message(*small), max_total_attachment_bytes=2 * size).report.refusal == ""
    assert parse(_message(*small, *small), max_attachments=2).report.refusal == "attachments_too_many"
    bomb = _part(zipped(("x", bytes(3_000_000))), "Content-Type: application/zip")
    assert parse(_message(bomb)).report.refusal == "attachment_bomb"


def test_endless_fields_are_refused() -> None:
    """A part never has more than some lines of them."""
    message = parse(_message(_part(b"", "X: " + "y" * (MAX_FIELDS + 70_000))))
    assert (message.report.refusal, rules(message)) == ("edxml_invalid", ["EDX-FILE-05", "EDX-FILE-07"])


def test_fields_without_end_are_refused() -> None:
    """Cut off before the blank line."""
    message = parse(_message(end=b"\r\n--Boundary\r\nContent-ID: <1>"))
    assert (message.report.refusal, rules(message)) == ("edxml_invalid", ["EDX-FILE-05", "EDX-FILE-07"])


def test_a_vector_cut_anywhere_is_refused() -> None:
    """No part of a message passes for the whole."""
    whole = (FOLDER / "mime-soap-with-attachments" / "input.edxml").read_bytes()
    closing = whole.rindex(b"--Boundary--") + len(b"--Boundary--")
    for end in [*range(0, closing, 97), closing - 1, closing - 2]:
        assert parse(whole[:end]).report.refusal, end


def test_only_what_begins_like_mime_is_read_so() -> None:
    """XML with dashes in it, behind junk or not, is XML; the label for handing on follows the bytes."""
    for folder in vector_folders():
        is_mime = boundary_is_there((folder / "input.edxml").read_bytes())
        assert is_mime == folder.name.startswith("mime-"), folder.name
    assert boundary_of(b"1212<edXML>\n--x\n") is None
    assert boundary_of(b"<!--\n--x\n") is None
    assert media_type_of(document()) == "application/xml"
    assert media_type_of(_message()) == 'multipart/related; type="text/xml"; boundary="Boundary"'


def boundary_is_there(data: bytes) -> bool:
    """Whether the reader takes it for MIME, well made or not."""
    try:
        return boundary_of(data[:4096]) is not None
    except RefusedError:
        return True
