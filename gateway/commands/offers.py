"""offers: entries of peers' lists that could not be accepted and wait for a person."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import msgspec

from gateway.admin.offers import DecideOffer, PollSources
from gateway.clock import instant, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.reasons import REASONS

_DECISIONS = {
    "done": "tell the peer that an entry is dealt with, though it became no message here",
    "fail": "tell the peer that we do not take an entry",
}


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "offers", "entries of peers' lists that could not be accepted")
    listed = add_command(
        group,
        "list",
        _list,
        "list what waits for a person, oldest first",
        more="Its bytes, where they could be had, are kept; it is not fetched again. What its peer goes on listing"
        " though it was told of it is told again by itself. Times are UTC.",
    )
    add_json(listed)
    for decision, words in _DECISIONS.items():
        parser = add_command(
            group, decision, _decide, words, more="It is told at the next look, and cannot be undone after that."
        )
        parser.add_argument(
            "offer", metavar="OFFER", help="its id, as `gateway offers list` prints it, or the peer's"
        )
        parser.add_argument("--channel", default="", metavar="CHANNEL", help="whose id it is, for the peer's")
        add_reason(parser)
        add_json(parser)
        parser.set_defaults(decision=decision)
    poll = add_command(group, "poll", _poll, "read the lists now instead of at their next turn")
    poll.add_argument("channel", nargs="?", default="", metavar="CHANNEL", help="only this one")
    add_json(poll)


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_stuck(context))
    if args.json:
        context.print_json(items)
        return FINE
    columns = ("offer", "channel", "ref", "kind", "from", "listed since", "tries", "why", "decided")
    context.table(
        columns,
        (
            (
                item["id"],
                item["channel"],
                item["ref"],
                item["kind"],
                item["sender"],
                item["listed_since"][:19],
                item["failures"],
                _words(item["reason"]),
                item["decision"],
            )
            for item in items
        ),
    )
    if not items:
        context.say("Nothing waits.")
    return FINE


def _words(code: str) -> str:
    reason = REASONS.get(code)
    return f"{reason.vi} / {reason.en}" if reason else code


async def _stuck(context: Context) -> list[dict[str, Any]]:
    names = (
        "id", "channel", "ref", "kind", "sender", "recipients", "listed_since", "failures", "reason", "sha256",
        "document_id", "decision", "routes",
    )  # fmt: skip
    async with open_for_reading(context.settings) as ledger:
        stuck = await ledger.readers.fetch("offer_list_stuck")
        rows = [*stuck, *await ledger.readers.fetch("offer_list_lingering")]
    items = [dict(zip(names, row, strict=True)) for row in rows]
    for item in items:
        item["listed_since"] = rfc3339(instant(item["listed_since"]))
        item["recipients"] = msgspec.json.decode(item["recipients"])
        del item["routes"]
    return items


def _decide(context: Context, args: argparse.Namespace) -> int:
    request = DecideOffer(offer=args.offer, channel=args.channel, decision=args.decision, reason=args.reason)
    reply = asyncio.run(perform(context, "decide-offer", request))
    if args.json:
        context.print_json(reply)
    elif reply["told"]:
        context.say(f"{reply['ref']}: {reply['channel']} is told {reply['decision']} at the next look.")
    else:
        context.say(f"{reply['ref']}: set aside here; it has no id by which {reply['channel']} could be told.")
    return FINE


def _poll(context: Context, args: argparse.Namespace) -> int:
    request = PollSources(channel=args.channel, reason="asked for at the command line")
    reply = asyncio.run(perform(context, "poll", request))
    if args.json:
        context.print_json(reply)
    else:
        context.say(f"{reply['channels']} lists are read now.")
    return FINE
