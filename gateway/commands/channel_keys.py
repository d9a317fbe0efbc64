"""agencies endpoint rekey, verify: the keys of channels, and the proofs of their receivers."""

from __future__ import annotations

import argparse
import asyncio

from gateway.admin.channels import RekeyChannel, VerifyChannel
from gateway.clock import SystemClock
from gateway.commands.acting import perform
from gateway.commands.context import (
    ANSWER_IS_NO,
    FINE,
    Context,
    Subparsers,
    add_command,
    add_json,
    add_reason,
)
from gateway.commands.instants import parse_instant


def add(channels: Subparsers) -> None:
    """The subcommands."""
    rekey = add_command(
        channels,
        "rekey",
        _rekey,
        "give a webhook a new secret or key",
        more="It is printed once. Until the old one ends both sign: the receiver may change over at any time.",
    )
    _target(rekey)
    rekey.add_argument(
        "--overlap",
        metavar="TIME",
        help="how long the old one goes on: 12h, 7d, 0m or an instant (default: webhook.secret_overlap)",
    )
    _target(add_command(channels, "verify", _verify, "ask a webhook's receiver to prove that it holds the secret"))


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="CHANNEL", help="its name")
    add_reason(parser)
    add_json(parser)


def _rekey(context: Context, args: argparse.Namespace) -> int:
    now = SystemClock().now()
    overlap = int((parse_instant(args.overlap, now=now) - now).total_seconds()) if args.overlap else None
    request = RekeyChannel(name=args.name, overlap_seconds=overlap, reason=args.reason)
    reply = asyncio.run(perform(context, "rekey", request))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
    return FINE


def _verify(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "verify", VerifyChannel(name=args.name, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    elif reply["verified"]:
        context.say(f"{reply['name']} is verified.")
    else:
        context.say(f"{reply['name']} is not verified: {reply['reason']}: {reply['detail']}")
    return FINE if reply["verified"] else ANSWER_IS_NO
