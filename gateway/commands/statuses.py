"""statuses: the reports that matched no document, or several, and wait for a person."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.statuses import DismissStatus, MatchStatus
from gateway.clock import instant, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.reasons import reason

_ID = "id of the parked status, as `gateway statuses parked` prints it, or of its message"


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "statuses", "statuses that could not be matched with a delivery")
    parked = add_command(
        group, "parked", _parked, "list the statuses that wait for a person, oldest first", more="Times are UTC."
    )
    parked.add_argument("--all", action="store_true", help="also those that were matched or dismissed")
    parked.add_argument(
        "--limit", type=int, default=200, metavar="N", help="at most so many (default: %(default)s)"
    )
    add_json(parked)
    match = add_command(
        group,
        "match",
        _match,
        "say which delivery a parked status is about",
        more="Its reporter must be the delivery's recipient, or speak for it (`gateway agencies represent`). It "
        "then counts like any other status, and goes to the document's sender. This cannot be undone.",
    )
    match.add_argument("status", metavar="STATUS", help=_ID)
    match.add_argument("delivery", metavar="DELIVERY", help="id of the delivery, as `gateway show` prints it")
    _finish(match)
    dismiss = add_command(
        group,
        "dismiss",
        _dismiss,
        "say that a parked status is about nothing here",
        more="It is kept, marked. This cannot be undone.",
    )
    dismiss.add_argument("status", metavar="STATUS", help=_ID)
    _finish(dismiss)


def _finish(parser: argparse.ArgumentParser) -> None:
    add_reason(parser)
    add_json(parser)


def _parked(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_listed(context, resolved=args.all, limit=args.limit))
    if args.json:
        context.print_json(items)
        return FINE
    columns = ("status", "code", "from", "about", "of", "dated", "DocumentId", "recorded", "why parked", "resolved")
    context.table(columns, (_row(item) for item in items))
    if not items:
        context.say("Nothing is parked.")
    return FINE


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    told = item["resolution"] and f"{item['resolution']} by {item['resolved_by']}: {item['resolved_why']}"
    why = reason(item["parked"])
    return (
        item["id"],
        item["code"],
        item["reporter"],
        f"{item['number']}/{item['notation']}",
        item["about_organ_id"],
        item["about_date"],
        item["document_id"],
        item["recorded_at"][:19],
        f"{why.vi} / {why.en}",
        told,
    )


async def _listed(context: Context, *, resolved: bool, limit: int) -> list[dict[str, Any]]:
    names = (
        "id", "message", "code", "reporter", "description", "reported_at", "recorded_at", "parked", "document_id",
        "number", "notation", "about_organ_id", "about_date", "resolution", "resolved_at", "resolved_by",
        "resolved_why",
    )  # fmt: skip
    async with open_for_reading(context.settings) as ledger:
        name = "status_list_parked_all" if resolved else "status_list_parked"
        rows = await ledger.readers.fetch(name, {"limit": limit, "after": ""})
    items = [dict(zip(names, row, strict=True)) for row in rows]
    for item in items:
        for name in ("reported_at", "recorded_at", "resolved_at"):
            item[name] = None if item[name] is None else rfc3339(instant(item[name]))
    return items


def _match(context: Context, args: argparse.Namespace) -> int:
    request = MatchStatus(status=args.status, delivery=args.delivery, reason=args.reason)
    reply = asyncio.run(perform(context, "match-status", request))
    if args.json:
        context.print_json(reply)
        return FINE
    context.facts(reply.items())
    if not reply["from_recipient"]:
        context.note("The reporter is not the recipient of this delivery.")
    if reply["flag"]:
        why = reason(reply["flag"])
        context.note(f"{why.vi} {why.next_vi}")
        context.note(f"{why.en} {why.next_en}")
    return FINE


def _dismiss(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "dismiss-status", DismissStatus(status=args.status, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['status']} is dismissed.")
    return FINE
