"""Claiming: room, limits, lanes, blocked recipients, pauses, causal order, attempts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.clock import micros
from gateway.directory.endpoint_changes import SetEndpointOrder, SetEndpointOrderOperation
from gateway.ledger.claims import TOP_IN_A_ROW
from gateway.model import EndpointId, OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, request


async def test_each_endpoint_gets_no_more_than_its_room(lab: Lab) -> None:
    """Room is per channel: a full one does not eat another's."""
    for _ in range(5):
        await lab.record(message("a1", "b1"))
    got = [item.endpoint_id for item in await lab.claim(room=2)]
    assert sorted(got) == ["other", "other", "push", "push"]


async def test_global_limit_is_shared_fairly_between_endpoints(lab: Lab) -> None:
    """Where not everything fits, every channel gets its best first."""
    for _ in range(3):
        await lab.record(message("a1", "b1"))
    assert sorted(item.endpoint_id for item in await lab.claim(limit=2)) == ["other", "push"]


async def test_channels_without_room_or_not_asked_for_get_nothing(lab: Lab) -> None:
    """A channel is claimed for only when there is room for it."""
    await lab.record(message("a1", "b1"))
    assert await lab.claim(room=0) == []
    assert [item.endpoint_id for item in await lab.claim(endpoints=("other",))] == ["other"]


async def test_blocked_recipient_with_a_long_head_does_not_starve_its_neighbour(lab: Lab) -> None:
    """However many rows of a blocked recipient come first, others behind the channel are found."""
    await asyncio.gather(*(lab.record(message("a1")) for _ in range(100)))
    await lab.record(message("a2", name="neighbour", at=START + MINUTE))
    assert await lab.claimed_messages(START + HOUR, blocked=[("push", "a1")]) == ["neighbour"]


async def test_blocking_a_recipient_behind_another_endpoint_blocks_nothing_here(lab: Lab) -> None:
    """A block names channel and recipient together."""
    await lab.record(message("a1", name="m"))
    assert await lab.claimed_messages(blocked=[("other", "a1")]) == ["m"]


async def test_urgent_lanes_go_before_older_bulk(lab: Lab) -> None:
    """Lanes decide before age does."""
    for lane in (3, 2, 1, 0):
        await lab.record(message("a1", name=f"lane{lane}", lane=lane, at=START - lane * MINUTE))
    assert await lab.claimed_messages() == ["lane0", "lane1", "lane2", "lane3"]


async def test_old_bulk_rises_over_new_normal_mail(lab: Lab) -> None:
    """Waiting lifts a dispatch by one lane per ageing period, so that nothing starves."""
    await lab.record(message("a1", name="bulk", lane=3, at=START))
    await lab.record(message("a1", name="normal", lane=2, at=START + HOUR + MINUTE))
    assert await lab.claimed_messages(START + HOUR + MINUTE, room=1) == ["bulk"]


async def _oldest_first(lab: Lab) -> None:
    order = SetEndpointOrder(
        endpoint_id=EndpointId("push"), oldest_first=True, actor="user:x", now=START, why="dồn đã lâu"
    )
    await lab.pump.submit(SetEndpointOrderOperation(), order)


async def test_fresh_hoa_toc_goes_before_a_backlog_of_hours(lab: Lab) -> None:
    """Waiting lifts nothing above it."""
    for lane in (1, 2, 3):
        await lab.record(message("a1", name=f"lane{lane}", lane=lane, at=START))
    await lab.record(message("a1", name="fresh", lane=0, at=START + 12 * HOUR))
    assert await lab.claimed_messages(START + 12 * HOUR, room=2) == ["fresh", "lane1"]


