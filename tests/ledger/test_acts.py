"""What people do: hold, release, requeue, withdraw; what the state forbids changes nothing."""

from __future__ import annotations

import pytest

from gateway.clock import micros
from gateway.ledger.ages import Expire, ExpireOperation
from gateway.model import OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, START, Lab, message


@pytest.mark.parametrize("deferred", [False, True])
async def test_held_line_is_not_claimed_until_released(lab: Lab, deferred: bool) -> None:  # noqa: FBT001
    """A hold stops what waits, whether it was tried before or not."""
    await lab.record(message("a1", name="m"))
    if deferred:
        [item] = await lab.claim()
        await lab.finish(item, OutcomeKind.DEFERRED)
    [acted] = await lab.act(Trigger.HELD, "m/a1")
    assert (acted.moved, acted.state) == (True, State.HELD)
    assert await lab.claim(START + HOUR) == []
    await lab.act(Trigger.RELEASED, "m/a1", now=START + HOUR)
    assert await lab.claimed_messages(START + HOUR) == ["m"]


async def test_holding_one_line_of_a_fan_out_lets_the_other_go(lab: Lab) -> None:
    """A hold is about one line."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    await lab.act(Trigger.HELD, "m/x1")
    [item] = await lab.claim()
    assert [one.id for one in item.deliveries] == ["m/x2"]
    await lab.finish(item)
    await lab.act(Trigger.RELEASED, "m/x1")
    [item] = await lab.claim()
    assert [one.id for one in item.deliveries] == ["m/x1"]


async def test_what_is_in_flight_cannot_be_held(lab: Lab) -> None:
    """An outcome still decides about what is out of our hands."""
    await lab.record(message("a1", name="m"))
    await lab.claim()
    for trigger in (Trigger.HELD, Trigger.QUARANTINED, Trigger.WITHDRAWN, Trigger.REQUEUED):
        [acted] = await lab.act(trigger, "m/a1")
        assert (acted.moved, acted.state) == (False, State.IN_FLIGHT)
    assert await lab.history("m/a1") == ["claimed"]


async def test_requeued_dead_line_begins_a_new_series(lab: Lab) -> None:
    """Age, failures and announcements count from the requeue on."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item, OutcomeKind.DEFERRED)
    late = START + 2 * DAY
    await lab.pump.submit(ExpireOperation(), Expire(now=late, soon=late, hard_cap=10 * DAY))
    assert await lab.state("m/a1") is State.DEAD
    await lab.act(Trigger.REQUEUED, "m/a1", now=late)
    dispatch = await lab.dispatch("m>a1")
    assert dispatch == {
        "state": "ready", "due_at": micros(late), "give_up_at": micros(late + DAY), "series": 2, "failures": 0,
        "crashes": 0, "warned_at": None,
    }  # fmt: skip
    [item] = await lab.claim(late)
    assert (item.series, item.number, item.created_at) == (2, 1, late)


async def test_line_requeued_while_its_transmission_is_under_way_goes_out_next(lab: Lab) -> None:
    """A requeue during an attempt is not lost with its outcome."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    [item] = await lab.claim()
    await lab.finish(item, {"x1": OutcomeKind.REFUSED, "x2": OutcomeKind.DEFERRED})
    [item] = await lab.claim(START + HOUR)
    await lab.act(Trigger.REQUEUED, "m/x1", now=START + HOUR)
    await lab.finish(item, now=START + HOUR)
    [item] = await lab.claim(START + HOUR)
    assert [one.id for one in item.deliveries] == ["m/x1"]


async def test_withdrawn_before_leaving_is_never_sent_and_after_it_is_refused(lab: Lab) -> None:
    """Taking back works until the content may have left."""
    await lab.record(message("a1", "a2", name="m"))
    [item] = [one for one in await lab.claim(blocked=[("push", "a1")]) if one.dispatch_id == "m>a2"]
    await lab.finish(item)
    acted = await lab.act(Trigger.WITHDRAWN, "m/a1", "m/a2")
    assert [(one.recipient_code, one.moved) for one in acted] == [("code of a1", True), ("code of a2", False)]
    assert await lab.states("m") == {"a1": State.WITHDRAWN, "a2": State.DELIVERED}
    assert await lab.claim(START + HOUR) == []
    for trigger in (Trigger.RELEASED, Trigger.REQUEUED, Trigger.HANDED_OVER, Trigger.HELD):
        assert not (await lab.act(trigger, "m/a1"))[0].moved


async def test_note_of_an_act_stays_on_the_line_and_out_of_the_leaf(lab: Lab) -> None:
    """Free text is for people; leaves are public."""
    await lab.record(message("a1", name="m"))
    await lab.act(Trigger.HELD, "m/a1")
    [(detail,)] = await lab.rows("SELECT detail FROM delivery")
    leaves = await lab.rows("SELECT leaf FROM event")
    assert detail
    assert all(detail.encode() not in leaf for (leaf,) in leaves)
