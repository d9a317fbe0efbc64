"""Registers as files in the prescribed form: a workbook to work with, and a PDF to print, sign and bind.

Title block and columns are those of NĐ 30/2020/NĐ-CP, annex IV: part I (outgoing documents) and part VI (incoming
ones), which ask for these ten at least. Struck lines are struck here, too. Lines stand by series and number; each
day ends with how many it has and a place to sign. The receiver's signature (ký nhận) is left to the pen.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

import xlsxwriter

from gateway.bundle.pdf import Row, Sheets
from gateway.clock import VIETNAM
from gateway.errors import RefusedError
from gateway.ledger.desk import DeskReads, Entry, Span
from gateway.ledger.entries import Direction
from gateway.model import AgencyId

#: Lines read at a time; and of one file.
_PAGE: Final = 1_000
_MOST: Final = 100_000
#: To be filled in by hand: registers are bound in volumes.
_DOTS: Final = "……………"
_SIGN: Final = "Văn thư (ký, ghi rõ họ tên)"
#: Of the workbook, rows from 0: where what its cover says below begins.
_SPAN_ROW: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One of a form."""

    title: str
    #: Of the page's width.
    part: float
    cell: Callable[[Entry], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class DayEnd:
    """What stands under the last line of a day."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """A register over some days."""

    office: str
    #: The agency that is above it; "" for none.
    above: str = ""
    direction: Direction
    first: date
    last: date
    #: By year, series and number.
    entries: Sequence[Entry]

    @property
    def title(self) -> str:
        """As its cover says."""
        return "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN" if self.direction == "in" else "SỔ ĐĂNG KÝ VĂN BẢN ĐI"

    @property
    def span(self) -> Sequence[str]:
        """What its cover says below: year, days, numbers, volume."""
        years = dict.fromkeys(entry.year for entry in self.entries) or {self.last.year: None}
        return (
            f"Năm: {', '.join(str(year) for year in sorted(years))}",
            f"Từ ngày {self.first:%d/%m/%Y} đến ngày {self.last:%d/%m/%Y}",
            *self._numbers(),
            f"Quyển số: {_DOTS}",
        )

    def _numbers(self) -> Iterator[str]:
        """From which number to which; of each year and series by itself, since each begins at 1."""
        spans: dict[tuple[int, str], list[int]] = {}
        for entry in self.entries:
            spans.setdefault((entry.year, entry.series), []).append(entry.number)
        if not spans:
            yield f"Từ số {_DOTS} đến số {_DOTS}"
        for (year, series), numbers in sorted(spans.items()):
            named = f" (năm {year}, dãy số {series})" if series else f" (năm {year})"
            yield f"Từ số {min(numbers)} đến số {max(numbers)}{named if len(spans) > 1 else ''}"

    @property
    def columns(self) -> Sequence[Column]:
        """Those of its form."""
        return INCOMING if self.direction == "in" else OUTGOING

    @property
    def total(self) -> str:
        """How many lines."""
        voided = sum(entry.voided_at is not None for entry in self.entries)
        return f"Cộng: {len(self.entries)} văn bản{f', trong đó hủy {voided}' if voided else ''}."

    def lines(self) -> Iterator[Entry | DayEnd]:
        """The lines, and after those of a day (in their series) its end."""
        for (_, series, day), found in groupby(self.entries, key=lambda e: (e.year, e.series, e.day)):
            lines = list(found)
            yield from lines
            yield DayEnd(text=_day_end(series, day, lines))


def _day_end(series: str, day: date, lines: Sequence[Entry]) -> str:
    named = f" ({series})" if series else ""
    told = f"{len(lines)} văn bản, từ số {lines[0].number} đến số {lines[-1].number}"
    if not lines[-1].is_closed:
        return f"Ngày {day:%d/%m/%Y}{named}, chưa khóa sổ: {told}."
    return f"Khóa sổ ngày {day:%d/%m/%Y}{named}: {told}. Văn thư ký: {_DOTS}{_DOTS}"


def _day(text: str) -> str:
    return f"{date.fromisoformat(text):%d/%m/%Y}" if text else ""


def type_and_subject(type_name: str, subject: str) -> str:
    """As registers have them together; a subject that begins with its type says it once."""
    if subject.casefold().startswith(type_name.casefold()):
        return subject
    return f"{type_name} {subject}".rstrip()


def _what(entry: Entry) -> str:
    return type_and_subject(entry.paper.type_name, entry.paper.subject)


def _passed_on(entry: Entry) -> str:
    """When it was handed on; for what went out by the gateway, when it went."""
    if entry.beside.passed_on or entry.direction == "in" or entry.accepted_at is None:
        return _day(entry.beside.passed_on)
    return f"{entry.accepted_at.astimezone(VIETNAM):%d/%m/%Y}"


def _note(entry: Entry) -> str:
    told = [entry.beside.note]
    if entry.voided_at is not None:
        told.append(f"Hủy: {entry.voided_why}")
    elif entry.is_struck:
        told.append("Đã thu hồi")
    elif entry.direction == "out" and not entry.message_id:
        told.append("Chưa gửi qua trục")
    return "; ".join(part for part in told if part)


INCOMING: Final = (
    Column(title="Ngày đến", part=8, cell=lambda e: f"{e.day:%d/%m/%Y}"),
    Column(title="Số đến", part=5, cell=lambda e: str(e.number)),
    Column(title="Tác giả", part=15, cell=lambda e: e.paper.issuer),
    Column(title="Số, ký hiệu văn bản", part=12, cell=lambda e: e.code),
    Column(title="Ngày tháng văn bản", part=8, cell=lambda e: _day(e.paper.issued_on)),
    Column(title="Tên loại và trích yếu nội dung văn bản", part=26, cell=_what),
    Column(title="Đơn vị hoặc người nhận", part=12, cell=lambda e: e.beside.receiver),
    Column(title="Ngày chuyển", part=8, cell=_passed_on),
    Column(title="Ký nhận", part=8, cell=lambda _: ""),
    Column(title="Ghi chú", part=10, cell=_note),
)
OUTGOING: Final = (
    Column(title="Số, ký hiệu văn bản", part=13, cell=lambda e: e.code),
    Column(title="Ngày tháng văn bản", part=9, cell=lambda e: f"{e.day:%d/%m/%Y}"),
    Column(title="Tên loại và trích yếu nội dung văn bản", part=24, cell=_what),
    Column(title="Người ký", part=11, cell=lambda e: e.paper.signer),
    Column(title="Nơi nhận văn bản", part=16, cell=lambda e: e.paper.recipients),
    Column(title="Đơn vị, người nhận bản lưu", part=11, cell=lambda e: e.beside.receiver),
    Column(title="Số lượng bản", part=6, cell=lambda e: str(e.beside.copies or "")),
    Column(title="Ngày chuyển", part=9, cell=_passed_on),
    Column(title="Ký nhận", part=9, cell=lambda _: ""),
    Column(title="Ghi chú", part=10, cell=_note),
)


class Books:
    """Reads whole registers."""

    def __init__(self, reads: DeskReads) -> None:
        self._reads = reads

    async def book(
        self, office: AgencyId, name: str, direction: Direction, first: date, last: date, *, above: str = ""
    ) -> Book:
        """The lines of some days, by series and number; RefusedError for more than one book takes: never a part."""
        found: list[Entry] = []
        before = ""
        while True:
            span = Span(office_id=office, direction=direction, first=first, last=last, before=before, limit=_PAGE)
            page = await self._reads.entries(span)
            found += page
            if len(found) > _MOST:
                raise RefusedError("parameter_invalid", f"more than {_MOST} lines; choose fewer days")
            if len(page) < _PAGE:
                break
            before = page[-1].id
        found.sort(key=lambda entry: (entry.year, entry.series, entry.number))
        return Book(office=name, above=above, direction=direction, first=first, last=last, entries=found)


def workbook(book: Book) -> bytes:
    """The register as XLSX; texts only, so nothing in it is ever a formula."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = made.add_worksheet("Sổ đến" if book.direction == "in" else "Sổ đi")
    columns, last = book.columns, len(book.columns) - 1
    head_row = _SPAN_ROW + len(book.span) + 1
    centred = {"align": "center"}
    above, bold = made.add_format(centred), made.add_format(centred | {"bold": True})
    sheet.merge_range(0, 0, 0, last, book.above.upper(), above)
    sheet.merge_range(1, 0, 1, last, book.office.upper(), bold)
    sheet.merge_range(2, 0, 2, last, book.title, made.add_format(centred | {"bold": True, "font_size": 14}))
    for row, text in enumerate(book.span, _SPAN_ROW):
        sheet.merge_range(row, 0, row, last, text, above)
    head = made.add_format({"bold": True, "border": 1, "text_wrap": True, "align": "center", "valign": "vcenter"})
    number = made.add_format({"border": 1, "align": "center", "italic": True})
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.part * 1.3)
        sheet.write_string(head_row, place, column.title, head)
        sheet.write_string(head_row + 1, place, f"({place + 1})", number)
    end = _write_lines(made, sheet, book, head_row + 2)
    sheet.merge_range(end + 1, 0, end + 1, last, book.total, made.add_format({"bold": True}))
    sheet.merge_range(end + 3, last - 3, end + 3, last, _SIGN, above)
    sheet.freeze_panes(head_row + 2, 0)
    sheet.repeat_rows(head_row, head_row + 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
    sheet.set_footer("&RTrang &P/&N")
    sheet.fit_to_pages(1, 0)
    made.close()
    return out.getvalue()


def _write_lines(made: Any, sheet: Any, book: Book, row: int) -> int:
    """The lines from a row on; the row after the last."""
    plain = {"border": 1, "text_wrap": True, "valign": "top"}
    line, struck = made.add_format(plain), made.add_format(plain | {"font_strikeout": True})
    ended = made.add_format({"border": 1, "italic": True})
    last = len(book.columns) - 1
    for each in book.lines():
        if isinstance(each, DayEnd):
            sheet.merge_range(row, 0, row, last, each.text, ended)
        else:
            for place, column in enumerate(book.columns):
                sheet.write_string(row, place, column.cell(each), struck if each.is_struck else line)
        row += 1
    return row


def printed(book: Book, made_at: datetime) -> bytes:
    """The register as PDF, on A4 across."""
    sheets = Sheets(title=book.title, language="vi", made_at=made_at, foot=book.office, is_landscape=True)
    sheets.begin()
    if book.above:
        sheets.text(book.above.upper(), is_centred=True)
    sheets.text(book.office.upper(), is_bold=True, is_centred=True)
    sheets.space(6)
    sheets.text(book.title, size=15, is_bold=True, is_centred=True)
    for text in book.span:
        sheets.text(text, is_centred=True)
    sheets.space(8)
    columns = book.columns
    heads = (
        Row(cells=[column.title for column in columns], is_bold=True),
        Row(cells=[f"({place})" for place in range(1, len(columns) + 1)]),
    )
    sheets.table([column.part for column in columns], heads, _rows(book))
    sheets.space(10)
    sheets.text(book.total, is_bold=True)
    sheets.space(8)
    sheets.text(_SIGN, indent=sheets.width * 0.65, is_centred=True)
    sheets.space(40)
    return sheets.file()


def _rows(book: Book) -> Iterable[Row]:
    for each in book.lines():
        if isinstance(each, DayEnd):
            yield Row(cells=[each.text], is_across=True)
        else:
            yield Row(cells=[column.cell(each) for column in book.columns], is_struck=each.is_struck)
