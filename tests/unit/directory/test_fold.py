"""Folding and dated records, by properties."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gateway.directory.fold import fold, proper, words
from gateway.directory.records import Holder, Period, holder_at
from gateway.model import AgencyId


def test_fold_takes_away_marks_and_case() -> None:
    """Whatever form the text comes in, searches compare the same."""
    for text in ("Đường Giồng Riềng", "ĐƯỜNG  GIỒNG RIỀNG", "Ðường giồng riềng"):
        assert fold(text) == fold(unicodedata.normalize("NFD", text)) == "duong giong rieng"


@given(st.text())
def test_fold_and_proper_are_stable(text: str) -> None:
    """Folding, or tidying, what was folded or tidied changes nothing more."""
    assert proper(proper(text)) == proper(text)
    assert fold(proper(text)) == fold(text)


def test_words_are_few_and_short() -> None:
    """A long text makes no long question."""
    assert words("a" * 100 + " b" * 50) == ["a" * 40, *["b"] * 11]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=5), st.integers(-5, 70))
def test_holder_at_an_instant_is_the_one_who_holds_or_held_last(spans: list[tuple[int, int]], at: int) -> None:
    """Against the definition, for periods that follow one another."""
    holders, start = [], 0
    for number, (gap, length) in enumerate(spans):
        start += gap
        holders.append(Holder(AgencyId(str(number)), start, start + length))
        start += length
    begun = [holder.agency_id for holder in holders if holder.start <= at]
    assert holder_at(holders, at) == (begun[-1] if begun else None)


@given(*[st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9)))] * 2)
def test_periods_overlap_when_they_share_an_instant(
    one: tuple[int, int | None], other: tuple[int, int | None]
) -> None:
    """Against the definition, instant by instant."""
    a, b = Period(*one), Period(*other)
    shared = any(a.holds(at) and b.holds(at) for at in range(20))
    if (a.end is None or a.end >= a.start) and (b.end is None or b.end >= b.start):
        assert a.overlaps(b) == b.overlaps(a) == shared
