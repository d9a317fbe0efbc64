"""The report of `make network`: `docs/network.md`, written by the script and by nobody else."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from benchmarks.phases import rank
from gateway import __version__
from gateway.clock import VIETNAM
from tests.crash.kill_verdict import Verdict
from tests.network.isolation import GOAL, RATE, Comparison, dead

_HEAD = """# When the network fails

Written by `make network`, not by hand. The gateway, the axis, an office, clients and further machines live in
network namespaces of their own, joined by a bridge that leads nowhere else: real processes, real TLS, packets
dropped by nftables, a TCP relay and a name server of ours. Root is needed, and iproute2 and nftables.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """One round of one scenario."""

    name: str
    text: str
    verdict: Verdict
    deliveries: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What the others felt, and what became of all documents of the measurement."""

    compared: list[Comparison]
    accepted: int
    refused: int
    left: int


def last_line(ran: Sequence[Ran], measured: Measured, seconds: float) -> str:
    """For scripts."""
    found = {
        "runs": len(ran),
        "violations": sum(len(each.verdict.violations) for each in ran) + measured.left,
        "lost": sum(len(each.verdict.lost) for each in ran) + measured.left,
        "duplicated": sum(len(each.verdict.duplicated) for each in ran),
        "seconds": round(seconds, 1),
    }
    return json.dumps(found)


def write_report(path: Path, ran: Sequence[Ran], measured: Measured) -> None:
    """The whole page."""
    cores = len(os.sched_getaffinity(0))
    about = (
        f"{datetime.now(VIETNAM):%Y-%m-%d}, gateway {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}, {cores} cores shared with other work.\n"
    )
    parts = [_HEAD, about, _scenarios(ran), _isolation(measured), _flood(measured.compared)]
    path.write_text("\n".join(parts), encoding="utf-8")


def _scenarios(ran: Sequence[Ran]) -> str:
    rows = []
    for name, group in groupby(ran, key=lambda each: each.name):
        found = list(group)
        lost, doubled = (sum(len(getattr(each.verdict, kind)) for each in found) for kind in ("lost", "duplicated"))
        other = sum(len(each.verdict.other) for each in found)
        deliveries = sum(each.deliveries for each in found)
        figures = map(str, (len(found), deliveries, lost, doubled, other))
        rows.append((name, found[0].text, *figures))
    head = ("scenario", "what happens", "runs", "deliveries", "lost", "doubled", "other violations")
    violations = [f"- {each.name}: {words}" for each in ran for words in each.verdict.violations] or ["None."]
    text = (
        "## Faults\n\nDocuments, statuses and inboxes are at work throughout. What clients and receivers wrote down"
        "\nis compared with the ledger, and `fsck` examines it, once everything had time to arrive.\n"
    )
    return "\n".join([text, *_table(head, rows), "\nViolations:\n", *violations, ""])


def _isolation(measured: Measured) -> str:
    rows = []
    for each in measured.compared:
        delivered, accepted = (
            each.ratios(lambda found: found.delivered, 0.99),
            each.ratios(lambda found: found.accepted, 0.99),
        )
        middle = each.ratios(lambda found: found.delivered, 0.5)
        is_goal = each.name == (dead.__doc__ or "").strip()
        met = _met(delivered) if is_goal else ""
        plain = (_spread(delivered), met, _milliseconds(each), _spread(middle), _spread(accepted))
        rows.append((each.name, str(len(each.pairs)), *plain))
    p99 = "p99 to delivered"
    head = ("trouble", "pairs", p99, f"goal < {GOAL:g}", f"{p99}, ms", "p50 to delivered", "p99 to the 202")
    text = f"""## What the others feel

The province sends {RATE:g} documents a second to 145 offices in turn. A round with trouble and one without make a
pair, in either order; a figure is troubled divided by calm for the offices in good health, median of the pairs
(least to greatest). To *delivered* counts from the 202; milliseconds are medians, calm and troubled. On a machine
that does other work too, one pair says little: calm rounds differ among themselves as much as the spread shows.
Whoever makes the trouble runs at the lowest priority, as if on a machine of its own; a flood has been going on for
some seconds when its round begins. An agency's share is 50 deliveries a second.
"""
    after = (
        f"\n{measured.accepted} documents of the province were accepted and {measured.refused} refused;"
        f" {measured.left} had not arrived at the end.\n"
    )
    return "\n".join([text, *_table(head, rows), after])


def _flood(compared: Sequence[Comparison]) -> str:
    lines = []
    for each in compared:
        total: dict[str, int] = {}
        for _, troubled in each.pairs:
            for status, count in troubled.flood.items():
                total[status] = total.get(status, 0) + count
        if total:
            shown = ", ".join(f"{count} x {status}" for status, count in sorted(total.items()))
            lines.append(f"What the flooding office was answered, all rounds together: {shown}.\n")
    return "\n".join(lines)


def _met(ratios: Sequence[float]) -> str:
    """The median's, and how many pairs agree."""
    met = statistics.median(ratios) < GOAL
    agreeing = sum((each < GOAL) == met for each in ratios)
    return f"{'met' if met else 'MISSED'} (so in {agreeing} of {len(ratios)} pairs)"


def _milliseconds(each: Comparison) -> str:
    p99s = [[rank(found.delivered, 0.99) * 1000 for found in pair] for pair in each.pairs]
    calm, troubled = (statistics.median(found) for found in zip(*p99s, strict=True))
    return f"{calm:.0f}, {troubled:.0f}"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
