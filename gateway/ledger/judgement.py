"""What a reported status does to a delivery's business status: pure, one table.

01 to 06 only move forward (jumps are fine: systems send 03 and 05 together); 02 ends; 15 and 16 answer the
newest open request. Who answers a request before anything was done with the document goes on with 02 to 06. A
report that would go back, or contradicts what was reported, is appended to the history all the same and flagged for
a person.

A report about a withdrawn delivery is judged like any other, so that what the receiver says is seen, and
always flagged: somebody has what we believed had never left, or speaks of what he cannot have.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

#: The order in which 01 to 06 may follow each other; 02 stands beside 03.
_RANK = {"": 0, "01": 1, "02": 2, "03": 2, "04": 3, "05": 4, "06": 5}
_ANSWERS = frozenset({"15", "16"})
#: Reports that something was done with the document.
HANDLED: Final = frozenset(_RANK) - {"", "01"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The effect of one report."""

    #: Whether the current business status changes to the reported code.
    moves: bool
    #: Whether it answers the open request.
    answers: bool = False
    #: A reason code when a person should look, else "".
    flag: str = ""


def judge(
    *, current: str, code: str, has_request: bool, untouched: bool = False, withdrawn: bool = False
) -> Judgement:
    """Judge `code` against the `current` business status ("" before the first report).

    `untouched`: whether none of 02 to 06 has been reported yet, whatever was answered.
    `withdrawn`: whether the delivery was withdrawn before the report came.
    """
    verdict = _judge(current, code, has_request=has_request, untouched=untouched)
    return replace(verdict, flag="status_after_withdrawal") if withdrawn else verdict


def _judge(current: str, code: str, *, has_request: bool, untouched: bool) -> Judgement:
    if code in _ANSWERS:
        return Judgement(
            moves=has_request, answers=has_request, flag="" if has_request else "status_without_request"
        )
    if current == code:
        return Judgement(moves=False)
    if current in _ANSWERS:
        moves = untouched and code in HANDLED
        return Judgement(moves=moves, flag="" if moves else "status_backwards")
    if {current, code} == {"02", "03"} or (current == "02" and _RANK[code] > _RANK["02"]):
        return Judgement(moves=False, flag="status_backwards")
    if _RANK[code] > _RANK[current]:
        return Judgement(moves=True)
    return Judgement(moves=False, flag="" if code == "01" else "status_backwards")
