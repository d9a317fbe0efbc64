"""The simulators' own reader and writer agree with each other; the vectors tie them to the gateway's."""

from __future__ import annotations

import contextlib
import hashlib
import json
import zipfile
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal

import pytest

from gateway.simulate.pdf import make_pdf
from gateway.simulate.reading import UnreadableError, read
from gateway.simulate.writing import Named, Paper, Reference, Report, document_xml, status_xml

AT = datetime(2018, 11, 5, 1, 30, tzinfo=UTC)
PDF = make_pdf("Công văn số 1", ("Dòng (một)", "Dòng \\ hai"))


def paper(**changes: object) -> Paper:
    """A circular for two communes."""
    facts: dict[str, object] = {
        "sender": Named(code="000.00.00.H33", name="UBND tỉnh Kiên Giang"),
        "recipients": (Named(code="000.01.21.H33", name="Xã A & B"), Named(code="000.02.21.H33", name="Xã <C>")),
        "document_id": "000.00.00.H33,2018/11/05,1250/UBND-VP",
        "number": "1250",
        "notation": "UBND-VP",
        "issued_on": date(2018, 11, 5),
        "type_name": "Công văn",
        "type_number": 18,
        "subject": "V/v thử nghiệm",
        "file_name": "1250-UBND-VP.pdf",
        "file": PDF,
    }
    return Paper(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_document_reads_back_as_it_was_meant(dialect: Literal["A", "B"]) -> None:
    """Both dialects carry the same facts and the same file."""
    incoming = read(document_xml(paper(), dialect, AT))
    assert not incoming.is_status
    assert incoming.sender == "000.00.00.H33"
    assert incoming.recipients == ("000.01.21.H33", "000.02.21.H33")
    assert (incoming.document_id, incoming.business_type) == ("000.00.00.H33,2018/11/05,1250/UBND-VP", "0")
    assert (incoming.number, incoming.notation, incoming.date) == ("1250", "UBND-VP", "2018/11/05")
    assert [(file.name, file.data) for file in incoming.files] == [("1250-UBND-VP.pdf", PDF)]


def test_dialect_a_zips_and_dialect_b_does_not() -> None:
    """The two ways in which the axis' peers send files are both on the wire."""
    assert b"application/zip" in document_xml(paper(), "A", AT)
    assert b"application/zip" not in document_xml(paper(), "B", AT)


def test_status_reads_back_with_the_document_it_is_about() -> None:
    """A refusal carries its reason and the document's identity."""
    about = Reference(
        organ_id="000.00.00.H33", number="1250", notation="UBND-VP", issued_on=date(2018, 11, 5), document_id="ref"
    )
    report = Report(
        reporter=Named(code="000.01.21.H33", name="Xã A"), about=about, code="02", description="Gửi nhầm"
    )
    incoming = read(status_xml(report, AT))
    assert incoming.is_status
    assert (incoming.status_code, incoming.description, incoming.sender) == ("02", "Gửi nhầm", "000.01.21.H33")
    assert (incoming.about[0].document_id, incoming.about[0].code) == ("ref", "1250/UBND-VP")


def test_office_file_that_is_a_zip_by_nature_is_not_unpacked() -> None:
    """A DOCX starts like a ZIP and must stay whole."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    incoming = read(document_xml(paper(file=buffer.getvalue(), file_name="phu luc.docx"), "B", AT))
    assert incoming.files[0].data == buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"not xml",
        b"<edXML/>",
        b'<!DOCTYPE a [<!ENTITY e "x">]><edXML>&e;</edXML>',
        document_xml(paper(), "A", AT)[:-200],
        document_xml(paper(), "B", AT).replace(b"<ContentTransferEncoded>", b"<ContentTransferEncoded>*"),
        document_xml(paper(), "B", AT)
        .replace(b"<ContentType>application/pdf", b"<ContentType>application/zip")
        .replace(b"<ContentTransferEncoded>", b"<ContentTransferEncoded>UEsDBAAA"),
    ],
)
def test_damaged_message_is_unreadable(data: bytes) -> None:
    """Damage is noticed, never repaired."""
    with pytest.raises(UnreadableError):
        read(data)


def test_pdf_has_a_cross_reference_that_leads_to_its_objects() -> None:
    """The attachment is a real PDF: every offset of its table is right."""
    start = int(PDF.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    table = PDF[start:].split(b"\n")
    assert table[0] == b"xref"
    for number in range(1, 7):
        offset = int(table[2 + number][:10])
        assert PDF[offset:].startswith(b"%d 0 obj" % number)
    assert PDF.startswith(b"%PDF-1.4")


def test_pdf_is_the_same_for_the_same_text_and_another_for_another() -> None:
    """Receivers compare by making it again."""
    assert make_pdf("a", ("b",)) == make_pdf("a", ("b",)) != make_pdf("a", ("c",))


VECTORS = Path(__file__).parents[2] / "vectors" / "edxml"
#: Messages that the gateway mends or judges, and a plain office system does not: it sees what is written.
MENDED = {
    "declared-utf-16",
    "docx-raw-with-zip-type",
    "recipient-without-organ-id",
    "status-code-unknown",
    "zip-raw-with-several-files",
    "business-with-one-s",
    "encoding-utf-16",
    "encoding-not-utf-8",
    "junk-before-declaration",
    "prefix-not-declared",
    "status-13-fields-swapped",
    "status-code-14",
    "status-code-unpadded",
}


def vectors(*, refused: bool) -> list[str]:
    """The names of the vectors in dialects A and B that the gateway takes, or those that it refuses."""
    names = []
    for folder in sorted(VECTORS.iterdir()):
        expected = json.loads((folder / "expected.json").read_text("utf-8"))
        if bool(expected["refusal"]) is refused and (refused or expected["envelope"]["dialect"] in {"A", "B"}):
            names.append(folder.name)
    return names


@pytest.mark.parametrize("name", [name for name in vectors(refused=False) if name not in MENDED])
def test_vector_says_the_same_to_a_plain_office_system(name: str) -> None:
    """Sender, recipients, identity, status and every file are read as the vector expects."""
    expected = json.loads((VECTORS / name / "expected.json").read_text("utf-8"))["envelope"]
    incoming = read((VECTORS / name / "input.edxml").read_bytes())
    assert incoming.sender == expected["sender"]["organ_id"]
    assert list(incoming.recipients) == [party["organ_id"] for party in expected["recipients"]]
    assert incoming.document_id == expected.get("document_id", "")
    assert incoming.status_code == expected.get("status_code", "")
    assert [about.document_id for about in incoming.about] == [
        about["document_id"] for about in expected["responses_for"]
    ]
    files = [hashlib.sha256(file.data).hexdigest() for file in incoming.files]
    assert files == [attachment["sha256"] for attachment in expected["attachments"]]


@pytest.mark.parametrize("name", vectors(refused=True))
def test_vector_that_the_gateway_refuses_does_not_crash_the_office_system(name: str) -> None:
    """Whatever arrives, the reader answers with a message or with UnreadableError."""
    with contextlib.suppress(UnreadableError):
        read((VECTORS / name / "input.edxml").read_bytes())