@pytest.mark.parametrize("room", [1, 16])
@pytest.mark.parametrize("order", ["urgency", "oldest"])
async def test_much_hoa_toc_does_not_starve_the_others(lab: Lab, room: int, order: str) -> None:
    """Of eight that go one is another's, however much comes, also where one goes at a time."""
    if order == "oldest":
        await _oldest_first(lab)
    for place in range(2):
        await lab.record(message("a1", name=f"other{place}", lane=2, at=START + place * MINUTE))
    await asyncio.gather(*(lab.record(message("a1", lane=0)) for _ in range(2 * TOP_IN_A_ROW + 2)))
    went: list[str] = []
    while claimed := await lab.claimed_messages(START + HOUR, room=room):
        went += claimed
    assert len(went) == len(set(went)) == 2 * TOP_IN_A_ROW + 4
    assert [went.index(f"other{place}") for place in range(2)] == [TOP_IN_A_ROW, 2 * TOP_IN_A_ROW + 1]


async def test_oldest_first_goes_by_age_also_for_what_was_deferred(lab: Lab) -> None:
    """What failed once waits for its time, then goes before what is younger, whatever became due since."""
    await _oldest_first(lab)
    await lab.record(message("a1", name="old", lane=3))
    [old] = await lab.claim()
    await lab.finish(old, OutcomeKind.DEFERRED, again=HOUR)
    await asyncio.gather(*(lab.record(message("a1", lane=1, at=START + MINUTE)) for _ in range(3)))
    assert "old" not in await lab.claimed_messages(START + HOUR - MINUTE, room=1)
    assert await lab.claimed_messages(START + HOUR, room=1) == ["old"]


async def test_what_a_person_sends_again_keeps_its_place_where_the_oldest_go_first(lab: Lab) -> None:
    """It begins a series, whose age counts towards giving up; what was accepted after it still goes after it."""
    await _oldest_first(lab)
    for place in range(4):
        await lab.record(message("a1", name=f"m{place}", lane=3 - place, at=START + place * MINUTE))
    await lab.act(Trigger.HELD, "m1/a1", now=START + HOUR)
    await lab.act(Trigger.QUARANTINED, "m1/a1", now=START + HOUR)
    for later in (2 * HOUR, 3 * HOUR):
        await lab.act(Trigger.REQUEUED, "m1/a1", now=START + later)
        if later == 2 * HOUR:
            await lab.act(Trigger.QUARANTINED, "m1/a1", now=START + later)
    shown = {"endpoint": "push", "now": micros(START + DAY), "ageing": micros(START), "limit": 9}
    rows = await lab.readers.fetch("dispatch_list_next_of_channel", shown)
    assert [(row[0], row[3]) for row in rows][:2] == [("m3", micros(START + 3 * MINUTE)), ("m0", micros(START))]
    assert [row[0] for row in rows] == ["m3", "m0", "m1", "m2"]
    assert await lab.claimed_messages(START + DAY, room=3) == ["m3", "m0", "m1"]


async def test_channel_drains_the_oldest_first_behind_hoa_toc_where_a_person_wants_that(lab: Lab) -> None:
    """What has waited longest, whatever its lane; the other channels go on as before; an event says who and why."""
    for lane in (3, 2, 1, 0):
        for agency in ("a1", "b1"):
            await lab.record(message(agency, name=f"{agency}lane{lane}", lane=lane, at=START - lane * MINUTE))
    await _oldest_first(lab)
    claimed = await lab.claimed_messages(room=4)
    assert [name for name in claimed if name.startswith("a1")] == ["a1lane0", "a1lane3", "a1lane2", "a1lane1"]
    assert [name for name in claimed if name.startswith("b1")] == ["b1lane0", "b1lane1", "b1lane2", "b1lane3"]
    told = await lab.rows("SELECT actor, note FROM event WHERE kind = 'endpoint.configured'")
    assert told == [("user:x", "dồn đã lâu")]


async def test_nothing_is_claimed_before_it_is_due_or_twice(lab: Lab) -> None:
    """Due rows only, and each once."""
    await lab.record(message("a1", name="m"))
    assert await lab.claimed_messages(START - timedelta(microseconds=1)) == []
    assert await lab.claimed_messages() == ["m"]
    assert await lab.claimed_messages() == []


