"""import: brings over the documents that another system has in flight (docs/cutover.md).

    FOLDER/sent/*, FOLDER/received/*      or a CSV with the columns file, direction, and perhaps ref and at

Without --because nothing is written: the report says what would come of each file. What was sent goes first, so
that statuses among what was received find their document. A file that cannot be taken is copied aside with the
reason beside it; the original stays. Running it again changes nothing and goes on where the last run broke off.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from gateway.clock import SystemClock
from gateway.commands.acting import checked_import, is_running, send_file
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Report, Subparsers, add_command, add_json
from gateway.commands.inputs import read_text
from gateway.commands.instants import parse_instant
from gateway.errors import EnvironmentRefusedError, InputError, RefusedError
from gateway.fsio import write_durably
from gateway.importing import ImportFile
from gateway.reasons import REASONS

_MOST_BYTES = 50 * 1024**2
_SHOWN = 100
Direction = Literal["sent", "received"]
_DIRECTIONS: tuple[Direction, Direction] = ("sent", "received")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of the list."""

    path: Path
    direction: Direction
    ref: str
    at: datetime | None


def add(parsers: Subparsers) -> None:
    """The command."""
    load = add_command(
        parsers,
        "import",
        _import,
        "bring over the documents that another system has in flight",
        more="Without --because nothing is written. Exit code 1 when a file cannot be taken. The server must run.",
    )
    load.add_argument("source", type=Path, metavar="FOLDER|CSV", help="sent/ and received/ below it, or a list")
    load.add_argument("--channel", default="", metavar="NAME", help="the relay that brought what was received")
    load.add_argument(
        "--because", "--reason", dest="reason", metavar="TEXT", help="why; do it, and keep this with it"
    )
    load.add_argument(
        "--aside", type=Path, metavar="FOLDER", help="copies of what cannot be taken (default: SOURCE.aside)"
    )
    add_json(load)


def _import(context: Context, args: argparse.Namespace) -> int:
    entries = sorted(_entries(args.source), key=lambda each: (_DIRECTIONS.index(each.direction), str(each.path)))
    if not is_running(context.settings):
        raise EnvironmentRefusedError("the server does not run; start it: only it can seal")
    aside = args.aside or args.source.with_name(f"{args.source.name}.aside")
    with context.progress() as progress:
        results = asyncio.run(_take(context, args, entries, progress, lambda e, r: _set_aside(aside, e, r)))
    counts = Counter(each["outcome"] for each in results)
    told = {"dry_run": args.reason is None, "files": len(results), **counts}
    if args.json:
        context.print_json(told | {"items": results})
    else:
        _show(context, told, results, aside)
    return ANSWER_IS_NO if counts["refused"] else FINE


async def _take(
    context: Context,
    args: argparse.Namespace,
    entries: list[Entry],
    progress: Report,
    set_aside: Callable[[Entry, dict[str, Any]], None],
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    for number, entry in enumerate(entries):
        progress("files", number, len(entries))
        asked = checked_import(
            ImportFile(
                direction=entry.direction, ref=entry.ref, at=entry.at, channel=args.channel, reason=args.reason
            )
        )
        try:
            result = await send_file(context.settings, "import-document", asked, entry.path)
        except RefusedError as error:
            if error.code in {"channel_unknown", "disk_nearly_full", "server_busy", "server_stopping"}:
                raise  # it is not this file's fault; run it again
            result = {"outcome": "refused", "reason": error.code, "detail": error.detail}
        result = {"file": str(entry.path), "direction": entry.direction} | result
        results.append(result)
        if result["outcome"] == "refused" and args.reason is not None:
            set_aside(entry, result)
    return results


def _entries(source: Path) -> list[Entry]:
    if source.is_dir():
        found = [
            Entry(path=path, direction=direction, ref=path.stem, at=None)
            for direction in _DIRECTIONS
            for path in sorted((source / direction).glob("*"))
            if path.is_file()
        ]
    else:
        found = _listed(source)
    if not found:
        raise InputError(f"{source}: no files below sent/ or received/, or no rows")
    return found


def _listed(source: Path) -> list[Entry]:
    text = read_text(source, "the list", most=_MOST_BYTES)
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    if not {"file", "direction"} <= set(reader.fieldnames or ()):
        raise InputError(f"{source}: the columns file and direction are needed; ref and at may be there")
    return [_entry(source, number, row) for number, row in enumerate(reader, 2)]


def _entry(source: Path, line: int, row: dict[str, str]) -> Entry:
    root = source.parent.resolve()
    path = (root / (row["file"] or "")).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"{source}, line {line}: {row['file']} lies outside the list's folder")
    if row["direction"] not in _DIRECTIONS:
        raise InputError(f"{source}, line {line}: direction is sent or received")
    if not path.is_file():
        raise InputError(f"{source}, line {line}: there is no file {row['file']}")
    at = parse_instant(row["at"], now=SystemClock().now()) if row.get("at") else None
    direction: Direction = "sent" if row["direction"] == "sent" else "received"
    return Entry(path=path, direction=direction, ref=row.get("ref") or path.stem, at=at)


def _set_aside(aside: Path, entry: Entry, result: dict[str, Any]) -> None:
    """A copy and why; a second run finds both there already."""
    folder = aside / entry.direction
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy, why = folder / entry.path.name, folder / f"{entry.path.name}.reason.json"
    if not copy.exists():
        shutil.copyfile(entry.path, copy)
    if not why.exists():
        write_durably(why, msgspec.json.encode(result))


def _show(context: Context, told: dict[str, Any], results: list[dict[str, Any]], aside: Path) -> None:
    for each in [each for each in results if each["outcome"] == "refused"][:_SHOWN]:
        reason = REASONS.get(each["reason"])
        words = f"{reason.vi} / {reason.en}" if reason else ""
        context.say(f"{each['file']}: {each['reason']} {each['detail']} {words}")
    counts = ", ".join(
        f"{told[name]} {name}" for name in ("importable", "imported", "known", "refused") if name in told
    )
    context.say(f"{told['files']} files: {counts}")
    if told["dry_run"]:
        context.say("Nothing was written; do it with --because TEXT.")
    elif told.get("refused"):
        context.say(f"What could not be taken lies in {aside}, each with its reason.")
