"""What the kit sends is what it says to be, as the gateway's own parser sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import get_args

import pytest

from gateway.conformance.papers import (
    BusinessType,
    Dialect,
    Sheet,
    document,
    odd,
    reference_of,
    status,
    status_d,
)
from gateway.edxml.envelope import ParseReport, Severity
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_stream
from gateway.simulate.writing import Named

AT = datetime(2018, 11, 5, 1, 30, tzinfo=UTC)
OWN, OTHER = Named(code="000.00.90.H33", name="Đơn vị & Co"), Named(code="000.00.91.H33", name="<Đơn vị>")


def parsed(data: bytes) -> ParseReport:
    report = parse_stream(BytesIO(data), limits=ParseLimits()).report
    assert not [each for each in report.findings if each.severity is Severity.ERROR], report.findings
    return report


@pytest.mark.parametrize("dialect", get_args(Dialect))
@pytest.mark.parametrize("business_type", get_args(BusinessType))
def test_document_of_each_dialect_and_kind_is_read_as_such(dialect: Dialect, business_type: BusinessType) -> None:
    """Dialect, kind of business, names with markup in them, and one attachment."""
    about = reference_of(OWN.code, "1", AT) if business_type != "0" else None
    sheet = Sheet(
        sender=OWN,
        recipients=(OTHER,),
        number="7",
        subject="V/v <thử> & nghiệm",
        dialect=dialect,
        business_type=business_type,
        about=about,
        padding=1000,
    )
    envelope = parsed(document(sheet, AT)).envelope
    assert envelope is not None
    assert (envelope.dialect, envelope.business.type) == (dialect, business_type)
    assert (envelope.sender.organ_name, envelope.subject) == (OWN.name, "V/v <thử> & nghiệm")
    assert [one.organ_id for one in envelope.recipients] == [OTHER.code]
    assert len(envelope.attachments) == 1


def test_status_of_both_dialects_says_the_same() -> None:
    """Names with markup included."""
    about = reference_of(OTHER.code, "7 & <8>", AT)
    found = [parsed(write(OWN, about, "03", "Đã <nhận>", AT)).envelope for write in (status, status_d)]
    assert [one.dialect for one in found if one is not None] == ["A", "D"]
    for envelope in found:
        assert envelope is not None
        assert (envelope.status_code, envelope.status_description) == ("03", "Đã <nhận>")
        assert envelope.responses_for[0].document_id == about.document_id


def test_sloppy_file_is_taken_with_warnings() -> None:
    """What the gateway would refuse could not be sent to anybody."""
    sheet = Sheet(sender=OWN, recipients=(OTHER,), number="7", subject="V/v thử")
    found = parsed(odd(document(sheet, AT)))
    assert found.envelope is not None
    assert found.findings
