"""A tiny PDF writer: one A4 page of text, PDF 1.4, no compression, the same bytes for the same text.

For trials and load, where size and speed count; what people read in the demo is a `letter`. The page uses
Helvetica, which has no Vietnamese letters: the page shows the text without diacritics, the title in the document's
properties has them.
"""

from __future__ import annotations

import unicodedata

_LINE = 90
_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    b" /Resources << /Font << /F1 5 0 R >> >> >>"
)


def make_pdf(title: str, lines: tuple[str, ...]) -> bytes:
    """A whole PDF file."""
    page = "\n".join(f"({_escape(line)}) Tj T*" for line in (title, "", *lines))
    content = f"BT /F1 11 Tf 14 TL 56 780 Td\n{page}\nET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        _PAGE,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title <%s> >>" % ("\ufeff" + title).encode("utf-16-be").hex().encode("ascii"),
    )
    return _assemble(objects)


def _assemble(objects: tuple[bytes, ...]) -> bytes:
    pdf = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(pdf)
    count = len(objects) + 1
    pdf += b"xref\n0 %d\n0000000000 65535 f \n" % count
    for offset in offsets:
        pdf += b"%010d 00000 n \n" % offset
    pdf += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        len(objects),
        start,
    )
    return bytes(pdf)


def _escape(line: str) -> str:
    plain = unicodedata.normalize("NFD", line.replace("Đ", "D").replace("đ", "d"))
    ascii_only = plain.encode("ascii", "ignore").decode()[:_LINE]
    return ascii_only.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
