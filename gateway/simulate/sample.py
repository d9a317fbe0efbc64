"""A document that belongs to no script, for whoever tries the gateway by hand while the demo stays up."""

from __future__ import annotations

from datetime import datetime

from gateway.clock import VIETNAM
from gateway.simulate.cast import Cast, Means, Office
from gateway.simulate.letter import make_letter
from gateway.simulate.writing import Named, Paper, document_xml

_SUBJECT = "V/v thử gửi văn bản qua trục"


def sample_document(cast: Cast, at: datetime) -> bytes:
    """A công văn of the province to one commune of each kind, in dialect A."""
    receivers = [cast.communes_by(means)[0] for means in (Means.SHARED, Means.PULL, Means.PUSH, Means.BROWSER)]
    today, code = at.astimezone(VIETNAM).date(), cast.province.code
    paper = Paper(
        sender=_named(cast.province),
        recipients=tuple(_named(office) for office in receivers),
        document_id=f"{code},{today:%Y/%m/%d},9001/UBND-VP",
        number="9001",
        notation="UBND-VP",
        issued_on=today,
        type_name="Công văn",
        type_number=1,
        subject=_SUBJECT,
        file_name="9001-UBND-VP.pdf",
        file=make_letter(cast.province.name, "9001/UBND-VP", today, "Công văn", _SUBJECT),
    )
    return document_xml(paper, "A", at)


def _named(office: Office) -> Named:
    return Named(code=office.code, name=office.name)
