"""Distinct documents of about 20 KB with one PDF, made by joining ready pieces: nearly free for the client.

Dialect A, as most systems send it: the PDF in a ZIP, in base64. Every document has a DocumentId and a number of
its own, so none is a replay of another; the PDF, which stands for a page already compressed, is the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.simulate.writing import Named, Paper, document_xml

#: Bytes of the PDF: in base64, with the header around it, the document has 20 KB.
PDF_BYTES = 12_300
_NUMBER = "77777777"
_CODE = "099.99.99.H90"


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """An agency of the installation under test."""

    code: str
    name: str


class Papers:
    """Documents from one office to others, one recipient each."""

    def __init__(self, sender: Office, *, run: str, pdf_bytes: int = PDF_BYTES) -> None:
        text = _example(sender, (Office(code=_CODE, name="UBND xã"),), pdf_bytes).decode()
        text = text.replace(f"{_NUMBER}-id", f"{run}-{_NUMBER}")
        self._pieces = tuple(text.encode().split(_NUMBER.encode()))
        self.size = len(text.encode())

    def make(self, number: int, recipient: Office) -> bytes:
        """The document with that number; `number` has at most eight digits."""
        return (b"%08d" % number).join(self._pieces).replace(_CODE.encode(), recipient.code.encode(), 1)


def circular(sender: Office, recipients: tuple[Office, ...], name: str) -> bytes:
    """One document to many."""
    return _example(sender, recipients).replace(_NUMBER.encode(), name.encode())


def _example(sender: Office, recipients: tuple[Office, ...], pdf_bytes: int = PDF_BYTES) -> bytes:
    paper = Paper(
        sender=Named(code=sender.code, name=sender.name),
        recipients=tuple(Named(code=each.code, name=each.name) for each in recipients),
        document_id=f"{_NUMBER}-id",
        number=_NUMBER,
        notation="UBND-VX",
        issued_on=datetime.now(UTC).date(),
        type_name="Công văn",
        type_number=2,
        subject=f"V/v đo tốc độ của trục liên thông, bản số {_NUMBER}",
        file_name="cong-van.pdf",
        file=_pdf(pdf_bytes),
    )
    return document_xml(paper, "A", datetime.now(UTC))


def _pdf(size: int) -> bytes:
    noise = random.Random(2018).randbytes(size)  # as a compressed page looks to a compressor
    return b"%PDF-1.4\n1 0 obj\n<< /Length 12300 >>\nstream\n" + noise + b"\nendstream\nendobj\n%%EOF\n"
