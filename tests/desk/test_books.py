"""Registers: closed day by day, and the same lines as a workbook and as a PDF."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from gateway.clock import VIETNAM
from gateway.desk.books import Book, printed, workbook
from gateway.desk.register import PaperForm
from gateway.ledger.desk import Entry
from gateway.ledger.entries import Beside, CloseBook, CloseBookOperation, Paper
from gateway.maintenance.book_closer import BookCloser
from gateway.model import AgencyId
from tests.bundle.test_certificate_pdf import contents, text_of
from tests.desk.lab import DeskLab
from tests.desk.test_register import paper, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


class At:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The instant."""
        return self._at

    def monotonic(self) -> float:
        """Never asked."""
        return 0.0


async def write(lab: DeskLab, number: str) -> Entry:
    """A paper, registered."""
    form = PaperForm(office_id=lab.office, paper=paper(number), beside=Beside(receiver="Văn phòng"))
    return await lab.desk.registering.register_paper(lab.clerk, form)


async def test_day_is_closed_after_its_midnight_and_takes_no_more_lines(lab: DeskLab) -> None:
    """Count and digest are in the log; whoever writes for that day afterwards gets the next one or nothing."""
    entry = await write(lab, "1")
    await write(lab, "2")
    base = lab.app.foundation
    midnight = datetime(entry.day.year, entry.day.month, entry.day.day, tzinfo=VIETNAM) + timedelta(days=1)
    early = BookCloser(base.readers, base.pump, clock=At(midnight + timedelta(minutes=9)))
    await early.run_once()
    assert not (await lab.desk.registering.entry(lab.clerk, entry.id)).is_closed
    late = BookCloser(base.readers, base.pump, clock=At(midnight + timedelta(minutes=11)))
    await late.run_once()
    assert (await lab.desk.registering.entry(lab.clerk, entry.id)).is_closed
    facts = next(each["facts"] for each in lab.events("book.closed") if each["facts"]["office"] == lab.office)
    assert (facts["entries"], facts["day"], facts["direction"]) == (2, entry.day.isoformat(), "in")
    await late.run_once()
    ask = CloseBook(office_id=lab.office, direction="in", day=entry.day, now=base.clock.now())
    assert await base.pump.submit(CloseBookOperation(), ask) == 0
    await refused(write(lab, "3"), "desk_busy")
    assert lab.numbers() == [1, 2]


def line(number: int, *, subject: str = "V/v chỉnh lý", voided: bool = False) -> Entry:
    """A line that is nobody's."""
    at = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
    return Entry(
        id=f"{number:05}",
        office_id=AgencyId("o"),
        direction="in",
        series="",
        year=2026,
        number=number,
        day=date(2026, 11, 30),
        at=at,
        actor="user:lan",
        message_id="",
        delivery_id="",
        paper=Paper(
            issuer="Sở Nội vụ",
            code_number="7",
            code_notation="SNV",
            issued_on="2026-11-20",
            type_name="Công văn",
            subject=subject,
        ),
        beside=Beside(receiver="Văn phòng", passed_on="2026-11-30"),
        scan_id="",
        voided_at=at if voided else None,
        voided_why="ghi nhầm" if voided else "",
        is_closed=False,
        status="",
        is_recalled=False,
    )


def book(*entries: Entry) -> Book:
    """A register of one day."""
    day = date(2026, 11, 30)
    return Book(office="UBND xã Một", above="UBND tỉnh", direction="in", first=day, last=day, entries=entries)


async def test_workbook_is_of_the_prescribed_form_and_has_no_formula() -> None:
    """Title block, ten columns, a day's end; what a subject says is text; a struck line is struck."""
    made = workbook(book(line(1, subject='=HYPERLINK("http://x")'), line(2, voided=True)))
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert [sheet.cell(row, 1).value for row in range(1, 8)] == [
        "UBND TỈNH", "UBND XÃ MỘT", "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN", "Năm: 2026", "Từ ngày 30/11/2026 đến ngày 30/11/2026",
        "Từ số 1 đến số 2", "Quyển số: ……………",
    ]  # fmt: skip
    heads = [cell.value for cell in sheet[9]]
    assert heads[:4] == ["Ngày đến", "Số đến", "Tác giả", "Số, ký hiệu văn bản"]
    assert heads[6:] == ["Đơn vị hoặc người nhận", "Ngày chuyển", "Ký nhận", "Ghi chú"]
    assert [cell.value for cell in sheet[10]] == [f"({number})" for number in range(1, 11)]
    assert [cell.value for cell in sheet[11]][:2] == ["30/11/2026", "1"]
    assert sheet["F11"].data_type == "s"
    assert sheet["F11"].value == 'Công văn =HYPERLINK("http://x")'
    assert (sheet["A11"].font.strike, sheet["A12"].font.strike) == (None, True)
    assert sheet["J12"].value == "Hủy: ghi nhầm"
    assert sheet["A13"].value == "Ngày 30/11/2026, chưa khóa sổ: 2 văn bản, từ số 1 đến số 2."
    assert sheet["A15"].value == "Cộng: 2 văn bản, trong đó hủy 1."
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.print_title_rows) == (
        "landscape", 9, "$9:$10",
    )  # fmt: skip


