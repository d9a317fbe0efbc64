"""Recording: replays and keys, statuses, requests, and a history that cannot be bent."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.errors import RefusedError
from gateway.events import Event, canonical, leaf_hash
from gateway.model import OutcomeKind
from gateway.states import State, Trigger
from gateway.storage.driver import choose_driver
from tests.ledger.lab import HOUR, START, SUBJECT, Lab, idempotency, message, request, status

DatabaseError = choose_driver().module.DatabaseError


async def test_same_fingerprint_twice_in_one_batch_is_one_message(lab: Lab) -> None:
    """Two senders of one request at the same instant get the same answer."""
    batches = lab.pump.counters.batches
    first, second = await asyncio.gather(
        lab.record(message("a1", name="m", fingerprint="f")), lab.record(message("a1", name="n", fingerprint="f"))
    )
    assert lab.pump.counters.batches == batches + 1
    assert (first.replayed, second.replayed, second.message_id) == (False, True, "m")
    later = await lab.record(message("a1", fingerprint="f"))
    assert (later.replayed, later.message_id) == (True, "m")
    assert await lab.rows("SELECT id FROM message") == [("m",)]
    assert await lab.rows("SELECT count(*) FROM delivery") == [(1,)]


async def test_key_used_for_another_request_in_the_same_batch_is_refused(lab: Lab) -> None:
    """A key stands for one request, also before it is committed, and its refusal hurts nobody else."""
    key = idempotency("k")
    results = await asyncio.gather(
        lab.record(message("a1", name="m", fingerprint="f", idempotency=key)),
        lab.record(message("a1", name="n", fingerprint="other", idempotency=key)),
        lab.record(message("a1", name="o", fingerprint="f", idempotency=key)),
        lab.record(message("a1", name="p")),
        return_exceptions=True,
    )
    assert isinstance(results[1], RefusedError)
    assert results[1].code == "idempotency_key_reused"
    assert [getattr(one, "message_id", "") for one in results] == ["m", "", "m", "p"]
    with pytest.raises(RefusedError, match="idempotency_key_reused"):
        await lab.record(message("a1", fingerprint="third", idempotency=key))


async def test_repeat_under_a_new_key_uses_that_key_up(lab: Lab) -> None:
    """A replay binds its key to the request it repeats, so that no other body can have it later."""
    await lab.record(message("a1", name="m", fingerprint="f", idempotency=idempotency("first")))
    again = await lab.record(message("a1", fingerprint="f", idempotency=idempotency("second")))
    assert (again.replayed, again.message_id) == (True, "m")
    for key in ("first", "second"):
        with pytest.raises(RefusedError, match="idempotency_key_reused"):
            await lab.record(message("a1", fingerprint="other", idempotency=idempotency(key)))
    kept = await lab.rows("SELECT key, fingerprint, message_id FROM idempotency ORDER BY key")
    assert kept == [("first", "f", "m"), ("second", "f", "m")]
    assert await lab.rows("SELECT id FROM message") == [("m",)]


async def test_keys_of_concurrent_repeats_are_all_kept(lab: Lab) -> None:
    """Within one batch too, a key belongs to the first request that came with it, fresh or repeated."""
    batches = lab.pump.counters.batches
    results = await asyncio.gather(
        lab.record(message("a1", name="m", fingerprint="f")),
        lab.record(message("a1", fingerprint="f", idempotency=idempotency("k"))),
        lab.record(message("a1", fingerprint="other", idempotency=idempotency("k"))),
        lab.record(message("a1", fingerprint="f", idempotency=idempotency("k"))),
        lab.record(message("a1", fingerprint="f", idempotency=idempotency("l"))),
        return_exceptions=True,
    )
    assert lab.pump.counters.batches == batches + 1
    assert [getattr(one, "message_id", "refused") for one in results] == ["m", "m", "refused", "m", "m"]
    kept = await lab.rows("SELECT key, fingerprint, message_id FROM idempotency ORDER BY key")
    assert kept == [("k", "f", "m"), ("l", "f", "m")]


async def test_two_statuses_in_one_batch_are_judged_in_turn(lab: Lab) -> None:
    """03 and 05 sent together end at 05, with one acknowledgement."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item)
    await asyncio.gather(lab.record(status("03", "m/a1")), lab.record(status("05", "m/a1")))
    line = await lab.rows("SELECT state, business_status FROM delivery WHERE id = 'm/a1'")
    assert line == [("acknowledged", "05")]
    assert await lab.rows("SELECT code, moved FROM status ORDER BY rowid") == [("03", 1), ("05", 1)]
    assert (await lab.history("m/a1")).count("acknowledged") == 1


