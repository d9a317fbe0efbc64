"""Time and the queue: rescue, poison, announcing and giving up, downtime given back."""

from __future__ import annotations

import pytest

from gateway.clock import micros
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.ledger.ages import Expire, Expired, ExpireOperation
from gateway.model import EndpointId, OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, status


async def expire(lab: Lab, hours: float) -> Expired:
    """Look at ages that many hours after the start: announced two hours ahead, capped at ten days."""
    now = START + hours * HOUR
    return await lab.pump.submit(ExpireOperation(), Expire(now=now, soon=now + 2 * HOUR, hard_cap=10 * DAY))


async def test_work_of_another_boot_comes_back_at_once(lab: Lab) -> None:
    """A new boot proves that the old one is gone: no lease is waited for, no failure counted."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    assert await lab.rescue() == 0
    await lab.start_boot("boot-2")
    assert await lab.rescue() == 1
    dispatch = await lab.dispatch("m>a1")
    assert (dispatch["state"], dispatch["crashes"], dispatch["failures"]) == ("ready", 1, 0)
    assert await lab.rows("SELECT outcome FROM attempt WHERE id = ?", item.attempt_id) == [("unknown",)]
    assert await lab.history("m/a1") == ["claimed", "rescued"]
    assert await lab.claimed_messages() == ["m"]


async def test_rescued_work_goes_before_what_became_due_later(lab: Lab) -> None:
    """What was in flight at a crash is taken up first, however much has gathered since."""
    await lab.record(message("a1", name="first"))
    await lab.claim()
    for number in range(3):
        await lab.record(message("a1", name=f"later{number}", at=START + MINUTE))
    await lab.start_boot("boot-2")
    await lab.rescue(START + HOUR)
    assert (await lab.claimed_messages(START + HOUR, limit=1)) == ["first"]


async def test_lost_lease_of_the_same_boot_is_no_crash(lab: Lab) -> None:
    """A slow peer does not poison a document."""
    await lab.record(message("a1", name="m"))
    for step in range(5):
        await lab.claim(START + step * HOUR, lease=MINUTE)
        assert await lab.rescue(START + step * HOUR + 2 * MINUTE) == 1
    assert (await lab.dispatch("m>a1"))["crashes"] == 0


async def test_crashes_in_a_row_quarantine_until_a_person_requeues(lab: Lab) -> None:
    """What is in flight at every crash cannot stop the queue for ever."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    for crash in range(3):
        assert await lab.state("m/x1") is State.QUEUED
        assert len(await lab.claim()) == 1
        await lab.start_boot(f"after crash {crash}")
        assert await lab.rescue() == 1
    assert set((await lab.states("m")).values()) == {State.QUARANTINED}
    assert await lab.claim(START + DAY) == []
    await lab.act(Trigger.REQUEUED, "m/x1")
    [item] = await lab.claim()
    assert [one.id for one in item.deliveries] == ["m/x1"]
    assert (await lab.dispatch("m>axis"))["crashes"] == 0


async def test_outcome_between_crashes_starts_the_count_again(lab: Lab) -> None:
    """Only crashes in a row count."""
    await lab.record(message("a1", name="m"))
    for crash in range(5):
        await lab.claim(START + crash * HOUR)
        await lab.start_boot(f"after crash {crash}")
        await lab.rescue(START + crash * HOUR)
        [item] = await lab.claim(START + crash * HOUR)
        await lab.finish(item, OutcomeKind.DEFERRED, now=START + crash * HOUR)
    assert await lab.state("m/a1") is State.DEFERRED


async def test_rescue_of_a_transmission_that_a_status_ended_closes_it(lab: Lab) -> None:
    """Nothing is sent for a line that a status has proved arrived."""
    await lab.record(message("a1", name="m"))
    await lab.claim()
    await lab.record(status("01", "m/a1"))
    await lab.start_boot("boot-2")
    assert await lab.rescue() == 1
    assert (await lab.dispatch("m>a1"))["state"] == "done"
    assert await lab.claim(START + HOUR) == []


async def test_line_requeued_into_a_poisonous_transmission_shares_its_quarantine(lab: Lab) -> None:
    """No line stays queued where nothing will be sent."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    [item] = await lab.claim()
    await lab.finish(item, {"x1": OutcomeKind.REFUSED, "x2": OutcomeKind.DEFERRED})
    await lab.claim(START + HOUR)
    await lab.act(Trigger.REQUEUED, "m/x1", now=START + HOUR)
    await lab.start_boot("boot-2")
    await lab.rescue(START + HOUR, poison_crashes=1)
    assert set((await lab.states("m")).values()) == {State.QUARANTINED}


async def test_old_dispatch_is_announced_once_and_then_given_up(lab: Lab) -> None:
    """Nobody loses a document without having been told before."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    assert await expire(lab, 21) == Expired(announced=0, dead=())
    assert (await expire(lab, 22)).announced == 1
    assert (await expire(lab, 23)).announced == 0
    assert await expire(lab, 24) == Expired(announced=0, dead=("m/x1", "m/x2"))
    assert await lab.history("m/x1") == ["expiring", "expired"]
    assert (await lab.dispatch("m>axis"))["state"] == "done"
    assert await lab.claim(START + 2 * DAY) == []


@pytest.mark.parametrize("column", ["down_since", "paused_until"])
async def test_waiting_for_a_silent_channel_ends_only_at_the_hard_cap(lab: Lab, column: str) -> None:
    """An outage or pause does not kill documents, but nothing waits for ever."""
    await lab.record(message("a1", name="m"))
    await lab.rows(f"UPDATE endpoint SET {column} = ? WHERE id = 'push'", micros(START + 99 * DAY))
    assert await expire(lab, 100) == Expired(announced=0, dead=())
    assert (await expire(lab, 240)).dead == ("m/a1",)


async def test_expiry_of_one_line_leaves_a_held_one_waiting_unsent(lab: Lab) -> None:
    """A held line outlives its transmission's age and is not sent by it."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    await lab.act(Trigger.HELD, "m/x1")
    assert (await expire(lab, 24)).dead == ("m/x2",)
    assert (await lab.dispatch("m>axis"))["state"] == "held"
    assert await lab.claim(START + 2 * DAY) == []


async def test_downtime_is_given_back_to_what_waited(lab: Lab) -> None:
    """Only the time since a dispatch existed, and only on that channel."""
    operation = MarkEndpointOperation()
    await lab.record(message("a1", "b1", name="old"))
    await lab.pump.submit(
        operation, MarkEndpoint(endpoint_id=EndpointId("push"), up=False, reason="connect_failed", now=START + HOUR)
    )
    await lab.record(message("a1", name="new", at=START + 3 * HOUR))
    await lab.pump.submit(operation, MarkEndpoint(endpoint_id=EndpointId("push"), up=True, now=START + 5 * HOUR))
    ends = {name: (await lab.dispatch(name))["give_up_at"] for name in ("old>a1", "old>b1", "new>a1")}
    assert ends == {
        "old>a1": micros(START + DAY + 4 * HOUR),
        "old>b1": micros(START + DAY),
        "new>a1": micros(START + 3 * HOUR + DAY + 2 * HOUR),
    }
