"""Registers as files, in the prescribed form: a workbook to work with and a PDF to print and sign.

Columns follow the registers of incoming and outgoing documents of NĐ 30/2020/NĐ-CP (annex IV), as remembered; the
decree was not at hand (`docs/desk.md`). Struck lines are struck here, too. Lines stand by series and number.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import xlsxwriter

from gateway.bundle.pdf import Row, Sheets
from gateway.ledger.desk import DeskReads, Entry, Span
from gateway.ledger.entries import Direction
from gateway.model import AgencyId

#: Lines read at a time; and of one file.
_PAGE: Final = 1_000
_MOST: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One of a form."""

    title: str
    #: Of the page's width.
    part: float
    cell: Callable[[Entry], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """A register over some days."""

    office: str
    direction: Direction
    first: date
    last: date
    entries: Sequence[Entry]

    @property
    def title(self) -> str:
        """As its cover says."""
        return "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN" if self.direction == "in" else "SỔ ĐĂNG KÝ VĂN BẢN ĐI"

    @property
    def span(self) -> str:
        """Which days."""
        return f"Năm {self.last.year}, từ ngày {self.first:%d/%m/%Y} đến ngày {self.last:%d/%m/%Y}"

    @property
    def columns(self) -> Sequence[Column]:
        """Those of its form."""
        return INCOMING if self.direction == "in" else OUTGOING


def _day(text: str) -> str:
    return f"{date.fromisoformat(text):%d/%m/%Y}" if text else ""


def _what(entry: Entry) -> str:
    return " ".join(part for part in (entry.paper.type_name, entry.paper.subject) if part)


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
    Column(title="Tác giả", part=16, cell=lambda e: e.paper.issuer),
    Column(title="Số, ký hiệu văn bản", part=12, cell=lambda e: e.code),
    Column(title="Ngày tháng văn bản", part=8, cell=lambda e: _day(e.paper.issued_on)),
    Column(title="Tên loại và trích yếu nội dung văn bản", part=26, cell=_what),
    Column(title="Đơn vị hoặc người nhận", part=13, cell=lambda e: e.beside.receiver),
    Column(title="Ngày chuyển", part=8, cell=lambda e: _day(e.beside.passed_on)),
    Column(title="Ký nhận", part=7, cell=lambda _: ""),
    Column(title="Ghi chú", part=10, cell=_note),
)
OUTGOING: Final = (
    Column(title="Số, ký hiệu văn bản", part=12, cell=lambda e: e.code),
    Column(title="Ngày tháng văn bản", part=8, cell=lambda e: f"{e.day:%d/%m/%Y}"),
    Column(title="Tên loại và trích yếu nội dung văn bản", part=28, cell=_what),
    Column(title="Người ký", part=12, cell=lambda e: e.paper.signer),
    Column(title="Nơi nhận văn bản", part=20, cell=lambda e: e.paper.recipients),
    Column(title="Đơn vị, người nhận bản lưu", part=12, cell=lambda e: e.beside.receiver),
    Column(title="Số lượng bản", part=6, cell=lambda e: str(e.beside.copies or "")),
    Column(title="Ghi chú", part=12, cell=_note),
)


class Books:
    """Reads whole registers."""

    def __init__(self, reads: DeskReads) -> None:
        self._reads = reads

    async def book(self, office: AgencyId, name: str, direction: Direction, first: date, last: date) -> Book:
        """The lines of some days, by series and number."""
        found: list[Entry] = []
        before = ""
        while len(found) < _MOST:
            span = Span(office_id=office, direction=direction, first=first, last=last, before=before, limit=_PAGE)
            page = await self._reads.entries(span)
            found += page
            if len(page) < _PAGE:
                break
            before = page[-1].id
        found.sort(key=lambda entry: (entry.year, entry.series, entry.number))
        return Book(office=name, direction=direction, first=first, last=last, entries=found)


def workbook(book: Book) -> bytes:
    """The register as XLSX; texts only, so nothing in it is ever a formula."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = made.add_worksheet("Sổ đến" if book.direction == "in" else "Sổ đi")
    title = made.add_format({"bold": True, "font_size": 14, "align": "center"})
    head = made.add_format({"bold": True, "border": 1, "text_wrap": True, "align": "center", "valign": "vcenter"})
    plain = {"border": 1, "text_wrap": True, "valign": "top"}
    line, struck = made.add_format(plain), made.add_format(plain | {"font_strikeout": True})
    columns, last = book.columns, len(book.columns) - 1
    sheet.merge_range(0, 0, 0, last, book.office, made.add_format({"bold": True}))
    sheet.merge_range(1, 0, 1, last, book.title, title)
    sheet.merge_range(2, 0, 2, last, book.span, made.add_format({"align": "center"}))
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.part * 1.3)
        sheet.write_string(4, place, column.title, head)
        sheet.write_string(5, place, f"({place + 1})", head)
    for number, entry in enumerate(book.entries, 6):
        for place, column in enumerate(columns):
            sheet.write_string(number, place, column.cell(entry), struck if entry.is_struck else line)
    sheet.freeze_panes(6, 0)
    sheet.repeat_rows(4, 5)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    made.close()
    return out.getvalue()


def printed(book: Book, made_at: datetime) -> bytes:
    """The register as PDF, on A4 across."""
    sheets = Sheets(title=book.title, language="vi", made_at=made_at, foot=book.office, is_landscape=True)
    sheets.begin()
    sheets.text(book.office, is_bold=True)
    sheets.text(book.title, size=15, is_bold=True)
    sheets.text(book.span)
    sheets.space(8)
    columns = book.columns
    sheets.table([column.part for column in columns], [column.title for column in columns], _rows(book, columns))
    sheets.space(10)
    sheets.text(f"Cộng: {len(book.entries)} văn bản.")
    return sheets.file()


def _rows(book: Book, columns: Sequence[Column]) -> Iterable[Row]:
    yield Row(cells=[f"({place})" for place in range(1, len(columns) + 1)])
    for entry in book.entries:
        yield Row(cells=[column.cell(entry) for column in columns], is_struck=entry.is_struck)
