"""reads: who has read which document, when and by what way. See docs/receivers.md."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal

from gateway.admin.readings import NoteReading
from gateway.clock import instant, rfc3339
from gateway.commands.acting import Ledger, ask, is_running, open_for_reading
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json
from gateway.commands.inputs import lasting, whole
from gateway.errors import GatewayError, RefusedError
from gateway.ledger import pages
from gateway.ledger.params import as_json
from gateway.ledger.readings import hour_of
from gateway.model import AgencyId

COLUMNS = ("first_at", "last_at", "times", "act", "part", "who", "channel", "delivery")


def add(parsers: Subparsers) -> None:
    """The command of this module."""
    reads = add_command(
        parsers,
        "reads",
        _reads,
        "show who listed, opened, downloaded, exported or looked at documents",
        more="Without DOCUMENT: what was read of late. The first download by each credential, the first look of "
        "each operator and every export are events, too.",
    )
    reads.add_argument("document", nargs="?", metavar="DOCUMENT", help="as for `gateway show`")
    reads.add_argument("--agency", metavar="ORGAN_ID", help="only by this agency's systems")
    reads.add_argument(
        "--within", type=lasting, default="24h", metavar="TIME", help="how far back, by the hour (default: 24h)"
    )
    reads.add_argument("--limit", type=whole, default=200, metavar="N", help="at most so many (default: 200)")
    add_json(reads)


def _reads(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_found(context, args))
    if args.json:
        context.print_json(rows)
    else:
        columns = COLUMNS if args.document else ("document", *COLUMNS)
        context.table(columns, ([row[name] for name in columns] for row in rows))
    return FINE


async def _found(context: Context, args: argparse.Namespace) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        actors = await _actors(ledger, args.agency) if args.agency else None
        if args.document:
            ids = await pages.meant(ledger.readers, args.document)
            if len(ids) != 1 and args.document not in ids:
                raise RefusedError("document_unknown", f"{args.document}: {', '.join(ids) or 'no document'}")
            found = await read_by(ledger, args.document if args.document in ids else ids[0])
            return [row for row in found if actors is None or row["actor"] in actors][: args.limit]
        since: timedelta = args.within
        params = {
            "since": hour_of(ledger.clock.now() - since),
            "actors": None if actors is None else as_json(sorted(actors)),
            "limit": args.limit,
        }
        return await _told(ledger, map(_reading, await ledger.readers.fetch("reading_list_newest", params)))


async def _actors(ledger: Ledger, organ_id: str) -> set[str]:
    agency = await ledger.directory.require(organ_id, ledger.clock.now())
    rows = await ledger.readers.fetch("credential_list_ids_of_agency", {"agency": agency.id})
    return {f"credential:{row[0]}" for row in rows}


async def read_by(ledger: Ledger, message_id: str) -> list[dict[str, Any]]:
    """Everybody who has read one message, by when they first did."""
    readings = await ledger.readers.fetch("reading_list_of_message", (message_id,))
    listings = await ledger.readers.fetch("listing_list_of_message", (message_id,))
    rows = [_reading(row) for row in readings] + [_listing(message_id, row) for row in listings]
    return await _told(ledger, sorted(rows, key=lambda row: str(row["first_at"])))


def _reading(row: Sequence[Any]) -> dict[str, Any]:
    message, delivery, actor, act, part, channel, first, last, times = row
    return {
        "document": message, "delivery": delivery, "actor": actor, "act": act, "part": part, "channel": channel,
        "first_at": rfc3339(instant(first)), "last_at": rfc3339(instant(last)), "times": times,
    }  # fmt: skip


def _listing(message_id: str, row: Sequence[Any]) -> dict[str, Any]:
    delivery, actor, channel, at, _ = row
    return _reading((message_id, delivery, actor, "listed", "", channel, at, at, 1))


async def _told(ledger: Ledger, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """With whose the credentials are."""
    rows = list(rows)
    ids = {row["actor"].removeprefix("credential:") for row in rows if row["actor"].startswith("credential:")}
    named = await ledger.readers.fetch("credential_list_named", {"ids": as_json(sorted(ids))})
    agencies = await ledger.directory.agencies({AgencyId(row[1]) for row in named})
    whose = {
        f"credential:{key}": f"{agencies[agency].organ_id} {label}".strip()
        for key, agency, label in named
        if agency in agencies
    }
    return [row | {"who": whose.get(row["actor"], row["actor"])} for row in rows]


async def note_reading(context: Context, message_id: str, act: Literal["shown", "proved"]) -> None:
    """Have the server record that a person reads this; where none runs, or it cannot, the person is told."""
    if not await asyncio.to_thread(is_running, context.settings):
        context.note("Not recorded who looks: no server runs.")
        return
    try:
        await ask(
            context.settings, "note-reading", NoteReading(document=message_id, act=act, reason=f"gateway: {act}")
        )
    except GatewayError as error:
        context.note(f"Not recorded who looks: {error}")
