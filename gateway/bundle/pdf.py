"""Text, rules, tables and small squares on pages of A4, as a PDF file [ISO 32000-1]: all that our papers need.

One typeface, embedded with the glyphs that are used, each with its character, so that text can be searched and
copied. The same text gives the same bytes. Lines break at blanks; what is longer than a line, such as a digest,
breaks anywhere. Nothing in it acts: no scripts, forms, links or files.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from gateway.bundle.typeface import Typeface, typeface

#: A4, in points.
_WIDTH: Final = 595.276
_HEIGHT: Final = 841.89
_MARGIN: Final = 56.0
_LEADING: Final = 1.35
_FOOT_SIZE: Final = 7.5
_BLOCK: Final = 100
#: Of tables: type, room around the text of a cell, lines of a cell that are shown.
_TABLE_SIZE: Final = 8.0
_CELL: Final = 3.0
_CELL_LINES: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of a table."""

    cells: Sequence[str]
    is_bold: bool = False
    is_struck: bool = False
    #: Its only cell goes across all columns.
    is_across: bool = False


@dataclass(kw_only=True)
class Sheets:
    """A document that is written from top to bottom."""

    title: str
    #: As in `vi`; of the first page.
    language: str
    made_at: datetime
    #: Stands at the foot of every page, before its number.
    foot: str
    #: Wider than high, for tables.
    is_landscape: bool = False
    _face: Typeface = field(default_factory=typeface)
    _pages: list[list[str]] = field(default_factory=list)
    _used: dict[int, str] = field(default_factory=dict)
    _y: float = 0.0

    def begin(self) -> None:
        """A new page."""
        self._pages.append([])
        self._y = self._height - _MARGIN

    @property
    def width(self) -> float:
        """Between the margins, in points."""
        return self._page_width - 2 * _MARGIN

    @property
    def _page_width(self) -> float:
        return _HEIGHT if self.is_landscape else _WIDTH

    @property
    def _height(self) -> float:
        return _WIDTH if self.is_landscape else _HEIGHT

    def keep(self, points: float) -> None:
        """A new page unless so much of this one is left: what follows belongs together."""
        self._room(points)

    def space(self, points: float) -> None:
        """Some room."""
        self._y -= points

    def beside(self, left: Callable[[], None], right: Callable[[], None]) -> None:
        """Two columns on the same page; what follows stands below the longer one."""
        top = self._y
        left()
        below, self._y = self._y, top
        right()
        self._y = min(below, self._y)

    def text(
        self,
        text: str,
        *,
        size: float = 10,
        indent: float = 0,
        mark: str = "",
        is_bold: bool = False,
        is_centred: bool = False,
        room: float | None = None,
    ) -> None:
        """A paragraph; `mark` stands before its first line, `room` is its width where it is not all there is."""
        room = self.width - indent if room is None else room
        for number, line in enumerate(self._lines(self._face.shown(text), size, room)):
            self._room(size * _LEADING)
            self._y -= size * _LEADING
            if mark and not number:
                self._put(
                    mark, size, _MARGIN + indent - self._face.width_of(mark, size) - 0.5 * size, is_bold=False
                )
            aside = (room - self._face.width_of(line, size)) / 2 if is_centred else 0.0
            self._put(line, size, _MARGIN + indent + aside, is_bold=is_bold)

    def rule(self) -> None:
        """A line across."""
        self._room(12)
        self._y -= 6
        self._pages[-1].append(f"0.5 w {_MARGIN:.2f} {self._y:.2f} m {_MARGIN + self.width:.2f} {self._y:.2f} l S")
        self._y -= 2

    def table(self, widths: Sequence[float], heads: Sequence[Row], rows: Iterable[Row]) -> None:
        """Rows between lines; `widths` are parts of the page's; the heads stand on every page."""
        columns = [self.width * part / sum(widths) for part in widths]
        for head in heads:
            self._row(columns, head)
        for row in rows:
            if self._y - self._row_height(columns, row) < _MARGIN:
                self.begin()
                for head in heads:
                    self._row(columns, head)
            self._row(columns, row)

    def _cells(self, columns: Sequence[float], row: Row) -> list[list[str]]:
        room = [width - 2 * _CELL for width in _widths(columns, row)]
        return [
            list(self._lines(self._face.shown(cell), _TABLE_SIZE, wide))[:_CELL_LINES]
            for cell, wide in zip(row.cells, room, strict=True)
        ]

    def _row_height(self, columns: Sequence[float], row: Row) -> float:
        return max(map(len, self._cells(columns, row))) * _TABLE_SIZE * _LEADING + 2 * _CELL

    def _row(self, columns: Sequence[float], row: Row) -> None:
        top, left = self._y, _MARGIN
        height = self._row_height(columns, row)
        for width, lines in zip(_widths(columns, row), self._cells(columns, row), strict=True):
            self._pages[-1].append(f"0.4 w {left:.2f} {top - height:.2f} {width:.2f} {height:.2f} re S")
            self._y = top - _CELL
            for line in lines:
                self._y -= _TABLE_SIZE * _LEADING
                self._put(line, _TABLE_SIZE, left + _CELL, is_bold=row.is_bold)
                if row.is_struck and line:
                    self._strike(line, left + _CELL)
            left += width
        self._y = top - height

    def _strike(self, line: str, x: float) -> None:
        y = self._y + 0.3 * _TABLE_SIZE
        self._pages[-1].append(
            f"0.5 w {x:.2f} {y:.2f} m {x + self._face.width_of(line, _TABLE_SIZE):.2f} {y:.2f} l S"
        )

    def squares(self, rows: Sequence[Sequence[int]], side: float) -> None:
        """A pattern of black squares, `side` points high."""
        self._room(side)
        self._y -= side
        unit = side / len(rows)
        ops = []
        for number, row in enumerate(rows):
            bottom = self._y + side - (number + 1) * unit
            for begin, end in _runs(row):
                ops.append(f"{_MARGIN + begin * unit:.3f} {bottom:.3f} {(end - begin) * unit:.3f} {unit:.3f} re")
        self._pages[-1].append(" ".join([*ops, "f"]))

    def file(self) -> bytes:
        """The PDF."""
        for number, page in enumerate(self._pages, 1):
            self._y = _MARGIN / 2
            foot = self._face.shown(f"{self.foot}   {number}/{len(self._pages)}")
            page.append(self._op(foot, _FOOT_SIZE, _MARGIN, is_bold=False))
        writer = _Writer()
        kids = " ".join(f"{_FIRST_PAGE + 2 * number} 0 R" for number in range(len(self._pages)))
        writer.add(
            f"<< /Type /Catalog /Pages 2 0 R /Lang ({self.language}) "
            "/ViewerPreferences << /DisplayDocTitle true >> >>"
        )
        writer.add(
            f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] "
            f"/MediaBox [0 0 {self._page_width} {self._height}] "
            "/Resources << /Font << /F 3 0 R >> >> >>"
        )
        self._font(writer)
        at = self.made_at.strftime("D:%Y%m%d%H%M%SZ")
        writer.add(f"<< /Title {_string(self.title)} /CreationDate ({at}) /Producer (edoc-gateway) >>")
        for number, page in enumerate(self._pages):
            writer.add(f"<< /Type /Page /Parent 2 0 R /Contents {_FIRST_PAGE + 2 * number + 1} 0 R >>")
            writer.stream("\n".join(page).encode())
        return writer.file()

    def _room(self, points: float) -> None:
        if self._y - points < _MARGIN:
            self.begin()

    def _put(self, text: str, size: float, x: float, *, is_bold: bool) -> None:
        self._pages[-1].append(self._op(text, size, x, is_bold=is_bold))

    def _op(self, text: str, size: float, x: float, *, is_bold: bool) -> str:
        glyphs = self._face.glyphs_of(text)
        self._used.update(zip(glyphs, text, strict=True))
        coded = "".join(f"{glyph:04x}" for glyph in glyphs)
        # filled and stroked is bolder
        mode = f"2 Tr {size / 30:.2f} w" if is_bold else "0 Tr"
        return f"BT /F {size} Tf {mode} {x:.2f} {self._y:.2f} Td <{coded}> Tj ET"

    def _lines(self, text: str, size: float, room: float) -> Iterator[str]:
        line, width = "", 0.0
        for word in text.split(" "):
            for piece in self._pieces(word, size, room):
                own = self._face.width_of(piece, size)
                blank = self._face.width_of(" ", size) if line else 0.0
                if line and width + blank + own > room:
                    yield line
                    line, width, blank = "", 0.0, 0.0
                line, width = f"{line} {piece}" if line else piece, width + blank + own
        yield line

    def _pieces(self, word: str, size: float, room: float) -> Iterator[str]:
        """A word in parts that fit a line each."""
        if self._face.width_of(word, size) <= room:
            yield word
            return
        begin, width = 0, 0.0
        for number, each in enumerate(word):
            own = self._face.width_of(each, size)
            if width + own > room and number > begin:
                yield word[begin:number]
                begin, width = number, 0.0
            width += own
        yield word[begin:]

    def _font(self, writer: _Writer) -> None:
        face, used = self._face, sorted(self._used)
        name = f"{_tag(used)}+DejaVuSans"
        writer.add(
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H "
            "/DescendantFonts [4 0 R] /ToUnicode 7 0 R >>"
        )
        widths = " ".join(f"{glyph} [{face.widths[glyph]}]" for glyph in used)
        writer.add(
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDToGIDMap /Identity /FontDescriptor 5 0 R "
            f"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /W [{widths}] >>"
        )
        box = " ".join(map(str, face.box))
        writer.add(
            f"<< /Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [{box}] /ItalicAngle 0 /StemV 80 "
            f"/Ascent {face.ascent} /Descent {face.descent} /CapHeight 729 /FontFile2 6 0 R >>"
        )
        font = face.cut_to(used)
        writer.stream(font, f"/Length1 {len(font)} ")
        writer.stream(_to_unicode([(glyph, self._used[glyph]) for glyph in used]))


