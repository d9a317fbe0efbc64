"""Lines as a file: CSV piece by piece, XLSX by way of a file that is written row by row.

What a sender wrote must not be run by whoever opens the file: in CSV a cell that a spreadsheet would take for a
formula gets an apostrophe before it, in XLSX every text is stored as text. Memory does not grow with the lines.
What the columns are called and say is the caller's.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import xlsxwriter

from gateway.formulas import defused

T = TypeVar("T")
Value = str | int | date | datetime

#: Rows of one sheet, its head left out.
MOST_ROWS: Final = 1_048_575
#: So that Excel takes it for UTF-8.
_MARK: Final = "\ufeff"
#: Characters that a cell of XLSX takes, a little less.
_LONGEST: Final = 32_000
_DAY, _MINUTE = "dd/mm/yyyy", "dd/mm/yyyy hh:mm"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column(Generic[T]):
    """One column of the file; an instant is written as its zone has it."""

    title: str
    value: Callable[[T], Value]


async def csv_of(portions: AsyncIterable[Sequence[T]], columns: Sequence[Column[T]]) -> AsyncIterator[bytes]:
    """A file for spreadsheets, UTF-8 with a mark, portion by portion."""
    yield (_MARK + _written([[each.title for each in columns]])).encode()
    async for portion in portions:
        rows = [[_plain(each.value(item)) for each in columns] for item in portion]
        yield (await asyncio.to_thread(_written, rows)).encode()


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _plain(value: Value) -> str:
    if isinstance(value, datetime):
        return value.strftime("%d/%m/%Y %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    return defused(value) if isinstance(value, str) else str(value)


async def write_xlsx(
    portions: AsyncIterable[Sequence[T]], columns: Sequence[Column[T]], path: Path, *, sheet: str
) -> None:
    """Write the file; what one sheet does not hold goes on in another."""
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    async with AsyncExitStack() as stack:
        book = xlsxwriter.Workbook(str(path), options)
        stack.push_async_callback(asyncio.to_thread, book.close)
        writer = _Sheets(book, sheet, columns)
        async for portion in portions:
            rows = [[each.value(item) for each in columns] for item in portion]
            await asyncio.to_thread(writer.add, rows)


class _Sheets:
    def __init__(self, book: Any, name: str, columns: Sequence[Column[Any]]) -> None:
        self._book, self._name, self._columns = book, name, columns
        self._day, self._minute = book.add_format({"num_format": _DAY}), book.add_format({"num_format": _MINUTE})
        self._head = book.add_format({"bold": True, "text_wrap": True})
        self._begun = 0
        self._begin()

    def _begin(self) -> None:
        self._begun += 1
        self._rows = 0
        self._sheet = self._book.add_worksheet(self._name if self._begun == 1 else f"{self._name} {self._begun}")
        self._sheet.freeze_panes(1, 0)
        for place, column in enumerate(self._columns):
            self._sheet.set_column(place, place, 22)
            self._sheet.write_string(0, place, column.title, self._head)

    def add(self, rows: Sequence[Sequence[Value]]) -> None:
        for row in rows:
            if self._rows == MOST_ROWS:
                self._begin()
            self._rows += 1
            for place, value in enumerate(row):
                self._write(self._rows, place, value)

    def _write(self, row: int, place: int, value: Value) -> None:
        if isinstance(value, datetime):
            self._sheet.write_datetime(row, place, value.replace(tzinfo=None), self._minute)
        elif isinstance(value, date):
            self._sheet.write_datetime(row, place, value, self._day)
        elif isinstance(value, int):
            self._sheet.write_number(row, place, value)
        else:
            self._sheet.write_string(row, place, value[:_LONGEST])