async def test_backward_status_is_kept_and_flagged(lab: Lab) -> None:
    """What contradicts is history too, for a person to see."""
    await lab.record(message("a1", name="m"))
    await lab.record(status("05", "m/a1"))
    await lab.record(status("03", "m/a1"))
    assert await lab.rows("SELECT business_status FROM delivery") == [("05",)]
    assert await lab.rows("SELECT flag FROM status ORDER BY rowid") == [(None,), ("status_backwards",)]
    assert "status.flagged" in await lab.history("m/a1")


async def test_recall_takes_back_what_waits_and_opens_a_request_where_it_left(lab: Lab) -> None:
    """One recall, decided per recipient."""
    await lab.record(message("a1", "b1", name="m"))
    [item] = await lab.claim(endpoints=("push",))
    await lab.finish(item)
    recall = request("m", "a1", "b1", at=START + HOUR)
    await lab.record(recall)
    assert await lab.states("m") == {"a1": State.DELIVERED, "b1": State.WITHDRAWN}
    assert await lab.states(recall.message.id) == {"a1": State.QUEUED, "b1": State.WITHDRAWN}
    opened = await lab.rows("SELECT recipient_id FROM delivery WHERE request_id = ?", recall.message.id)
    assert opened == [("a1",)]
    await lab.record(status("15", "m/a1", at=START + HOUR))
    assert await lab.rows("SELECT business_status, request_id FROM delivery WHERE id = 'm/a1'") == [("15", None)]


async def test_status_about_a_withdrawn_line_is_kept_visible_and_flagged(lab: Lab) -> None:
    """A receiver that answers what never left is believed, but the withdrawal stands and a person hears of it."""
    await lab.record(message("a1", name="m"))
    await lab.act(Trigger.WITHDRAWN, "m/a1")
    await lab.record(status("03", "m/a1"))
    assert await lab.rows("SELECT state, business_status FROM delivery") == [("withdrawn", "03")]
    assert await lab.rows("SELECT code, moved, flag FROM status") == [("03", 1, "status_after_withdrawal")]
    assert await lab.history("m/a1") == ["withdrawn", "status.recorded", "status.flagged"]


async def test_recall_and_status_in_one_batch_are_judged_as_committed(lab: Lab) -> None:
    """A status that lost against the recall before it in the same transaction is flagged too."""
    await lab.record(message("a1", name="m"))
    await asyncio.gather(lab.record(request("m", "a1")), lab.record(status("01", "m/a1")))
    assert await lab.state("m/a1") is State.WITHDRAWN
    assert await lab.rows("SELECT flag FROM status") == [("status_after_withdrawal",)]


async def test_recall_of_what_was_withdrawn_before_is_not_sent(lab: Lab) -> None:
    """Nobody is asked to give back what never left: the request's own line is withdrawn with a reason."""
    await lab.record(message("a1", "b1", name="m"))
    await lab.act(Trigger.WITHDRAWN, "m/a1", "m/b1")
    recall = request("m", "a1", "b1", at=START + HOUR)
    await lab.record(recall)
    assert await lab.states(recall.message.id) == {"a1": State.WITHDRAWN, "b1": State.WITHDRAWN}
    reasons = await lab.rows("SELECT DISTINCT reason FROM delivery WHERE message_id = ?", recall.message.id)
    assert reasons == [("recalled_before_leaving",)]
    assert await lab.rows("SELECT id FROM delivery WHERE request_id IS NOT NULL") == []
    assert await lab.claim(START + HOUR) == []


