"""signatures pending: documents whose signatures cannot be judged yet, since a CA does not say what it should."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.clock import rfc3339
from gateway.commands.acting import open_for_reading
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.commands.inputs import whole
from gateway.ledger.unanswered import unanswered


def add(parsers: Subparsers) -> None:
    """The command with its subcommand."""
    group = add_group(parsers, "signatures", "the signatures of documents, and what keeps them from being judged")
    listing = add_command(
        group,
        "pending",
        _pending,
        "list the documents that wait for what CAs say about revocation, the oldest first",
        more="They are examined again by themselves when the CA answers (docs/signatures.md). For those that are "
        "decided the grace was over: they went as their recipients ask. Times are UTC.",
    )
    listing.add_argument(
        "--limit", type=whole, default=200, metavar="N", help="at most so many (default: %(default)s)"
    )
    add_json(listing)


def _pending(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_listed(context, args.limit))
    if args.json:
        context.print_json(rows)
    else:
        columns = ("document", "from", "number", "accepted_at", "waiting_since", "for", "held", "decided_at")
        context.table(columns, ([row[name] for name in columns] for row in rows))
    return FINE


async def _listed(context: Context, limit: int) -> list[dict[str, Any]]:
    grace = context.settings.revocation.grace
    async with open_for_reading(context.settings) as ledger:
        return [
            {
                "document": each.message_id,
                "from": each.sender_code,
                "number": each.code,
                "subject": each.subject,
                "accepted_at": rfc3339(each.accepted_at),
                "waiting_since": rfc3339(each.since),
                "until": rfc3339(each.since + grace),
                "decided_at": rfc3339(each.decided_at) if each.decided_at is not None else "",
                "held": each.held,
                "for": each.authorities,
            }
            for each in await unanswered(ledger.readers, limit)
        ]
