"""Adds cells of the ledger up to the figures of a report. Pure: no clock, no database, no names.

*Issued* is counted in documents of an agency, *received* in lines for it: one for each document and recipient.
*Arrived* means delivered by its channel or acknowledged by a status; *registered*, that the recipient reported 03;
*returned*, that its business status is 02. A line may be all three. *Refused* and *dead* are what the transport
says. Durations are whole seconds from the line's beginning; median and p95 are those of the nearest rank, hence
durations that did occur. What went by post has no duration until a new series of attempts arrives.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Final, Generic, TypeVar

import msgspec

from gateway.edxml.codes import document_type
from gateway.ledger.figures import DocumentCell, DueLine, LineCell, Portion
from gateway.states import State
from gateway.workdays import Outcome, Workdays

K = TypeVar("K", bound=Hashable)

#: Offices that are named as the slowest, and how many lines must have arrived there, or have been registered, for a
#: median to mean something.
SLOWEST: Final = 10
LEAST_ARRIVED: Final = 5
#: Durations that are counted at once.
_GATHERED: Final = 2_000
#: Sentences of recipients that are shown, the most frequent ones.
SENTENCES: Final = 50

_ARRIVED: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
_CLOSED: Final = frozenset({State.REFUSED, State.DEAD, State.WITHDRAWN, State.HANDED_OVER})
#: What a state is counted as.
_OUTCOMES: Final = {
    state: "arrived" if state in _ARRIVED else str(state) if state in _CLOSED else "waiting" for state in State
}
_RETURNED: Final = "02"


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Durations: how many, and seconds; None where there is none."""

    count: int
    median: int | None
    p95: int | None


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that were answered, or on which an answer is due by a day; not those that owe none."""

    lines: int
    #: Answered before the day, on it, after it.
    early: int
    on_time: int
    late: int
    #: Not answered: the day has passed; it has not.
    overdue: int
    open: int

    @property
    def missed(self) -> int:
        """Lines whose day has passed without an answer, whether one came later or not."""
        return self.late + self.overdue


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of the whole, of an agency, a type, an urgency or a channel."""

    #: Documents issued, and their lines; of a channel 0, since one document may take several.
    documents: int
    sent: int
    #: Lines received, and what became of them.
    received: int
    arrived: int
    registered: int
    returned: int
    refused: int
    dead: int
    withdrawn: int
    handed_over: int
    #: On the way still, or waiting for a person.
    waiting: int
    arrival: Times
    registration: Times
    due: Due


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A day of Vietnam, by acceptance."""

    day: date
    documents: int
    lines: int
    arrived: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Summed:
    """All figures of a period; keys are ids and codes."""

    total: Figures
    agencies: Mapping[str, Figures]
    types: Mapping[str, Figures]
    business_types: Mapping[str, Figures]
    priorities: Mapping[int, Figures]
    channels: Mapping[str, Figures]
    states: Mapping[str, int]
    statuses: Mapping[str, int]
    #: State and reason code -> lines, the most frequent first.
    refusals: Sequence[tuple[str, str, int]]
    #: What recipients said with 02 -> lines, the most frequent first, SENTENCES at most.
    returned: Sequence[tuple[str, int]]
    #: How many sentences more there are, and lines of those.
    other_sentences: int
    other_returned: int
    days: Sequence[Day]
    #: Agencies: the slowest first, to arrival, to registration; the most late or overdue answers first.
    slowest: Sequence[str]
    slowest_registering: Sequence[str]
    late: Sequence[str]
    #: To which lines went, and from which nothing has come: none arrived; none was answered by a status.
    unreached: Sequence[str]
    unanswered: Sequence[str]


def times_of(durations: Iterable[int]) -> Times:
    """Of the nearest rank; durations themselves, or how often each occurred."""
    counted = Counter(durations)
    count = counted.total()
    if not count:
        return Times(count=0, median=None, p95=None)
    ordered = sorted(counted)
    ranks = list(accumulate(counted[each] for each in ordered))
    median, p95 = (ordered[bisect_left(ranks, -(-count * percent // 100))] for percent in (50, 95))
    return Times(count=count, median=median, p95=p95)


class _Durations:
    """How often each occurred: to sort a million of them for every cut would take most of a report's time.

    Most cells hold a few, and to count costs more for each call than for each duration; so they gather first.
    """

    def __init__(self) -> None:
        self._counts, self._gathered = Counter[int](), list[int]()

    def add(self, durations: list[int]) -> None:
        self._gathered += durations
        if len(self._gathered) > _GATHERED:
            self.counted()

    def counted(self) -> Counter[int]:
        self._counts.update(self._gathered)
        self._gathered.clear()
        return self._counts


@dataclass(kw_only=True)
class _Tally:
    """Figures as they grow."""

    counts: Counter[str] = field(default_factory=Counter)
    arrivals: _Durations = field(default_factory=_Durations)
    registrations: _Durations = field(default_factory=_Durations)
    due: Counter[str] = field(default_factory=Counter)

    def documents(self, cell: DocumentCell) -> None:
        self.counts["documents"] += cell.documents
        self.counts["sent"] += cell.lines

    def lines(self, cell: LineCell) -> None:
        counts, lines = self.counts, cell.lines
        counts["received"] += lines
        counts["registered"] += cell.registered
        if cell.business_status == _RETURNED:
            counts["returned"] += lines
        counts[_OUTCOMES[cell.state]] += lines
        self.arrivals.add(cell.arrivals)
        self.registrations.add(cell.registrations)

    def figures(self) -> Figures:
        counts, due = self.counts, self.due
        return Figures(
            **{name: counts[name] for name in _COUNTED},
            arrival=times_of(self.arrivals.counted()),
            registration=times_of(self.registrations.counted()),
            due=Due(lines=due.total(), **{name: due[name] for name in _DUE}),
        )


_COUNTED: Final = (
    "documents", "sent", "received", "arrived", "registered", "returned", "refused", "dead", "withdrawn",
    "handed_over", "waiting",
)  # fmt: skip
_DUE: Final = ("early", "on_time", "late", "overdue", "open")


class _Cut(Generic[K]):
    """The tallies of one way to cut the whole."""

    def __init__(self) -> None:
        self.tallies: defaultdict[K, _Tally] = defaultdict(_Tally)

    def figures(self) -> dict[K, Figures]:
        return {key: tally.figures() for key, tally in self.tallies.items()}


class Sum:
    """Takes the portions of a period, in order, then gives the figures."""

    def __init__(self, today: date, workdays: Workdays) -> None:
        self._today, self._workdays = today, workdays
        self._total = _Tally()
        self._agencies, self._types, self._channels = _Cut[str](), _Cut[str](), _Cut[str]()
        self._business, self._priorities = _Cut[str](), _Cut[int]()
        self._states, self._statuses = Counter[str](), Counter[str]()
        self._refusals, self._returned = Counter[tuple[str, str]](), Counter[str]()
        self._answered, self._days = Counter[str](), list[Day]()

    def add(self, portion: Portion) -> None:
        """What the ledger says of some days."""
        for documents in portion.documents:
            for tally in (self._agencies.tallies[documents.sender], *self._common(documents)):
                tally.documents(documents)
        for lines in portion.lines:
            self._add_lines(lines)
        for due in portion.due:
            outcome = self._outcome(due)
            own = (self._agencies.tallies[due.recipient], self._channels.tallies[due.endpoint])
            for tally in (*own, *self._common(due)):
                tally.due[outcome] += 1
        self._returned.update(portion.returned)
        self._days += [
            Day(day=each.day, documents=each.documents, lines=each.lines, arrived=each.arrived)
            for each in portion.days
        ]

    def _add_lines(self, cell: LineCell) -> None:
        own = (self._agencies.tallies[cell.recipient], self._channels.tallies[cell.endpoint])
        for tally in (*own, *self._common(cell)):
            tally.lines(cell)
        self._states[str(cell.state)] += cell.lines
        if cell.business_status:
            self._statuses[cell.business_status] += cell.lines
            self._answered[cell.recipient] += cell.lines
        if cell.reason or cell.state in {State.REFUSED, State.DEAD}:
            self._refusals[str(cell.state), cell.reason] += cell.lines

    def _common(self, cell: DocumentCell | LineCell | DueLine) -> Iterable[_Tally]:
        return (
            self._total,
            self._types.tallies[_type(cell.type_name)],
            self._business.tallies[cell.business_type],
            self._priorities.tallies[cell.priority],
        )

    def _outcome(self, due: DueLine) -> Outcome:
        return self._workdays.outcome(due.day, due.answered_at, self._today)

    def summed(self) -> Summed:
        """Everything; a moment, for a million lines."""
        agencies = self._agencies.figures()
        addressed = sorted(key for key, each in agencies.items() if each.received)
        silent = [key for key in addressed if not self._answered[key]]
        returned = _frequent(self._returned)
        return Summed(
            total=self._total.figures(),
            agencies=agencies,
            types=self._types.figures(),
            business_types=self._business.figures(),
            priorities=self._priorities.figures(),
            channels=self._channels.figures(),
            states=dict(self._states),
            statuses=dict(self._statuses),
            refusals=[(*key, lines) for key, lines in _frequent(self._refusals)],
            returned=returned[:SENTENCES],
            other_sentences=len(returned[SENTENCES:]),
            other_returned=sum(lines for _, lines in returned[SENTENCES:]),
            days=self._days,
            slowest=_slowest({key: each.arrival for key, each in agencies.items()}),
            slowest_registering=_slowest({key: each.registration for key, each in agencies.items()}),
            late=sorted(
                (key for key, each in agencies.items() if each.due.missed),
                key=lambda key: (-agencies[key].due.missed, key),
            ),
            unreached=[key for key in silent if not agencies[key].arrived],
            unanswered=[key for key in silent if agencies[key].arrived],
        )


def _slowest(times: Mapping[str, Times]) -> list[str]:
    known = [key for key, each in times.items() if each.count >= LEAST_ARRIVED]
    return sorted(known, key=lambda key: (-(times[key].median or 0), key))[:SLOWEST]


@lru_cache(4096)
def _type(name: str) -> str:
    """As the list of types has it; "" for what it has not."""
    known = document_type(name)
    return known.name if known else ""


def _frequent(counter: Counter[K]) -> list[tuple[K, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], str(item[0])))
