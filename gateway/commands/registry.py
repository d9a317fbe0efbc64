"""agencies register, deregister: an agency of ours in the catalogue of a channel's peer."""

from __future__ import annotations

import argparse
import asyncio

from gateway.admin.registry import ChangeRegistry
from gateway.commands.acting import perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json, add_reason

_SAID = {"register": "enter this agency in its catalogue", "deregister": "take this agency out of its catalogue"}
#: Option -> what it says instead of our directory.
_FACTS = {
    "parent": ("ORGAN_ID", "the agency above it"),
    "name": ("TEXT", "its name"),
    "email": ("ADDRESS", "its mail address"),
    "phone": ("NUMBER", "its telephone number"),
    "fax": ("NUMBER", "its fax number"),
}


def add(group: Subparsers) -> None:
    """The commands."""
    register = _add(
        group,
        "register",
        "have a channel's peer enter an agency of ours in its catalogue",
        "What is said of it is what the directory knows, unless an option says otherwise.",
    )
    for name, (metavar, words) in _FACTS.items():
        register.add_argument(f"--{name}", default="", metavar=metavar, help=f"{words} (default: our directory's)")
    register.add_argument("--peer-id", default="", metavar="ID", help="the peer's own id of it, where it has one")
    _add(
        group,
        "deregister",
        "have a channel's peer take an agency of ours out of its catalogue",
        "Nobody reaches it by that peer any more. Our directory keeps it: gateway agencies close.",
    )


def _add(group: Subparsers, act: str, summary: str, more: str) -> argparse.ArgumentParser:
    parser = add_command(group, act, _run, summary, more=f"{more} Look at it with --dry-run first.")
    parser.add_argument("channel", metavar="CHANNEL", help="name of the channel, such as axis")
    parser.add_argument("organ_id", metavar="ORGAN_ID", help="its code, as the peer is to know it")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be said, dial nobody")
    add_reason(parser)
    add_json(parser)
    parser.set_defaults(act=act, peer_id="", **dict.fromkeys(_FACTS, ""))
    return parser


def _run(context: Context, args: argparse.Namespace) -> int:
    request = ChangeRegistry(
        act=args.act,
        channel=args.channel,
        organ_id=args.organ_id,
        parent=args.parent,
        name=args.name,
        email=args.email,
        phone=args.phone,
        fax=args.fax,
        ref=args.peer_id,
        dry_run=args.dry_run,
        reason=args.reason,
    )
    reply = asyncio.run(perform(context, "registry", request))
    if args.json:
        context.print_json(reply)
        return FINE
    verb = "would be asked" if args.dry_run else "was asked"
    context.say(f"{reply['channel']} {verb} to {_SAID[args.act]}:")
    context.facts((name, value or "-") for name, value in reply["told"].items())
    if not args.dry_run:
        context.say(f"It answers: {reply['answer'] or 'done'}")
    return FINE
