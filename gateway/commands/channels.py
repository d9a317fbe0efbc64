"""pause, resume: stop and restart sending over a channel."""

from __future__ import annotations

import argparse
import asyncio

from gateway.admin.acts import PauseChannel, ResumeChannel
from gateway.clock import SystemClock
from gateway.commands.acting import perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json, add_reason
from gateway.commands.instants import parse_instant


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    pause = add_command(
        parsers,
        "pause",
        _pause,
        "send nothing over a channel until an instant",
        more="Documents are accepted all the same, and the time does not count towards giving up.",
    )
    _target(pause)
    pause.add_argument(
        "--until", required=True, metavar="TIME", help="2026-11-23T08:00 (Vietnam's time), or 30m, 2h, 3d from now"
    )
    _target(add_command(parsers, "resume", _resume, "send over a paused channel again"))


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", metavar="CHANNEL|AGENCY", help="name of a channel, or code of an agency with one to itself"
    )
    add_reason(parser)
    add_json(parser)


def _pause(context: Context, args: argparse.Namespace) -> int:
    until = parse_instant(args.until, now=SystemClock().now())
    reply = asyncio.run(
        perform(context, "pause", PauseChannel(target=args.target, until=until, reason=args.reason))
    )
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['channel']} is paused until {reply['paused_until']}.")
    return FINE


def _resume(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "resume", ResumeChannel(target=args.target, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['channel']} is in use again; it was paused since {reply['paused_since']}.")
    return FINE