async def test_update_of_what_was_withdrawn_goes_out(lab: Lab) -> None:
    """An update or a replacement is a document of its own, whatever became of the earlier one."""
    await lab.record(message("a1", name="m"))
    await lab.act(Trigger.WITHDRAWN, "m/a1")
    update = request("m", "a1", withdraws=False)
    await lab.record(update)
    assert await lab.claimed_messages() == [update.message.id]


async def test_recall_goes_out_where_a_report_proves_that_the_withdrawn_arrived(lab: Lab) -> None:
    """A withdrawn line that its receiver answered is recalled like one that left, and awaits 15 or 16."""
    await lab.record(message("a1", name="m"))
    await lab.act(Trigger.WITHDRAWN, "m/a1")
    await lab.record(status("03", "m/a1"))
    recall = request("m", "a1")
    await lab.record(recall)
    assert await lab.claimed_messages() == [recall.message.id]
    await lab.record(status("15", "m/a1"))
    assert await lab.rows("SELECT business_status, request_id FROM delivery WHERE id = 'm/a1'") == [("15", None)]


@pytest.mark.parametrize("order", [("left", "waits"), ("waits", "left")])
async def test_recall_of_several_documents_goes_out_while_one_of_them_has_left(
    lab: Lab, order: tuple[str, str]
) -> None:
    """One request, one way: it is withdrawn only where there is nothing at all to give back."""
    await lab.record(message("a1", name="left"))
    [item] = await lab.claim()
    await lab.finish(item)
    await lab.record(message("a1", name="waits"))
    recall = request(order[0], "a1", also=order[1:], at=START + HOUR)
    await lab.record(recall)
    assert (await lab.state("left/a1"), await lab.state("waits/a1")) == (State.DELIVERED, State.WITHDRAWN)
    assert await lab.claimed_messages(START + HOUR) == [recall.message.id]


async def _busy_ledger(lab: Lab) -> None:
    await lab.record(message("x1", "x2", "x3", name="m", fans_out=True))
    await lab.record(message("i1", name="n"))
    [item] = await lab.claim()
    outcomes = {"x1": OutcomeKind.DELIVERED, "x2": OutcomeKind.DEFERRED, "x3": OutcomeKind.REFUSED}
    await lab.finish(item, outcomes)
    await lab.act(Trigger.HELD, "m/x2")
    await lab.act(Trigger.RELEASED, "m/x2")
    await lab.fetch("n/i1")
    await lab.acknowledge("n/i1")
    await lab.record(status("03", "m/x1", "n/i1"))
    await lab.record(request("m", "x2"))


async def test_every_event_is_the_hash_of_a_canonical_leaf_without_free_text(lab: Lab) -> None:
    """The tree over the leaves can be recomputed by anybody and tells nobody a subject."""
    await _busy_ledger(lab)
    events = await lab.rows("SELECT kind, at, message_id, delivery_id, actor, leaf, leaf_hash FROM event")
    for kind, at, message_id, delivery_id, actor, leaf, digest in events:
        told = json.loads(leaf)
        assert leaf_hash(leaf) == digest
        assert canonical(told) == leaf
        shown = (told["kind"], told["at"], told.get("message"), told.get("delivery"), told["actor"])
        assert shown == (Event(kind), at, message_id, delivery_id, actor)
        assert SUBJECT.encode() not in leaf
        assert "tuyệt mật" not in leaf.decode()


async def test_event_rows_can_be_neither_changed_nor_deleted(lab: Lab) -> None:
    """The database itself refuses."""
    await lab.record(message("a1", name="m"))
    before = await lab.rows("SELECT * FROM event")
    for sql in ("UPDATE event SET actor = 'x'", "DELETE FROM event"):
        with pytest.raises(DatabaseError, match="append-only"):
            await lab.rows(sql)
    assert await lab.rows("SELECT * FROM event") == before
