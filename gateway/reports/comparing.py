"""The whole of a report as one table: each figure, its share, and what it was in the earlier period. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.reports.figures import Figures
from gateway.reports.making import Report

#: Columns of figures, in their order.
COUNTS: Final = (
    "documents", "sent", "received", "arrived", "registered", "returned", "refused", "dead", "withdrawn",
    "handed_over", "waiting",
)  # fmt: skip
TIMES: Final = ("arrival_median", "arrival_p95", "registration_median", "registration_p95")
DUE: Final = ("due_lines", "due_early", "due_on_time", "due_late", "due_overdue", "due_open")
COLUMNS: Final = (*COUNTS, *TIMES, *DUE)
#: What is counted in itself, and is no share of another figure.
_WHOLE: Final = frozenset({"documents", "sent", "received", "due_lines"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A figure; None for what there is not."""

    key: str
    #: Seconds of a time, else a number.
    value: int | None
    #: Of the lines that were received, or on which an answer is due.
    share: float | None
    earlier: int | None
    earlier_share: float | None

    @property
    def is_time(self) -> bool:
        """Whether it is a duration."""
        return self.key in TIMES

    @property
    def change(self) -> int | None:
        """By how much it grew."""
        return None if self.value is None or self.earlier is None else self.value - self.earlier

    @property
    def growth(self) -> float | None:
        """The same as a part of what it was; None where it was nothing."""
        return None if self.change is None or not self.earlier else self.change / self.earlier


def value_of(figures: Figures, key: str) -> int | None:
    """One of COLUMNS."""
    if key in TIMES:
        name, _, rank = key.rpartition("_")
        found: int | None = getattr(getattr(figures, name), rank)
        return found
    count: int = getattr(figures.due, key.removeprefix("due_")) if key in DUE else getattr(figures, key)
    return count


def compared(report: Report) -> list[Row]:
    """The rows, in the order of COLUMNS."""
    earlier = report.earlier.total if report.earlier else None
    return [
        Row(
            key=key,
            value=value_of(report.total, key),
            share=_share(report.total, key),
            earlier=value_of(earlier, key) if earlier else None,
            earlier_share=_share(earlier, key) if earlier else None,
        )
        for key in COLUMNS
    ]


def _share(figures: Figures, key: str) -> float | None:
    whole, value = figures.due.lines if key in DUE else figures.received, value_of(figures, key)
    return None if key in _WHOLE or key in TIMES or not whole or value is None else value / whole
