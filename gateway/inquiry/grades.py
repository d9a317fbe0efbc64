"""The ladder of evidence: how much is known of a document's arrival, and by whose word. Pure.

A grade says no more than its source does; the rungs are those of the printable certificate (`gateway.bundle`). That
a document was accepted is proved by our seal alone; everything above needs somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from gateway.ledger.inquiries import Arrival
from gateway.states import State


class Grade(IntEnum):
    """From weak to strong."""

    #: It was accepted for this recipient, and nobody else has said anything.
    ACCEPTED = 1
    #: An intermediary took it and gave its own id.
    RELAYED = 2
    #: The recipient's system took it in full: its certificate or token, and its answer.
    HANDED = 3
    #: The recipient has reported a status, which its system may have done by itself.
    REPORTED = 4
    #: The recipient has reported 03: it took the document in.
    REGISTERED = 5
    #: It has signed for it, with a key of its own.
    SIGNED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a document stands with its recipients, or with those that were asked about."""

    lines: int
    #: Of each grade.
    grades: dict[Grade, int]
    #: Of each state.
    states: dict[State, int]
    returned: int

    @property
    def best(self) -> Grade:
        """The strongest."""
        return max(self.grades, default=Grade.ACCEPTED)

    @property
    def worst(self) -> Grade:
        """What is proved of every line."""
        return min(self.grades, default=Grade.ACCEPTED)


def grade_of(line: Arrival) -> Grade:
    """The highest rung that somebody stands on."""
    if line.is_signed:
        return Grade.SIGNED
    if line.registered_at is not None:
        return Grade.REGISTERED
    if line.reported_at is not None:
        return Grade.REPORTED
    if line.is_handed:
        return Grade.HANDED
    return Grade.RELAYED if line.peer_ref else Grade.ACCEPTED


def standing_of(lines: Iterable[Arrival]) -> Standing:
    """Counted."""
    grades: dict[Grade, int] = {}
    states: dict[State, int] = {}
    count = returned = 0
    for line in lines:
        grade = grade_of(line)
        grades[grade] = grades.get(grade, 0) + 1
        states[line.state] = states.get(line.state, 0) + 1
        count += 1
        returned += line.business_status == "02"
    return Standing(lines=count, grades=grades, states=states, returned=returned)
