"""How a part of the running server is, as it says itself: a word for programs, and a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """The word; `gateway doctor` goes by it, never by the sentence."""

    #: Nothing is to be done; also what is not set up, or was not looked at yet.
    FINE = "fine"
    #: Something is missing that may still come by itself.
    WAITING = "waiting"
    #: It works, though not with all that it should have.
    DEGRADED = "degraded"
    #: What waited did so for longer than the settings allow.
    LATE = "late"
    #: It does not do what it is there for.
    FAILING = "failing"
    #: Others prove that it said something else before.
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Condition:
    """Word and sentence."""

    health: Health
    words: str

    @classmethod
    def fine(cls, words: str) -> Condition:
        """Nothing is to be done."""
        return cls(Health.FINE, words)


#: Of what the settings leave out.
UNSET = Condition.fine("not set up")
#: Before the first look.
UNSEEN = Condition.fine("not looked yet")
