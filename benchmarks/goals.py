"""What is to be reached, by the figure's name: the one place that says it, for runs, pages and tests.

A run has a row for each of them, also for those that it did not measure; what was missed or not measured stands in
the last line of `make bench` and in README's table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number; `goal` None where an issue names none."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    #: The goal is the least, not the most.
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """One of them."""

    value: float
    unit: str
    at_least: bool = False


GOALS: Final = {
    "circular_cold": Goal(value=1.0, unit="s"),
    "circular_warm": Goal(value=0.5, unit="s"),
    "sustained": Goal(value=600.0, unit="documents/s", at_least=True),
    "cpu_gateway": Goal(value=2.5, unit="ms/document"),
    "latency_p99": Goal(value=50.0, unit="ms"),
    "memory": Goal(value=300.0, unit="MB"),
    "lost": Goal(value=0, unit="documents"),
    "poll_1000": Goal(value=5.0, unit="s"),
    "vxp_accepted_per_second": Goal(value=400.0, unit="documents/s", at_least=True),
    "catalogue_sync": Goal(value=15.0, unit="s"),
    "catalogue_unchanged": Goal(value=2.0, unit="s"),
    "catalogue_memory_peak": Goal(value=400.0, unit="MB"),
    "catalogue_stall": Goal(value=100.0, unit="ms"),
    "search_p99": Goal(value=50.0, unit="ms"),
    "xml_signatures_per_second": Goal(value=600.0, unit="signatures/s of a core", at_least=True),
    "receipts_rsa2048": Goal(value=4500.0, unit="receipts/s of 2 processes", at_least=True),
    "receipts_p256": Goal(value=10_000.0, unit="receipts/s of 2 processes", at_least=True),
    "tree_leaves_per_second": Goal(value=100_000.0, unit="leaves/s of a core", at_least=True),
    "bundle_cold": Goal(value=300.0, unit="ms"),
    "bundle_cold_pdf": Goal(value=1000.0, unit="ms"),
    "bundles_10000": Goal(value=60.0, unit="s"),
    "console_overview_p95": Goal(value=200.0, unit="ms"),
    "console_ledger_p95": Goal(value=100.0, unit="ms"),
    "console_document_p95": Goal(value=100.0, unit="ms"),
    "search_slowest_question": Goal(value=50.0, unit="ms"),
}


def aimed(name: str, value: float) -> Figure:
    """A figure that has a goal."""
    goal = GOALS[name]
    return Figure(name=name, value=value, unit=goal.unit, goal=goal.value, at_least=goal.at_least)


def rows(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """What is written of a run: its figures, then the goals that it did not measure, with no value."""
    found = [
        {"name": each.name, "value": round(each.value, 4), "unit": each.unit, "goal": each.goal, "met": each.met}
        for each in figures
    ]
    missing = GOALS.keys() - {row["name"] for row in found}
    return found + [
        {"name": name, "value": None, "unit": goal.unit, "goal": goal.value, "met": None}
        for name, goal in GOALS.items()
        if name in missing
    ]


def published(before: Sequence[dict[str, Any]], run: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The published rows after a run: what it measured replaces what was there, what it did not stays."""
    measured = {row["name"]: row for row in run if row["value"] is not None}
    kept = [measured.pop(row["name"], row) for row in before]
    known = {row["name"] for row in kept}
    return kept + [measured.get(row["name"], row) for row in run if row["name"] not in known]


def verdict(run: Sequence[dict[str, Any]]) -> str:
    """The last line: how many goals are met, and the others by name."""
    aims = [row for row in run if row["goal"] is not None]
    told = [f"{sum(row['met'] is True for row in aims)} of {len(aims)} goals met"]
    missed = [
        f"{row['name']} ({row['value']:g} {row['unit']}, goal {row['goal']:g})"
        for row in aims
        if row["met"] is False
    ]
    unmeasured = [row["name"] for row in aims if row["value"] is None]
    told += [f"MISSED: {', '.join(missed)}"] if missed else []
    told += [f"not measured: {', '.join(unmeasured)}"] if unmeasured else []
    return "; ".join(told)