async def test_two_claims_in_one_batch_share_out_what_is_due(lab: Lab) -> None:
    """Claims in one commit never take the same dispatch."""
    for _ in range(3):
        await lab.record(message("a1"))
    batches = lab.pump.counters.batches
    first, second = await asyncio.gather(lab.claim(room=2), lab.claim(room=2))
    assert lab.pump.counters.batches == batches + 1
    assert (len(first), len(second)) == (2, 1)
    assert not {item.dispatch_id for item in first} & {item.dispatch_id for item in second}


async def test_paused_endpoint_is_left_alone_until_its_time(lab: Lab) -> None:
    """A pause holds the claim back, not the rows."""
    await lab.record(message("a1", name="m"))
    await lab.rows("UPDATE endpoint SET paused_until = ? WHERE id = 'push'", micros(START + HOUR))
    assert await lab.claimed_messages(START + HOUR - MINUTE) == []
    assert await lab.claimed_messages(START + HOUR) == ["m"]


@pytest.mark.parametrize("ending", [OutcomeKind.DELIVERED, OutcomeKind.REFUSED, OutcomeKind.RELAYED])
async def test_request_waits_until_its_original_has_left(lab: Lab, ending: OutcomeKind) -> None:
    """A recall never overtakes what it recalls."""
    await lab.record(message("a1", name="original"))
    [original] = await lab.claim()
    recall = request("original", "a1")
    await lab.record(recall)
    assert await lab.claim(START + MINUTE) == []
    await lab.finish(original, OutcomeKind.DEFERRED, now=START + MINUTE)
    assert await lab.claim(START + MINUTE) == []
    [again] = await lab.claim(START + HOUR)
    assert again.message_id == "original"
    await lab.finish(again, ending, now=START + HOUR)
    assert await lab.claimed_messages(START + HOUR) == [recall.message.id]


async def test_request_to_one_recipient_does_not_wait_for_another(lab: Lab) -> None:
    """Causal order is per recipient where transmissions are."""
    await lab.record(message("a1", "a2", name="original"))
    [first] = [item for item in await lab.claim() if item.dispatch_id == "original>a1"]
    await lab.record(message("a1", name="recall", after_id="original"))
    await lab.finish(first)
    assert await lab.claimed_messages() == ["recall"]


async def test_claim_commits_the_attempt_and_moves_the_lines(lab: Lab) -> None:
    """Whoever dials has an open attempt, its boot and its lease in the ledger already."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    [item] = await lab.claim()
    assert {one.recipient_id for one in item.deliveries} == {"x1", "x2"}
    attempt = await lab.rows(
        "SELECT dispatch_id, boot_id, series, ended_at FROM attempt WHERE id = ?", item.attempt_id
    )
    assert attempt == [("m>axis", "boot-1", 1, None)]
    lease = await lab.rows("SELECT state, attempt_id, lease_until FROM dispatch")
    assert lease == [("in_flight", item.attempt_id, micros(START + HOUR))]
    assert set((await lab.states("m")).values()) == {State.IN_FLIGHT}
    assert item.number == 1


async def test_dispatch_whose_remaining_lines_are_held_is_not_claimed(lab: Lab) -> None:
    """A transmission without a line to carry never goes out, whichever act took the last one."""
    for name, ending in (("w", Trigger.WITHDRAWN), ("q", Trigger.QUARANTINED), ("h", Trigger.HANDED_OVER)):
        await lab.record(message("x1", "x2", name=name, fans_out=True))
        await lab.act(Trigger.HELD, f"{name}/x1")
        await lab.act(ending, f"{name}/x2")
        assert (await lab.dispatch(f"{name}>axis"))["state"] == "held"
    assert await lab.claim(START + DAY) == []
    await lab.act(Trigger.RELEASED, "w/x1", now=START + HOUR)
    [item] = await lab.claim(START + HOUR)
    assert [one.id for one in item.deliveries] == ["w/x1"]
