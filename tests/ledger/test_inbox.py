"""The inbox: leases, hand-outs, acknowledgements, and the race with a withdrawal."""

from __future__ import annotations

import asyncio

import pytest

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.ledger.inbox import Lease, LeaseOperation
from gateway.states import State, Trigger
from tests.ledger.lab import HOUR, START, Lab, message, request, status


async def lease(lab: Lab, operation: LeaseOperation, reader: str, hours: int = 0) -> set[str]:
    now = START + hours * HOUR
    ask = Lease(delivery_ids=("m/i1",), reader=reader, now=now, until=now + HOUR)
    return await lab.pump.submit(operation, ask)


async def test_fetch_before_withdrawal_in_one_batch_wins(lab: Lab) -> None:
    """Whichever comes first decides: what was handed out can only be recalled."""
    await lab.record(message("i1", name="m"))
    batches = lab.pump.counters.batches
    fetched, acted = await asyncio.gather(lab.fetch("m/i1"), lab.act(Trigger.WITHDRAWN, "m/i1"))
    assert lab.pump.counters.batches == batches + 1
    assert (fetched, acted[0].moved, await lab.state("m/i1")) == ("m", False, State.IN_FLIGHT)


async def test_withdrawal_before_fetch_in_one_batch_wins(lab: Lab) -> None:
    """Whichever comes first decides: what was withdrawn is never handed out."""
    await lab.record(message("i1", name="m"))
    batches = lab.pump.counters.batches
    acted, refused = await asyncio.gather(
        lab.act(Trigger.WITHDRAWN, "m/i1"), lab.fetch("m/i1"), return_exceptions=True
    )
    assert lab.pump.counters.batches == batches + 1
    assert isinstance(refused, RefusedError)
    assert refused.code == "state_forbids"
    assert not isinstance(acted, BaseException)
    assert acted[0].moved
    assert await lab.history("m/i1") == ["withdrawn"]
    assert await lab.rows("SELECT count(*) FROM attempt") == [(0,)]


@pytest.mark.parametrize("fetch_first", [True, False])
async def test_recall_and_fetch_in_one_batch_never_both_win(lab: Lab, fetch_first: bool) -> None:  # noqa: FBT001
    """A recall that loses awaits an answer; one that wins takes itself back too."""
    await lab.record(message("i1", name="m"))
    recall = request("m", "i1")
    tasks = [lab.fetch("m/i1"), lab.record(recall)] if fetch_first else [lab.record(recall), lab.fetch("m/i1")]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    [(opened,)] = await lab.rows("SELECT request_id FROM delivery WHERE id = 'm/i1'")
    own = await lab.state(f"{recall.message.id}/i1")
    if fetch_first:
        assert results[0] == "m"
        assert (opened, own) == (recall.message.id, State.QUEUED)
    else:
        assert isinstance(results[1], RefusedError)
        assert (await lab.state("m/i1"), opened, own) == (State.WITHDRAWN, None, State.WITHDRAWN)


async def test_lease_keeps_the_second_reader_away_until_it_runs_out(lab: Lab) -> None:
    """One item, one reader at a time."""
    await lab.record(message("i1", name="m"))
    operation = LeaseOperation()
    both = await asyncio.gather(lease(lab, operation, "r1"), lease(lab, operation, "r2"))
    assert list(both) == [{"m/i1"}, set()]
    with pytest.raises(RefusedError, match="item_leased"):
        await lab.fetch("m/i1", reader="r2")
    await lab.fetch("m/i1", reader="r1")
    with pytest.raises(RefusedError, match="item_leased"):
        await lab.acknowledge("m/i1", reader="r2")
    assert await lease(lab, operation, "r2", hours=1) == {"m/i1"}
    assert await lab.acknowledge("m/i1", reader="r2", now=START + HOUR) is State.DELIVERED


async def test_two_fetches_in_one_batch_are_one_hand_out(lab: Lab) -> None:
    """Content may be fetched again; it leaves once in the history."""
    await lab.record(message("i1", name="m"))
    both = await asyncio.gather(lab.fetch("m/i1"), lab.fetch("m/i1"))
    assert list(both) == ["m", "m"]
    assert await lab.fetch("m/i1") == "m"
    assert await lab.history("m/i1") == ["fetched"]
    assert await lab.rows("SELECT count(*) FROM attempt WHERE ended_at IS NULL") == [(1,)]


async def test_acknowledging_twice_is_once(lab: Lab) -> None:
    """A repeated acknowledgement, also in the same batch, changes nothing."""
    await lab.record(message("i1", name="m"))
    await lab.fetch("m/i1")
    both = await asyncio.gather(lab.acknowledge("m/i1"), lab.acknowledge("m/i1"))
    assert [*both, await lab.acknowledge("m/i1")] == [State.DELIVERED] * 3
    assert await lab.history("m/i1") == ["fetched", "delivered"]
    assert await lab.rows("SELECT outcome FROM attempt") == [("delivered",)]
    assert (await lab.dispatch("m>i1"))["state"] == "done"


