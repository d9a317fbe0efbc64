"""Whether two persons answered for an order, by leaves alone."""

from __future__ import annotations

import pytest

from gateway.events import canonical
from gateway.ledger.purge_answers import is_answered, list_digest

ONE, TWO = "operator:0", "operator:1"
LIST = list_digest(["m2", "m1"])


def leaf(kind: str, actor: str, digest: str = LIST, **more: object) -> bytes:
    return canonical({"kind": f"purge.{kind}", "actor": actor, "facts": {"list": digest, **more}})


ORDERED, CONFIRMED = leaf("ordered", ONE), leaf("confirmed", TWO)
BY_RULE, BACKED = leaf("ordered", "gateway", month="2026-11"), leaf("backed", ONE)


@pytest.mark.parametrize("leaves", [(ORDERED, CONFIRMED), (BY_RULE, BACKED, CONFIRMED)])
def test_two_persons_for_this_list(leaves: tuple[bytes, ...]) -> None:
    """The order of a list's ids is nothing."""
    assert list_digest(["m1", "m2"]) == LIST
    assert is_answered(leaves, LIST)


@pytest.mark.parametrize(
    "leaves",
    [
        (),
        (ORDERED,),
        (CONFIRMED,),
        (ORDERED, leaf("confirmed", ONE)),
        # a rule is no person
        (BY_RULE, CONFIRMED),
        (BY_RULE, BACKED, leaf("confirmed", ONE)),
        (ORDERED, leaf("confirmed", TWO, list_digest(["m1"]))),
        (leaf("ordered", ONE, list_digest(["m1"])), CONFIRMED),
        (b"no leaf", b"[]", b"{}", CONFIRMED),
    ],
)
def test_less_than_that(leaves: tuple[bytes, ...]) -> None:
    """One person, a rule alone, another list, no leaves."""
    assert not is_answered(leaves, LIST)
