"""`gateway alarms`: what is open is listed, seen to and put off by a person, and what is over stays listed."""

from __future__ import annotations

from gateway.clock import SystemClock
from gateway.foundation import open_foundation
from gateway.ledger.alarms import Looked, LookedOperation, NewAlarm
from tests.journeys.installation import Installation
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
    assert "nobody is told of it again, unless more hỏa tốc joins it" in out
    again = await terminal.json("alarms", "acknowledge", flash["id"], "--reason", WHY)
    assert (again["acknowledged"], again["flash"]) == (False, True)
    _, out, _ = await terminal.run("alarms", "list")
    assert f"{ACTOR} sees to it" in out
    assert f"put off until {put_off['until']}: {WHY}" in out

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
    ]
    assert await notes(installation) == [WHY, WHY]
