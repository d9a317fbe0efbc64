"""keys revocation: what CAs say about revocation, at hand and where it comes from.

What opens a database or a connection is imported when one of these runs: `gateway keys serve`, the process that
holds the sealing key, comes by here, too.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.clock import SystemClock, rfc3339
from gateway.commands.context import (
    ANSWER_IS_NO,
    FINE,
    Context,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.errors import InputError, RevocationError
from gateway.seal.revocation import Answer, is_stale, read_answer


def add(group: Subparsers) -> None:
    """The commands."""
    revocation = add_group(group, "revocation", "what CAs say about revocation, at hand and where it comes from")
    load = add_command(
        revocation,
        "load",
        _load,
        "take in revocation lists and OCSP answers from files, for networks without internet",
        more="PEM or DER. Documents that wait for them are examined again. Exit code 1 when all have ended.",
    )
    load.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a CRL or an OCSP answer")
    add_reason(load)
    add_json(load)
    add_json(
        add_command(
            revocation,
            "list",
            _list,
            "list where lists are fetched and the newest answers at hand",
            more="Times are UTC. Exit code 1 while an address gives nothing.",
        )
    )


def _load(context: Context, args: argparse.Namespace) -> int:
    from gateway.admin.revocation import LoadAnswers, LoadedAnswer
    from gateway.commands.acting import perform

    answers = [(path, _read(path)) for path in args.files]
    request = LoadAnswers(
        answers=[
            LoadedAnswer(
                kind="crl" if answer.kind == "crl" else "ocsp",
                subject=answer.subject,
                this_update=answer.this_update,
                next_update=answer.next_update,
                der=answer.der,
            )
            for _, answer in answers
        ],
        reason=args.reason,
    )
    reply = asyncio.run(perform(context, "load-answers", request))
    now = SystemClock().now()
    rows: list[dict[str, Any]] = [
        {
            "file": str(path),
            "kind": answer.kind,
            "of": rfc3339(answer.this_update),
            "until": _at(answer.next_update),
            "stale": is_stale(answer, now),
        }
        for path, answer in answers
    ]
    if args.json:
        context.print_json({"answers": rows, "examined_again": reply["examined_again"]})
    else:
        columns = ("file", "kind", "of", "until", "stale")
        context.table(columns, ([row[name] for name in columns] for row in rows))
        context.say(f"{reply['examined_again']} waiting documents are examined again.")
    return ANSWER_IS_NO if all(row["stale"] for row in rows) else FINE


def _read(path: Path) -> Answer:
    try:
        return read_answer(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except RevocationError as error:
        raise InputError(f"{path}: {error}") from error


def _list(context: Context, args: argparse.Namespace) -> int:
    told = asyncio.run(_listed(context))
    if args.json:
        context.print_json(told)
    else:
        for title, key, columns in (
            ("Addresses", "sources", ["url", "authority", "answered_at", "until", "failing_since", "fault"]),
            ("At hand", "answers", ["subject", "of", "until", "bytes"]),
        ):
            context.table(columns, ([row[name] for name in columns] for row in told[key]), title=title)
    return ANSWER_IS_NO if any(row["failing_since"] for row in told["sources"]) else FINE


async def _listed(context: Context) -> dict[str, list[dict[str, Any]]]:
    from gateway.commands.acting import open_for_reading
    from gateway.ledger.revocations import RevocationReads

    async with open_for_reading(context.settings) as ledger:
        reads = RevocationReads(ledger.readers)
        newest = {each.subject: each for each in await reads.kept()}  # in the order of their times
        return {
            "sources": [
                {
                    "url": each.url,
                    "authority": each.authority or "any that is trusted",
                    "answered_at": _at(each.answered_at),
                    "until": _at(each.until),
                    "failing_since": _at(each.failing_since),
                    "fault": each.fault,
                }
                for each in await reads.sources()
            ],
            "answers": [
                {
                    "subject": each.subject,
                    "of": rfc3339(each.this_update),
                    "until": _at(each.next_update),
                    "bytes": each.size,
                    "sha256": each.sha256,
                }
                for each in newest.values()
            ],
        }


def _at(value: datetime | None) -> str:
    return "" if value is None else rfc3339(value)
