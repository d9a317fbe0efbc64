"""keys list, stage, switch: what there is and when it ends, and its successor."""

from __future__ import annotations

import argparse
import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.clock import SystemClock, rfc3339
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, add_command, add_json, add_reason
from gateway.config.settings import InstitutionSettings, SealSettings, Settings
from gateway.endings import Ending, beside, endings, without_replaced
from gateway.errors import EnvironmentRefusedError, GatewayError, InputError, KeyFileError, TrustStoreError
from gateway.foundation import database_of
from gateway.ledger.own_keys import InForce, own_certificates
from gateway.pki import server_key_pin
from gateway.rotating import Rotation, forget_old_key, stage, switch
from gateway.seal.profile import algorithm_of
from gateway.seal.signer import OLD, KeyPlace, variant
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signing import place_of, try_service


def add(group: Any) -> None:
    """The commands."""
    listed = add_command(
        group,
        "list",
        _list,
        "list every certificate in use with its end, what is staged, and what was in force when",
        more="With a purpose all that is known of that one, such as the pin that agencies are given. Exit code 1 "
        "when something is to be done about one of them: 60 days before its end and later, or before its begin.",
    )
    listed.add_argument("purpose", nargs="?", default="", metavar="PURPOSE", help="such as tls, seal, enrolment")
    add_json(listed)
    staging = add_command(
        group,
        "stage",
        _stage,
        "put the successor of the seal's certificate and key beside them, after trying it",
        more="The one in force goes on until `gateway keys switch`. Of a key on a token only the certificate is "
        "given; its key must lie on the same token. As root, or as the user that the key belongs to.",
    )
    staging.add_argument(
        "--certificate", type=Path, required=True, metavar="FILE", help="the new one, with its chain"
    )
    staging.add_argument("--key", type=Path, metavar="FILE", help="its key; mode 0600")
    _add_purpose(staging)
    add_json(staging)
    switching = add_command(
        group,
        "switch",
        _switch,
        "put what is staged in force, and have the running server take it",
        more="What was sealed before stays valid; the old certificate stays known as ours from when until when. "
        "The old key file is removed once nobody signs with it.",
    )
    _add_purpose(switching)
    add_reason(switching)
    add_json(switching)


def _add_purpose(parser: argparse.ArgumentParser) -> None:
    choices = ("seal", "institution")
    parser.add_argument("--purpose", choices=choices, default="seal", help="whose it is (default: %(default)s)")


def _list(context: Context, args: argparse.Namespace) -> int:
    now = SystemClock().now()
    used, others = without_replaced(endings(context.settings), now), beside(context.settings)
    known = asyncio.run(_known(context.settings))
    rows = [_row(each, now, level=each.level(now)) for each in used] + [_row(each, now) for each in others]
    if args.purpose:
        rows = [row for row in rows if row["purpose"] == args.purpose]
        known = [each for each in known if each.purpose == args.purpose]
        if not rows:
            raise InputError(f"there is no {args.purpose} here; `gateway keys list` tells what there is")
    if args.json:
        context.print_json({"certificates": rows, "history": [_shape(each) for each in known]})
    elif args.purpose:
        for row in rows:
            context.facts(row.items())
    else:
        columns = ("purpose", "days_left", "ends", "warning", "subject")
        context.table(columns, ([row[name] for name in columns] for row in rows))
        context.say("")
        context.table(
            ("ours as", "certificate", "from", "until"),
            ([each.purpose, each.sha256[:16], rfc3339(each.since), _until(each)] for each in known),
        )
    fine = not any(row["warning"] or row["begins_later"] for row in rows)
    return FINE if fine else ANSWER_IS_NO


def _row(ending: Ending, now: datetime, *, level: int | None = None) -> dict[str, object]:
    """`level` is that of one in use."""
    return {
        "purpose": ending.purpose,
        "file": str(ending.file),
        "subject": ending.subject or ending.fault,
        "sha256": ending.sha256,
        "ends": rfc3339(ending.ends) if ending.ends else None,
        "days_left": round(ending.days_left(now)),
        "warning": level or 0,
        "begins": rfc3339(ending.begins) if ending.begins else None,
        "begins_later": level is not None and ending.begins is not None and ending.begins > now,
        **(_facts(ending.certificate) if ending.certificate else {}),
    }


def _facts(certificate: x509.Certificate) -> dict[str, object]:
    return {
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "pin": f"sha256//{server_key_pin(certificate)}",
        "algorithm": algorithm_of(certificate.public_key()) or "other",
    }


async def _known(settings: Settings) -> list[InForce]:
    from gateway.commands.acting import open_for_reading  # it brings half the program along

    if not database_of(settings).exists():
        return []
    async with open_for_reading(settings) as ledger:
        return await own_certificates(ledger.readers)


def _shape(each: InForce) -> dict[str, object]:
    return {"purpose": each.purpose, "sha256": each.sha256, "from": rfc3339(each.since), "until": _until(each)}


def _until(each: InForce) -> str | None:
    return rfc3339(each.until) if each.until else None


def _stage(context: Context, args: argparse.Namespace) -> int:
    files = _files(context.settings, args.purpose)
    anchors = None
    if args.purpose == "seal":
        try:
            anchors = TrustStore.load(context.settings.seal.anchors, TrustPurpose.SEAL)
        except TrustStoreError as error:
            raise InputError(str(error)) from error
    done = _done(
        lambda: stage(place_of(files), args.certificate, args.key, anchors=anchors, now=SystemClock().now())
    )
    _told(context, args, done, f"Staged: {', '.join(map(str, done.files))}. When it is time: gateway keys switch")
    return FINE


def _switch(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    files, place = _files(settings, args.purpose), place_of(_files(settings, args.purpose))
    done = _done(lambda: switch(place, now=SystemClock().now()))
    left = _have_taken(settings, files, place, args.reason)
    _told(context, args, done, f"In force: {done.certificate[:16]}, until {rfc3339(done.ends)}. {left}")
    return FINE


def _have_taken(settings: Settings, files: SealSettings | InstitutionSettings, place: KeyPlace, reason: str) -> str:
    """By the service that signs and by the server; then the old key goes. What is left to do."""
    from gateway.admin.server import Reload  # they bring half the program along
    from gateway.commands.acting import ask, is_running

    old = variant(place.key, OLD)
    try:
        if files.socket is not None:
            try_service(files.socket, place.certificate)
        if isinstance(files, SealSettings) and is_running(settings):
            asyncio.run(ask(settings, "reload", Reload(reason=reason)))
    except GatewayError as error:
        raise EnvironmentRefusedError(
            f"the files are switched, but the old key goes on until the server takes the new one: {error}. "
            f"Then: gateway reload, and rm {old}"
        ) from error
    if place.token is not None:
        return "The old key on the token may be destroyed once nobody needs it."
    return "The old key was removed." if forget_old_key(place) else ""


def _files(settings: Settings, purpose: str) -> SealSettings | InstitutionSettings:
    return settings.seal if purpose == "seal" else settings.institution


def _done(act: Any) -> Rotation:
    """KeyFileError of what was given is wrong use."""
    try:
        found: Rotation = act()
    except KeyFileError as error:
        raise InputError(str(error)) from error
    return found


def _told(context: Context, args: argparse.Namespace, done: Rotation, words: str) -> None:
    if args.json:
        context.print_json(
            {
                "certificate": done.certificate,
                "before": done.before,
                "begins": rfc3339(done.begins),
                "ends": rfc3339(done.ends),
                "files": list(map(str, done.files)),
            }
        )
    else:
        context.say(words)