async def test_acknowledging_what_was_not_fetched_is_refused(lab: Lab) -> None:
    """Nobody has what was never handed out."""
    await lab.record(message("i1", name="m"))
    with pytest.raises(RefusedError, match="item_not_fetched"):
        await lab.acknowledge("m/i1")


@pytest.mark.parametrize("delivery_id", ["nothing", "m/a1"])
async def test_what_is_no_inbox_item_is_not_found(lab: Lab, delivery_id: str) -> None:
    """Pushed lines are not for readers."""
    await lab.record(message("a1", name="m"))
    with pytest.raises(RefusedError, match="not_found"):
        await lab.fetch(delivery_id)
    with pytest.raises(RefusedError, match="not_found"):
        await lab.acknowledge(delivery_id)


async def test_held_item_is_not_handed_out_until_released(lab: Lab) -> None:
    """A person's hold covers the inbox."""
    await lab.record(message("i1", name="m"))
    await lab.act(Trigger.HELD, "m/i1")
    with pytest.raises(RefusedError, match="state_forbids"):
        await lab.fetch("m/i1")
    await lab.act(Trigger.RELEASED, "m/i1")
    assert (await lab.dispatch("m>i1"))["state"] == "inbox"
    assert await lab.fetch("m/i1") == "m"


async def test_inbox_items_are_neither_claimed_nor_rescued(lab: Lab) -> None:
    """What receivers fetch waits for them, over any number of boots."""
    await lab.record(message("i1", name="m"))
    assert await lab.claim(endpoints=("box", "push")) == []
    await lab.fetch("m/i1")
    await lab.start_boot("boot-2")
    assert await lab.rescue() == 0
    assert await lab.acknowledge("m/i1") is State.DELIVERED


async def test_status_instead_of_an_acknowledgement_ends_the_hand_out(lab: Lab) -> None:
    """A status proves that the reader has it."""
    await lab.record(message("i1", name="m"))
    await lab.fetch("m/i1")
    await lab.record(status("01", "m/i1"))
    assert (await lab.dispatch("m>i1"))["state"] == "done"
    assert await lab.rows("SELECT outcome FROM attempt") == [("delivered",)]
    assert await lab.acknowledge("m/i1") is State.ACKNOWLEDGED


async def test_signed_acknowledgement_is_kept_though_the_item_was_closed(lab: Lab) -> None:
    """Once, with an event of its own; its proof and that of the first are both there."""
    await lab.record(message("i1", name="m"))
    delivery = "m/i1"
    await lab.fetch(delivery)
    assert await lab.acknowledge(delivery) is State.DELIVERED
    await lab.acknowledge(delivery)
    assert await lab.acknowledge(delivery, key_id="ab" * 32) is State.DELIVERED
    await lab.acknowledge(delivery, key_id="cd" * 32)
    proofs = await lab.rows("SELECT kind, sha256 FROM receiver_proof ORDER BY id")
    assert [kind for kind, _ in proofs] == ["token", "signature"]
    told = await lab.rows(
        "SELECT kind, leaf ->> '$.facts.proof' FROM event WHERE leaf ->> '$.facts.proof' IS NOT NULL ORDER BY seq"
    )
    assert told == [("delivery.delivered", proofs[0][1]), ("delivery.proved", proofs[1][1])]


async def test_how_far_an_office_is_behind_counts_what_it_took_and_acknowledged(lab: Lab) -> None:
    """The oldest that nobody has fetched, and the last fetch, also of what is closed by now."""
    for place, name in enumerate(("m1", "m2", "m3")):
        await lab.record(message("i1", name=name, at=START + place * HOUR))
    params = {"offices": '["i1", "a1"]', "limit": 9}

    async def behind() -> tuple[object, ...]:
        waits = await lab.readers.fetch("delivery_find_unfetched", params)
        assert {row[0] for row in waits} <= {"i1"}
        last = {row[0]: row[1:] for row in await lab.readers.fetch("delivery_last_fetch", params)}
        return (*(waits[0][1:] if waits else (0, None)), *last["i1"])

    assert await behind() == (3, micros(START), None, None, None)
    await lab.fetch("m1/i1", now=START + 5 * HOUR)
    assert await behind() == (3, micros(START + HOUR), micros(START + 5 * HOUR), None, None)
    await lab.acknowledge("m1/i1", now=START + 6 * HOUR)
    assert await behind() == (2, micros(START + HOUR), None, micros(START + 5 * HOUR), None)
    await lab.fetch("m2/i1")
    await lab.fetch("m3/i1")
    assert await behind() == (2, None, micros(START), micros(START + 5 * HOUR), None)
