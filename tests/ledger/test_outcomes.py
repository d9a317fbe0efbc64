"""Outcomes: one per delivery, only from the attempt that owns the dispatch."""

from __future__ import annotations

import asyncio

import pytest

from gateway.clock import micros
from gateway.model import DeliveryId, Doubt, Outcome, OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import HOUR, MINUTE, START, Lab, message, status

DELIVERED, DEFERRED, REFUSED = OutcomeKind.DELIVERED, OutcomeKind.DEFERRED, OutcomeKind.REFUSED
UNKNOWN = OutcomeKind.UNKNOWN


async def test_only_the_deferred_line_of_a_mixed_outcome_goes_out_again(lab: Lab) -> None:
    """A fan-out never repeats what arrived or was refused."""
    await lab.record(message("x1", "x2", "x3", name="m", fans_out=True))
    [item] = await lab.claim()
    result = await lab.finish(item, {"x1": DELIVERED, "x2": DEFERRED, "x3": REFUSED})
    assert (result.applied, result.refused) == (True, (DeliveryId("m/x3"),))
    assert await lab.states("m") == {"x1": State.DELIVERED, "x2": State.DEFERRED, "x3": State.REFUSED}
    assert await lab.rows("SELECT outcome FROM attempt") == [("mixed",)]
    assert await lab.claim(START + MINUTE / 2) == []
    [again] = await lab.claim(START + MINUTE)
    assert ([one.recipient_id for one in again.deliveries], again.number) == (["x2"], 2)
    await lab.finish(again)
    assert (await lab.dispatch("m>axis"))["state"] == "done"


async def test_line_without_an_outcome_is_unknown_and_goes_out_again(lab: Lab) -> None:
    """Not reported is not arrived."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    [item] = await lab.claim()
    await lab.finish(item, {"x1": DELIVERED})
    reason = await lab.rows("SELECT state, reason FROM delivery WHERE id = 'm/x2'")
    assert reason == [("deferred", "outcome_unknown")]
    [again] = await lab.claim(START + MINUTE)
    assert [one.id for one in again.deliveries] == ["m/x2"]


async def test_outcome_after_a_lost_lease_changes_nothing_but_leaves_a_trace(lab: Lab) -> None:
    """The attempt is the fencing token."""
    await lab.record(message("a1", name="m"))
    [late] = await lab.claim(lease=MINUTE)
    assert await lab.rescue(START + HOUR) == 1
    [owner] = await lab.claim(START + HOUR)
    before = await lab.dispatch("m>a1")
    assert not (await lab.finish(late, REFUSED, now=START + HOUR)).applied
    assert (await lab.state("m/a1"), await lab.dispatch("m>a1")) == (State.IN_FLIGHT, before)
    assert await lab.rows("SELECT count(*) FROM event WHERE kind = 'attempt.outdated'") == [(1,)]
    assert (await lab.finish(owner, now=START + HOUR)).applied
    outcomes = await lab.rows("SELECT outcome FROM attempt ORDER BY started_at")
    assert outcomes == [("unknown",), ("delivered",)]


async def test_status_that_came_while_in_flight_wins_over_the_outcome(lab: Lab) -> None:
    """A status proves arrival whatever the transport says later."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.record(status("01", "m/a1"))
    assert (await lab.finish(item, DEFERRED)).applied
    assert await lab.state("m/a1") is State.ACKNOWLEDGED
    assert (await lab.dispatch("m>a1"))["state"] == "done"
    assert await lab.claim(START + HOUR) == []


async def test_same_outcome_twice_in_one_batch_leaves_one_event(lab: Lab) -> None:
    """Every move has exactly one event."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await asyncio.gather(lab.finish(item), lab.finish(item))
    assert await lab.history("m/a1") == ["claimed", "delivered"]


async def test_counted_failures_grow_and_arrivals_are_noted_on_the_channel(lab: Lab) -> None:
    """The backoff counts failures; the channel knows when it last got something through."""
    await lab.record(message("a1", name="m"))
    for failures in range(3):
        now = START + failures * HOUR
        [item] = await lab.claim(now)
        assert (item.failures, item.number) == (failures, failures + 1)
        await lab.finish(item, DEFERRED, now=now)
    assert await lab.rows("SELECT last_success_at FROM endpoint WHERE id = 'push'") == [(None,)]
    now = START + 3 * HOUR
    [item] = await lab.claim(now)
    await lab.finish(item, now=now)
    assert await lab.rows("SELECT last_success_at FROM endpoint WHERE id = 'push'") == [(micros(now),)]


async def test_line_that_only_a_person_can_decide_waits_for_one(lab: Lab) -> None:
    """Nothing more goes out by itself, whatever the clock says; the other lines end as they ended."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    [item] = await lab.claim()
    await lab.finish(item, {"x1": DELIVERED, "x2": OutcomeKind.HELD})
    assert await lab.states("m") == {"x1": State.DELIVERED, "x2": State.HELD}
    assert (await lab.dispatch("m>axis"))["state"] == "held"
    assert await lab.claim(START + HOUR) == []
    assert await lab.rows("SELECT outcome FROM attempt") == [("mixed",)]