def _widths(columns: Sequence[float], row: Row) -> Sequence[float]:
    return [sum(columns)] if row.is_across else columns


_FIRST_PAGE: Final = 9


class _Writer:
    """Objects, numbered from 1 in the order in which they come."""

    def __init__(self) -> None:
        self._out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
        self._places: list[int] = []

    def add(self, body: str | bytes) -> None:
        self._places.append(len(self._out))
        raw = body if isinstance(body, bytes) else body.encode("ascii")
        self._out += b"%d 0 obj\n%b\nendobj\n" % (len(self._places), raw)

    def stream(self, content: bytes, more: str = "") -> None:
        packed = zlib.compress(content, 9)
        head = f"<< {more}/Filter /FlateDecode /Length {len(packed)} >>\nstream\n"
        self.add(head.encode("ascii") + packed + b"\nendstream")

    def file(self) -> bytes:
        digest, start = sha256(self._out).hexdigest()[:32], len(self._out)
        rows = "".join(f"{place:010} 00000 n \n" for place in self._places)
        size = len(self._places) + 1
        trailer = f"<< /Size {size} /Root 1 0 R /Info 8 0 R /ID [<{digest}> <{digest}>] >>"
        self._out += (
            f"xref\n0 {size}\n0000000000 65535 f \n{rows}trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n".encode()
        )
        return bytes(self._out)


def _to_unicode(pairs: Sequence[tuple[int, str]]) -> bytes:
    """Which character a glyph stands for [ISO 32000-1 9.10.3]."""
    blocks = []
    for at in range(0, len(pairs), _BLOCK):
        some = pairs[at : at + _BLOCK]
        rows = "".join(f"<{glyph:04x}> <{character.encode('utf-16-be').hex()}>\n" for glyph, character in some)
        blocks.append(f"{len(some)} beginbfchar\n{rows}endbfchar\n")
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n"
        "/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{''.join(blocks)}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _tag(glyphs: Sequence[int]) -> str:
    """Six letters that tell one subset from another [ISO 32000-1 9.6.4]."""
    digest = sha256(repr(list(glyphs)).encode()).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest[:6])


def _string(text: str) -> str:
    return f"<feff{text.encode('utf-16-be').hex()}>"


def _runs(row: Sequence[int]) -> Iterator[tuple[int, int]]:
    begin = None
    for number, dark in enumerate([*row, 0]):
        if dark and begin is None:
            begin = number
        elif not dark and begin is not None:
            yield begin, number
            begin = None
