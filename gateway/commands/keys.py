"""keys: the gateway's own certificates, and the pin that agencies are given."""

from __future__ import annotations

import argparse
from pathlib import Path

from cryptography import x509

from gateway.clock import SystemClock, rfc3339
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.errors import KeyFileError
from gateway.pki import server_key_pin
from gateway.seal.profile import algorithm_of, fingerprint


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "keys", "the gateway's own keys and certificates")
    show = add_command(
        group,
        "show",
        _show,
        "show the certificates of TLS, seal and enrolment CA: subject, pin, expiry",
        more="Exit code 1 when one of them is not valid now.",
    )
    add_json(show)


def _show(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    files = (
        ("tls", settings.tls.certificate),
        ("seal", settings.seal.certificate),
        ("enrolment", settings.enrolment.certificate),
    )
    rows = [_row(purpose, path) for purpose, path in files]
    if args.json:
        context.print_json(rows)
    else:
        for row in rows:
            context.facts(row.items())
            context.say("")
    return FINE if all(row["valid_now"] for row in rows) else ANSWER_IS_NO


def _row(purpose: str, path: Path) -> dict[str, object]:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise KeyFileError(f"{path} holds no PEM certificate", path=str(path)) from error
    now = SystemClock().now()
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return {
        "purpose": purpose,
        "file": str(path),
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial": f"{certificate.serial_number:x}",
        "fingerprint": fingerprint(certificate).hex(),
        "pin": f"sha256//{server_key_pin(certificate)}",
        "algorithm": algorithm_of(certificate.public_key()) or "other",
        "not_before": rfc3339(begin),
        "not_after": rfc3339(end),
        "days_left": (end - now).days,
        "valid_now": begin <= now <= end,
    }
