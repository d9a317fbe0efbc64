"""Heard by telephone: an alarm about urgent documents ends by a person's word, and no office's status does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
import pytest_asyncio

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.ledger import heard
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from gateway.ledger.heard import Hear, Heard, HearOperation
from gateway.ledger.replays import (
    Ask,
    AskOperation,
    ClaimReplays,
    ClaimReplaysOperation,
    Replayed,
    ReplayedOperation,
)
from gateway.model import AgencyId, OutcomeKind
from gateway.states import State
from tests.ledger.lab import HOUR, MINUTE, START, Lab, message, status

NOW, WHO, WHY = START + HOUR, "Bà Lan, văn thư", "đã nhận lúc 9 giờ"


@pytest_asyncio.fixture
async def taken(lab: Lab) -> AsyncIterator[Lab]:
    """Two hỏa tốc and one khẩn, taken by the system of a1; alarms about them are open."""
    for name, priority in (("one", 3), ("two", 4), ("urgent", 1), ("plain", 0)):
        item = message("a1", name=name)
        await lab.record(replace(item, message=replace(item.message, priority=priority)))
    for out in await lab.claim(START + MINUTE, room=50):
        await lab.finish(out, OutcomeKind.DELIVERED, now=START + MINUTE)
    new = tuple(
        NewAlarm(rule=rule, subject="a1", is_flash=is_flash, since=START)
        for is_flash, rule in zip((False, True), heard.RULES, strict=True)
    )
    await lab.pump.submit(LookedOperation(), Looked(now=NOW, opened=new, ways=(("push", "alarms"),), told_from=NOW))
    yield lab


async def hear(lab: Lab, *deliveries: str, now: datetime = NOW) -> Heard:
    look = Looked(now=now, ways=(("push", "alarms"),), told_from=now)
    ask = Hear(
        deliveries=frozenset(deliveries), actor="user:x", spoke_to=WHO, why=WHY, look=look,
        during=heard.span(now, flash=MINUTE, urgent=MINUTE),
    )  # fmt: skip
    return await lab.pump.submit(HearOperation(), ask)


async def counted(lab: Lab, now: datetime = NOW) -> list[tuple[Any, ...]]:
    """What a look finds, by urgency."""
    during = heard.span(now, flash=MINUTE, urgent=MINUTE)
    return [row[1:3] for row in await lab.readers.fetch("delivery_list_unconfirmed_urgent", during)]


async def test_alarm_ends_when_somebody_heard_of_all_that_it_is_about(taken: Lab) -> None:
    """Not before, at once then, told to those who are told; for each document an event, and no delivery moves."""
    during = heard.span(NOW, flash=MINUTE, urgent=MINUTE)
    about = await heard.unconfirmed(taken.readers, AgencyId("a1"), during, is_flash=True)
    assert [each.delivery_id for each in about] == ["one/a1", "two/a1"]
    assert await hear(taken, "one/a1") == Heard(deliveries=1, alarms=0)
    assert sorted(await counted(taken)) == [(0, 1), (1, 1)]
    assert await hear(taken, "one/a1", "two/a1") == Heard(deliveries=1, alarms=1)
    assert await counted(taken) == [(1, 1)], "the other alarm has its document yet"
    assert await taken.rows("SELECT rule, note, acknowledged_by FROM alarm WHERE closed_at IS NOT NULL") == [
        ("flash_unconfirmed", f"{WHO}: {WHY}", "user:x")
    ]
    assert await taken.rows("SELECT COUNT(*) FROM alarm_notice WHERE about = 'closed'") == [(1,)]
    told = await taken.rows("SELECT kind, delivery_id, actor, note, leaf FROM event WHERE actor = 'user:x'")
    assert [row[:4] for row in told] == [
        ("delivery.telephoned", "one/a1", "user:x", f"{WHO}: {WHY}"),
        ("delivery.telephoned", "two/a1", "user:x", f"{WHO}: {WHY}"),
        ("alarm.closed", None, "user:x", f"{WHO}: {WHY}"),
    ]
    assert not [row for row in told if b"Lan" in row[4]], "no leaf names anybody"
    assert await taken.state("one/a1") is State.DELIVERED
    assert await taken.rows("SELECT business_status, told_at FROM delivery WHERE id = 'one/a1'") == [(None, None)]


async def test_what_was_heard_of_stays_out_of_alarms_and_what_comes_after_does_not(taken: Lab) -> None:
    """Whatever the time; a later document is another matter."""
    await hear(taken, "one/a1", "two/a1", "urgent/a1")
    late = NOW + timedelta(days=1)
    assert await counted(taken, late) == []
    item = message("a1", name="new", at=NOW)
    await taken.record(replace(item, message=replace(item.message, priority=3)))
    for out in await taken.claim(NOW, room=50):
        await taken.finish(out, OutcomeKind.DELIVERED, now=NOW)
    assert await counted(taken, late) == [(0, 1)]


async def test_what_is_sent_again_after_the_call_waits_to_be_confirmed_anew(taken: Lab) -> None:
    """The office lost what it had said it has. Not by a try that fails; and somebody may call again."""
    await hear(taken, "one/a1", "two/a1", "urgent/a1")
    later = NOW + timedelta(days=2)

    async def again(attempt: str, state: Literal["sent", "failed"], at: datetime) -> None:
        ask = Ask(deliveries=(("one/a1", "one"),), actor="agency:a1", now=at)
        assert await taken.pump.submit(AskOperation(), ask) == 1
        key = (await taken.rows("SELECT id FROM replay WHERE state = 'waiting'"))[0][0]
        claim = ClaimReplays(replay_ids=(key,), attempt_id=attempt, boot_id=taken.boot, now=at)
        assert await taken.pump.submit(ClaimReplaysOperation(), claim) == {key}
        ended = Replayed(delivery_id="one/a1", attempt_id=attempt, state=state, outcome=state, now=at, due_at=at)
        await taken.pump.submit(ReplayedOperation(), ended)

    await again("x1", "failed", later)
    assert await counted(taken, later + HOUR) == []
    await again("x2", "sent", later)
    assert await counted(taken, later + timedelta(seconds=30)) == [], "its office has time as after the first time"
    assert await counted(taken, later + HOUR) == [(0, 1)]
    assert await taken.readers.fetch("heard_list_of_message", ("one",)) == []
    assert (await hear(taken, "one/a1", now=later + HOUR)).deliveries == 1
    assert await counted(taken, later + HOUR) == []
    assert len(await taken.readers.fetch("heard_list_of_message", ("one",))) == 1


@pytest.mark.parametrize("key", ["plain/a1", "nothing", ""], ids=["not urgent", "unknown", "none named"])
async def test_nothing_is_written_down_of_what_needs_no_word(taken: Lab, key: str) -> None:
    """A document that is not urgent has no alarm, and what is unknown is refused."""
    with pytest.raises(RefusedError):
        await hear(taken, *([key] if key else []))
    assert await taken.rows("SELECT COUNT(*) FROM heard") == [(0,)]


async def test_office_that_answers_itself_needs_nobodys_word(taken: Lab) -> None:
    """What its clerk reports counts, before and after."""
    await taken.record(status("01", "one/a1", at=NOW))
    assert (await hear(taken, "one/a1", "two/a1")).deliveries == 1
    await taken.record(status("03", "two/a1", at=NOW + MINUTE))
    assert await taken.state("two/a1") is State.ACKNOWLEDGED
    with pytest.raises(RefusedError, match="state_forbids"):
        await hear(taken, "two/a1")
    assert await taken.rows("SELECT delivery_id, at, by, spoke_to FROM heard") == [
        ("two/a1", micros(NOW), "user:x", WHO)
    ]
