"""retain: documents that must not be destroyed, whatever order names them. See docs/retention.md."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.purges import RetainDocuments, StopRetaining
from gateway.clock import instant, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason

_NAMES = (
    "entry", "document", "ref", "reason", "added_at", "added_by", "ended_at", "ended_by", "number", "notation",
)  # fmt: skip


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "retain", "keep documents from being destroyed, for a case or an inspection")
    added = add_command(
        group,
        "add",
        _add,
        "retain documents: no order destroys them while the entry stands",
        more="`gateway hold` is something else: it stops deliveries.",
    )
    added.add_argument("documents", nargs="+", metavar="DOCUMENT", help="as for `gateway show`")
    added.add_argument("--ref", required=True, metavar="REF", help="the paper that asks for it, such as its number")
    add_reason(added)
    add_json(added)
    ended = add_command(group, "end", _end, "let an entry hold no longer; others of the same document go on")
    ended.add_argument("entry", metavar="ENTRY", help="its id, or how that ends")
    add_reason(ended)
    add_json(ended)
    listed = add_command(group, "list", _list, "list what is retained, newest first")
    listed.add_argument("--all", action="store_true", help="what has ended, too")
    add_json(listed)


def _add(context: Context, args: argparse.Namespace) -> int:
    request = RetainDocuments(documents=args.documents, ref=args.ref, reason=args.reason)
    reply = asyncio.run(perform(context, "retain", request))
    if args.json:
        context.print_json(reply)
    else:
        for item in reply["items"]:
            context.say(f"{item['entry']}: {item['document']} is retained.")
    return FINE


def _end(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "end-retained", StopRetaining(entry=args.entry, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['entry']}: ended.")
    return FINE


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_entries(context, all_of_them=args.all))
    if args.json:
        context.print_json(items)
        return FINE
    columns = ("entry", "document", "number", "ref", "since", "by", "ended")
    context.table(
        columns,
        (
            (
                each["entry"],
                each["document"],
                f"{each['number']}/{each['notation']}",
                each["ref"],
                each["added_at"][:19],
                each["added_by"],
                each["ended_at"][:19],
            )
            for each in items
        ),
    )
    if not items:
        context.say("Nothing is retained.")
    return FINE


async def _entries(context: Context, *, all_of_them: bool) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        rows = await ledger.readers.fetch("retained_list_some", {"all": int(all_of_them)})
    items = [dict(zip(_NAMES, row, strict=True)) for row in rows]
    for item in items:
        for name in ("added_at", "ended_at"):
            item[name] = "" if item[name] is None else rfc3339(instant(item[name]))
    return items
