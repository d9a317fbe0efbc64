"""report: what was sent and received in a period, and what became of it. See docs/reports.md."""

from __future__ import annotations

import argparse
import asyncio
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from gateway.clock import VIETNAM
from gateway.commands.acting import open_for_reading
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json
from gateway.errors import InputError
from gateway.fsio import atomic_replace
from gateway.reports.book import write_book
from gateway.reports.comparing import Row, compared
from gateway.reports.figures import Figures, Times
from gateway.reports.making import Earlier, Report, make_report
from gateway.reports.periods import Against, Period, held_against
from gateway.reports.words import Language, duration, named, reason_name, word

_BOOK: Final = ".xlsx"
_COLUMNS: Final = ("received", "arrived", "registered", "returned", "refused", "dead", "waiting")


def add(parsers: Subparsers) -> None:
    """The command of this module."""
    report = add_command(
        parsers,
        "report",
        _report,
        "count what was sent and received in a period, what became of it, how long it took and what is late",
        more="Days are those of Vietnam, both included; a document counts on the day of its acceptance, as it "
        "stands now. Without --from: since the first of this month; without --to: until today.",
    )
    report.add_argument(
        "--from", dest="first", type=date.fromisoformat, metavar="DAY", help="first day: 2026-01-01"
    )
    report.add_argument("--to", dest="last", type=date.fromisoformat, metavar="DAY", help="last day: 2026-06-30")
    report.add_argument(
        "--against",
        choices=list(Against),
        default=Against.NOTHING,
        help="hold it against the period before it, or the same one of the year before",
    )
    report.add_argument("--out", type=Path, metavar="FILE", help=f"write a workbook as well (FILE{_BOOK})")
    report.add_argument("--language", choices=("vi", "en"), default="vi", help="of the workbook and the tables")
    add_json(report)


def _report(context: Context, args: argparse.Namespace) -> int:
    if args.out is not None and args.out.suffix != _BOOK:
        raise InputError(f"--out writes a workbook; name it FILE{_BOOK}")
    report = asyncio.run(_made(context, args.first, args.last, Against(args.against)))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        atomic_replace(args.out.absolute(), write_book(report, args.language))
        context.note(f"{args.out}: the workbook, {args.out.stat().st_size} bytes")
    if args.json:
        context.print_json(msgspec.to_builtins(report))
    else:
        _show(context, report, args.language)
    return FINE


async def _made(context: Context, first: date | None, last: date | None, against: Against) -> Report:
    async with open_for_reading(context.settings) as ledger:
        now = ledger.clock.now()
        today = now.astimezone(VIETNAM).date()
        last = last or today
        period = Period(first=first or last.replace(day=1), last=last)
        with context.progress() as progress:
            return await make_report(
                ledger.readers,
                ledger.directory,
                period,
                now=now,
                against=held_against(period, against, today),
                progress=lambda done, days: progress("days", done, days),
            )


def _show(context: Context, report: Report, language: Language) -> None:
    total = report.total
    context.facts(
        [
            (word("period", language), f"{report.first:%d/%m/%Y} - {report.last:%d/%m/%Y}"),
            (word("documents", language), total.documents),
            *((word(name, language), getattr(total, name)) for name in _COLUMNS),
            (word("arrival_median", language), _times(total.arrival, language)),
            (word("registration_median", language), _times(total.registration, language)),
            (word("due_lines", language), total.due.lines),
            *((word(f"due_{name}", language), getattr(total.due, name)) for name in ("late", "overdue")),
        ]
    )
    if report.earlier is not None:
        _show_earlier(context, report, report.earlier, language)
    head = [word(key, language) for key in ("name", "documents", *_COLUMNS, "arrival_median", "due_missed")]
    for part in ("types", "priorities", "channels"):
        rows = (
            [named(part, each.key, language, each.label), *_row(each.figures, language)]
            for each in getattr(report, part)
        )
        context.table(head, rows, title=word(part, language))
    rows = ([each.name, *_row(each.figures, language)] for each in report.agencies)
    context.table(head, rows, title=word("agencies", language))
    refusals = ((reason_name(each.reason, language), each.reason, each.lines) for each in report.refusals)
    if report.refusals:
        context.table(("", "", word("lines", language)), refusals, title=word("refusals", language))
    for kind in ("unreached", "unanswered"):
        names = [each.name for each in getattr(report, kind)]
        if names:
            context.facts([(f"{word('silent', language)} ({word(kind, language)})", "; ".join(names))])


def _show_earlier(context: Context, report: Report, earlier: Earlier, language: Language) -> None:
    def told(row: Row, value: int | None) -> object:
        return duration(value, language) if row.is_time else value

    rows = ([word(row.key, language), told(row, row.value), told(row, row.earlier)] for row in compared(report))
    head = [word(key, language) for key in ("figure", "this_period", "earlier")]
    title = f"{word('against', language)} {earlier.first:%d/%m/%Y} - {earlier.last:%d/%m/%Y}"
    context.table(head, rows, title=title)


def _row(figures: Figures, language: Language) -> list[object]:
    counts = [getattr(figures, name) for name in ("documents", *_COLUMNS)]
    return [*counts, duration(figures.arrival.median, language), figures.due.missed]


def _times(times: Times, language: Language) -> str:
    if not times.count:
        return ""
    return f"{duration(times.median, language)}; p95 {duration(times.p95, language)} ({times.count})"
