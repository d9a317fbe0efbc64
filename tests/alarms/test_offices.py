"""Offices that share a channel, each for itself: who fetches nothing, who refuses, and who is to be called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.admin.offices import standing_of
from gateway.alarms.telling import described
from gateway.channel_health import ChannelHealth, Judgement, OfficeFacts, judge_office
from gateway.clock import micros
from gateway.config.values import Addresses, Weekdays
from gateway.directory.endpoint_changes import PauseEndpoint, PauseEndpointOperation
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.states import Trigger
from tests.alarms.office_lab import BAD, FIVE, FOUR, GOOD, NO, PHONE, THREE, OfficeLab, opened
from tests.journeys.installation import COMMUNE, MINISTRY, PUSHED


@pytest_asyncio.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[OfficeLab]:
    async with opened(tmp_path, pki_folder) as made:
        yield made


async def test_each_silent_office_behind_one_inbox_is_named_with_its_telephone(lab: OfficeLab) -> None:
    """One that fetches is fine; no silent one hides another; what waits is its own."""
    for code, name in ((COMMUNE, "one"), (THREE, "three"), (FOUR, "four"), (FOUR, "more")):
        await lab.send(code, name)
    lab.clock.pass_by(hours=6)
    await lab.fetch("one")
    await lab.send(COMMUNE, "new")
    assert await lab.words() == {
        "Một": "fine",
        "Ba": "slow",
        "Bốn": "slow",
        "Giang": "fine",
        "Hai": "fine",
        "Năm": "fine",
    }
    lab.clock.pass_by(hours=21)
    words = await lab.words()
    assert (words["Một"], words["Ba"], words["Bốn"]) == ("slow", "silent", "silent")
    assert {name: (await lab.offices())[name].standing.waiting for name in ("Một", "Ba", "Bốn")} == {
        "Một": 2, "Ba": 1, "Bốn": 2,
    }  # fmt: skip
    alarms = await lab.looked()
    assert {(each.rule, each.facts["name"], each.facts["count"]) for each in alarms} == {
        ("office_silent", "UBND xã Ba", 1),
        ("office_silent", "UBND xã Bốn", 2),
    }
    three = next(each for each in alarms if each.facts["name"] == "UBND xã Ba")
    assert three.facts["office"] == three.subject == (await lab.base.directory.require(THREE, lab.clock.now())).id
    assert described(three.facts, vi=True) == f"UBND xã Ba · ĐT {PHONE} · 1 văn bản"
    await lab.fetch("three")
    assert (await lab.words())["Ba"] == "fine"
    await lab.looked()
    lab.clock.pass_by(minutes=6)
    assert [each.facts["name"] for each in await lab.looked()] == ["UBND xã Bốn"]


async def test_inbox_that_several_share_is_silent_where_nobody_is_there(lab: OfficeLab) -> None:
    """One office alone that fetches nothing colours its own mark, not the channel of all."""
    await lab.send(THREE, "three")
    lab.clock.pass_by(days=2)
    assert (await lab.channel("commune")).judgement.health is ChannelHealth.SILENT
    note = "UPDATE endpoint SET last_success_at = ? WHERE name = 'commune'"
    await lab.base.writer.execute_many(note, [(micros(lab.clock.now()),)])
    await lab.base.directory.reload_endpoints()
    channel = await lab.channel("commune")
    assert (channel.judgement.health, channel.waiting) == (ChannelHealth.FINE, 1)
    assert channel.oldest_at == lab.clock.now() - timedelta(days=2)
    words = await lab.words()
    assert (words["Ba"], words["Bốn"]) == ("silent", "fine")


async def test_office_that_refuses_is_failing_until_something_gets_through(lab: OfficeLab) -> None:
    """The other one behind the same webhook is not, nor the channel, over which something got through since."""
    await lab.send(FIVE, "first")
    await lab.call(NO)
    assert (await lab.channel("pushed")).judgement.health is ChannelHealth.REFUSING, "nothing got through since"
    lab.clock.pass_by(minutes=1)
    await lab.send(PUSHED, "other")
    await lab.call(GOOD)
    words = await lab.words()
    assert (words["Năm"], words["Hai"]) == ("refusing", "fine")
    channel, office = await lab.channel("pushed"), (await lab.offices())["Năm"]
    assert channel.judgement.health is ChannelHealth.FINE
    assert channel.refused is not None
    assert office.standing.refused is not None
    assert (channel.refused.count, office.standing.refused.count) == (1, 1)
    assert office.standing.judgement.since == office.standing.refused.first_at
    lab.clock.pass_by(minutes=1)
    await lab.send(FIVE, "second")
    await lab.call(GOOD)
    assert (await lab.words())["Năm"] == "fine", "one refusal among others"
    for number in range(3):
        lab.clock.pass_by(minutes=1)
        await lab.send(FIVE, f"again{number}")
        await lab.call(NO)
    lab.clock.pass_by(minutes=1)
    await lab.send(FIVE, "third")
    await lab.call(GOOD)
    assert (await lab.words())["Năm"] == "refusing", "of six it refused four"
    lab.clock.pass_by(days=8)
    assert (await lab.words())["Năm"] == "fine", "that is history"


async def test_office_that_is_left_alone_behind_a_working_channel_is_failing(lab: OfficeLab) -> None:
    """Its tries fail and wait; the others' get through."""
    await lab.send(FIVE, "stuck")
    await lab.call(BAD)
    assert (await lab.words())["Năm"] == "fine", "for some minutes it may be anything"
    lab.clock.pass_by(minutes=16)
    await lab.send(PUSHED, "well")
    await lab.call(GOOD)
    words = await lab.words()
    assert (words["Năm"], words["Hai"]) == ("refusing", "fine")
    agency = (await lab.offices())["Hai"].agency
    ((_, standing),) = (await standing_of(lab.base, {agency.id: agency})).values()
    assert (standing.judgement.health, standing.waiting) == (ChannelHealth.FINE, 0), "its page says so, too"


