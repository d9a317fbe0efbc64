"""`docs/commands.md`, made from the command line's own parser; a command or option without help is refused."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

_HEAD = """\
# The commands

Made by `make docs` from the parser of `gateway`; `gateway COMMAND --help` shows the same. Exit codes: 0 fine; 1 the
answer is no (verification failed, findings, refused); 2 wrong use; 3 environment (port taken, no key, no disk).

"""


def page(parser: argparse.ArgumentParser) -> str:
    """Every command with its arguments."""
    return _HEAD + "\n".join(_command(parser, parser.prog))


def undocumented(parser: argparse.ArgumentParser, name: str) -> list[str]:
    """Commands and arguments that say nothing about themselves."""
    found = [] if parser.description else [f"{name} has no description"]
    found += [f"{name} {_written(action)} has no help" for action in _arguments(parser) if not action.help]
    for word, inner in _inner(parser):
        found += undocumented(inner, f"{name} {word}")
    return found


def _command(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    inner = list(_inner(parser))
    yield f"## {name}\n"
    yield f"{parser.description or ''}\n"
    rows = [f"| `{_written(action)}` | {_told(action)} |" for action in _arguments(parser)]
    if rows:
        yield "\n".join(["| argument | meaning |", "|---|---|", *rows, ""])
    for word, one in inner:
        yield from _command(one, f"{name} {word}")


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = (argparse._SubParsersAction, argparse._HelpAction)  # noqa: SLF001  # argparse has no public way to ask
    return [action for action in parser._actions if not isinstance(action, hidden)]  # noqa: SLF001


def _inner(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            seen: set[int] = set()
            for word, one in action.choices.items():
                if id(one) not in seen:  # an alias shows once
                    seen.add(id(one))
                    yield word, one


def _written(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return f"[{value}]" if action.nargs in {"?", "*"} else value
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")


def _told(action: argparse.Action) -> str:
    told = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%").replace("|", "\\|")
    return f"{told} (required)" if action.required and action.option_strings else told
