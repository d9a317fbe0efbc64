"""agencies encryption: the certificates that an agency lets others encrypt to. See docs/end-to-end.md."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from gateway.admin.encryption import EndEncryption, PublishEncryption
from gateway.clock import rfc3339
from gateway.commands.acting import open_for_reading
from gateway.commands.certificates import of_agency, tell_act
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.directory.encryption import encryption_certificates
from gateway.enveloped.certificates import read_certificate_file
from gateway.errors import EnvelopedError, InputError


def add(group: Subparsers) -> None:
    """The subcommands of `agencies`."""
    encryption = add_group(group, "encryption", "certificates to which others may encrypt for an agency")
    new = add_command(
        encryption,
        "add",
        _add,
        "let senders encrypt to a certificate of an agency from now on",
        more="Get the file from the agency by a way of its own, and compare the digest that is printed. Senders get"
        " the newest; documents encrypted to an older one are still taken for readable until you end it.",
    )
    of_agency(new)
    new.add_argument("file", type=Path, metavar="FILE", help="the certificate, PEM or DER")
    end = add_command(encryption, "end", _end, "give a certificate to no sender any more; it cannot be added again")
    of_agency(end)
    end.add_argument("certificate", metavar="SHA256", help="of the certificate, or its beginning")
    end.add_argument("--revoked", action="store_true", help="its key is lost, or known to others")
    listing = add_command(
        encryption, "list", _list, "list an agency's certificates, those of the past too", more="Times are UTC."
    )
    listing.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    add_json(listing)


def _add(context: Context, args: argparse.Namespace) -> int:
    try:
        der = read_certificate_file(args.file).der
    except EnvelopedError as error:
        raise InputError(str(error)) from error
    request = PublishEncryption(organ_id=args.organ_id, certificate=der, reason=args.reason)
    return tell_act(context, args, "publish-encryption", request)


def _end(context: Context, args: argparse.Namespace) -> int:
    request = EndEncryption(
        organ_id=args.organ_id,
        certificate=args.certificate,
        ended_as="revoked" if args.revoked else "replaced",
        reason=args.reason,
    )
    return tell_act(context, args, "end-encryption", request)


def _list(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_listed(context, args.organ_id))
    if args.json:
        context.print_json(rows)
    else:
        columns = ("certificate", "name", "algorithm", "standing", "from", "until", "added_by", "ended_by")
        shown = (row | {"certificate": row["certificate"][:16]} for row in rows)
        context.table(columns, ([row[name] for name in columns] for row in shown))
    return FINE


async def _listed(context: Context, organ_id: str) -> list[dict[str, str]]:
    async with open_for_reading(context.settings) as ledger:
        now = ledger.clock.now()
        found = await ledger.directory.require(organ_id, now)
        known = (await encryption_certificates(ledger.readers, [found.id])).get(found.id, ())
    return [
        {
            "certificate": each.certificate.sha256,
            "name": each.certificate.name,
            "issuer": each.certificate.issuer,
            "serial": each.certificate.serial,
            "algorithm": each.certificate.algorithm,
            "standing": each.standing(now),
            "from": rfc3339(each.certificate.not_before),
            "until": rfc3339(each.certificate.not_after),
            "added_at": rfc3339(each.added_at),
            "added_by": each.added_by,
            "ended_at": rfc3339(each.ended_at) if each.ended_at is not None else "",
            "ended_by": each.ended_by,
        }
        for each in known
    ]
