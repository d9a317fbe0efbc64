"""What the simulated axis reads of a message, and what it calls unreadable."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.conformance.papers import status_d
from gateway.simulate.axis.making import Wanted, make_document
from gateway.simulate.axis.reading import About, UnreadableError, read
from gateway.simulate.writing import Named, Reference, Report, status_xml

AT = datetime(2018, 11, 5, 1, 30, tzinfo=UTC)


def made(dialect: str = "A") -> bytes:
    wanted = Wanted(sender="000.00.00.H33", to=("000.00.00.G22", "G12", "G12"), dialect=dialect, size=9000)  # type: ignore[arg-type]
    return make_document(wanted, 0, str, AT)


@pytest.mark.parametrize("dialect", ["A", "B"])
def test_document_is_read_in_both_dialects(dialect: str) -> None:
    """Header only; a recipient named twice counts once."""
    letter = read(made(dialect))
    assert (letter.sender, letter.recipients) == ("000.00.00.H33", ("000.00.00.G22", "G12"))
    assert (letter.document_id, letter.code) == ("000.00.00.H33,2018/11/05,1/UBND-VP", "1/UBND-VP")
    assert (letter.business_type, letter.status_code, letter.about) == ("0", "", ())
    assert letter.subject == "V/v thử nghiệm liên thông văn bản điện tử (1)"


def test_status_is_read() -> None:
    """What it is about decides where it goes."""
    reference = Reference(
        organ_id="000.00.00.H33", number="1", notation="UBND-VP", issued_on=date(2018, 11, 5), document_id="d"
    )
    report = Report(reporter=Named(code="G22", name="n"), about=reference, code="02", description="không nhận")
    letter = read(status_xml(report, AT))
    assert (letter.sender, letter.status_code, letter.code) == ("G22", "02", "1/UBND-VP")
    assert letter.about == (About(organ_id="000.00.00.H33", code="1/UBND-VP", date="2018/11/05", document_id="d"),)


def test_status_in_a_soap_header_is_read() -> None:
    """As older provincial systems write it."""
    reference = Reference(
        organ_id="000.00.00.H33", number="1", notation="UBND-VP", issued_on=date(2018, 11, 5), document_id="d"
    )
    letter = read(status_d(Named(code="G22", name="n"), reference, "03", "nhận", AT))
    assert (letter.sender, letter.status_code, letter.code) == ("G22", "03", "1/UBND-VP")
    assert letter.about == (About(organ_id="000.00.00.H33", code="1/UBND-VP", date="05/11/2018", document_id="d"),)


def test_names_are_read_in_any_namespace_case_and_order() -> None:
    """The dialects agree on local names only."""
    letter = read(
        b"<e:x xmlns:e='urn:any'><e:BussinessDocType>2</e:BussinessDocType><e:MESSAGEHEADER>"
        b"<e:Subject>s</e:Subject><e:To><e:organid> B </e:organid></e:To>"
        b"<e:from><e:OrganName>n</e:OrganName><e:ORGANID>A</e:ORGANID></e:from></e:MESSAGEHEADER></e:x>"
    )
    assert (letter.sender, letter.recipients, letter.business_type) == ("A", ("B",), "2")


@pytest.mark.parametrize("junk", [b"1212", b"\xef\xbb\xbf", b"\r\n\r\n", b"x" * 64])
def test_junk_before_the_markup_is_skipped(junk: bytes) -> None:
    """The vendor's own sample begins with four characters of it."""
    assert read(junk + made()) == read(made())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no markup",
        b"x" * 65 + b"<a/>",
        b"%PDF-1.4 <<",
        b"<a><b></a>",
        b"<a/>",
        b"<a><MessageHeader><Subject>s</Subject></MessageHeader></a>",
        b"<a><MessageHeader><From><OrganId>A</OrganId></From></MessageHeader><MessageHeader/></a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * 65,
        b"<a><MessageHeader><Subject>" + b"s" * 2_000_001 + b"</Subject></MessageHeader></a>",
        b"<html><body>502</body></html>",
        b"<a>\xff</a>",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_nobody_could_route_is_unreadable(data: bytes) -> None:
    """With words, and without a traceback."""
    with pytest.raises(UnreadableError):
        read(data)


def test_attachments_are_passed_over() -> None:
    """Their text counts for nothing, however long it is."""
    head, tail = made().split(b"</AttachmentEncoded>")
    long = (
        head
        + b"<Attachment><Subject>"
        + b"QUJD" * 1_000_000
        + b"</Subject></Attachment></AttachmentEncoded>"
        + tail
    )
    assert read(long) == read(made())
