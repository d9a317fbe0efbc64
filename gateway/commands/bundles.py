"""export: the evidence of documents as bundles (.asice) that auditors verify without us. See docs/bundle.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from gateway.admin.export import ExportAbsence, ExportDocument, exported, exported_absence
from gateway.bundle.build import resealed
from gateway.bundle.container import Container, ContainerWriter
from gateway.bundle.facts import read
from gateway.bundle.format import BUNDLE, SUFFIX
from gateway.clock import VIETNAM, SystemClock, micros
from gateway.commands.acting import (
    Ledger,
    checked,
    fetch_bytes,
    is_running,
    offline_sealing,
    open_for_reading,
    own_name,
)
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json
from gateway.errors import BundleError, InputError, RefusedError
from gateway.evidence.lasting import renewed
from gateway.foundation import Foundation
from gateway.ledger import pages
from gateway.signing import SealingKey
from gateway.states import State

#: Documents that one command exports at most.
MANY: Final = 100_000
_NEVER: Final = 2**62
_REASON: Final = "export of evidence"

_Ask = ExportDocument | ExportAbsence
_Export = Callable[[_Ask, BinaryIO], Awaitable[None]]


def add(parsers: Subparsers) -> None:
    """The command of this module."""
    export = add_command(
        parsers,
        "export",
        _export,
        "write the evidence of documents as bundles that others verify without us (gateway-verify)",
        more="One document goes into --out FILE.asice; several, or those that filters find, into the folder --out. "
        "With --none the file proves that there is no such document: an issuer, days that are closed (gateway "
        "register list), and a recipient, a number or both where it is not about all that the issuer sent. Exit "
        "code 1 when there is such a document, or a day is not closed.",
    )
    export.add_argument("documents", nargs="*", metavar="DOCUMENT", help="as for `gateway show`")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="a file, or a folder for many")
    export.add_argument(
        "--none", action="store_true", help="prove that --issuer sent no such document --from a day --to a day"
    )
    export.add_argument("--latest", action="store_true", help="the document that was accepted last")
    export.add_argument("--number", metavar="NUMBER", help="documents of this number, or NUMBER/NOTATION")
    export.add_argument("--year", type=int, metavar="YEAR", help="accepted in this year (Vietnam)")
    export.add_argument("--issuer", metavar="CODE", help="sent by this agency")
    export.add_argument("--recipient", metavar="CODE", help="with a line for this agency")
    export.add_argument("--from", dest="since", type=date.fromisoformat, metavar="DATE", help="accepted since")
    export.add_argument("--to", dest="until", type=date.fromisoformat, metavar="DATE", help="accepted until")
    export.add_argument("--status", choices=[str(state) for state in State], help="with a line in this state")
    export.add_argument(
        "--lta", action="store_true", help="let the seal last: with time stamps of an authority, asked for now"
    )
    export.add_argument(
        "--renew",
        type=Path,
        metavar="FILE",
        help="a bundle that was exported with --lta: the same with one archive stamp more, as --out",
    )
    export.add_argument("--why", default=_REASON, metavar="TEXT", help="kept with the event")
    add_json(export)


def _export(context: Context, args: argparse.Namespace) -> int:
    if args.renew is not None:
        return asyncio.run(_renewed(context, args))
    return asyncio.run(_none(context, args) if args.none else _exported(context, args))


async def _renewed(context: Context, args: argparse.Namespace) -> int:
    """Needs no data folder, and is no export: who asks has the bundle already."""
    if args.documents or args.latest or args.none or args.out.suffix != SUFFIX:
        raise InputError(f"--renew FILE goes with --out FILE{SUFFIX} alone; both may be the same file")
    try:
        container = Container.open(args.renew)
        seal = await renewed(context.settings, SystemClock(), container)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        with _aside(args.out) as file:
            resealed(container, ContainerWriter(file), seal)
    except BundleError as error:
        raise RefusedError("bundle_unfit", str(error)) from error
    told = {"file": str(args.out), "bytes": args.out.stat().st_size}
    if args.json:
        context.print_json(told)
    else:
        context.say(f"{args.out}: the bundle with one archive stamp more, {told['bytes']} bytes")
    return FINE


async def _none(context: Context, args: argparse.Namespace) -> int:
    if None in {args.issuer, args.since, args.until} or args.out.suffix != SUFFIX:
        raise InputError(f"--none needs --issuer, --from, --to and a file --out FILE{SUFFIX}")
    if args.documents or args.latest or args.year or args.status:
        raise InputError("--none goes with --issuer, --recipient, --number, --from and --to alone")
    if args.number is not None and "/" not in args.number:
        raise InputError("--none --number: give number and notation, such as 12/UBND-VP")
    ask = ExportAbsence(
        issuer=args.issuer,
        recipient=args.recipient,
        number=args.number or "",
        first=args.since,
        last=args.until,
        reason=args.why,
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    async with _exporter(context) as export:
        await _write(export, checked(ask), args.out)
    told = {"file": str(args.out), "bytes": args.out.stat().st_size}
    if args.json:
        context.print_json(told)
    else:
        context.say(f"{args.out}: the proof that there is no such document, {told['bytes']} bytes")
    return FINE


async def _exported(context: Context, args: argparse.Namespace) -> int:
    async with open_for_reading(context.settings) as ledger:
        ids = await _asked(ledger, args)
    if not ids:
        raise RefusedError("document_unknown", "no document fits")
    is_file = args.out.suffix == SUFFIX
    if is_file and len(ids) > 1:
        raise InputError(f"{len(ids)} documents fit; give --out a folder, or name one of them")
    written = []
    async with _exporter(context) as export:
        with context.progress() as progress:
            for number, key in enumerate(ids):
                progress("bundles", number, len(ids))
                path = args.out if is_file else args.out / f"{key}{SUFFIX}"
                path.parent.mkdir(parents=True, exist_ok=True)
                await _write(export, checked(ExportDocument(document=key, reason=args.why, lta=args.lta)), path)
                told = {"document": key, "file": str(path), "bytes": path.stat().st_size}
                written.append(told | {"pending": await asyncio.to_thread(_pending, path)})
    if args.json:
        context.print_json({"bundles": written})
    else:
        for each in written:
            context.say(f"{each['file']}: the evidence of {each['document']}, {each['bytes']} bytes")
            if each["pending"]:
                context.note(
                    f"{each['pending']} newer events are not yet under a checkpoint that enough witnesses signed: "
                    "export again later for their proofs."
                )
    return FINE


def _pending(path: Path) -> int:
    """Events that the bundle has no proof of."""
    return read(Container.open(path).bytes_of(BUNDLE)).pending_leaves


async def _write(export: _Export, ask: _Ask, path: Path) -> None:
    with _aside(path) as file:
        await export(ask, file)


@contextmanager
def _aside(path: Path) -> Iterator[BinaryIO]:
    """Written aside, then renamed: a file of the name is whole."""
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@asynccontextmanager
async def _exporter(context: Context) -> AsyncIterator[_Export]:
    """By the server while it runs, else on the data folder itself, with the key of the settings."""
    settings = context.settings
    if is_running(settings):

        async def ask_server(ask: _Ask, file: BinaryIO) -> None:
            act = "export-absence" if isinstance(ask, ExportAbsence) else "export-document"
            await fetch_bytes(settings, act, ask, file)

        yield ask_server
        return
    context.note("The server is not running: working on the data folder itself.")
    async with offline_sealing(settings) as (base, key):

        async def make(ask: _Ask, file: BinaryIO) -> None:
            async with _made(base, key, ask) as made:
                made.seek(0)
                await asyncio.to_thread(shutil.copyfileobj, made, file)

        yield make


def _made(base: Foundation, key: SealingKey, ask: _Ask) -> AbstractAsyncContextManager[BinaryIO]:
    if isinstance(ask, ExportAbsence):
        return exported_absence(base, key, ask, own_name())
    return exported(base, key, ask, own_name())


async def _asked(ledger: Ledger, args: argparse.Namespace) -> list[str]:
    found: dict[str, None] = {}
    for text in args.documents:
        ids = await pages.meant(ledger.readers, text)
        if len(ids) != 1 and text not in ids:
            raise RefusedError("document_unknown", f"{text}: {', '.join(ids) or 'no document'}")
        found[text if text in ids else ids[0]] = None
    filters = (args.number, args.year, args.issuer, args.recipient, args.since, args.until, args.status)
    if args.latest or any(each is not None for each in filters):
        params = await _filters(ledger, args)
        rows = await ledger.readers.fetch(_statement(params), params)
        found |= {row[0]: None for row in rows}
    elif not args.documents:
        raise InputError("name documents, or say which: --latest, --number, --year, … (see --help)")
    return list(found)


async def _filters(ledger: Ledger, args: argparse.Namespace) -> dict[str, Any]:
    number, _, notation = (args.number or "").partition("/")
    since, until = args.since, args.until
    if args.year is not None:
        since, until = since or date(args.year, 1, 1), until or date(args.year, 12, 31)
    return {
        "number": number or None,
        "notation": notation or None,
        "sender": await _agency(ledger, args.issuer),
        "recipient": await _agency(ledger, args.recipient),
        "state": args.status,
        "since": _day(since) if since else 0,
        "until": _day(until + timedelta(days=1)) if until else _NEVER,
        "limit": 1 if args.latest else MANY,
    }


def _statement(params: dict[str, Any]) -> str:
    """By the filter that leaves the least to go through."""
    if params["number"] is not None:
        return "message_list_exported_by_number"
    if params["sender"] is not None:
        return "message_list_exported_by_sender"
    if params["recipient"] is not None:
        return "message_list_exported_by_recipient"
    return "message_list_exported"


async def _agency(ledger: Ledger, code: str | None) -> str | None:
    if code is None:
        return None
    found = await ledger.directory.require(code, ledger.clock.now())
    return found.id


def _day(day: date) -> int:
    """When it begins in Vietnam."""
    return micros(datetime(day.year, day.month, day.day, tzinfo=VIETNAM).astimezone(UTC))
