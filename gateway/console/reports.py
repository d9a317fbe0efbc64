"""Reports: the figures of a period as a page with diagrams, for printing, and as a workbook.

One that takes long is made beside the page, which says how far it is and fills itself; page, print and workbook
show the one that is kept then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.console import charts, formats
from gateway.console.formats import office
from gateway.console.headers import SECURITY, saved
from gateway.console.report_periods import chosen, offered
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.reasons import REASONS
from gateway.reports import words
from gateway.reports.book import PARTS, UNCOUNTED, write_book
from gateway.reports.comparing import DUE, Row, compared
from gateway.reports.desk import Making, Wanted
from gateway.reports.figures import Day
from gateway.reports.making import Report

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What the tables of a page show of the figures; the workbook has all of them.
_SHOWN: Final = ("documents", "received", "arrived", "registered", "returned", "refused", "dead", "waiting")
#: Agencies of the diagram.
_BUSIEST: Final = 12
_MINUS: Final = "\N{MINUS SIGN}"
#: How long a page waits for its report before it says how far it is.
_PATIENCE: Final = timedelta(seconds=1)


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or how far it is."""
    asked = chosen(visit)
    if visit.request.query.get("anew") == "1":
        visit.parts.reports.forget(asked.wanted)
        return visit.redirect(asked.here)
    report = await _report(visit, asked.wanted)
    values: dict[str, Any] = {"here": asked.here, **offered(visit, asked)}
    if isinstance(report, Making):
        part = "reports_making_part.html" if visit.is_fragment else "reports_making.html"
        return visit.page(part, making=report, **values)
    if visit.is_fragment:
        return web.Response(status=204, headers={**SECURITY, "HX-Redirect": asked.here})
    return visit.page(
        "reports.html",
        report=report,
        book=asked.book,
        word=lambda key: words.word(key, visit.preferences.language),
        told=_Told(visit),
        compared=compared(report),
        shown=_SHOWN,
        due=DUE,
        parts=PARTS,
        uncounted=UNCOUNTED,
        reasons=REASONS,
        **_diagrams(visit, report),
        **values,
    )


async def download(visit: Visit) -> web.StreamResponse:
    """The workbook of the report that is kept; where none is, the page makes it."""
    asked = chosen(visit)
    report = await _report(visit, asked.wanted)
    if isinstance(report, Making):
        return visit.redirect(asked.here)
    book = await asyncio.to_thread(write_book, report, visit.preferences.language)
    return web.Response(body=book, content_type=_XLSX, headers=saved(f"bao-cao-{report.first}-{report.last}.xlsx"))


class _Told:
    """What the template calls things by."""

    def __init__(self, visit: Visit) -> None:
        self._language = visit.preferences.language

    def state(self, key: str) -> str:
        return words.state_name(key, self._language)

    def status(self, key: str) -> str:
        return words.status_name(key, self._language)

    def named(self, part: str, key: str, label: str) -> str:
        return words.named(part, key, self._language, label)

    def reason(self, code: str) -> str:
        return words.reason_name(code, self._language)

    def lasting(self, seconds: int | None) -> str:
        return words.duration(seconds, self._language) or "–"

    def share(self, part: float | None) -> str:
        return "–" if part is None else f"{formats.number(round(part * 100, 1), self._language)}\N{NO-BREAK SPACE}%"

    def value(self, row: Row, value: int | None) -> str:
        """A figure of the table of all."""
        if value is None:
            return "–"
        return self.lasting(value) if row.is_time else formats.number(value, self._language)

    def change(self, row: Row) -> str:
        """By how much it grew, with a sign."""
        change = row.change
        if not change:
            return "–" if change is None else "0"
        return f"{'+' if change > 0 else _MINUS}{self.value(row, abs(change))}"

    def growth(self, row: Row) -> str:
        """The same as a part of what it was."""
        growth = row.growth
        if growth is None or not row.change:
            return "–" if growth is None else "0\N{NO-BREAK SPACE}%"
        return f"{'+' if growth > 0 else _MINUS}{self.share(abs(growth))}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """The days of a report, by the week or the month where they are too many to be drawn."""

    #: `days`, `weeks` or `months`.
    key: str
    #: First day of each, what it is called, and its figures.
    spans: Sequence[tuple[str, Day]]

    @classmethod
    def of(cls, report: Report) -> Timeline:
        """By the day, up to MOST of them."""
        by_day = [(each.day, each) for each in report.days]
        weeks = [(each.day - timedelta(days=each.day.weekday()), each) for each in report.days]
        months = [(each.day.replace(day=1), each) for each in report.days]
        grouped = {"days": by_day, "weeks": weeks, "months": months}
        fits = (key for key, found in grouped.items() if len({first for first, _ in found}) <= charts.MOST)
        key = next(fits, "months")
        form = "%m/%Y" if key == "months" else "%d/%m"
        return cls(
            key=key,
            spans=[
                (f"{max(first, report.first):{form}}", _added([each for _, each in those]))
                for first, those in groupby(grouped[key], key=itemgetter(0))
            ],
        )

    @property
    def most(self) -> tuple[str, Day] | None:
        """Where the most lines were."""
        return max(self.spans, key=lambda each: each[1].lines, default=None)

    @property
    def mean(self) -> int:
        """Lines of one, on average."""
        return round(sum(each.lines for _, each in self.spans) / max(1, len(self.spans)))


def _added(days: Sequence[Day]) -> Day:
    return Day(
        day=days[0].day,
        documents=sum(each.documents for each in days),
        lines=sum(each.lines for each in days),
        arrived=sum(each.arrived for each in days),
    )


def _diagrams(visit: Visit, report: Report) -> dict[str, Any]:
    language, timeline = visit.preferences.language, Timeline.of(report)
    most = sorted(report.agencies, key=lambda each: -each.figures.received)[:_BUSIEST]
    spans = [charts.Column(name, each.lines, each.arrived) for name, each in timeline.spans]
    offices = [
        charts.Column(office(each.name), each.figures.received, each.figures.registered)
        for each in most
        if each.figures.received
    ]
    late = [
        charts.Column(office(each.name), each.figures.due.missed, each.figures.due.overdue)
        for each in report.late[:_BUSIEST]
    ]
    return {
        "timeline": timeline,
        "drawn": charts.columns(words.word(timeline.key, language), spans, visit.number),
        "busiest": charts.rows(words.word("agencies", language), offices, visit.number),
        "latest": charts.rows(words.word("late", language), late, visit.number),
    }


async def _report(visit: Visit, wanted: Wanted) -> Report | Making:
    base = visit.base
    return await visit.parts.reports.report(base.readers, base.directory, base.clock, wanted, patience=_PATIENCE)


ROUTES: Final = (
    Route("GET", "/reports", show, Permission.VIEW),
    Route("GET", "/reports/report.xlsx", download, Permission.VIEW, heavy="print"),
)
