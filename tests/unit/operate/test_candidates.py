"""What a parked status may be about: spellings, comparison, order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.candidates import About, Candidate, ranked, spellings
from gateway.directory.fold import squeezed
from gateway.states import State

ABOUT = About(number="0125", notation="UBND-VP", day="2026-03-01", sender_code="S", reporter_id="r")
RIGHT = Candidate(
    delivery_id="right",
    number="125",
    notation="UBND-VP",
    day="2026-03-01",
    sender_code="S",
    recipient_id="r",
    state=State.DELIVERED,
)


@pytest.mark.parametrize(
    ("number", "among"), [("125", "0125"), ("0125", "125"), (" 7", "007"), ("12a", "12a"), ("000", "000")]
)
def test_number_is_looked_for_as_offices_write_it(number: str, among: str) -> None:
    """With and without zeros in front; what is no number stays."""
    found = spellings(number)
    assert among in found
    assert found[0] == number
    assert len(found) == len(set(found))


@pytest.mark.parametrize("notation", ["UBND-VP", "ubnd - vp", "UBND–VP", "U.B.N.D/VP"])
def test_notations_that_mean_the_same_are_equal(notation: str) -> None:
    """Case, spaces, dashes do not count."""
    assert squeezed(notation) == squeezed("UBND-VP")


def test_letters_that_look_like_d_are_equal() -> None:
    """Three letters of Unicode look alike."""
    assert squeezed("QĐ-UBND") == squeezed("QÐ-UBND") == squeezed("qd-ubnd")


def test_what_agrees_most_is_first_and_told() -> None:
    """A document of another sender and year comes after the one that is meant."""
    others = [
        replace(RIGHT, delivery_id="other year", day="2025-03-01"),
        replace(RIGHT, delivery_id="other office", recipient_id="x"),
        replace(RIGHT, delivery_id="nothing", number="9", notation="QĐ", day="", sender_code="T", recipient_id="x"),
    ]
    found = ranked(ABOUT, [*others, RIGHT], {"r"})
    assert [each.candidate.delivery_id for each in found] == ["right", "other year", "other office", "nothing"]
    assert found[0].agrees == ("number", "notation", "day", "sender", "recipient", "awaited")
    assert found[-1].agrees == ("awaited",)


def test_status_that_says_nothing_agrees_with_nothing() -> None:
    """Empty words are no agreement."""
    empty = About(number="", notation="", day="", sender_code="", reporter_id="r")
    [found] = ranked(empty, [replace(RIGHT, recipient_id="x", state=State.QUEUED)], {"r"})
    assert found.points == 0
