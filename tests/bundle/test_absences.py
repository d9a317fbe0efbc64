"""Proofs of absence: nothing in a file of strangers raises, and what is refused is refused whatever is signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.bundle.absence import DayRegisters
from gateway.bundle.container import Container
from gateway.bundle.facts import written
from gateway.evidence.absences import Asked
from gateway.model import Agency, AgencyId, OrganId
from gateway.seal.report import Verdict
from gateway.transparency.registers import Line
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Verification
from gateway.verifying.verify import verify
from tests.bundle.absences import parts, proof
from tests.bundle.making import AT
from tests.bundle.vector_cases import FOLDER

ANCHORS = Anchors.load(FOLDER / "anchors" / "good")
GOOD = parts()
DAY = GOOD.days[0].day
TOLD: dict[str, Any] = msgspec.json.decode(written(GOOD.registers[DAY]))


def verified(registers: dict[str, Any]) -> Verification:
    made = replace(GOOD, registers={**GOOD.registers, DAY: msgspec.convert(registers, DayRegisters)})
    return verify(Container.of(proof(made)), ANCHORS, AT)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value that is no list or object."""
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, each in inside for found in places(each, (*path, key))]
    return [path]


PLACES = places(TOLD)


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


_TEXTS = st.one_of(
    st.text(max_size=70), st.binary(max_size=40).map(bytes.hex), st.just("number"), st.just("recipient")
)
_NUMBERS = st.one_of(st.integers(-(2**63), 2**64 - 1), st.integers(0, 70))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLACES), _TEXTS, _NUMBERS)
def test_no_changed_value_passes(path: tuple[Any, ...], text: str, number: int) -> None:
    """Sealed again by whoever has the key: each value of a day's file is held against the log; nothing raises."""
    told = msgspec.json.decode(msgspec.json.encode(TOLD))
    above, old = at(told, path[:-1]), at(told, path)
    new: Any = text if isinstance(old, str) else number
    if new == old or old is None:
        return
    if path[-1] == "field" and new not in {"number", "recipient"}:
        return
    above[path[-1]] = new
    assert verified(told).verdict is Verdict.FAILED


def test_number_that_was_sent_with_its_notation_is_proved_absent_never() -> None:
    """Who sent both in one piece has them in the number."""
    office = Agency(id=AgencyId("a"), organ_id=OrganId("000.00.00.H33"), codes=(), name="", kind="")
    asked = Asked(issuer=office, recipient=None, number="125/UBND-VP", first=AT.date(), last=AT.date())
    for number, notation in (("125", "UBND-VP"), ("0125 / ubnd-vp", ""), ("125/UBND-VP", "")):
        assert asked.is_number_of(number, notation)
    for number, notation in (("1250/UBND-VP", ""), ("125", "UBND-NC"), ("125", "")):
        assert not asked.is_number_of(number, notation)
    assert replace(asked, number="").is_number_of("9", "VP")


@pytest.mark.parametrize(
    "spelt", ["4321/UBND–VP", "4321/UBND VP", "4321/UBNDVP", "Số 4321/UBND-VP", "4.321/ubnd-vp"]
)
def test_document_that_exists_is_proved_absent_in_no_spelling(spelt: str) -> None:
    """Registers hold another text then; an inspector means the same document."""
    office = Agency(id=AgencyId("a"), organ_id=OrganId("000.00.00.H33"), codes=(), name="", kind="")
    asked = Asked(issuer=office, recipient=None, number=spelt, first=AT.date(), last=AT.date())
    assert asked.is_number_of("4321", "UBND-VP")
    assert asked.is_answered_by(Line(0, "4321/ubnd-vp", "b"))
    assert not replace(asked, recipient=replace(office, id=AgencyId("c"))).is_answered_by(
        Line(0, "4321/ubnd-vp", "b")
    )
    assert not asked.is_number_of("4322", "UBND-VP")
    assert not asked.is_number_of("4321", "UBND-NC")