async def test_what_fails_for_all_is_told_of_each(lab: OfficeLab) -> None:
    """A pause: nobody is silent meanwhile, and no alarm says so."""
    for code, name in ((COMMUNE, "one"), (THREE, "three")):
        await lab.send(code, name)
    now = lab.clock.now()
    pause = PauseEndpoint(
        endpoint_id=(await lab.endpoint("commune")).id,
        until=now + timedelta(days=9),
        why="tết",
        actor="user:x",
        now=now,
    )
    await lab.base.directory.apply(lab.base.pump, PauseEndpointOperation(), pause)
    lab.clock.pass_by(days=4)
    words = await lab.words()
    assert {words[name] for name in ("Một", "Ba", "Bốn")} == {"paused"}
    assert await lab.looked() == []


async def test_refused_hoa_toc_rings_at_once_and_ends_with_what_is_done(lab: OfficeLab) -> None:
    """Whoever refuses it, an office of ours or one behind the axis; one look is enough. Ordinary ones do not."""
    for code, name, lane, channel in (
        (FIVE, "f", 0, "pushed"),
        (PUSHED, "o", 2, "pushed"),
        (MINISTRY, "m", 0, "axis"),
    ):
        await lab.send(code, name, lane=lane)
        await lab.call(NO, channel)
        lab.clock.pass_by(seconds=1)
    alarms = await lab.looked(times=1)
    assert [(each.rule, each.facts["name"], each.facts["count"], each.is_flash) for each in alarms] == [
        ("flash_refused", "UBND xã Năm", 1, True),
        ("flash_refused", "Văn phòng Chính phủ", 1, True),
    ]
    assert all(each.facts["office"] == each.subject for each in alarms)
    lab.clock.pass_by(days=8)
    await lab.looked()
    lab.clock.pass_by(minutes=6)
    assert "flash_refused" not in {each.rule for each in await lab.looked()}


async def test_quarantined_hoa_toc_rings_by_night_and_until_somebody_sees_to_it(lab: OfficeLab) -> None:
    """At the first look, in the quiet period, however long it lies there. Ordinary documents do not."""
    quiet = replace(lab.base.settings.alarms, mail=Addresses(("x@vanban.example",)), quiet_days=Weekdays(("tue",)))
    lab.base = replace(lab.base, settings=replace(lab.base.settings, alarms=quiet))
    lab.watch = AlarmWatch(lab.base, dict)
    for code, name, lane in ((THREE, "three", 0), (PUSHED, "ordinary", 2)):
        await lab.send(code, name, lane=lane)
    await lab.act(Trigger.QUARANTINED, "three/i1")
    await lab.act(Trigger.QUARANTINED, "ordinary/a1")
    (alarm,) = await lab.looked(times=1)
    assert (alarm.rule, alarm.is_flash) == ("flash_quarantined", True)
    assert described(alarm.facts, vi=True) == f"UBND xã Ba · ĐT {PHONE} · 1 văn bản"
    due = "SELECT due_at FROM alarm_notice WHERE alarm_id = ?"
    assert await lab.base.writer.fetch(due, (alarm.id,)) == [(micros(lab.clock.now()),)], "told at once"
    lab.clock.pass_by(days=31)
    assert "flash_quarantined" in {each.rule for each in await lab.looked()}
    await lab.act(Trigger.WITHDRAWN, "three/i1")
    await lab.looked()
    lab.clock.pass_by(minutes=6)
    assert "flash_quarantined" not in {each.rule for each in await lab.looked()}


NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AGO = NOW - timedelta(minutes=20)


def channel_is(health: str) -> Judgement:
    return Judgement(health=ChannelHealth(health), since=AGO)


OWN = OfficeFacts(channel=channel_is("fine"), is_inbox=False)
BOX = replace(OWN, is_inbox=True)


@pytest.mark.parametrize(
    ("facts", "health"),
    [
        (OWN, "fine"),
        (replace(OWN, channel=channel_is("slow")), "fine"),
        (replace(OWN, channel=channel_is("refusing")), "fine"),
        (replace(OWN, channel=channel_is("failing")), "failing"),
        (replace(OWN, channel=channel_is("silent")), "silent"),
        (replace(BOX, channel=channel_is("silent")), "fine"),
        (replace(BOX, channel=channel_is("down"), refusing_since=AGO), "down"),
        (replace(OWN, oldest_at=AGO), "slow"),
        (replace(BOX, oldest_at=AGO), "fine"),
        (replace(BOX, oldest_at=AGO, open_for=timedelta(hours=4)), "slow"),
        (replace(BOX, silent_since=AGO, silent_for=timedelta(hours=10), refusing_since=AGO), "silent"),
        (replace(BOX, silent_since=AGO, silent_for=timedelta(hours=9), refusing_since=AGO), "refusing"),
        (replace(BOX, silent_since=AGO, silent_for=timedelta(hours=9), silent_after=timedelta(hours=8)), "silent"),
    ],
)
def test_office_is_judged_by_its_own_and_by_what_fails_for_all(facts: OfficeFacts, health: str) -> None:
    """What others behind the channel do says nothing of it."""
    assert judge_office(facts, NOW).health is ChannelHealth(health)
