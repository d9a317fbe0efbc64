"""register: the registers of closed days, which say how much each agency sent. See docs/registers.md."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

import msgspec

from gateway.commands.acting import Ledger, open_for_reading
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.config.settings import Settings
from gateway.errors import RefusedError
from gateway.ledger.registers import RegisterReads
from gateway.ledger.tree import LogReads
from gateway.model import AgencyId
from gateway.transparency.registers import Register

_LISTED: Final = ("day", "registers", "documents", "entries", "late", "leaf", "signed")
_SHOWN: Final = ("code", "name", "documents", "entries", "first", "last", "root")


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "register", "the registers of closed days, one for each agency that sent something")
    listed = add_command(
        group,
        "list",
        _list,
        "list the closed days, newest first",
        more="Days are those of Vietnam; each is closed ten minutes after its midnight. `signed`: its leaf is "
        "under a checkpoint of the log, so that `gateway export --none` can prove what is missing in it.",
    )
    listed.add_argument("--limit", type=int, default=31, metavar="N", help="at most so many (default: %(default)s)")
    add_json(listed)
    show = add_command(group, "show", _show, "show the registers of a closed day")
    show.add_argument("day", type=date.fromisoformat, metavar="DAY", help="such as 2026-11-28")
    show.add_argument("--agency", metavar="CODE", help="the register of this agency alone")
    add_json(show)


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_days(context.settings, args.limit))
    if args.json:
        context.print_json(items)
        return FINE
    context.table(_LISTED, ([item[name] for name in _LISTED] for item in items))
    if not items:
        context.say("No day is closed yet.")
    return FINE


async def _days(settings: Settings, limit: int) -> list[dict[str, Any]]:
    async with open_for_reading(settings) as ledger:
        reads, log = RegisterReads(ledger.readers), LogReads(ledger.readers)
        last = await reads.last(max(1, limit))
        if not last:
            return []
        latest = await log.latest()
        found = []
        for day, leaf in await reads.days(last[-1].day, last[0].day):
            index = await log.index_of(day.seq)
            is_signed = index is not None and latest is not None and index < latest.size
            facts = msgspec.json.decode(leaf)["facts"]
            found.append({**facts, "leaf": index, "signed": is_signed})
        return found[::-1]


def _show(context: Context, args: argparse.Namespace) -> int:
    told = asyncio.run(_registers(context.settings, args.day, args.agency))
    if args.json:
        context.print_json(told)
        return FINE
    context.facts((name, value) for name, value in told.items() if name != "registers")
    context.say("")
    context.table(_SHOWN, ([item[name] for name in _SHOWN] for item in told["registers"]))
    return FINE


async def _registers(settings: Settings, day: date, code: str | None) -> dict[str, Any]:
    async with open_for_reading(settings) as ledger:
        reads = RegisterReads(ledger.readers)
        closed = await reads.days(day, day)
        if not closed:
            raise RefusedError("register_open", day.isoformat())
        facts = msgspec.json.decode(closed[0][1])["facts"]
        return {**facts, "registers": [item async for item in _items(ledger, reads, day, code)]}


async def _items(
    ledger: Ledger, reads: RegisterReads, day: date, code: str | None
) -> AsyncIterator[dict[str, Any]]:
    books = await reads.books(day)
    wanted = None
    if code is not None:
        agency = await ledger.directory.require(code, ledger.clock.now())
        wanted = agency.id
    agencies = await ledger.directory.agencies([AgencyId(book.agency) for book in books])
    for book in books:
        if wanted is not None and book.agency != wanted:
            continue
        register, found = Register.of(book.leaves, book.digests), agencies.get(AgencyId(book.agency))
        yield {
            "agency": book.agency,
            "code": found.organ_id if found else "",
            "name": found.name if found else "",
            "documents": register.documents,
            "entries": register.entries,
            "first": register.first,
            "last": register.last,
            "root": register.root.hex(),
        }
