"""cutover: who serves which agency while the gateway takes over from today's scripts (docs/cutover.md)."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from gateway.admin.cutover import ChangeCutover
from gateway.audit.shadow import shadow_report
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.commands.exporting import export_open
from gateway.ledger.body_keys import known_keys
from gateway.storage.body_keys import BodyKeys
from gateway.storage.body_token import body_key_place

_CODE = "any of its codes"


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "cutover", "who serves an agency: today's scripts, they with us looking on, or we")
    show = add_command(
        group, "show", _show, "list who serves which agency", more="With --json for scripts to read."
    )
    show.add_argument("agency", nargs="?", default="", metavar="ORGAN_ID", help="only this one")
    add_json(show)
    watch = add_command(
        group, "watch", _act, "look at what is offered to an agency, while the scripts serve it (shadow)"
    )
    _finish(watch, "watch")
    take = add_command(
        group,
        "take",
        _act,
        "take an agency over: from now on the gateway accepts what is listed for it",
        more="Take it out of the scripts first. May be repeated, also to change --waiting.",
    )
    take.add_argument(
        "--waiting",
        choices=["gateway", "scripts"],
        default="gateway",
        help="whose that is which is listed for it now and not acknowledged (default: %(default)s)",
    )
    _finish(take, "take")
    back = add_command(
        group,
        "return",
        _act,
        "give an agency back to the scripts; nothing that is here is lost",
        more="Prints what is open, and what the scripts will meet a second time in the peer's list.",
    )
    back.add_argument(
        "--open",
        choices=["finish", "hold"],
        default="finish",
        help="what has not left goes on to its end, or is held (default: %(default)s)",
    )
    back.add_argument(
        "--export", type=Path, metavar="FOLDER", help="write what is open as files with a list, for the scripts"
    )
    _finish(back, "return")


def _finish(parser: argparse.ArgumentParser, act: str) -> None:
    parser.add_argument("agency", metavar="ORGAN_ID", help=_CODE)
    parser.add_argument(
        "--because", "--reason", dest="reason", required=True, metavar="TEXT", help="why; kept with the act"
    )
    parser.set_defaults(act=act, waiting="gateway", open="finish", export=None)
    add_json(parser)


def _show(context: Context, args: argparse.Namespace) -> int:
    told = asyncio.run(_read(context, args.agency))
    if args.json:
        context.print_json(told)
        return FINE
    columns = ("organ_id", "name", "served_by", "seen", "waiting", "accepted")
    context.table(columns, ([each[name] for name in columns] for each in told))
    return FINE


async def _read(context: Context, organ_id: str) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        told = await shadow_report(ledger.readers, ledger.directory, ledger.clock.now(), organ_id=organ_id)
    agencies: list[dict[str, Any]] = told["agencies"]
    return agencies


async def _keys(context: Context) -> BodyKeys:
    async with open_for_reading(context.settings) as ledger:
        rows = [known.key for known in await known_keys(ledger.readers)]
    return BodyKeys.opened(rows, body_key_place(context.settings))


def _act(context: Context, args: argparse.Namespace) -> int:
    request = ChangeCutover(
        act=args.act, organ_id=args.agency, waiting=args.waiting, open=args.open, reason=args.reason
    )
    reply = asyncio.run(perform(context, "cutover", request))
    if args.export is not None:
        with context.progress() as progress:
            keys = asyncio.run(_keys(context))
            reply |= {"exported": export_open(context.settings, keys, args.export, reply["open"], progress)}
    if args.json:
        context.print_json(reply)
        return FINE
    words = "" if reply["changed"] else " (it was so before)"
    context.say(f"{reply['organ_id']} is served by: {reply['served_by']}{words}")
    for name, title in (
        ("waiting", "listed now"),
        ("open", "open here"),
        ("listed_again", "accepted here and still in the peer's list: the scripts meet it again"),
    ):
        if reply.get(name):
            columns = list(reply[name][0])
            context.table(columns, ([item[column] for column in columns] for item in reply[name]), title=title)
    if "exported" in reply:
        context.say(f"{reply['exported']} files in {args.export}")
    return FINE
