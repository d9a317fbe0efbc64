"""Exports: nothing in them is a formula, and they say what was given."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import date, datetime
from operator import itemgetter
from pathlib import Path

import openpyxl
import pytest

from gateway.clock import VIETNAM
from gateway.formulas import defused
from gateway.search import export
from gateway.search.export import Column, Value, csv_of, write_xlsx

EVIL = '=HYPERLINK("http://x","y")'
ROWS: list[list[Value]] = [
    [EVIL, 7, datetime(2026, 11, 29, 8, 5, 7, tzinfo=VIETNAM), date(2026, 11, 1)],
    ['Về việc; "dấu"\nhai dòng', -7, datetime(2026, 1, 2, tzinfo=VIETNAM), ""],
    ["0125", 0, "", ""],
    ["http://example.com", 1, "", "+84"],
]  # fmt: skip
COLUMNS: list[Column[list[Value]]] = [
    Column(title=f"Cột {place}", value=itemgetter(place)) for place in range(len(ROWS[0]))
]


async def portions() -> AsyncIterator[list[list[Value]]]:
    yield ROWS[:1]
    yield ROWS[1:]


async def test_csv_is_defused_and_read_back() -> None:
    """With the mark that makes Excel take it for UTF-8."""
    data = b"".join([piece async for piece in csv_of(portions(), COLUMNS)])
    assert data.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert read == [
        ["Cột 0", "Cột 1", "Cột 2", "Cột 3"],
        [f"'{EVIL}", "7", "29/11/2026 08:05:07", "01/11/2026"],
        ['Về việc; "dấu"\nhai dòng', "-7", "02/01/2026 00:00:00", ""],
        ["0125", "0", "", ""],
        ["http://example.com", "1", "", "'+84"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "safe"),
    [("=1", "'=1"), (" =1", "' =1"), ("\t=1", "'\t=1"), ("@x", "'@x"), ("-", "'-"), ("＝1", "'＝1"), ("a=1", "a=1"),
     ("", ""), ("  ", "  "), ("125/UBND", "125/UBND")],
)  # fmt: skip
def test_formulas_are_defused(text: str, safe: str) -> None:
    """Whatever a spreadsheet takes for one, also behind spaces."""
    assert defused(text) == safe


async def test_xlsx_has_texts_numbers_and_days_but_no_formula(tmp_path: Path) -> None:
    """Leading zeros stay, addresses are no links."""
    path = tmp_path / "x.xlsx"
    await write_xlsx(portions(), COLUMNS, path, sheet="Sổ")
    sheet = openpyxl.load_workbook(path)["Sổ"]
    cells = list(sheet.iter_rows())
    assert [str(cell.value) for cell in cells[1]] == [EVIL, "7", "2026-11-29 08:05:07", "2026-11-01 00:00:00"]
    assert cells[1][0].data_type == "s"
    assert cells[3][0].value == "0125"
    assert cells[4][0].hyperlink is None
    assert sheet.freeze_panes == "A2"


async def test_xlsx_goes_on_in_another_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is left out, however many there are; each sheet has its head."""
    monkeypatch.setattr(export, "MOST_ROWS", 3)
    path = tmp_path / "x.xlsx"
    await write_xlsx(portions(), COLUMNS, path, sheet="Sổ")
    sheets = [list(each.iter_rows(values_only=True)) for each in openpyxl.load_workbook(path)]
    assert [len(each) for each in sheets] == [4, 2]
    assert sheets[0][0] == sheets[1][0]
    monkeypatch.undo()
    await write_xlsx(portions(), COLUMNS, path, sheet="Sổ")
    (whole,) = [list(each.iter_rows(values_only=True)) for each in openpyxl.load_workbook(path)]
    assert sheets[0] + sheets[1][1:] == whole
