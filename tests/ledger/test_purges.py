"""Orders to destroy, in the ledger: what holds them back, two persons, lapsing, and nobody is sent it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.clock import SystemClock
from gateway.config.retention import RetentionSettings
from gateway.config.values import RetentionRule
from gateway.errors import RefusedError
from gateway.ledger.purged import NoteRemainsOperation, Purge, PurgeOperation, Remain, Remains
from gateway.ledger.purges import (
    AnswerForPurge,
    AnswerForPurgeOperation,
    EndPurge,
    EndPurgeOperation,
    Ordered,
    OrderPurge,
    OrderPurgeOperation,
)
from gateway.ledger.readdress import Readdress, ReaddressOperation
from gateway.ledger.retained import EndRetained, EndRetainedOperation, Retain, RetainOperation
from gateway.maintenance.retention import Retention
from gateway.model import OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, START, Lab, message


class _Clock(SystemClock):
    """Thirty days later."""

    def now(self) -> datetime:
        return START + 30 * DAY


ONE, TWO = "operator:1001", "operator:1002"


async def arrived(lab: Lab, name: str, *, twin_of: str = "") -> None:
    """A document that its recipient has, with the bytes of another one if that is named."""
    new = message("a1", name=name)
    if twin_of:
        twin = message("a1", name=twin_of)
        new = replace(new, message=replace(new.message, sha256=twin.message.sha256))
    await lab.record(new)
    [item] = await lab.claim()
    await lab.finish(item)


async def order(lab: Lab, *documents: str, month: str = "", name: str = "order") -> Ordered | None:
    ask = OrderPurge(
        id=name,
        documents=documents,
        ref="QĐ 1",
        reason="hết hạn",
        with_envelope=False,
        actor="gateway" if month else ONE,
        now=START,
        month=month,
    )
    return await lab.pump.submit(OrderPurgeOperation(), ask)


async def answer(lab: Lab, actor: str, *, name: str = "order", since: timedelta = DAY) -> bool:
    ask = AnswerForPurge(id=name, why="đúng", actor=actor, now=START, since=START - since)
    return await lab.pump.submit(AnswerForPurgeOperation(), ask)


async def purge(lab: Lab, document: str, *, name: str = "order") -> bool:
    return await lab.pump.submit(PurgeOperation(), Purge(order=name, message_id=document, now=START))


async def test_shared_bytes_are_ordered_together_or_not_at_all(lab: Lab) -> None:
    """The refusal names the other one."""
    await arrived(lab, "m1")
    await arrived(lab, "m2", twin_of="m1")
    with pytest.raises(RefusedError, match="m2") as told:
        await order(lab, "m1")
    assert told.value.code == "purge_shared"
    made = await order(lab, "m1", "m2")
    assert made == Ordered(id="order", documents=2, held={})


async def test_twin_that_came_after_the_order_holds_it_back(lab: Lab) -> None:
    """What was right when it was ordered is looked at again when it is carried out."""
    await arrived(lab, "m1")
    await order(lab, "m1")
    await answer(lab, TWO)
    await arrived(lab, "m2", twin_of="m1")
    assert await purge(lab, "m1") is False
    assert await lab.rows("SELECT held_by FROM purge_document") == [("purge_shared",)]


@pytest.mark.parametrize("outcome", [None, OutcomeKind.DEFERRED])
async def test_what_somebody_may_be_sent_is_refused(lab: Lab, outcome: OutcomeKind | None) -> None:
    """Under way or waiting."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    if outcome is not None:
        await lab.finish(item, outcome)
    with pytest.raises(RefusedError) as told:
        await order(lab, "m")
    assert told.value.code == "purge_undelivered"


async def test_unknown_documents_statuses_and_twice_ordered_ones_are_refused(lab: Lab) -> None:
    """Nothing of such an order is made."""
    await arrived(lab, "m")
    with pytest.raises(RefusedError) as told:
        await order(lab, "m", "nowhere")
    assert told.value.code == "document_unknown"
    await order(lab, "m")
    with pytest.raises(RefusedError) as told:
        await order(lab, "m", name="second")
    assert told.value.code == "state_forbids"
    assert await lab.rows("SELECT id FROM purge") == [("order",)]


async def test_rules_order_needs_two_persons_as_well(lab: Lab) -> None:
    """The first one stands for what the rule said, the second one confirms; a month has one order."""
    await arrived(lab, "m")
    assert await order(lab, "m", month="2026-11") is not None
    assert await order(lab, "m", month="2026-11", name="again") is None
    assert await answer(lab, ONE) is False
    with pytest.raises(RefusedError) as told:
        await answer(lab, ONE)
    assert told.value.code == "purge_one_person"
    assert await answer(lab, TWO) is True
    kinds = [row[0] for row in await lab.rows("SELECT kind FROM event WHERE kind LIKE 'purge.%' ORDER BY seq")]
    assert kinds == ["purge.ordered", "purge.backed", "purge.confirmed"]


