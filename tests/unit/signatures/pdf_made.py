"""PDFs written by hand, signed by the test PKI, changed afterwards: the same bytes every time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from tests.unit.signatures.cms_made import CmsPlan, cms_signature

_ROOM: Final = 8192
_SIGNATURE: Final = b"/Contents <"


@dataclass(kw_only=True, slots=True)
class Pdf:
    """A PDF that grows by revisions."""

    data: bytes = b""
    #: Number of the next object, offset of the newest cross-reference table, objects of the newest revision.
    next_number: int = 5
    startxref: int = 0
    fields: list[int] = field(default_factory=list)
    extra_page: str = ""

    def revision(self, objects: dict[int, bytes]) -> None:
        """Append objects with a table and a trailer of their own."""
        out = bytearray(self.data or b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        offsets = {}
        for number, content in objects.items():
            offsets[number] = len(out)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
        previous, self.startxref = self.startxref, len(out)
        out += b"xref\n"
        if not previous:
            out += b"0 1\n0000000000 65535 f \n"
        for number, offset in sorted(offsets.items()):
            out += b"%d 1\n%010d 00000 n \n" % (number, offset)
        self.next_number = max(self.next_number, *(number + 1 for number in objects))
        prev = b" /Prev %d" % previous if previous else b""
        out += b"trailer\n<< /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (
            self.next_number,
            prev,
            self.startxref,
        )
        self.data = bytes(out)

    def catalogue(self) -> bytes:
        """The root, with the fields so far."""
        form = b""
        if self.fields:
            kids = b" ".join(b"%d 0 R" % number for number in self.fields)
            form = b" /AcroForm << /Fields [%s] /SigFlags 3 >>" % kids
        return b"<< /Type /Catalog /Pages 2 0 R%s >>" % form

    def page(self) -> bytes:
        """The only page, with the fields so far."""
        annotations = b" ".join(b"%d 0 R" % number for number in self.fields)
        return (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> /Contents 4 0 R"
            b" /Annots [%s]%s >>" % (annotations, self.extra_page.encode())
        )


def text(words: bytes) -> bytes:
    """A content stream."""
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(words), words)


def blank(words: bytes = b"BT (1 000 000 dong) Tj ET") -> Pdf:
    """An unsigned PDF of one page."""
    pdf = Pdf()
    pdf.revision(
        {1: pdf.catalogue(), 2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", 3: pdf.page(), 4: text(words)}
    )
    return pdf


def sign(
    pdf: Pdf,
    plan: CmsPlan,
    *,
    sub_filter: bytes = b"ETSI.CAdES.detached",
    leave_out: int = 0,
    others: dict[int, bytes] | None = None,
) -> None:
    """Add a signature; `leave_out` bytes at the end of the revision stay outside the byte range."""
    value, widget = pdf.next_number, pdf.next_number + 1
    pdf.fields.append(widget)
    name = b"Signature%d" % len(pdf.fields)
    pdf.revision(
        {
            1: pdf.catalogue(),
            3: pdf.page(),
            value: b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /%s"
            b" /ByteRange [0000000000 0000000000 0000000000 0000000000] /Contents <%s> >>"
            % (sub_filter, b"0" * _ROOM),
            widget: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (%s) /Rect [0 0 0 0]"
            b" /F 132 /P 3 0 R /V %d 0 R >>" % (name, value),
            **(others or {}),
        }
    )
    begin = pdf.data.rindex(_SIGNATURE) + len(_SIGNATURE) - 1
    end = begin + _ROOM + 2
    numbers = b"[%010d %010d %010d %010d]" % (0, begin, end, len(pdf.data) - end - leave_out)
    at = pdf.data.rindex(b"/ByteRange [") + len(b"/ByteRange ")
    data = pdf.data[:at] + numbers + pdf.data[at + len(numbers) :]
    covered = data[:begin] + data[end : len(data) - leave_out]
    digest = hashlib.new(plan.hash_name, covered, usedforsecurity=False).digest()
    signature = cms_signature(digest, plan).hex().encode()
    assert len(signature) <= _ROOM, len(signature)
    pdf.data = data[: begin + 1] + signature.ljust(_ROOM, b"0") + data[end - 1 :]


def signed(*plans: CmsPlan) -> Pdf:
    """A PDF with these signatures, one revision each."""
    pdf = blank()
    for plan in plans or (CmsPlan(),):
        sign(pdf, plan)
    return pdf
