"""The `gateway` command: its parser, and what becomes of errors.

Exit codes: 0 fine; 1 the answer is no (findings, a refusal); 2 wrong use (arguments, configuration);
3 environment (port taken, no key, no disk, nobody answers). A person gets one line saying what is wrong and
what to do, never a traceback unless asked for with `--debug`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway import __version__
from gateway.commands.context import ANSWER_IS_NO, ENVIRONMENT, WRONG_USE, Context
from gateway.errors import ConfigError, GatewayError, ProblemError, RefusedError
from gateway.reasons import REASONS

_INTERRUPTED = 130
_DESCRIPTION = (
    "Trục liên thông văn bản của tỉnh. A broker for official documents between a province, its communes and the "
    "national axis."
)
_EPILOG = "Exit codes: 0 fine, 1 the answer is no, 2 wrong use, 3 environment. Every command has --help."


#: The modules of `gateway.commands` in the order of --help, and the words that each adds. Only the one that is
#: asked for is imported: all of them together cost a second of the processor.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "running": ("demo", "serve", "migrate", "status", "reload", "log-level"),
        "examining": ("check", "fsck", "doctor"),
        "agencies": ("agencies",),
        "users": ("users",),
        "keys": ("keys",),
        "exchange": ("send", "inbox"),
        "enveloping": ("encrypt", "decrypt"),
        "showing": ("show",),
        "signatures": ("signatures",),
        "reading": ("reads",),
        "bundles": ("export",),
        "deliveries": ("requeue", "hold", "release", "confirm", "quarantine", "adopt"),
        "statuses": ("statuses",),
        "tasks": ("tasks",),
        "alarms": ("alarms",),
        "alerts": ("alerts",),
        "channels": ("pause", "resume"),
        "log": ("log",),
        "witnessing": ("witness",),
        "tls": ("tls",),
        "registers": ("register",),
        "reporting": ("report",),
        "archives": ("archive",),
        "handing_over": ("handover",),
        "inspecting": ("inspect",),
        "backups": ("backup", "backup-key", "restore", "gap", "drill"),
        "purging": ("purge",),
        "retaining": ("retain",),
        "offers": ("offers",),
        "reconciling": ("reconcile",),
        "shadow": ("shadow",),
        "cutover": ("cutover",),
        "importing": ("import",),
        "conforming": ("conformance",),
        "simulating": ("simulate",),
    }
)


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """The whole command line; with the name of a command, no more of it than that command's module."""
    parser = argparse.ArgumentParser(prog="gateway", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("GATEWAY_CONFIG", "config.toml")),
        metavar="FILE",
        help="configuration file (default: $GATEWAY_CONFIG, else ./config.toml)",
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks of errors")
    parser.add_argument("--version", action="version", version=__version__, help="print the version and exit")
    parsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    asked = [name for name, words in GROUPS.items() if command in words]
    for name in asked or GROUPS:
        import_module(f"gateway.commands.{name}").add(parsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options, rest = _apart(sys.argv[1:] if arguments is None else arguments)
    args = build_parser(rest[0] if rest else "").parse_args(options + rest)
    context = Context(config_path=args.config)
    leave_closed_folder()
    from gateway.logs import configure_command_logs  # not for --help

    configure_command_logs()
    try:
        code: int = args.run(context, args)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWER_IS_NO
    except Exception as error:  # the boundary: a person gets a sentence
        if args.debug:
            raise
        for line in told(error):
            context.err.print(line, markup=False)
        return exit_code(error)
    return code


def leave_closed_folder() -> None:
    """Go where processes that we start can be, too: `runuser -u gateway` in root's home leaves us in that."""
    if not os.access(os.curdir, os.X_OK):
        os.chdir("/")


def _apart(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of all commands, and the rest: people write `gateway serve --config FILE`, too."""
    options: list[str] = []
    rest = list(arguments)
    index = 0
    while index < len(rest) and rest[index] != "--":
        taken = {"--config": 2, "--debug": 1}.get(rest[index], int(rest[index].startswith("--config=")))
        options += rest[index : index + taken]
        del rest[index : index + taken]
        index += not taken
    return options, rest


def exit_code(error: Exception) -> int:
    """Which of the four it is."""
    if isinstance(error, ConfigError):
        return WRONG_USE
    if isinstance(error, RefusedError | ProblemError):
        return ANSWER_IS_NO
    return ENVIRONMENT


def told(error: Exception) -> list[str]:
    """What a person is told: what is wrong, and what to do."""
    if isinstance(error, RefusedError | ProblemError):
        return _refusal(error)
    if isinstance(error, GatewayError):
        return [f"gateway: {error}"]
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return [f"gateway: {where}{error.strerror or error}"]
    return [
        f"gateway: internal error, {type(error).__name__}: {error}",
        "Run it again with --debug and send the output to the developers.",
    ]


def _refusal(error: RefusedError | ProblemError) -> list[str]:
    detail = f": {error.detail}" if error.detail else ""
    lines = [f"gateway: {error.code}{detail}"]
    reason = REASONS.get(error.code)
    if reason is not None and (reason.operators or isinstance(error, ProblemError)):
        lines += [f"  {reason.vi} {reason.next_vi}", f"  {reason.en} {reason.next_en}"]
    elif reason is not None:  # what to do next is the peer's to do; operators are told in the detail
        lines += [f"  {reason.vi}", f"  {reason.en}"]
    return lines


if __name__ == "__main__":
    sys.exit(main())
