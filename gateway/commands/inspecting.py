"""inspect: what an agency's systems asked of the running server lately, and why it was refused."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from gateway.commands.acting import ask, is_running
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json
from gateway.errors import EnvironmentRefusedError

_COLUMNS = ("time", "binding", "operation", "status", "reason", "clock", "TLS", "credential", "detail")


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    inspect = add_command(
        parsers,
        "inspect",
        _inspect,
        "show the last requests of an agency's systems, and what was compared when one was refused",
        more="The running server keeps them in memory: the last 100 of the agency, by all its credentials, "
        "and 20 that named a system of it and proved nothing. A restart forgets them.",
    )
    inspect.add_argument("agency", metavar="ORGAN_ID", help="code of the agency whose systems are meant")
    inspect.add_argument(
        "--limit",
        type=int,
        default=20,
        metavar="N",
        help="at most so many of either, newest first (default: %(default)s)",
    )
    inspect.add_argument("--refused", action="store_true", help="only those that were refused")
    add_json(inspect)


def _inspect(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    if not is_running(settings):
        raise EnvironmentRefusedError("the server is not running, and only it knows; start it with: gateway serve")
    reply = asyncio.run(ask(settings, f"inspect?agency={quote(args.agency, safe='')}"))
    items = _newest((each for each in reply["items"] if each["reason"] or not args.refused), args.limit)
    if args.json:
        context.print_json({"organ_id": reply["organ_id"], "items": items})
        return FINE
    if not items:
        context.say("Nothing since the server started.")
        return FINE
    context.table(_COLUMNS, ([*_row(each)] for each in items))
    for each in items:
        _show_comparisons(context, each)
    return FINE


def _newest(items: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """So many of the proved and so many of the unproved: a stranger's must not hide the system's own."""
    left = {True: limit, False: limit}
    found = []
    for each in items:
        left[each["authenticated"]] -= 1
        if left[each["authenticated"]] >= 0:
            found.append(each)
    return found


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    clock = each["clockDifferenceSeconds"]
    return (
        each["at"],
        each["binding"],
        f"{each['method']} {each['operation']}",
        f"{each['status']}{' (again)' if each['replayed'] else ''}",
        each["reason"] + ("" if each["authenticated"] else " (unproved)"),
        "" if clock is None else f"{clock:+.0f} s",
        each["tlsVersion"],
        each["credential"] or each["systemId"],
        each["detail"],
    )


def _show_comparisons(context: Context, each: dict[str, Any]) -> None:
    if each["bodyHashGot"]:
        context.say(f"{each['at']} body: announced {each['bodyHashExpected']}, came {each['bodyHashGot']}")
    for found in each["comparisons"]:
        context.say(f"{each['at']} {found['what']}: computed over {found['ours']}")
        if found["theirs"]:
            context.say(f"    sent: {found['theirs']}")
        if found["theirHash"]:
            context.say(f"    the hash sent begins with {found['theirHash']}")
        if found["firstDifference"] >= 0:
            context.say(f"    they differ first at character {found['firstDifference'] + 1}")
