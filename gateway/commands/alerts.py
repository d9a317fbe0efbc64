"""alerts: who is told, by mail or telephone, that documents wait."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.alerts import SetAlerts
from gateway.alerting import Person
from gateway.clock import instant, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import (
    FINE,
    Context,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.commands.inputs import whole
from gateway.errors import InputError, RefusedError

_COLUMNS = ("created_at", "way", "organ_id", "target", "state", "reason", "failures", "ended_at", "acknowledged_at")


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "alerts", "mails and calls that tell agencies that documents wait")
    put = add_command(
        group,
        "set",
        _set,
        "say whom to tell for an agency, or change what is given of it",
        more="Addresses that bounced are written to again once they are set again.",
    )
    put.add_argument("organ_id", metavar="ORGAN_ID", help="any of its codes")
    put.add_argument("--mail", action="append", metavar="ADDRESS", help="address; repeatable; '-' for none")
    put.add_argument("--notices", choices=["each", "digest", "both"], help="a mail for each, one a day, or both")
    put.add_argument(
        "--details", action=argparse.BooleanOptionalAction, help="number, sender and priority; never a subject"
    )
    put.add_argument(
        "--attach",
        action=argparse.BooleanOptionalAction,
        help="the document itself, unencrypted: mind its contents",
    )
    put.add_argument(
        "--call",
        action="append",
        metavar="NAME,NUMBER,MINUTES",
        help="person to call about urgent ones, and how long after they came; repeatable; '-' for none",
    )
    add_reason(put)
    add_json(put)
    listing = add_command(group, "list", _list, "list the newest alerts")
    listing.add_argument("organ_id", nargs="?", default="", metavar="ORGAN_ID", help="of one agency alone")
    listing.add_argument(
        "--limit", type=whole, default=50, metavar="N", help="at most so many (default: %(default)s)"
    )
    add_json(listing)
    add_json(add_command(group, "bounced", _bounced, "list the addresses to which nothing is sent any more"))


def _set(context: Context, args: argparse.Namespace) -> int:
    request = SetAlerts(
        organ_id=args.organ_id,
        mail=_all(args.mail),
        notices=args.notices,
        details=args.details,
        attach=args.attach,
        calls=[_person(text) for text in _all(args.call) or ()] if args.call else None,
        reason=args.reason,
    )
    reply = asyncio.run(perform(context, "alerts", request))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
    return FINE


def _all(given: list[str] | None) -> list[str] | None:
    return [] if given == ["-"] else given


def _person(text: str) -> Person:
    name, _, rest = text.rpartition(",")
    name, _, number = name.rpartition(",")
    if not name or not rest.isdecimal():
        raise InputError(f"--call {text}: write NAME,NUMBER,MINUTES such as 'Nguyễn Văn A,+84912345678,0'")
    return Person(name=name, number=number, after_minutes=int(rest))


def _list(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_alerts(context, args.organ_id, args.limit))
    if args.json:
        context.print_json(rows)
    else:
        context.table(_COLUMNS, ([row[name] for name in _COLUMNS] for row in rows))
    return FINE


async def _alerts(context: Context, code: str, limit: int) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        held = await ledger.directory.resolve([code], ledger.clock.now()) if code else {}
        if code and code not in held:
            raise RefusedError("agency_unknown", code)
        agency = held[code].id if code else ""
        rows = await ledger.readers.fetch("alert_list_recent", {"agency": agency, "limit": limit})
        agencies = await ledger.directory.agencies({row[2] for row in rows})
    return [
        {
            "id": row[0],
            "way": row[1],
            "organ_id": agencies[row[2]].organ_id,
            "delivery": row[3] or "",
            "day": row[4] or "",
            "target": row[5],
            "state": row[6],
            "created_at": rfc3339(instant(row[7])),
            "due_at": rfc3339(instant(row[8])),
            "ended_at": rfc3339(instant(row[9])) if row[9] else "",
            "failures": row[10],
            "doubted": bool(row[11]),
            "reason": row[12] or "",
            "acknowledged_at": rfc3339(instant(row[13])) if row[13] else "",
        }
        for row in rows
    ]


def _bounced(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_bounced_addresses(context))
    if args.json:
        context.print_json(rows)
    else:
        context.table(("address", "bounced_at", "reason", "detail"), (tuple(row.values()) for row in rows))
    return FINE


async def _bounced_addresses(context: Context) -> list[dict[str, str]]:
    async with open_for_reading(context.settings) as ledger:
        rows = await ledger.readers.fetch("bounced_address_list")
    return [
        {"address": row[0], "bounced_at": rfc3339(instant(row[1])), "reason": row[2], "detail": row[3]}
        for row in rows
    ]
