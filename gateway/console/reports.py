"""Reports: the figures of a period as a page with diagrams, for printing, and as a workbook.

One that takes long is made beside the page, which says how far it is and fills itself; page, print and workbook
show the one that is kept then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from aiohttp import web
from markupsafe import Markup

from gateway.accounts.roles import Permission
from gateway.clock import VIETNAM
from gateway.console import charts
from gateway.console.formats import office
from gateway.console.headers import SECURITY, saved
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.errors import RefusedError
from gateway.reasons import REASONS
from gateway.reports import words
from gateway.reports.book import COUNTS, DUE, PARTS, UNCOUNTED, write_book
from gateway.reports.desk import Making
from gateway.reports.making import Period, Report

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What the tables of a page show of the figures; the workbook has all of them.
_SHOWN: Final = ("documents", "received", "arrived", "registered", "returned", "refused", "dead", "waiting")
#: Agencies of the diagram.
_BUSIEST: Final = 12
_JUNE: Final = 6
#: How long a page waits for its report before it says how far it is.
_PATIENCE: Final = timedelta(seconds=1)


async def show(visit: Visit) -> web.StreamResponse:
    """The page, or how far it is."""
    period, here = _period(visit), _address(visit)
    if visit.request.query.get("anew") == "1":
        visit.parts.reports.forget(period)
        return visit.redirect(here)
    report = await _report(visit, period)
    values: dict[str, Any] = {"period": period, "here": here, "presets": _presets(visit)}
    if isinstance(report, Making):
        part = "reports_making_part.html" if visit.is_fragment else "reports_making.html"
        return visit.page(part, making=report, **values)
    if visit.is_fragment:
        return web.Response(status=204, headers={**SECURITY, "HX-Redirect": here})
    return visit.page(
        "reports.html",
        report=report,
        word=lambda key: words.word(key, visit.preferences.language),
        told=_Told(visit),
        counts=COUNTS,
        due=DUE,
        shown=_SHOWN,
        parts=PARTS,
        uncounted=UNCOUNTED,
        reasons=REASONS,
        days=_days(visit, report),
        busiest=_busiest(visit, report),
        **values,
    )


async def download(visit: Visit) -> web.StreamResponse:
    """The workbook of the report that is kept; where none is, the page makes it."""
    period = _period(visit)
    report = await _report(visit, period)
    if isinstance(report, Making):
        return visit.redirect(_address(visit))
    book = await asyncio.to_thread(write_book, report, visit.preferences.language)
    name = f"report-{period.first}-{period.last}.xlsx"
    return web.Response(body=book, content_type=_XLSX, headers=saved(name))


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


def _period(visit: Visit) -> Period:
    query, today = visit.request.query, visit.at.astimezone(VIETNAM).date()
    last = _day(query.get("to", ""), "to") or today
    first = _day(query.get("from", ""), "from") or min(last, today.replace(day=1))
    return Period(first=first, last=last)


async def _report(visit: Visit, period: Period) -> Report | Making:
    base = visit.base
    return await visit.parts.reports.report(base.readers, base.directory, base.clock, period, patience=_PATIENCE)


def _address(visit: Visit) -> str:
    """Of the page of a period, with its days."""
    period = _period(visit)
    return visit.address("/reports", **{"from": period.first.isoformat(), "to": period.last.isoformat()})


def _day(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise RefusedError("parameter_invalid", f"{name}: not a day such as 2026-11-29") from None
    if not date(1990, 1, 1) <= found <= date(2200, 1, 1):
        raise RefusedError("parameter_invalid", f"{name}: not a day such as 2026-11-29")
    return found


def _presets(visit: Visit) -> Sequence[tuple[str, date, date]]:
    """What people ask for: this month, the one before, the half-year, the year."""
    today = visit.at.astimezone(VIETNAM).date()
    month = today.replace(day=1)
    before = month - timedelta(days=1)
    half = today.replace(month=1 if today.month <= _JUNE else _JUNE + 1, day=1)
    return (
        (N_("This month"), month, today),
        (N_("Last month"), before.replace(day=1), before),
        (N_("This half-year"), half, today),
        (N_("This year"), today.replace(month=1, day=1), today),
    )


def _days(visit: Visit, report: Report) -> Markup:
    language = visit.preferences.language
    bars = [charts.Column(f"{each.day:%d/%m}", each.lines, each.arrived) for each in report.days]
    return charts.columns(words.word("days", language), bars)


def _busiest(visit: Visit, report: Report) -> Markup:
    language = visit.preferences.language
    most = sorted(report.agencies, key=lambda each: -each.figures.received)[:_BUSIEST]
    bars = [charts.Column(office(each.name), each.figures.received, each.figures.registered) for each in most]
    return charts.rows(words.word("agencies", language), [bar for bar in bars if bar.value])


ROUTES: Final = (
    Route("GET", "/reports", show, Permission.VIEW),
    Route("GET", "/reports/report.xlsx", download, Permission.VIEW, heavy="print"),
)
