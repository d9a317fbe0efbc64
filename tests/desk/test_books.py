"""Registers: closed day by day, and the same lines as a workbook and as a PDF."""

from __future__ import annotations

import io
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
    return Book(office="UBND xã Một", direction="in", first=day, last=day, entries=entries)


async def test_workbook_has_the_columns_of_the_form_and_no_formula() -> None:
    """What a subject says is text, whatever it begins with; a struck line is struck."""
    made = workbook(book(line(1, subject='=HYPERLINK("http://x")'), line(2, voided=True)))
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    heads = [cell.value for cell in sheet[5]]
    assert heads[:4] == ["Ngày đến", "Số đến", "Tác giả", "Số, ký hiệu văn bản"]
    assert len(heads) == 10
    assert [cell.value for cell in sheet[7]][:2] == ["30/11/2026", "1"]
    assert sheet["F7"].data_type == "s"
    assert sheet["F7"].value == 'Công văn =HYPERLINK("http://x")'
    assert (sheet["A7"].font.strike, sheet["A8"].font.strike) == (None, True)
    assert sheet["J8"].value == "Hủy: ghi nhầm"


async def test_print_repeats_its_heading_and_loses_no_line() -> None:
    """Each page begins with the heading; every number and subject is found again by another reader."""
    entries = [line(number, subject=f"V/v việc thứ {number} của năm") for number in range(1, 81)]
    made = printed(book(*entries), datetime(2026, 11, 30, tzinfo=UTC))
    told, pages = text_of(made), contents(made)
    assert len(pages) > 2
    assert told.count("Tácgiả") == len(pages)
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
