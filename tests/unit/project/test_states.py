"""The transition table: every pair of state and trigger, allowed or not."""

from __future__ import annotations

import pytest

from gateway.errors import TransitionError
from gateway.events import Event, of_delivery
from gateway.states import TRANSITIONS, State, Trigger, after, sources

PAIRS = [(state, trigger) for state in State for trigger in Trigger]


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in PAIRS if pair in TRANSITIONS])
def test_transition_of_the_table_leads_where_it_says(state: State, trigger: Trigger) -> None:
    """What the table holds happens, and its trigger may start from that state."""
    assert after(state, trigger) is TRANSITIONS[state, trigger]
    assert state in sources(trigger)


@pytest.mark.parametrize(("state", "trigger"), [pair for pair in PAIRS if pair not in TRANSITIONS])
def test_transition_outside_the_table_is_refused(state: State, trigger: Trigger) -> None:
    """What the table does not hold is impossible, and says which move was tried."""
    with pytest.raises(TransitionError) as refusal:
        after(state, trigger)
    assert refusal.value.facts == {"state": state, "trigger": trigger}
    assert state not in sources(trigger)


@pytest.mark.parametrize("trigger", Trigger)
def test_trigger_has_its_event(trigger: Trigger) -> None:
    """Every move can be told in the history."""
    assert of_delivery(trigger) in Event


@pytest.mark.parametrize("state", State)
def test_final_state_is_left_only_by_proof_or_by_a_person(state: State) -> None:
    """Nothing moves a final delivery by itself: a status that proves arrival may, and a person may."""
    late = {Trigger.ACKNOWLEDGED, Trigger.REQUEUED, Trigger.HANDED_OVER}
    if state.is_final(expects_status=True):
        assert {trigger for before, trigger in TRANSITIONS if before is state} <= late


def test_delivered_is_final_only_where_no_status_is_expected() -> None:
    """Finality is a property of the state and of what the delivery awaits."""
    assert State.DELIVERED.is_final(expects_status=False)
    assert not State.DELIVERED.is_final(expects_status=True)


def test_withdrawal_never_takes_what_may_have_left() -> None:
    """What may be out of our hands can only be recalled."""
    left = {State.IN_FLIGHT, State.RELAYED, State.DELIVERED, State.ACKNOWLEDGED, State.HANDED_OVER}
    assert not left & set(sources(Trigger.WITHDRAWN))
