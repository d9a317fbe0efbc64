"""Which delivery a parked status is likely to be about: candidates in order, each with what speaks for it. Pure.

A status is parked because it names its document wrongly, or its reporter is not the recipient that the directory
knows. So numbers are compared without leading zeros and marks, notations without case, spaces and the three letters
that look like Đ, and a reporter that took over from the recipient counts as it. Lines of others stand last: they
only show what may have been meant. It decides nothing: a person does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.directory.fold import squeezed
from gateway.states import State

#: Forms of a number that are looked for: without zeros in front, and filled up to so many digits.
_FILLED: Final = (2, 3, 4)
_WAITS: Final = frozenset({State.RELAYED, State.DELIVERED, State.HANDED_OVER, State.IN_FLIGHT})


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a parked status says of its document."""

    number: str
    notation: str
    #: yyyy-mm-dd, or "".
    day: str
    sender_code: str
    reporter_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A delivery, as far as it is compared."""

    delivery_id: str
    number: str
    notation: str
    day: str
    sender_code: str
    recipient_id: str
    state: State


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """How well it fits."""

    candidate: Candidate
    points: int
    #: What agrees: number, notation, day, year, sender, recipient, awaited.
    agrees: tuple[str, ...]


def spellings(number: str) -> list[str]:
    """The ways in which offices write a number; as it is first."""
    digits = number.strip().lstrip("0")
    forms = [number, number.strip(), digits or number, *(digits.zfill(width) for width in _FILLED if digits)]
    return list(dict.fromkeys(form for form in forms if form))


def ranked(about: About, candidates: Sequence[Candidate], reporters: Collection[str]) -> list[Ranked]:
    """Best first; `reporters` are the agencies that the reporter may speak for."""
    found = [_ranked(about, each, reporters) for each in candidates]
    return sorted(found, key=lambda each: ("recipient" not in each.agrees, -each.points))


def _ranked(about: About, candidate: Candidate, reporters: Collection[str]) -> Ranked:
    agrees = {
        "number": candidate.number.strip().lstrip("0") == about.number.strip().lstrip("0"),
        "notation": squeezed(candidate.notation) == squeezed(about.notation) != "",
        "day": bool(about.day) and candidate.day == about.day,
        "year": bool(about.day) and candidate.day[:4] == about.day[:4] and candidate.day != about.day,
        "sender": bool(about.sender_code) and candidate.sender_code == about.sender_code,
        "recipient": candidate.recipient_id in reporters,
        "awaited": candidate.state in _WAITS,
    }
    weights = {"number": 3, "notation": 4, "day": 3, "year": 1, "sender": 3, "recipient": 4, "awaited": 1}
    return Ranked(
        candidate=candidate,
        points=sum(weights[name] for name, agree in agrees.items() if agree),
        agrees=tuple(name for name, agree in agrees.items() if agree),
    )
