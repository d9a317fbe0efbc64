"""`gateway report`: a period's figures for a person, for a script, and as a workbook."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import openpyxl
import pytest

from gateway.reports.book import write_book
from gateway.reports.comparing import COLUMNS, compared
from gateway.reports.figures import Figures, Sum, Times
from gateway.reports.making import AgencyFigures, Earlier, Report, Returned
from gateway.reports.words import Language, duration, word
from gateway.workdays import Workdays
from tests.journeys.installation import COMMUNE, PROVINCE, Installation
from tests.unit.operate.test_commands import Terminal, sent, terminal

__all__ = ["terminal"]

#: What a recipient might say.
FORMULA = '=HYPERLINK("https://example.org","?")'


def report() -> Report:
    """One of nothing, with a formula for a name."""
    summed = Sum(date(2026, 11, 22), Workdays()).summed()
    return Report(
        first=date(2026, 11, 1),
        last=date(2026, 11, 22),
        made_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
        total=summed.total,
        agencies=[AgencyFigures(agency="a", code="000.00.00.H33", name=FORMULA, figures=summed.total)],
        types=[],
        business_types=[],
        priorities=[],
        channels=[],
        states={},
        statuses={},
        refusals=[],
        returned=[Returned(said=FORMULA, lines=1)],
        days=[],
        slowest=[],
        slowest_registering=[],
        late=[],
        unreached=[],
        unanswered=[],
    )


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_in_a_workbook_is_a_formula(language: Language) -> None:
    """Names and words of others are texts, whatever they begin with."""
    book = openpyxl.load_workbook(io.BytesIO(write_book(report(), language)))
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert [cell.data_type for cell in cells if cell.value == FORMULA] == ["s", "s"]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert word("agencies", language) in book.sheetnames


def test_workbook_counts_the_reasons_that_it_does_not_name() -> None:
    """In a row below those that it does, and in none where it names all."""
    more = msgspec.structs.replace(report(), other_sentences=12, other_returned=30)
    for told, rows in ((more, [(FORMULA, 1), ("Lý do khác, ít gặp hơn: 12", 30)]), (report(), [(FORMULA, 1)])):
        sheet = openpyxl.load_workbook(io.BytesIO(write_book(told, "vi")))[word("returned_why", "vi")]
        assert list(sheet.iter_rows(min_row=2, values_only=True)) == rows


async def test_report_of_a_ledger_is_told_and_written(
    installation: Installation, terminal: Terminal, tmp_path: Path
) -> None:
    """The same figures as JSON and in the workbook."""
    async with sent(installation, COMMUNE):
        pass
    file = tmp_path / "new" / "report.xlsx"
    told = await terminal.json("report", "--from", "2020-01-01", "--out", str(file))
    assert (told["total"]["documents"], told["total"]["received"]) == (1, 1)
    issued = {each["code"]: each["figures"]["documents"] for each in told["agencies"]}
    assert issued == {PROVINCE: 1, COMMUNE: 0}
    sheet = openpyxl.load_workbook(file)[word("agencies", "vi")]
    rows = {row[1]: row[2] for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert rows == issued
    ((channel, label),) = [(each["key"], each["label"]) for each in told["channels"]]
    assert (channel, label) == ("commune", "UBND xã Một")
    sheet = openpyxl.load_workbook(file)[word("channels", "vi")]
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [f"{label} ({channel})"]
    code, out, _ = await terminal.run("report")
    assert code == 0
    assert word("documents", "vi") in out


async def test_what_cannot_be_a_report_is_refused(installation: Installation, terminal: Terminal) -> None:
    async with sent(installation, COMMUNE):
        pass
    assert (await terminal.run("report", "--out", "report.csv"))[0] == 2
    code, _, said = await terminal.run("report", "--from", "2026-02-01", "--to", "2026-01-01")
    assert code == 1
    assert "2026-02-01" in said


def test_whole_is_held_against_the_earlier_period() -> None:
    """Shares are of what was received or due; nothing grows from nothing; a shorter time is a text in XLSX."""
    now = _figures(lines=8, registered=2, seconds=60)
    then = _figures(lines=4, registered=2, seconds=90)
    held = msgspec.structs.replace(
        report(), total=now, earlier=Earlier(first=date(2026, 10, 1), last=date(2026, 10, 22), total=then)
    )
    rows = {row.key: row for row in compared(held)}
    assert list(rows) == list(COLUMNS)
    received, registered, median = rows["received"], rows["registered"], rows["arrival_median"]
    assert (received.value, received.share, received.earlier, received.change, received.growth) == (
        8,
        None,
        4,
        4,
        1.0,
    )
    assert (registered.share, registered.earlier_share, registered.change, registered.growth) == (0.25, 0.5, 0, 0.0)
    assert (median.value, median.earlier, median.change) == (60, 90, -30)
    assert (rows["dead"].change, rows["dead"].growth) == (0, None)
    assert rows["registration_median"].value is None
    book = openpyxl.load_workbook(io.BytesIO(write_book(held, "vi")))
    told = {row[0]: row[1:] for row in book[word("summary", "vi")].iter_rows(values_only=True)}
    assert told[word("received", "vi")] == (8, None, 4, None, 4, 1.0)
    assert told[word("arrival_median", "vi")][4] == "-30 giây"
    assert told[word("against", "vi")][0] == "01/10/2026 - 22/10/2026"
    alone = openpyxl.load_workbook(io.BytesIO(write_book(report(), "vi")))[word("summary", "vi")]
    assert word("earlier", "vi") not in {cell.value for row in alone for cell in row}


def _figures(*, lines: int, registered: int, seconds: int) -> Figures:
    none = Sum(date(2026, 11, 22), Workdays()).summed().total
    arrival = Times(count=lines, median=seconds, p95=seconds)
    return msgspec.structs.replace(none, received=lines, arrived=lines, registered=registered, arrival=arrival)


def test_columns_are_named_in_both_languages() -> None:
    for language in ("vi", "en"):
        assert all(word(key, language) for key in COLUMNS)


@pytest.mark.parametrize(
    ("seconds", "vi"),
    [(None, ""), (0, "0 giây"), (59, "59 giây"), (3661, "1 giờ 1 phút"), (90_000, "1 ngày 1 giờ")],
)
def test_durations_are_told_in_two_units(seconds: int | None, vi: str) -> None:
    assert duration(seconds, "vi") == vi
    assert timedelta(seconds=seconds or 0) >= timedelta(0)
