"""The comparison of two ledgers as a page, docs/ledger.md, and as build/ledger.json."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.ledger_fill import Ledger
from benchmarks.ledger_measure import Figure
from benchmarks.ledger_rows import CIRCULARS_A_DAY, SINGLES_A_DAY
from gateway import __version__
from gateway.clock import VIETNAM
from gateway.storage.driver import choose_driver

_KEPT = Path("build/ledger.json")
_HEAD = (
    "Written by `make ledger`, not by hand. Two ledgers are filled, opened in one process as the gateway opens",
    "them, and asked the same in turn, through the code that the gateway runs: messages recorded, claimed and",
    "finished by the pump, with its syncs and checkpoints; pages read by the readers. Medians, in milliseconds.",
)


def write(ledgers: tuple[Ledger, Ledger], figures: Sequence[Figure], *, page: Path | None) -> None:
    """The raw figures; the page where one is wanted."""
    _KEPT.parent.mkdir(exist_ok=True)
    _KEPT.write_bytes(msgspec.json.format(msgspec.json.encode({"ledgers": ledgers, "figures": list(figures)})))
    if page is not None:
        page.write_text(_page(ledgers, figures), encoding="utf-8")


def _page(ledgers: tuple[Ledger, Ledger], figures: Sequence[Figure]) -> str:
    sqlite = ".".join(map(str, choose_driver(allow_affected_sqlite=True).version))
    day = datetime.now(VIETNAM).date().isoformat()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    about = f"{day}, gateway {__version__}, SQLite {sqlite}, {machine}."
    missed = [each.name for each in figures if each.met is False]
    weights = ledgers[0].weights
    small, large = (f"{each.deliveries:,}" for each in ledgers)
    return "\n".join(
        [
            "# Ledgers of two sizes",
            "",
            *_HEAD,
            "",
            about,
            "",
            "| | small | large |",
            "|---|---:|---:|",
            *(f"| {name} | {one} | {other} |" for name, one, other in _sizes(ledgers)),
            "",
            f"A day has {CIRCULARS_A_DAY} circulars to 145 offices and {SINGLES_A_DAY} documents to one office;",
            "the small ledger is a day old, the large one years. Every row is whole but the receipts, which are",
            "cut to 1.5 KB: nothing here reads them. Whole, a document to one office that was pushed there takes",
            f"**{weights.single:,.0f} bytes** of the database, a circular to 145 **{weights.circular:,.0f}**:",
            f"that is {weights.circular / 145:,.0f} a delivery.",
            "",
            f"| what | {small} | {large} | times | goal |",
            "|---|---:|---:|---:|---|",
            *(_row(each) for each in figures),
            "",
            "The first call when nothing of the file is in the system's memory:",
            "",
            f"| what | {small} | {large} |",
            "|---|---:|---:|",
            *(f"| {each.name} | {each.cold[0]:.2f} | {each.cold[1]:.2f} |" for each in figures if each.cold),
            "",
            "## Verdict",
            "",
            *([f"- missed: {each}" for each in missed] or ["Every goal is met."]),
            *(
                []
                if ledgers[1].filled.whole
                else ["", "The disk did not take all that was asked for; the large ledger is what fitted."]
            ),
            "",
        ]
    )


def _sizes(ledgers: tuple[Ledger, Ledger]) -> list[tuple[str, str, str]]:
    def both(name: str, values: Sequence[str]) -> tuple[str, str, str]:
        return (name, values[0], values[1])

    filled = [each.filled for each in ledgers]
    return [
        both("deliveries", [f"{each.deliveries:,}" for each in filled]),
        both("documents", [f"{each.messages:,}" for each in filled]),
        both("events", [f"{each.events:,}" for each in filled]),
        both("database", [f"{each.bytes / 1e9:.2f} GB" for each in filled]),
        both("bytes a delivery", [f"{each.bytes / each.deliveries:,.0f}" for each in filled]),
    ]


def _row(figure: Figure) -> str:
    goal = ""
    if figure.goal is not None:
        goal = f"{figure.goal:g}: {'met' if figure.met else '**missed**'}"
    return f"| {figure.name} | {figure.small:.2f} | {figure.large:.2f} | {figure.ratio:.2f} | {goal} |"
