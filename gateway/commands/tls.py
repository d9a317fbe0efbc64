"""tls: the certificate that the server shows, from a CA that speaks ACME. See docs/acme.md."""

from __future__ import annotations

import argparse

from gateway.acme.fit import due_at
from gateway.clock import SystemClock, rfc3339
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.errors import ConfigError, GatewayError
from gateway.maintenance.renewer import Renewal


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "tls", "the server's own certificate")
    renew = add_command(
        group,
        "renew",
        _renew,
        "get a certificate from the CA of [acme], if the present one is due",
        more="The running server does it by itself. Afterwards, and for the first one: gateway reload.",
    )
    renew.add_argument("--force", action="store_true", help="even if it is not due")
    add_json(renew)


def _renew(context: Context, args: argparse.Namespace) -> int:
    renewal = _renewed(context, force=args.force)
    if args.json:
        context.print_json(renewal)
    else:
        context.say(renewal.detail)
    return FINE if renewal.ok else ANSWER_IS_NO


def _renewed(context: Context, *, force: bool) -> Renewal:
    settings, now = context.settings, SystemClock().now()
    acme = settings.acme
    if not acme.directory or not acme.names:
        raise ConfigError("set [acme] directory and names first; see docs/acme.md")
    due, why = due_at(settings.tls.certificate, acme.names, acme.renew_before)
    if not force and due is not None and now < due:
        return Renewal(ok=True, detail=f"not due before {rfc3339(due)}: {why}")
    from gateway.acme.order import order  # with its library; looking whether it is due needs none

    try:
        ends = order(acme, settings.tls, now)
    except GatewayError as error:
        return Renewal(ok=False, detail=f"{error}; see docs/acme.md")
    return Renewal(ok=True, renewed=True, detail=f"a certificate that ends on {rfc3339(ends)} is in place")
