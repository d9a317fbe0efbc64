"""reconcile: our ledger against a peer's own books, day by day (đối soát)."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from gateway.admin.reconcile import KINDS, ReconcileDay
from gateway.clock import VIETNAM, SystemClock, instant, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_json
from gateway.errors import InputError, RefusedError

_REASON = "asked for at the command line"


def add(parsers: Subparsers) -> None:
    """The command."""
    command = add_command(
        parsers,
        "reconcile",
        _run,
        "compare our ledger of a day with a peer's own books, in both directions",
        more="`list` shows what was compared, `show ID` a report again. Exit code 1 with findings.",
    )
    command.add_argument(
        "channel", metavar="CHANNEL", help="name of the channel, such as axis; or `list`; or `show`"
    )
    command.add_argument("id", nargs="?", default="", metavar="ID", help="with show: a report's id")
    command.add_argument("--day", default="", metavar="D", help="yyyy-mm-dd in Vietnam (default: yesterday)")
    add_json(command)


def _run(context: Context, args: argparse.Namespace) -> int:
    if args.channel == "list":
        return asyncio.run(_list(context, as_json=args.json))
    if args.channel == "show":
        report = asyncio.run(_stored(context, args.id))
    else:
        request = ReconcileDay(channel=args.channel, day=_day(args.day), reason=_REASON)
        report = asyncio.run(perform(context, "reconcile", request))["report"]
    if args.json:
        context.print_json(report)
    else:
        _show(context, report)
    return ANSWER_IS_NO if report["findings"] else FINE


def _day(text: str) -> Any:
    if not text:
        return SystemClock().now().astimezone(VIETNAM).date() - timedelta(days=1)
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, no instant
    except ValueError as error:
        raise InputError(f"--day is yyyy-mm-dd, not {text}") from error


async def _list(context: Context, *, as_json: bool) -> int:
    async with open_for_reading(context.settings) as ledger:
        rows = await ledger.readers.fetch("reconciliation_list", (100,))
    names = ("id", "channel", "day", "made_at", "findings")
    items = [dict(zip(names, (*row[:3], rfc3339(instant(row[3])), row[4]), strict=True)) for row in rows]
    if as_json:
        context.print_json(items)
    else:
        context.table(names, ([item[name] for name in names] for item in items))
    return FINE


async def _stored(context: Context, key: str) -> dict[str, Any]:
    async with open_for_reading(context.settings) as ledger:
        row = await ledger.readers.fetch_one("reconciliation_get", (key,))
    if row is None:
        raise RefusedError("reconciliation_unknown", key)
    report: dict[str, Any] = msgspec.json.decode(row[1])
    return report


def _show(context: Context, report: Mapping[str, Any]) -> None:
    context.say(f"{report['channel']}, {report['day']} (made {report['made_at'][:19]})")
    for name in ("outgoing", "incoming"):
        direction = report[name]
        context.say(f"{name}: " + ", ".join(f"{key} {value}" for key, value in direction["numbers"].items()))
        for kind, found in direction["findings"].items():
            if not found["count"]:
                continue
            context.say(f"{found['count']} {kind}: {KINDS[kind].vi} / {KINDS[kind].en}")
            columns = ("ref", "recipient", "document_id", "message", "at", "words")
            context.table(columns, ([item.get(column, "") for column in columns] for item in found["items"][:20]))
    if missed := report.get("left_out"):  # reports of before have none
        context.say(f"{len(missed)} ngày không được so. / Days that were never compared: {', '.join(missed)}")
    context.say("No findings." if not report["findings"] else f"{report['findings']} findings.")
