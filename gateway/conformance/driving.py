"""Drives a receiver or a server under test: one check after the other, each told as it ends.

An exception inside a check is a fault of the kit or of the network, and counts as failed with its words; the
checks after it run all the same. Cancelling (Ctrl-C) leaves the results so far.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from rich.console import Console
from rich.markup import escape

from gateway.conformance.verdicts import Grade, Result, Verdict, Words, failed

_SHOWN = {Grade.PASSED: ("green", "✓"), Grade.FAILED: ("bold red", "✗"), Grade.SKIPPED: ("dim", "–")}

B_contra = TypeVar("B_contra", contravariant=True)


class Listed(Protocol):
    """What a check says of itself."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> Words: ...  # noqa: D102
    @property
    def asked(self) -> Words: ...  # noqa: D102
    @property
    def mend(self) -> Words: ...  # noqa: D102


class Step(Listed, Protocol[B_contra]):
    """What the lists of checks hold."""

    @property
    def run(self) -> Callable[[B_contra], Awaitable[Verdict]]: ...  # noqa: D102


async def drive(checks: Iterable[Step[B_contra]], bench: B_contra, results: list[Result], console: Console) -> None:
    """Run all of them; `results` grows as they end."""
    for check in checks:
        try:
            verdict = await check.run(bench)
        except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the others
            told = f"{type(error).__name__}: {error}"[:300]
            verdict = failed(f"Không kiểm tra được: {told}", f"It could not be checked: {told}")
        result = Result(key=check.key, title=check.title, asked=check.asked, verdict=verdict, mend=check.mend)
        results.append(result)
        tell(console, result)


def tell(console: Console, result: Result) -> None:
    """One line, and for a failure what to do."""
    style, mark = _SHOWN[result.verdict.grade]
    title, saw = result.title, result.verdict.saw
    console.print(f"[{style}]{mark} {escape(title.vi)}[/] [dim]{escape(title.en)} · {result.key}[/]")
    if result.verdict.grade is Grade.PASSED:
        return
    for label, words in (("", saw), ("→ ", result.mend)):
        if words.vi and (not label or result.verdict.grade is Grade.FAILED):
            console.print(f"    {label}{words.vi}", markup=False, highlight=False)
            if words.en != words.vi:
                console.print(f"    {label}{words.en}", markup=False, highlight=False, style="dim")
