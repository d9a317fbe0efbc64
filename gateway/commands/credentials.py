"""agencies enrol, token, certificate, networks, revoke, credentials: by what an agency's systems are known."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from gateway.accounts.credentials import Credential, credential_of
from gateway.accounts.shared_secrets import SharedSecret, secret_of
from gateway.admin.bindings import IssueSecret
from gateway.admin.directory import (
    IssueToken,
    OfferEnrolment,
    RecordCertificate,
    RestrictCredential,
    RevokeCredential,
)
from gateway.channels import served_bindings
from gateway.clock import rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.certificates import of_agency
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json, add_reason
from gateway.commands.inputs import lasting

_FINGERPRINT_SHOWN = 16
#: Why a secret is issued where nobody has to answer for it.
_DEMO = "development"


def add(group: Subparsers) -> None:
    """The subcommands of `agencies`."""
    enrol = add_command(
        group,
        "enrol",
        _enrol,
        "give a one-time code by which a system's own key is certified",
        more="Hand code, address and key pin to whoever runs the system, each by a way of its own.",
    )
    of_agency(enrol)
    token = add_command(
        group,
        "token",
        _token,
        "issue a bearer token for a system without certificate, or a secret of another protocol",
        more="It is shown once. With --binding, what a client needs is printed as JSON.",
    )
    token.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    token.add_argument(
        "--reason", default="", metavar="TEXT", help="why; kept with the act; needed but in the demo"
    )
    add_json(token)
    token.add_argument("--label", default="", metavar="TEXT", help="which system it is for")
    token.add_argument("--days", type=int, default=365, metavar="N", help="validity in days (default: %(default)s)")
    _networks(token)
    token.add_argument(
        "--binding",
        choices=sorted(served_bindings()),
        help="the protocol; then --network is needed, but in the demo",
    )
    token.add_argument(
        "--system-id", default="", metavar="ID", help="what the system calls itself in it (default: ORGAN_ID)"
    )
    token.add_argument(
        "--overlap",
        type=lasting,
        default="7d",
        metavar="TIME",
        help="how long the secrets before it still count (default: %(default)s)",
    )
    certificate = add_command(
        group, "certificate", _certificate, "take a client certificate that another CA issued"
    )
    of_agency(certificate)
    certificate.add_argument("file", type=Path, metavar="FILE", help="the certificate, PEM")
    certificate.add_argument("--label", default="", metavar="TEXT", help="which system it is for")
    _networks(certificate)
    _add_networks(group)
    revoke = add_command(group, "revoke", _revoke, "end a credential with all its renewals; counts at once")
    revoke.add_argument("credential", nargs="?", default="", metavar="ID|FINGERPRINT", help="which one")
    revoke.add_argument("--all-of", default="", metavar="ORGAN_ID", help="everything this agency holds instead")
    add_reason(revoke)
    add_json(revoke)
    listing = add_command(group, "credentials", _credentials, "list the credentials that an agency has or had")
    listing.add_argument("organ_id", metavar="ORGAN_ID", help="any of the agency's codes")
    add_json(listing)


def _add_networks(group: Subparsers) -> None:
    networks = add_command(
        group,
        "networks",
        _restrict,
        "say from where a credential may be used; counts at once",
        more="The list takes the place of the one before. A renewed certificate inherits it.",
    )
    networks.add_argument("credential", metavar="ID|FINGERPRINT", help="which one; gateway agencies credentials")
    where = networks.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--network", action="append", default=[], metavar="CIDR", help="allow it from here only; may be repeated"
    )
    where.add_argument("--anywhere", action="store_true", help="allow it from anywhere; no shared secret is")
    add_reason(networks)
    add_json(networks)


def _networks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--network", action="append", default=[], metavar="CIDR", help="allow it from here only; may be repeated"
    )


def _enrol(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "enrol", OfferEnrolment(organ_id=args.organ_id, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
        context.note("The code is shown once and works once.")
    return FINE


def _token(context: Context, args: argparse.Namespace) -> int:
    why = args.reason or (_DEMO if context.settings.profile == "development" and args.binding else "")
    if args.binding:
        return _secret(context, args, why)
    request = IssueToken(
        organ_id=args.organ_id, label=args.label, days=args.days, networks=args.network, reason=why
    )
    reply = asyncio.run(perform(context, "token", request))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
        context.note("The token is shown once; keep it in a file of mode 0600.")
    return FINE


def _secret(context: Context, args: argparse.Namespace, why: str) -> int:
    """Nothing but JSON on standard output, so that a script can point a client at us."""
    request = IssueSecret(
        organ_id=args.organ_id,
        binding=args.binding,
        system_id=args.system_id,
        label=args.label,
        days=args.days,
        overlap_seconds=args.overlap.total_seconds(),
        networks=args.network,
        reason=why,
    )
    reply = asyncio.run(perform(context, "secret", request))
    context.print_json(reply)
    if reply["channel"] != "inbox":
        context.note(
            f"What is for it goes by its channel ({reply['channel'] or 'none'}): its list here stays empty."
        )
    return FINE


def _certificate(context: Context, args: argparse.Namespace) -> int:
    request = RecordCertificate(
        organ_id=args.organ_id,
        certificate=args.file.read_text("ascii"),
        label=args.label,
        networks=args.network,
        reason=args.reason,
    )
    reply = asyncio.run(perform(context, "certificate", request))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
    return FINE


def _restrict(context: Context, args: argparse.Namespace) -> int:
    request = RestrictCredential(credential=args.credential, networks=args.network, reason=args.reason)
    reply = asyncio.run(perform(context, "restrict", request))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['credential']} counts from {', '.join(reply['networks']) or 'anywhere'}")
    return FINE


def _revoke(context: Context, args: argparse.Namespace) -> int:
    request = RevokeCredential(credential=args.credential, organ_id=args.all_of, reason=args.reason)
    reply = asyncio.run(perform(context, "revoke", request))
    if args.json:
        context.print_json(reply)
    else:
        for key in reply["revoked"]:
            context.say(f"revoked {key}")
    return FINE


def _credentials(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_listed(context, args.organ_id))
    if args.json:
        context.print_json(rows)
    else:
        columns = ("id", "kind", "label", "fingerprint", "issued_at", "expires_at", "revoked_at", "networks")
        shown = [row | {"fingerprint": str(row["fingerprint"])[:_FINGERPRINT_SHOWN]} for row in rows]
        context.table(columns, ([row[name] for name in columns] for row in shown))
    return FINE


async def _listed(context: Context, organ_id: str) -> list[dict[str, object]]:
    async with open_for_reading(context.settings) as ledger:
        found = await ledger.directory.require(organ_id, ledger.clock.now())
        rows = await ledger.readers.fetch("credential_list_of_agency", (found.id,))
        secrets = await ledger.readers.fetch("shared_secret_list_of_agency", (found.id,))
    shared = [secret_of(row) for row in secrets]
    return [_row(credential_of(row)) for row in rows] + [_row(each) for each in shared]


def _row(each: Credential | SharedSecret) -> dict[str, object]:
    is_certificate = isinstance(each, Credential) and each.kind == "certificate"
    return {
        "id": each.id,
        "kind": each.kind if isinstance(each, Credential) else f"{each.binding} {each.system_id}",
        "label": each.label,
        # a token's is the hash of a secret: nobody needs it
        "fingerprint": each.fingerprint if is_certificate else "",
        "issued_at": rfc3339(each.issued_at),
        "expires_at": rfc3339(each.expires_at),
        "revoked_at": rfc3339(each.revoked_at) if each.revoked_at else "",
        "networks": [str(network) for network in each.allowed_networks],
    }