async def test_order_lapses(lab: Lab) -> None:
    """After its time nobody can confirm it, and its documents may be ordered anew."""
    await arrived(lab, "m")
    await order(lab, "m")
    with pytest.raises(RefusedError, match="lapsed"):
        await answer(lab, TWO, since=-timedelta(seconds=1))
    await lab.pump.submit(EndPurgeOperation(), EndPurge(id="order", outcome="lapsed", actor="gateway", now=START))
    assert await order(lab, "m", name="second") is not None


async def test_confirmed_order_is_not_cancelled(lab: Lab) -> None:
    """What it destroyed is gone."""
    await arrived(lab, "m")
    await order(lab, "m")
    await answer(lab, TWO)
    with pytest.raises(RefusedError) as told:
        await lab.pump.submit(EndPurgeOperation(), EndPurge(id="order", outcome="cancelled", actor=ONE, now=START))
    assert told.value.code == "state_forbids"


async def test_what_is_held_back_of_a_confirmed_order_is_cancelled(lab: Lab) -> None:
    """By one person, once no file is left of what it destroyed; nobody destroys the rest by it afterwards."""
    for each in ("m1", "m2"):
        await arrived(lab, each)
    await order(lab, "m1", "m2")
    await answer(lab, TWO)
    retain = Retain(entries=(("e", "m2"),), ref="TB 5", reason="thanh tra", actor=ONE, now=START)
    await lab.pump.submit(RetainOperation(), retain)
    assert await purge(lab, "m1") is True
    assert await purge(lab, "m2") is False
    cancel = EndPurge(id="order", outcome="cancelled", actor=ONE, now=START)
    with pytest.raises(RefusedError, match="files of what it destroyed are left"):
        await lab.pump.submit(EndPurgeOperation(), cancel)
    held = Remains(order="order", found=(Remain(place="ledger", sha256="", why="m2 is held back"),), now=START)
    await lab.pump.submit(NoteRemainsOperation(), held)
    await lab.pump.submit(EndPurgeOperation(), cancel)
    await lab.pump.submit(NoteRemainsOperation(), held)
    assert await lab.rows("SELECT place FROM purge_remain") == []
    end = EndRetained(id="e", reason="đã kết luận", actor=ONE, now=START)
    await lab.pump.submit(EndRetainedOperation(), end)
    assert await purge(lab, "m2") is False
    assert await lab.rows("SELECT message_id FROM purge_document WHERE purged_at IS NOT NULL") == [("m1",)]
    assert await order(lab, "m2", name="second") is not None


@pytest.mark.parametrize("trigger", [None, Trigger.HELD, Trigger.QUARANTINED])
async def test_order_need_not_wait_for_what_operators_cancelled(lab: Lab, trigger: Trigger | None) -> None:
    """Waiting, held or quarantined: the reason says who ended it, and it can be ordered at once."""
    await lab.record(message("a1", name="m"))
    if trigger is not None:
        await lab.act(trigger, "m/a1")
    act = replace(lab.acting(Trigger.WITHDRAWN, "m/a1"), reason="cancelled_by_operator")
    [acted] = await lab.pump.submit(lab.act_operation, act)
    assert (acted.moved, acted.state) == (True, State.WITHDRAWN)
    assert await lab.rows("SELECT reason FROM delivery") == [("cancelled_by_operator",)]
    assert await lab.claim() == []
    await order(lab, "m")
    await answer(lab, TWO)
    assert await purge(lab, "m") is True


async def test_nobody_is_sent_again_what_was_destroyed(lab: Lab) -> None:
    """Neither a line that was refused, nor a new recipient."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item, OutcomeKind.REFUSED)
    await order(lab, "m")
    await answer(lab, TWO)
    assert await purge(lab, "m") is True
    [acted] = await lab.act(Trigger.REQUEUED, "m/a1")
    assert acted.moved is False
    other = message("a2", name="m")
    ask = Readdress(
        message_id="m",
        dispatches=other.dispatches,
        deliveries=other.deliveries,
        usage=("sender", "2026-11-22", 1),
        actor=ONE,
        now=START,
    )
    with pytest.raises(RefusedError) as told:
        await lab.pump.submit(ReaddressOperation(), ask)
    assert told.value.code == "body_purged"


async def test_rule_orders_what_is_due_once_a_month(lab: Lab) -> None:
    """Only what is older than its rule, and nothing without rules."""
    await arrived(lab, "m")
    clock = _Clock()
    for rules, found in (
        ((), 0),
        ((RetentionRule.parse("default 31d"),), 0),
        ((RetentionRule.parse("default 30d"),), 1),
    ):
        settings = RetentionSettings(rules=rules)
        duty = Retention(lab.readers, lab.pump, settings=settings, clock=clock)
        await duty.run_once()
        await duty.run_once()
        assert len(await lab.rows("SELECT id FROM purge WHERE kind = 'rule' AND month = '2026-12'")) == found
