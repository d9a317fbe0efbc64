"""A report as a workbook (XLSX): one sheet a part, headings frozen, ready to print on A4.

Every text is written as a text: what a sender or a recipient wrote never becomes a formula. Durations are numbers
of Excel's own kind (`[h]:mm:ss`), so that they sort and add up.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import xlsxwriter

from gateway.clock import VIETNAM
from gateway.reports.comparing import COLUMNS, TIMES, Row, compared, value_of
from gateway.reports.figures import Figures
from gateway.reports.making import AgencyFigures, NamedFigures, Report
from gateway.reports.words import Language, duration, named, reason_name, state_name, status_name, word

#: Parts that are cut by one thing.
PARTS: Final = ("types", "business_types", "priorities", "channels")
#: What is not counted there: one document may take several channels.
UNCOUNTED: Final[Mapping[str, frozenset[str]]] = {"channels": frozenset({"documents", "sent"})}

_NAME_WIDTH, _WIDTH = 44, 13
_A4: Final = 9

Cell = str | int | float | date | timedelta | None


def cells_of(figures: Figures, part: str = "") -> list[Cell]:
    """The values of COLUMNS; None for what is not counted in a part."""
    lacking = UNCOUNTED.get(part, frozenset())
    return [None if key in lacking else _cell(key, value_of(figures, key)) for key in COLUMNS]


def _cell(key: str, value: int | None) -> Cell:
    return timedelta(seconds=value) if key in TIMES and value is not None else value


def write_book(report: Report, language: Language) -> bytes:
    """The file. Takes a moment; hence for a thread."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"title": word("title", language)})
        sheets = _Sheets(book, report, language)
        sheets.summary()
        sheets.agencies("agencies", report.agencies)
        for part in PARTS:
            sheets.named(part, getattr(report, part))
        sheets.lists()
        sheets.days()
    return target.getvalue()


