"""agencies certificates: which certificates an agency and its people sign with."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from gateway.admin.certificates import BindCertificate, EndCertificate
from gateway.clock import SystemClock, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.commands.instants import parse_instant
from gateway.directory.signers import bindings_of
from gateway.errors import InputError
from gateway.seal.revocation import unarmoured


def add(group: Subparsers) -> None:
    """The subcommands of `agencies`."""
    certificates = add_group(group, "certificates", "the certificates that an agency and its people sign with")
    bind = add_command(
        certificates,
        "add",
        _bind,
        "bind a certificate to an agency",
        more="Have it from the agency itself. Documents are then judged by whether their signers belong to the "
        "agency that sends (docs/signatures.md).",
    )
    of_agency(bind)
    bind.add_argument("file", type=Path, metavar="FILE", help="the certificate, PEM or DER")
    bind.add_argument("--kind", choices=("person", "agency"), default="", help="default: as its subject says")
    bind.add_argument("--from", dest="begin", metavar="TIME", help="default: when the certificate begins")
    bind.add_argument("--until", metavar="TIME", help="default: until it is ended")
    end = add_command(
        certificates,
        "end",
        _end,
        "say from when an agency signs with a certificate no longer",
        more="What was signed before stays as it is. The binding is kept.",
    )
    of_agency(end)
    end.add_argument("certificate", metavar="SHA256", help="of the certificate, or its beginning")
    end.add_argument("--at", metavar="TIME", help="default: now")
    listing = add_command(
        certificates, "list", _list, "list an agency's certificates, those of the past too", more="Times are UTC."
    )
    listing.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    add_json(listing)


def of_agency(parser: argparse.ArgumentParser) -> None:
    """One agency, the reason, --json: what every act on what an agency has takes."""
    parser.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    add_reason(parser)
    add_json(parser)


def tell_act(context: Context, args: argparse.Namespace, act: str, request: Any) -> int:
    """Have it done, and print the reply."""
    reply = asyncio.run(perform(context, act, request))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
    return FINE


def _bind(context: Context, args: argparse.Namespace) -> int:
    now = SystemClock().now()
    try:
        der = unarmoured(args.file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {args.file}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{args.file} is not one certificate, PEM or DER") from error
    request = BindCertificate(
        organ_id=args.organ_id,
        certificate=der,
        kind=args.kind,
        valid_from=parse_instant(args.begin, now=now) if args.begin else None,
        valid_until=parse_instant(args.until, now=now) if args.until else None,
        reason=args.reason,
    )
    return tell_act(context, args, "bind-certificate", request)


def _end(context: Context, args: argparse.Namespace) -> int:
    at = parse_instant(args.at, now=SystemClock().now()) if args.at else None
    request = EndCertificate(organ_id=args.organ_id, certificate=args.certificate, at=at, reason=args.reason)
    return tell_act(context, args, "end-certificate", request)


def _list(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_listed(context, args.organ_id))
    if args.json:
        context.print_json(rows)
    else:
        columns = ("certificate", "holder", "kind", "from", "until", "bound_by", "ended_by")
        shown = (row | {"certificate": str(row["certificate"])[:16]} for row in rows)
        context.table(columns, ([row[name] for name in columns] for row in shown))
    return FINE


async def _listed(context: Context, organ_id: str) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        found = await ledger.directory.require(organ_id, ledger.clock.now())
        return [
            {
                "certificate": each.sha256,
                "holder": each.name,
                "kind": each.kind.value,
                "from": rfc3339(each.valid_from),
                "until": rfc3339(each.valid_until) if each.valid_until is not None else "",
                "bound_at": rfc3339(each.bound_at),
                "bound_by": each.bound_by,
                "ended_at": rfc3339(each.ended_at) if each.ended_at is not None else "",
                "ended_by": each.ended_by,
            }
            for each in await bindings_of(ledger.readers, found.id)
        ]