async def test_register_of_outgoing_documents_has_ten_columns_too() -> None:
    """When it was handed on is the day on which it went out, where the office wrote none."""
    day, sent = date(2026, 11, 30), datetime(2026, 11, 30, 17, 30, tzinfo=UTC)
    own = replace(line(1), direction="out", series="QĐ", accepted_at=sent, message_id="m", is_closed=True)
    made = workbook(Book(office="UBND xã Một", direction="out", first=day, last=day, entries=[own]))
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    heads = [cell.value for cell in sheet[9]]
    assert heads[5:] == ["Đơn vị, người nhận bản lưu", "Số lượng bản", "Ngày chuyển", "Ký nhận", "Ghi chú"]
    assert sheet["H11"].value == "30/11/2026"  # passed on, as the office wrote
    later = replace(own, beside=Beside())
    again = workbook(Book(office="UBND xã Một", direction="out", first=day, last=day, entries=[later]))
    sheet = openpyxl.load_workbook(io.BytesIO(again)).active
    assert sheet["H11"].value == "01/12/2026"
    assert sheet["A12"].value.startswith("Khóa sổ ngày 30/11/2026 (QĐ): 1 văn bản, từ số 1 đến số 1. Văn thư ký:")


async def test_cover_says_the_numbers_of_each_year_and_series() -> None:
    """Each begins at 1; the lines follow below however many there are."""
    first, last = date(2025, 12, 1), date(2026, 11, 30)
    own = replace(line(1), direction="out")
    entries = [
        *(replace(own, year=2025, number=number, day=first) for number in (938, 940)),
        *(replace(own, number=number) for number in (1, 12)),
        *(replace(own, series="QĐ", number=number) for number in (3, 7)),
    ]
    made = Book(office="UBND xã Một", direction="out", first=first, last=last, entries=entries)
    told = [
        "Năm: 2025, 2026", "Từ ngày 01/12/2025 đến ngày 30/11/2026", "Từ số 938 đến số 940 (năm 2025)",
        "Từ số 1 đến số 12 (năm 2026)", "Từ số 3 đến số 7 (năm 2026, dãy số QĐ)", "Quyển số: ……………",
    ]  # fmt: skip
    assert list(made.span) == told
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(made))).active
    assert [sheet.cell(row, 1).value for row in range(4, 10)] == told
    assert (sheet["A11"].value, sheet["A12"].value, sheet["B13"].value) == (
        "Số, ký hiệu văn bản", "(1)", "01/12/2025",
    )  # fmt: skip
    assert (sheet.print_title_rows, sheet.freeze_panes) == ("$11:$12", "A13")
    empty = Book(office="UBND xã Một", direction="out", first=first, last=last, entries=[])
    assert empty.span[2] == "Từ số …………… đến số ……………"


async def test_print_repeats_its_heading_and_loses_no_line() -> None:
    """Each page begins with the heading and its numbers; every number and subject is found by another reader."""
    entries = [line(number, subject=f"V/v việc thứ {number} của năm") for number in range(1, 81)]
    made = printed(book(*entries), datetime(2026, 11, 30, tzinfo=UTC))
    told, pages = text_of(made), contents(made)
    assert len(pages) > 2
    assert told.count("Tácgiả") == told.count("(10)") == len(pages)
    assert told.count("chưakhóasổ:80vănbản,từsố1đếnsố80.") == 1
    for number in range(1, 81):
        assert f"việcthứ{number}của" in told
    assert made == printed(book(*entries), datetime(2026, 11, 30, tzinfo=UTC))


async def test_register_of_some_days_comes_by_number(lab: DeskLab) -> None:
    """What the files are made of."""
    entries = [await write(lab, str(number)) for number in (5, 6, 7)]
    day = entries[0].day
    found = await lab.desk.books.book(lab.office, "UBND xã", "in", day, day)
    assert [entry.number for entry in found.entries] == [1, 2, 3]
    assert found.entries[0].beside.receiver == "Văn phòng"
    assert (await lab.desk.books.book(lab.office, "UBND xã", "out", day, day)).entries == []
