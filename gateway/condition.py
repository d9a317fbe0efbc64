"""How a part of the running server is, as it says itself: a word for programs, and a sentence for people.

What calls for a person has the sentence in Vietnamese too; what others said (a server's fault, a system's message)
stands in it as they said it.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    #: The same in Vietnamese; "": it is told in English alone.
    words_vi: str = ""
    #: What is at the bottom of it, where that is a kind of finding; "" otherwise.
    code: str = ""

    @classmethod
    def fine(cls, words: str) -> Condition:
        """Nothing is to be done."""
        return cls(Health.FINE, words)


def told(conditions: Mapping[str, Condition]) -> dict[str, object]:
    """As `gateway doctor` reads them: the sentences by name, all else apart."""
    return {
        **{name: each.words for name, each in conditions.items()},
        "health": {name: each.health for name, each in conditions.items()},
        "words_vi": {name: each.words_vi for name, each in conditions.items()},
        "codes": {name: each.code for name, each in conditions.items()},
    }


#: Of what the settings leave out.
UNSET = Condition.fine("not set up")
#: Before the first look.
UNSEEN = Condition.fine("not looked yet")
