"""tasks: what systems of agencies ask for that only an operator may do."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.bindings import CloseOperatorTask
from gateway.clock import rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.commands.inputs import whole
from gateway.ledger.tasks import task_of
from gateway.model import AgencyId


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "tasks", "what systems of agencies ask operators to do, such as a new agency")
    listing = add_command(group, "list", _list, "list the open tasks, oldest first", more="Times are UTC.")
    listing.add_argument("--all", action="store_true", help="closed ones too, newest first")
    listing.add_argument(
        "--limit", type=whole, default=200, metavar="N", help="at most so many (default: %(default)s)"
    )
    add_json(listing)
    close = add_command(group, "close", _close, "say that a task is done, or why it will not be")
    close.add_argument("task", metavar="TASK", help="id of the task, as `gateway tasks list` prints it")
    add_reason(close)
    add_json(close)


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_listed(context, closed=args.all, limit=args.limit))
    if args.json:
        context.print_json(items)
        return FINE
    columns = ("id", "kind", "agency", "asked", "opened_at", "closed_at", "closed_why")
    context.table(columns, ([item[name] for name in columns] for item in items))
    if not items:
        context.say("There is nothing to do.")
    return FINE


async def _listed(context: Context, *, closed: bool, limit: int) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        rows = await ledger.readers.fetch("task_list_all" if closed else "task_list_open", {"limit": limit})
        found = [task_of(row) for row in rows]
        agencies = await ledger.directory.agencies({AgencyId(task.agency_id) for task in found})
    return [
        {
            "id": task.id,
            "kind": task.kind,
            "agency": agencies[AgencyId(task.agency_id)].organ_id,
            "asked": ", ".join(f"{name}={value}" for name, value in task.facts.items()),
            "facts": task.facts,
            "opened_at": rfc3339(task.opened_at),
            "opened_by": task.opened_by,
            "closed_at": rfc3339(task.closed_at) if task.closed_at else None,
            "closed_by": task.closed_by,
            "closed_why": task.closed_why,
        }
        for task in found
    ]


def _close(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "close-task", CloseOperatorTask(task=args.task, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"closed {reply['task']}")
    return FINE