@dataclass
class _Sheets:
    """The workbook as it grows."""

    book: Any
    report: Report
    language: Language

    def __post_init__(self) -> None:
        add = self.book.add_format
        wrapped = {"text_wrap": True, "valign": "top"}
        self._title = add({"bold": True, "font_size": 14})
        self._head = add({"bold": True, "bg_color": "#E8EDF2", "border": 1, **wrapped, "align": "center"})
        self._text = add({"border": 1, **wrapped})
        self._number = add({"border": 1, "num_format": "#,##0"})
        self._day = add({"border": 1, "num_format": "dd/mm/yyyy"})
        self._time = add({"border": 1, "num_format": "[h]:mm:ss"})
        self._share = add({"border": 1, "num_format": "0.0%"})

    def _word(self, key: str) -> str:
        return word(key, self.language)

    def _table(
        self, name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], *, at: int = 0, sheet: Any = None
    ) -> int:
        """One table; the row below it."""
        if sheet is None:
            sheet = self.book.add_worksheet(name[:31])
            sheet.set_landscape()
            sheet.set_paper(_A4)
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(at)
            sheet.freeze_panes(at + 1, 1)
            sheet.set_column(0, 0, _NAME_WIDTH)
            sheet.set_column(1, max(1, len(head) - 1), _WIDTH)
        for column, text in enumerate(head):
            sheet.write_string(at, column, text, self._head)
        for row in rows:
            at += 1
            for column, value in enumerate(row):
                self._cell(sheet, at, column, value)
        return at + 2

    def _cell(self, sheet: Any, row: int, column: int, value: Cell) -> None:
        if value is None:
            sheet.write_blank(row, column, None, self._text)
        elif isinstance(value, str):
            sheet.write_string(row, column, value, self._text)
        elif isinstance(value, timedelta):
            sheet.write_number(row, column, value / timedelta(days=1), self._time)
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, self._day)
        elif isinstance(value, float):
            sheet.write_number(row, column, value, self._share)
        else:
            sheet.write_number(row, column, value, self._number)

    def summary(self) -> None:
        """What it is, and the whole."""
        report, sheet = self.report, self.book.add_worksheet(self._word("summary"))
        sheet.set_column(0, 0, _NAME_WIDTH)
        sheet.set_column(1, 6, _WIDTH + 3)
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, self._word("title"), self._title)
        facts = [
            ("period", _days(report.first, report.last)),
            ("made_at", report.made_at.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")),
        ]
        if report.earlier is not None:
            facts.insert(1, ("against", _days(report.earlier.first, report.earlier.last)))
        for row, (key, text) in enumerate(facts, start=2):
            sheet.write_string(row, 0, self._word(key))
            sheet.write_string(row, 1, text)
        sheet.write_string(5, 0, self._word("basis"))
        head = ["figure", "this_period", "share"]
        if report.earlier is not None:
            head += ["earlier", "share", "change", "growth"]
        at = self._table("", [*map(self._word, head)], map(self._compared, compared(report)), at=7, sheet=sheet)
        head = [self._word("states"), self._word("lines")]
        states = ((state_name(key, self.language), lines) for key, lines in report.states.items())
        at = self._table("", head, states, at=at, sheet=sheet)
        head = [self._word("statuses"), self._word("lines")]
        statuses = ((status_name(key, self.language), lines) for key, lines in report.statuses.items())
        self._table("", head, statuses, at=at, sheet=sheet)

    def _compared(self, row: Row) -> list[Cell]:
        told: list[Cell] = [self._word(row.key), _cell(row.key, row.value), row.share]
        if self.report.earlier is not None:
            told += [_cell(row.key, row.earlier), row.earlier_share, self._change(row), row.growth]
        return told

    def _change(self, row: Row) -> Cell:
        """A text where it is a time that became shorter: no time of Excel is below nothing."""
        if row.is_time and row.change is not None and row.change < 0:
            return f"-{duration(-row.change, self.language)}"
        return _cell(row.key, row.change)

    def agencies(self, key: str, agencies: Sequence[AgencyFigures]) -> None:
        """One row each."""
        head = [self._word("name"), self._word("code"), *map(self._word, COLUMNS)]
        self._table(self._word(key), head, ([each.name, each.code, *cells_of(each.figures)] for each in agencies))

    def named(self, part: str, rows: Sequence[NamedFigures]) -> None:
        """One row each."""
        told = ([named(part, each.key, self.language, each.label), *cells_of(each.figures, part)] for each in rows)
        self._table(self._word(part), [self._word("name"), *map(self._word, COLUMNS)], told)

    def lists(self) -> None:
        """Why sending failed, why recipients refused, who is slow, who is silent."""
        report, language = self.report, self.language
        refusals = (
            (reason_name(each.reason, language), each.reason, state_name(each.state, language), each.lines)
            for each in report.refusals
        )
        head = [self._word(key) for key in ("reason", "reason_code", "state", "lines")]
        self._table(self._word("refusals"), head, refusals)
        returned: list[tuple[Cell, ...]] = [(each.said, each.lines) for each in report.returned]
        if report.other_sentences:
            returned.append((f"{self._word('other_sentences')}: {report.other_sentences}", report.other_returned))
        self._table(self._word("returned_why"), [self._word("reason"), self._word("lines")], returned)
        self.agencies("late", report.late)
        self.agencies("slowest", report.slowest)
        self.agencies("slowest_registering", report.slowest_registering)
        silent = (
            (each.name, each.code, self._word(kind), each.figures.received, each.figures.arrived)
            for kind in ("unreached", "unanswered")
            for each in getattr(report, kind)
        )
        head = [self._word(key) for key in ("name", "code", "reason", "received", "arrived")]
        self._table(self._word("silent"), head, silent)

    def days(self) -> None:
        """What the diagrams are drawn of."""
        rows = ((each.day, each.documents, each.lines, each.arrived) for each in self.report.days)
        head = [self._word(key) for key in ("day", "documents", "received", "arrived")]
        self._table(self._word("days"), head, rows)


def _days(first: date, last: date) -> str:
    return f"{first:%d/%m/%Y} - {last:%d/%m/%Y}"
