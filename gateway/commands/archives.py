"""archive: finished months of the ledger as read-only files that prove themselves. See docs/archive.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from gateway.admin.archives import Archives, MakeArchive
from gateway.clock import rfc3339
from gateway.commands.acting import (
    ask,
    checked,
    fetch_bytes,
    is_running,
    offline_sealing,
    open_for_reading,
    own_name,
)
from gateway.commands.context import FINE, Context, Report, Subparsers, add_command, add_group, add_json
from gateway.config.settings import Settings
from gateway.errors import InputError
from gateway.evidence.archiving import Month
from gateway.fsio import publish
from gateway.ledger.archives import ArchiveReads
from gateway.maintenance.archiver import READ_ONLY, file_name

_REASON: Final = "archive of a month"
_LOOK_SECONDS: Final = 0.5
_LISTED: Final = ("month", "first", "until", "made_at", "made_by", "place", "seal")


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "archive", "finished months of the ledger as files that prove themselves")
    make = add_command(
        group,
        "make",
        _make,
        "write a finished month of the ledger into one read-only file",
        more="The file (ledger-MONTH.asice, mode 0400) holds every entry of the month with receipts, stamps, "
        "verdicts, registers and signed checkpoints, no bodies; gateway-verify judges it without us. Nothing is "
        "taken out of the ledger. Exit code 1 while a day of the month is not closed.",
    )
    make.add_argument("month", metavar="YYYY-MM", help="of Vietnam; its last day must be closed")
    make.add_argument("--out", type=Path, metavar="DIR", help="into this folder (default: [archive] folder)")
    make.add_argument("--why", default=_REASON, metavar="TEXT", help="kept with the event")
    add_json(make)
    listed = add_command(group, "list", _list, "list the archives that were made, oldest first")
    add_json(listed)


def _make(context: Context, args: argparse.Namespace) -> int:
    folder, month = args.out or context.settings.archive.folder, Month.parse(args.month)
    if folder is None:
        raise InputError("name a folder: --out DIR, or [archive] folder in the settings")
    path = folder / file_name(month)
    if path.exists():
        raise InputError(f"{path} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_write(context, checked(MakeArchive(month=str(month), reason=args.why)), path))
    told = {"file": str(path), "bytes": path.stat().st_size, "month": str(month)}
    if args.json:
        context.print_json(told)
    else:
        context.say(f"{path}: the ledger of {month}, {told['bytes']} bytes; gateway-verify {path} --anchors DIR")
    return FINE


async def _write(context: Context, asked: MakeArchive, path: Path) -> None:
    """Aside, then published: a file of the name is whole."""
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    try:
        with context.progress() as progress:
            async with _maker(context, progress) as make:
                with aside.open("xb") as file:
                    os.fchmod(file.fileno(), READ_ONLY)
                    await make(asked, file)
        await asyncio.to_thread(publish, aside, path)
    finally:
        aside.unlink(missing_ok=True)


@asynccontextmanager
async def _maker(
    context: Context, progress: Report
) -> AsyncIterator[Callable[[MakeArchive, BinaryIO], Awaitable[None]]]:
    """By the server while it runs, else on the data folder itself, with the key of the settings."""
    settings = context.settings
    if is_running(settings):

        async def ask_server(asked: MakeArchive, file: BinaryIO) -> None:
            made = asyncio.create_task(fetch_bytes(settings, "make-archive", asked, file))
            while not (await asyncio.wait([made], timeout=_LOOK_SECONDS))[0]:
                await _show(settings, progress)
            await made

        yield ask_server
        return
    context.note("The server is not running: working on the data folder itself.")
    async with offline_sealing(settings) as (base, key):

        async def make(asked: MakeArchive, file: BinaryIO) -> None:
            async with Archives(base, key).made(asked, own_name(), progress=progress) as found:
                found.seek(0)
                await asyncio.to_thread(shutil.copyfileobj, found, file)

        yield make


async def _show(settings: Settings, progress: Report) -> None:
    told = await ask(settings, "archive-progress")
    if told["total"]:
        progress(str(told["part"]), int(told["done"]), int(told["total"]))


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_listed(context.settings))
    if args.json:
        context.print_json(items)
        return FINE
    context.table(_LISTED, ([item[name] for name in _LISTED] for item in items))
    if not items:
        context.say("No month was archived yet.")
    return FINE


async def _listed(settings: Settings) -> list[dict[str, Any]]:
    async with open_for_reading(settings) as ledger:
        made = await ArchiveReads(ledger.readers).made()
    return [
        {
            "month": each.month,
            "first": each.first,
            "until": each.until,
            "made_at": rfc3339(each.at),
            "made_by": each.actor,
            "place": each.place,
            "seal": each.seal,
        }
        for each in made
    ]
