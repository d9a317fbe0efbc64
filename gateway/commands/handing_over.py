"""handover: a whole ledger goes to a successor, for a province that merges. See docs/handover.md."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.admin.handover import Ending, end_ledger, take_ledger
from gateway.backup.make import Asked, make_copy
from gateway.backup.shelf import Shelf
from gateway.bundle import handover as shapes
from gateway.bundle.handover import Handover
from gateway.clock import SystemClock
from gateway.commands.acting import is_running, offline, offline_sealing, open_for_reading, own_name
from gateway.commands.context import (
    ANSWER_IS_NO,
    FINE,
    Context,
    Report,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.errors import EnvironmentRefusedError
from gateway.foundation import database_of
from gateway.ledger.handovers import HandoverReads
from gateway.seal.report import Verdict
from gateway.storage.body_token import body_key_place
from gateway.verifying.anchors import Anchors
from gateway.verifying.handover import verify_handover

_FOUND = ("number", "document_id", "message", "origin", "leaf", "folder", "file")
_LISTED = ("origin", "gateway", "size", "taken_at", "folder", "root")


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "handover", "a whole ledger for its successor, and ledgers that were taken over")
    make = add_command(
        group,
        "make",
        _make,
        "end this ledger and write all of it for its successor",
        more="The server must be stopped, and never starts on this data folder again. The folder holds the "
        "archives of every month and of the rest, what was open, and with --copy a backup of the data folder.",
    )
    make.add_argument("--to", required=True, metavar="CODE", help="organ id of the successor's gateway")
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    make.add_argument("--copy", action="store_true", help="with a backup of the data folder, bodies and all")
    add_reason(make)
    add_json(make)
    verify = add_command(group, "verify", _verify, "verify a ledger that was handed over; nothing is taken")
    _add_folder(verify)
    add_json(verify)
    take = add_command(
        group,
        "take",
        _take,
        "verify a ledger that was handed over to this gateway, and keep it beside our own",
        more="The server must be stopped. Its final checkpoint becomes a leaf of our log. Exit code 1 where "
        "anything does not hold: then nothing is taken.",
    )
    _add_folder(take)
    add_reason(take)
    add_json(take)
    listed = add_command(group, "list", _list, "list the ledgers that were taken over")
    add_json(listed)
    find = add_command(group, "find", _find, "where a document of a ledger that was taken over stands")
    find.add_argument("document", metavar="DOCUMENT", help="id, DocumentId or number/notation")
    add_json(find)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="what gateway handover make wrote")
    parser.add_argument(
        "--anchors", type=Path, required=True, metavar="DIR", help="what you trust of the other gateway"
    )


def _require_stopped(context: Context) -> None:
    if is_running(context.settings):
        raise EnvironmentRefusedError("stop the server first: this is done on the data folder itself")


def _make(context: Context, args: argparse.Namespace) -> int:
    _require_stopped(context)
    with context.progress() as progress:
        facts = asyncio.run(_made(context, args, progress))
    if args.json:
        context.print_json(
            {"folder": str(args.out), "size": facts.size, "open": facts.open, "origin": facts.origin}
        )
    else:
        context.say(f"{args.out}: {facts.size} leaves of {facts.origin}, for {facts.successor}; {facts.open} open.")
        context.say("This ledger has ended. Hand over the folder, and the anchors by another way.")
    return FINE


async def _made(context: Context, args: argparse.Namespace, progress: Report) -> Handover:
    settings = context.settings

    def copy() -> str:
        if not args.copy:
            return ""
        asked = Asked(
            folder=settings.storage.folder,
            database=database_of(settings),
            allow_affected_sqlite=settings.storage.allow_affected_sqlite,
            body_key=body_key_place(settings),
        )
        return make_copy(Shelf(args.out / shapes.COPY, None), asked, SystemClock(), progress).path.name

    async with offline_sealing(settings, settings.log, ending=True) as (base, key):
        ending = Ending(successor=args.to, out=args.out, actor=own_name(), note=args.reason, make_copy=copy)
        return await end_ledger(base, key, ending, progress)


def _verified(context: Context, args: argparse.Namespace) -> Handover | None:
    """What it says, where everything holds; else the findings are told."""
    with context.progress() as progress:
        facts, found = verify_handover(
            args.folder,
            Anchors.load(args.anchors),
            datetime.now(UTC),
            lambda done, total: progress("archives", done, total),
        )
    if args.json and (facts is None or found.verdict is not Verdict.PASSED or args.run is _verify):
        context.print_json(found.shape())
    elif not args.json:
        for check in found.checks:
            context.say(f"{check.verdict:13} {check.name}  {check.reason} {check.detail}".rstrip())
    return facts if found.verdict is Verdict.PASSED else None


def _verify(context: Context, args: argparse.Namespace) -> int:
    return FINE if _verified(context, args) is not None else ANSWER_IS_NO


def _take(context: Context, args: argparse.Namespace) -> int:
    _require_stopped(context)
    facts = _verified(context, args)
    if facts is None:
        context.note("Nothing was taken.")
        return ANSWER_IS_NO
    with context.progress() as progress:
        place = asyncio.run(_taken(context, args, facts, progress))
    if args.json:
        context.print_json({"origin": facts.origin, "size": facts.size, "folder": str(place)})
    else:
        context.say(
            f"{facts.origin} is kept in {place}; gateway handover find DOCUMENT says where a document stands."
        )
    return FINE


async def _taken(context: Context, args: argparse.Namespace, facts: Handover, progress: Report) -> Path:
    async with offline(context.settings) as base:
        return await take_ledger(base, args.folder, facts, actor=own_name(), note=args.reason, progress=progress)


def _list(context: Context, args: argparse.Namespace) -> int:
    return _told(context, args, asyncio.run(_read(context, "")), _LISTED, "No ledger was taken over.")


def _find(context: Context, args: argparse.Namespace) -> int:
    found = asyncio.run(_read(context, args.document))
    _told(context, args, found, _FOUND, "No ledger that was taken over has it.")
    return FINE if found else ANSWER_IS_NO


async def _read(context: Context, document: str) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        reads = HandoverReads(ledger.readers)
        return await (reads.find(document) if document else reads.ledgers())


def _told(
    context: Context, args: argparse.Namespace, items: list[dict[str, Any]], names: tuple[str, ...], none: str
) -> int:
    if args.json:
        context.print_json(items)
    elif items:
        context.table(names, ([item[name] for name in names] for item in items))
    else:
        context.say(none)
    return FINE
