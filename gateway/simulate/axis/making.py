"""Documents to order: of a wanted size, from one office to others, never the same twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from gateway.clock import VIETNAM
from gateway.simulate.pdf import make_pdf
from gateway.simulate.writing import Named, Paper, document_xml

_FRAME_BYTES = 4000


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is ordered."""

    sender: str
    to: tuple[str, ...]
    count: int = 1
    #: About how long each edXML is, in bytes.
    size: int = 20_000
    dialect: Literal["A", "B"] = "A"
    priority: int = 0
    subject: str = "V/v thử nghiệm liên thông văn bản điện tử"
    first_number: int = 1


def make_document(wanted: Wanted, place: int, name_of: Callable[[str], str], at: datetime) -> bytes:
    """The place-th document of an order."""
    today = at.astimezone(VIETNAM).date()
    number, notation = str(wanted.first_number + place), "UBND-VP"
    named = _named([wanted.sender, *wanted.to], name_of)
    pdf = make_pdf(wanted.subject, (number,))
    # random bytes do not shrink in the ZIP, so the document gets about the size that was ordered
    filler = os.urandom(max(0, (wanted.size - _FRAME_BYTES) * 3 // 4 - len(pdf)))
    paper = Paper(
        sender=named[0],
        recipients=tuple(named[1:]),
        document_id=f"{wanted.sender},{today:%Y/%m/%d},{number}/{notation}",
        number=number,
        notation=notation,
        issued_on=today,
        type_name="Công văn",
        type_number=18,
        subject=f"{wanted.subject} ({number})",
        file_name=f"{number}-{notation}.pdf",
        file=pdf + filler,
        priority=wanted.priority,
    )
    return document_xml(paper, wanted.dialect, at)


def _named(codes: Sequence[str], name_of: Callable[[str], str]) -> list[Named]:
    return [Named(code=code, name=name_of(code)) for code in codes]
