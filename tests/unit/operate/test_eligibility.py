"""Which act is for which delivery: every act against every state, and what else forbids it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.eligibility import FEW, TRIGGERS, WORDS, ActName, Line, Unfit, allowed, judge, needs_second, unfit
from gateway.states import State, Trigger, after

LINE = Line(
    id="d",
    message_id="m",
    recipient_id="a",
    recipient_code="code",
    state=State.QUEUED,
    kind="document",
    is_pushed=True,
    is_repeating=False,
    is_purged=False,
)

#: Act -> the states that it is for; written out by hand, so that a change of the table is noticed here.
FIT = {
    ActName.REQUEUE: "dead refused deferred quarantined handed_over",
    ActName.HOLD: "queued deferred",
    ActName.RELEASE: "held",
    ActName.CONFIRM: "held",
    ActName.CANCEL: "queued deferred held dead quarantined",
    ActName.QUARANTINE: "queued deferred held",
    ActName.HAND_OVER: "queued deferred held dead refused",
    ActName.REDELIVER: "delivered acknowledged",
    ActName.FORWARD: "queued deferred relayed delivered acknowledged dead refused handed_over",
}


@pytest.mark.parametrize("act", ActName)
@pytest.mark.parametrize("state", State)
def test_act_is_for_exactly_these_states(act: ActName, state: State) -> None:
    """Whatever is not listed is unfit, for one reason that has words."""
    why = unfit(act, replace(LINE, state=state))
    assert (why is None) == (str(state) in FIT[act].split())
    assert why is None or all(WORDS[why])


@pytest.mark.parametrize("trigger", TRIGGERS.values())
def test_act_that_is_a_move_agrees_with_the_machine(trigger: Trigger) -> None:
    """What is fit can be moved, and nobody touches what is under way."""
    assert State.IN_FLIGHT not in allowed(trigger)
    for state in allowed(trigger):
        assert after(state, trigger)


@pytest.mark.parametrize("act", ActName)
def test_what_was_destroyed_is_sent_to_nobody(act: ActName) -> None:
    """Acts that send are refused; the others still end a line."""
    line = replace(LINE, state=State(FIT[act].split()[0]), is_purged=True)
    sends = act in {ActName.REQUEUE, ActName.RELEASE, ActName.REDELIVER, ActName.FORWARD}
    assert unfit(act, line) is (Unfit.PURGED if sends else None)


def test_statuses_are_neither_forwarded_nor_pushed_again() -> None:
    """A status goes to whom it is about, and to nobody else."""
    line = replace(LINE, kind="status", state=State.DELIVERED)
    assert unfit(ActName.FORWARD, line) is unfit(ActName.REDELIVER, line) is Unfit.IS_STATUS
    assert unfit(ActName.HOLD, replace(line, state=State.QUEUED)) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_pushed": False}, Unfit.NOT_PUSHED),
        ({"is_repeating": True}, Unfit.REPEATING),
        ({"state": State.DEAD}, Unfit.NOT_ARRIVED),
        ({"state": State.QUARANTINED}, Unfit.QUARANTINED),
    ],
)
def test_pushing_again_needs_what_has_arrived_by_a_push(change: dict[str, object], why: Unfit) -> None:
    """What has not arrived is requeued instead."""
    line = replace(LINE, state=State.DELIVERED)
    assert unfit(ActName.REDELIVER, line) is None
    assert unfit(ActName.REDELIVER, replace(line, **change)) is why  # type: ignore[arg-type]


def test_choice_is_sorted_and_what_is_not_there_is_named() -> None:
    """Every id that was asked for is accounted for once."""
    lines = [replace(LINE, id=key, state=state) for key, state in (("a", State.DEAD), ("b", State.HELD))]
    judged = judge(ActName.REQUEUE, lines, ["a", "b", "c", "c"])
    assert [line.id for line in judged.fit] == ["a"]
    assert judged.unfit == {Unfit.HELD: ("b",), Unfit.UNKNOWN: ("c",)}
    assert judged.left == 2


@pytest.mark.parametrize("act", ActName)
def test_cancelling_and_many_need_a_second_person(act: ActName) -> None:
    """One may decide alone about a few, and about no cancellation."""
    assert needs_second(act, 1) == (act is ActName.CANCEL)
    assert needs_second(act, FEW) == (act is ActName.CANCEL)
    assert needs_second(act, FEW + 1)


def test_every_reason_has_words_and_every_state_a_reason() -> None:
    """A dry run never shows a bare code."""
    assert set(WORDS) == set(Unfit)
    assert all(unfit(ActName.RELEASE, replace(LINE, state=state)) for state in State if state is not State.HELD)
