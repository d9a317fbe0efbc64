"""agencies keys: the public keys with which offices sign acknowledgements and statuses. See docs/receivers.md."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from gateway.accounts.receiver_keys import keys_of
from gateway.admin.receivers import AddReceiverKey, EndReceiverKey
from gateway.clock import rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.commands.inputs import read_text
from gateway.message_signatures import algorithms_of

#: A certificate with its chain is smaller.
_MOST_BYTES = 20_000


def add(group: Subparsers) -> None:
    """The subcommands of `agencies`."""
    keys = add_group(group, "keys", "public keys with which an office signs what it says of documents")
    new = add_command(
        keys,
        "add",
        _add,
        "let a key of an office count from now on",
        more="Get the file from the office by a way of its own, and compare the id that is printed.",
    )
    new.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    new.add_argument("file", type=Path, metavar="FILE", help="public key or certificate, PEM")
    new.add_argument("--label", default="", metavar="TEXT", help="which system or token holds the key")
    add_reason(new)
    add_json(new)
    listing = add_command(keys, "list", _list, "list the keys that an office has or had")
    listing.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    add_json(listing)
    end = add_command(keys, "end", _end, "let a key not count any more; it cannot be added again")
    end.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    end.add_argument("key", metavar="ID", help="the key's id, or its beginning")
    add_reason(end)
    add_json(end)


def _add(context: Context, args: argparse.Namespace) -> int:
    key = read_text(args.file, "a public key", most=_MOST_BYTES)
    request = AddReceiverKey(organ_id=args.organ_id, key=key, label=args.label, reason=args.reason)
    reply = asyncio.run(perform(context, "add-receiver-key", request))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['key']} counts for {reply['organ_id']} ({' or '.join(reply['algorithms'])}).")
    return FINE


def _end(context: Context, args: argparse.Namespace) -> int:
    request = EndReceiverKey(organ_id=args.organ_id, key=args.key, reason=args.reason)
    reply = asyncio.run(perform(context, "end-receiver-key", request))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['key']} does not count for {reply['organ_id']} any more.")
    return FINE


def _list(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_listed(context, args.organ_id))
    if args.json:
        context.print_json(rows)
    else:
        columns = ("key", "algorithms", "label", "added_at", "ended_at")
        context.table(columns, ([row[name] for name in columns] for row in rows))
    return FINE


async def _listed(context: Context, organ_id: str) -> list[dict[str, str]]:
    async with open_for_reading(context.settings) as ledger:
        found = await ledger.directory.require(organ_id, ledger.clock.now())
        keys = await keys_of(ledger.readers, found.id)
    return [
        {
            "key": each.id,
            "algorithms": " ".join(algorithms_of(each.public)),
            "label": each.label,
            "added_at": rfc3339(each.added_at),
            "ended_at": rfc3339(each.ended_at) if each.ended_at else "",
        }
        for each in keys
    ]
