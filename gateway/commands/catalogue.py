"""agencies sync: bring the directory to what a channel's catalogue says, or look at what that would do."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.catalogue import SyncCatalogue, sync
from gateway.commands.acting import Desk, ask, checked, is_running, offline, own_name
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Report, Subparsers, add_command, add_json
from gateway.directory.catalogue import SHORT_DIGEST

_COUNTS = ("created", "changed", "closed", "missing", "returned", "unchanged", "kept", "refused")
_SHOWN_EXAMPLES = 20


def add(group: Subparsers) -> None:
    """The command."""
    command = add_command(
        group,
        "sync",
        _sync,
        "bring the directory to what a channel's catalogue says",
        more="One that would change too much is held: look at it with --dry-run, then --accept its digest.",
    )
    command.add_argument("channel", metavar="CHANNEL", help="name of a relay's channel that has a catalogue")
    command.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    command.add_argument(
        "--accept", default="", metavar="DIGEST", help="take a held catalogue all the same, if it is still this one"
    )
    command.add_argument(
        "--reason", default="", metavar="TEXT", help="why; needed with --accept, kept with the act"
    )
    add_json(command)


def _sync(context: Context, args: argparse.Namespace) -> int:
    request = checked(
        SyncCatalogue(channel=args.channel, dry_run=args.dry_run, accept=args.accept, reason=args.reason)
    )
    with context.progress() as progress:
        report = asyncio.run(_sync_with(context, request, progress))
    if args.json:
        context.print_json(report)
    else:
        _show(context, report)
    return ANSWER_IS_NO if report["held"] and report["outcome"] != "applied" else FINE


async def _sync_with(context: Context, request: SyncCatalogue, progress: Report) -> dict[str, Any]:
    settings = context.settings
    if is_running(settings):
        progress("sync", 0, 0)
        return await ask(settings, "sync", request)
    context.note("The server is not running: working on the data folder itself.")
    async with offline(settings) as foundation:
        return await sync(Desk(foundation), request, own_name(), progress)


def _show(context: Context, report: dict[str, Any]) -> None:
    outcome, counts = report["outcome"], report["counts"]
    if outcome == "unchanged":
        context.say(f"{report['channel']}: nothing has changed since the last time")
        return
    context.say(f"{report['channel']}: {counts['agencies']} agencies, {counts['known']} known before")
    context.facts((name, counts[name]) for name in _COUNTS)
    for kind, named in report["samples"].items():
        more = counts[kind] - len(named)
        for text in named:
            context.say(f"  {kind}: {text}")
        if named and more > 0:
            context.say(f"  {kind}: … and {more} more")
    for reason, code, detail in report["examples"][:_SHOWN_EXAMPLES]:
        context.say(f"  {reason}: {code} {detail}".rstrip())
    if len(report["examples"]) > _SHOWN_EXAMPLES:
        context.say("  … more with --json")
    digest = report["digest"][:SHORT_DIGEST]
    if outcome == "applied":
        context.say(f"applied, catalogue {digest}")
    elif report["held"]:
        context.say(f"{'would be held' if outcome == 'dry_run' else 'HELD, nothing was written'}; if it is right:")
        context.say(f"  gateway agencies sync {report['channel']} --accept {digest} --reason '…'")
    else:
        context.say("nothing was written; without --dry-run it would be applied")