async def test_claim_after_an_unknown_outcome_says_since_when_and_how_often(lab: Lab) -> None:
    """An adapter whose peer cannot tell a repetition must know that there may be one."""
    await lab.record(message("a1", name="m"))
    [first] = await lab.claim()
    assert first.doubt is None
    await lab.finish(first, UNKNOWN)
    [second] = await lab.claim(START + MINUTE)
    assert second.doubt == Doubt(since=START, transmissions=1, inquiries=0)
    await lab.finish(second, UNKNOWN, now=START + MINUTE, peer={"inquiry": "none"})
    [third] = await lab.claim(START + 2 * MINUTE)
    assert third.doubt == Doubt(since=START, transmissions=1, inquiries=1)
    await lab.finish(third, DEFERRED, now=START + 2 * MINUTE)
    [fourth] = await lab.claim(START + HOUR)
    assert fourth.doubt == Doubt(since=START, transmissions=1, inquiries=1)
    await lab.finish(fourth, UNKNOWN, now=START + HOUR)
    [fifth] = await lab.claim(START + 3 * HOUR)
    assert fifth.doubt == Doubt(since=START, transmissions=2, inquiries=0)


async def test_crash_in_a_question_is_no_transmission_and_one_behind_both_questions_is(lab: Lab) -> None:
    """A crash loop in an outage must not use up what may be sent; nor may a copy go uncounted."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item, UNKNOWN)
    seen: list[tuple[int, int, int]] = []
    tries: tuple[dict[str, str], ...] = (
        {},
        {"inquiry": "unclear"},
        {},
        {"inquiry": "none"},
        {},
        {"inquiry": "none"},
    )
    for place, told in enumerate(tries, 1):
        now = START + place * MINUTE
        [item] = await lab.claim(now)
        assert item.doubt is not None
        seen.append((item.doubt.transmissions, item.doubt.inquiries, item.doubt.unclear))
        if told:
            await lab.finish(item, UNKNOWN, now=now, peer=told)
        else:
            await lab.start_boot(f"b{place + 1}")
            await lab.rescue(now, poison_crashes=9)
    assert seen == [(1, 0, 0), (1, 0, 0), (1, 0, 1), (1, 0, 1), (1, 1, 1), (2, 0, 0)]


async def test_claim_after_a_crash_in_flight_is_in_doubt(lab: Lab) -> None:
    """A try that nobody saw the end of may have arrived."""
    await lab.record(message("a1", name="m"))
    await lab.claim()
    await lab.start_boot("b2")
    assert await lab.rescue(START + MINUTE) == 1
    [again] = await lab.claim(START + MINUTE)
    assert again.doubt == Doubt(since=START, transmissions=1, inquiries=0)


async def test_claim_in_doubt_names_the_ids_that_its_twins_have(lab: Lab) -> None:
    """The peer lists a document's update under the same number: the id of the one is not the other's."""
    await lab.record(message("x1", name="m", fans_out=True))
    [item] = await lab.claim()
    given = Outcome(kind=OutcomeKind.RELAYED, peer_ref="D-1")
    await lab.finish(item, {"x1": given})
    await lab.record(message("x1", name="n", fans_out=True))
    [other] = await lab.claim()
    await lab.finish(other, UNKNOWN)
    [again] = await lab.claim(START + MINUTE)
    assert again.doubt == Doubt(since=START, transmissions=1, inquiries=0, taken=frozenset({"D-1"}))


@pytest.mark.parametrize("reason", ["outcome_ambiguous", "outcome_untraced"])
async def test_released_line_that_may_have_arrived_begins_a_series_without_doubt(lab: Lab, reason: str) -> None:
    """Whoever releases it has found out that the peer does not have it."""
    await lab.record(message("a1", name="m"))
    [first] = await lab.claim()
    await lab.finish(first, UNKNOWN)
    [second] = await lab.claim(START + MINUTE)
    held = Outcome(kind=OutcomeKind.HELD, reason=reason, detail="two there")
    await lab.finish(second, {"a1": held}, now=START + MINUTE)
    await lab.act(Trigger.RELEASED, "m/a1", now=START + HOUR)
    [third] = await lab.claim(START + HOUR)
    assert (third.series, third.doubt) == (2, None)
