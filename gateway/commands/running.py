"""demo, serve, migrate; status, reload and log-level of the running server."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.admin.server import Reload, SetLogLevel
from gateway.commands.acting import ask, is_running, status_of
from gateway.commands.context import (
    ENVIRONMENT,
    FINE,
    Context,
    Subparsers,
    add_command,
    add_json,
    add_reason,
)
from gateway.errors import EnvironmentRefusedError
from gateway.failpoints import refuse_armed
from gateway.foundation import database_of
from gateway.fsio import make_private_dir
from gateway.loop import run
from gateway.storage.migrations import MIGRATIONS, load_migrations, migrate, pending
from gateway.storage.sqlite import SqliteSettings, connect_writer


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    demo = add_command(
        parsers,
        "demo",
        _demo,
        "play working days of a province against a real gateway",
        more="Makes keys, settings and a directory of 145 communes in a folder of its own.",
    )
    demo.add_argument(
        "--exit", action="store_true", help="end when all is played; the last line is one JSON object"
    )
    demo.add_argument(
        "--faults", action="store_true", help="receivers fail and the gateway is killed twice meanwhile"
    )
    demo.add_argument(
        "--folder", type=Path, default=Path("build/demo"), help="where everything is made (default: %(default)s)"
    )
    server = add_command(
        parsers,
        "serve",
        _serve,
        "run the server until SIGTERM",
        more="SIGTERM lets work under way end, SIGHUP reads configuration, certificates and directory again.",
    )
    server.add_argument(
        "--accept-clock",
        action="store_true",
        help="start although the newest event lies ahead of the clock, which was wrong then and is right now",
    )
    upgrade = add_command(
        parsers,
        "migrate",
        _migrate,
        "bring the database to this version",
        more="The server does it at its start too.",
    )
    upgrade.add_argument("--dry-run", action="store_true", help="only say what would be applied")
    add_json(upgrade)
    add_json(add_command(parsers, "status", _status, "say how the running server, its ledger and its channels are"))
    add_reason(
        add_command(
            parsers,
            "reload",
            _reload,
            "make the running server read configuration, certificates and directory again",
            more="Wrong ones are refused and the old ones stay; no connection is dropped.",
        )
    )
    level = add_command(parsers, "log-level", _log_level, "set what the running server logs, until it is restarted")
    level.add_argument("level", choices=["debug", "info", "warning", "error"], help="least severe line written")
    add_reason(level)


def _demo(_context: Context, args: argparse.Namespace) -> int:
    from gateway.simulate.demo import run_demo  # it brings half the program along

    return asyncio.run(run_demo(args.folder.resolve(), exit_after=args.exit, faults=args.faults))


def _serve(context: Context, args: argparse.Namespace) -> int:
    from gateway.app import serve  # it brings the whole program along

    return run(serve(context.settings, context.config_path.resolve(), accept_clock=args.accept_clock))


def _migrate(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    if is_running(settings):
        names: list[str] = []  # the server applied all of them when it started
    elif args.dry_run and not database_of(settings).is_file():
        names = [migration.name for migration in load_migrations(MIGRATIONS)]
    else:
        names = asyncio.run(_apply(context, dry_run=args.dry_run))
    if args.json:
        context.print_json({"dry_run": args.dry_run, "migrations": names})
        return FINE
    done = "would be applied" if args.dry_run else "applied"
    for name in names:
        context.say(f"{name}: {done}")
    if not names:
        context.say("The database is up to date.")
    return FINE


async def _apply(context: Context, *, dry_run: bool) -> list[str]:
    refuse_armed(context.settings.profile)
    storage = context.settings.storage
    make_private_dir(storage.folder)
    sqlite = SqliteSettings(allow_affected_sqlite=storage.allow_affected_sqlite)
    writer = await connect_writer(database_of(context.settings), sqlite)
    try:
        return await (pending(writer) if dry_run else migrate(writer))
    finally:
        await writer.close()


def _status(context: Context, args: argparse.Namespace) -> int:
    found = asyncio.run(status_of(context.settings))
    if found is None:
        if args.json:
            context.print_json({"running": False})
        else:
            context.say("The server is not running; start it with: gateway serve")
        return ENVIRONMENT
    if args.json:
        context.print_json({"running": True} | found)
        return FINE
    channels = found.pop("channels")
    still_open = found.pop("open")
    for apart in ("health", "words_vi", "codes"):
        found.pop(apart, None)  # the sentences say it to a person
    context.facts(found.items())
    context.facts((f"{state} now", count) for state, count in sorted(still_open.items()))
    columns = ("channel", "kind", "waiting", "paused until", "down since", "last success")
    names = ("name", "kind", "waiting", "paused_until", "down_since", "last_success_at")
    context.table(columns, ([channel[name] for name in names] for channel in sorted(channels, key=_need)))
    return FINE


def _need(channel: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """What is down stands first, then what is paused, then that for which most waits."""
    return channel["down_since"] is None, channel["paused_until"] is None, -channel["waiting"]


def _reload(context: Context, args: argparse.Namespace) -> int:
    _require_server(context)
    reply = asyncio.run(ask(context.settings, "reload", Reload(reason=args.reason)))
    context.say(f"Reloaded; the directory has version {reply['directory_version']}.")
    if reply["needs_restart"]:
        context.say(f"Not taken until a restart: {', '.join(reply['needs_restart'])}")
    return FINE


def _log_level(context: Context, args: argparse.Namespace) -> int:
    _require_server(context)
    asyncio.run(ask(context.settings, "log-level", SetLogLevel(level=args.level, reason=args.reason)))
    context.say(f"The log level is {args.level} until the next restart or reload.")
    return FINE


def _require_server(context: Context) -> None:
    if not is_running(context.settings):
        raise EnvironmentRefusedError("the server is not running; start it with: gateway serve")
