"""What every command gets: the settings, where to print, and how to show rows, findings and progress.

What a script reads goes to standard output, as JSON with `--json`; everything said to a person besides
(progress, notes) goes to standard error, so that output may be piped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from gateway.audit.findings import Finding, Severity
from gateway.config import settings as config
from gateway.config.settings import Settings

#: Exit codes.
FINE: Final = 0
ANSWER_IS_NO: Final = 1
WRONG_USE: Final = 2
ENVIRONMENT: Final = 3

#: Called with the part under way, what is done of it and how much there is (0: not known).
Report = Callable[[str, int, int], None]
#: What a subcommand's parser holds as `run`.
Run = Callable[["Context", argparse.Namespace], int]
#: What `add_subparsers` gives.
Subparsers = Any

_PIPE_WIDTH = 400
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "green"}


def _console_on(stream: TextIO) -> Console:
    # a pipe has no width: rows stay lines, for grep
    return Console(file=stream, soft_wrap=True, highlight=False, width=None if stream.isatty() else _PIPE_WIDTH)


@dataclass(kw_only=True)
class Context:
    """One run of the command."""

    config_path: Path
    out: Console = field(default_factory=lambda: _console_on(sys.stdout))
    err: Console = field(default_factory=lambda: _console_on(sys.stderr))

    @cached_property
    def settings(self) -> Settings:
        """The configuration; ConfigError when it is wrong or not there."""
        loaded = config.load(self.config_path)
        if loaded.bindings.protocols.values:
            from gateway.channels import binding_options  # all adapters; most files need none of them

            binding_options(loaded)
        return loaded

    def print_json(self, value: object) -> None:
        """One JSON value on standard output."""
        self.out.file.write(msgspec.json.encode(value).decode() + "\n")

    def say(self, text: str) -> None:
        """A line on standard output."""
        self.out.print(text, markup=False)

    def note(self, text: str) -> None:
        """A line for the person at the terminal."""
        self.err.print(text, markup=False, style="dim")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
        """Rows under headings."""
        # folded, never cut: ids are there to be copied
        headings = [Column(name, overflow="fold") for name in columns]
        shown = Table(*headings, title=escape(title) or None, title_justify="left", header_style="bold", box=None)
        for row in rows:
            shown.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
        self.out.print(shown)

    def facts(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Names and values, one a line."""
        shown = Table(Column(), Column(overflow="fold"), show_header=False, box=None)
        for name, value in pairs:
            shown.add_row(f"[bold]{escape(name)}[/]", escape("" if value is None else str(value)))
        self.out.print(shown)

    def findings(self, found: Iterable[Finding]) -> None:
        """Findings with what to do, in both languages."""
        for each in found:
            kind = each.kind
            style = _STYLES[kind.severity]
            detail = f": {escape(each.detail)}" if each.detail else ""
            self.out.print(
                f"[{style}]{kind.severity.upper():7}[/] [bold]{escape(each.subject)}[/] {each.code}{detail}"
            )
            self.out.print(f"        {kind.vi} {kind.do_vi}", markup=False)
            self.out.print(f"        {kind.en} {kind.do_en}", markup=False)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """A bar on standard error while something takes long; nothing when that is no terminal."""
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=not self.err.is_terminal,
        )
        with bar:
            tasks: dict[str, Any] = {}

            def report(part: str, done: int, total: int) -> None:
                if part not in tasks:
                    tasks[part] = bar.add_task(part, total=None)
                bar.update(tasks[part], completed=done, total=total or None)

            yield report


def add_command(
    parsers: Subparsers, name: str, run: Run, summary: str, *, more: str = ""
) -> argparse.ArgumentParser:
    """A subcommand whose help says the same in the list and on its own page."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}".strip()
    )
    parser.set_defaults(run=run)
    return parser


def add_group(parsers: Subparsers, name: str, summary: str) -> Subparsers:
    """A command that has subcommands of its own."""
    parser = parsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Output for scripts."""
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Why something is changed."""
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; kept with the act")
