"""`gateway alarms`: what is open is listed, seen to and put off by a person, and what is over stays listed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.clock import SystemClock
from gateway.foundation import open_foundation
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from gateway.ledger.record import RecordMessage
from gateway.states import Trigger
from tests.journeys.installation import PUSHED, Installation
from tests.ledger.lab import message
from tests.unit.operate.test_commands import ACTOR, WHY, Terminal, events, notes, terminal

__all__ = ["terminal"]


async def look(installation: Installation, *, closed: tuple[str, ...] = ()) -> None:
    """Two that open, or some that close."""
    now = SystemClock().now()
    new = tuple(
        NewAlarm(rule=rule, subject="x", is_flash=is_flash, since=now, facts={"name": "UBND xã Một", "count": 2})
        for rule, is_flash in (("flash_unread", True), ("office_silent", False))
    )
    async with open_foundation(installation.settings, purpose="test") as base:
        await base.pump.submit(
            LookedOperation(), Looked(now=now, opened=() if closed else new, closed=closed, told_from=now)
        )


async def test_alarms_are_listed_seen_to_and_put_off(installation: Installation, terminal: Terminal) -> None:
    """As in the console: hỏa tốc is never put off, twice changes nothing, and what is over says who saw to it."""
    await look(installation)
    flash, silent = await terminal.json("alarms", "list")
    assert (flash["rule"], flash["flash"], flash["detail"]) == ("flash_unread", True, "UBND xã Một · 2 documents")
    _, out, _ = await terminal.run("alarms", "list")
    assert flash["do"]["vi"] in out
    assert "docs/runbook.md: Alarm unread" in out
    code, out, err = await terminal.run("alarms", "snooze", flash["id"], "--hours", "4", "--reason", WHY)
    assert (code, out) == (1, "")
    assert "never muted" in err
    assert (await terminal.run("alarms", "snooze", silent["id"], "--hours", "200", "--reason", WHY))[0] == 2
    put_off = await terminal.json("alarms", "snooze", silent["id"], "--hours", "4", "--reason", WHY)
    _, out, _ = await terminal.run("alarms", "acknowledge", flash["id"], "--reason", WHY)
    assert "nobody is told of it again, unless more express documents join it" in out
    again = await terminal.json("alarms", "acknowledge", flash["id"], "--reason", WHY)
    assert (again["acknowledged"], again["flash"]) == (False, True)
    _, out, _ = await terminal.run("alarms", "list")
    assert f"{ACTOR} sees to it" in out
    assert f"put off until {put_off['until']}: {WHY}" in out

    assert put_off["snoozed"]
    await terminal.run("alarms", "acknowledge", silent["id"], "--reason", WHY)
    _, out, _ = await terminal.run("alarms", "snooze", silent["id"], "--hours", "4", "--reason", WHY)
    assert "Not put off: somebody sees to it already." in out

    await look(installation, closed=(flash["id"], silent["id"]))
    assert "No alarm is open" in (await terminal.run("alarms", "list"))[1]
    over = {each["id"]: each for each in await terminal.json("alarms", "history")}
    assert over.keys() == {flash["id"], silent["id"]}
    assert over[flash["id"]]["acknowledged_by"] == ACTOR
    assert over[flash["id"]]["closed_at"]
    assert WHY in (await terminal.run("alarms", "history", "--limit", "2"))[1]
    code, _, err = await terminal.run("alarms", "acknowledge", flash["id"], "--reason", WHY)
    assert code == 1
    assert "the alarm is over" in err
    assert [kind for kind, actor in await events(installation) if actor == ACTOR] == [
        "alarm.snoozed",
        "alarm.acknowledged",
        "alarm.acknowledged",
    ]
    assert await notes(installation) == [WHY, WHY, WHY]


async def take(installation: Installation) -> None:
    """A hỏa tốc document that the system of an office took an hour ago, and the alarm about it."""
    now = SystemClock().now()
    early = now - timedelta(hours=1)
    async with open_foundation(installation.settings, purpose="test") as base:
        office = (await base.directory.resolve([PUSHED], now))[PUSHED]
        assert office.endpoint is not None
        new = message("a1", name="flash", at=early)
        (dispatch,), (delivery,) = new.dispatches, new.deliveries
        new = replace(
            new,
            message=replace(new.message, sender_id=office.id, priority=3),
            dispatches=(replace(dispatch, endpoint_id=office.endpoint.id, recipient_id=office.id),),
            deliveries=(replace(delivery, endpoint_id=office.endpoint.id, recipient_id=office.id),),
        )
        await base.pump.submit(RecordMessage(), new)
        for trigger in (Trigger.HELD, Trigger.CONFIRMED):
            act = Act(
                trigger=trigger, delivery_ids=(delivery.id,), actor="user:x", note="", now=early, give_up_at=now
            )
            await base.pump.submit(ActOperation(), act)
        alarm = NewAlarm(rule="flash_unconfirmed", subject=office.id, is_flash=True, since=early)
        await base.pump.submit(LookedOperation(), Looked(now=now, opened=(alarm,), told_from=now))


async def test_word_of_an_office_by_telephone_ends_the_alarm(
    installation: Installation, terminal: Terminal
) -> None:
    """With whom somebody spoke is kept; an alarm about anything else does not end so, nor one that is over."""
    await take(installation)
    await look(installation)
    alarms = {each["rule"]: each["id"] for each in await terminal.json("alarms", "list")}
    told = ("--spoke-to", "Bà Lan", "--reason", WHY)
    code, _, err = await terminal.run("alarms", "telephoned", alarms["flash_unread"], *told)
    assert (code, "not about documents that an office's system took" in err) == (1, True)
    done = await terminal.json("alarms", "telephoned", alarms["flash_unconfirmed"], *told)
    assert done == {"heard": 1, "over": 1}
    code, _, err = await terminal.run("alarms", "telephoned", alarms["flash_unconfirmed"], *told)
    assert (code, "the alarm is over" in err) == (1, True)
    assert "flash_unconfirmed" not in {each["rule"] for each in await terminal.json("alarms", "list")}
    (over,) = await terminal.json("alarms", "history")
    assert (over["acknowledged_by"], over["note"]) == (ACTOR, f"Bà Lan: {WHY}")
    assert [kind for kind, actor in await events(installation) if actor == ACTOR] == [
        "delivery.telephoned",
        "alarm.closed",
    ]
