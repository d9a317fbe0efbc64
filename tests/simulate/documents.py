"""Messages for the axis, written by the simulators' own writer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from gateway.simulate.axis.making import Wanted, make_document
from gateway.simulate.writing import Named, Reference, Report, status_xml
from tests.axis_lab import G22, H33

AT = datetime(2018, 11, 5, 1, 30, tzinfo=UTC)


def document(sender: str = H33, to: Sequence[str] = (G22,), *, number: int = 1, size: int = 6000) -> bytes:
    """A document, never the same twice."""
    wanted = Wanted(sender=sender, to=tuple(to), size=size, first_number=number)
    return make_document(wanted, 0, lambda code: f"Cơ quan {code}", AT)


def document_id(sender: str = H33, number: int = 1) -> str:
    """What `document` calls itself."""
    return f"{sender},2018/11/05,{number}/UBND-VP"


def status(reporter: str = G22, code: str = "03", *, about: str = H33, number: int = 1) -> bytes:
    """A status about `document`."""
    reference = Reference(
        organ_id=about,
        number=str(number),
        notation="UBND-VP",
        issued_on=date(2018, 11, 5),
        document_id=document_id(about, number),
    )
    report = Report(
        reporter=Named(code=reporter, name="Cơ quan"), about=reference, code=code, description="Đã nhận"
    )
    return status_xml(report, AT)
