"""A channel that fails in part: told before anything waits long, and never beside an outage."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.admin import watching
from gateway.alarms.rules import RULES
from gateway.audit.findings import Finding
from gateway.channel_health import Calls, ChannelHealth
from gateway.cli import main
from gateway.diagnosis.check_kinds import KINDS
from gateway.directory.endpoint_changes import (
    MarkEndpoint,
    MarkEndpointOperation,
    PauseEndpoint,
    PauseEndpointOperation,
)
from gateway.foundation import Foundation, open_foundation
from gateway.ledger.alarms import Alarm
from gateway.ledger.claims import ClaimDue, ClaimOperation, Finish, FinishOperation
from gateway.ledger.offers import Failed, FailedOperation, Look, LookOperation
from gateway.ledger.record import RecordMessage
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.model import OutcomeKind, SendReport
from gateway.retry import RetryPlan
from gateway.storage.readers import Readers
from tests.journeys.alert_lab import Watch
from tests.journeys.installation import COMMUNE, prepare
from tests.ledger.lab import message, outcome

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
GOOD, BAD = OutcomeKind.RELAYED, OutcomeKind.DEFERRED


@dataclass(kw_only=True)
class Lab:
    """A data folder without a server, and the duty that looks for alarms."""

    base: Foundation
    clock: Watch
    watch: AlarmWatch
    called: int = 0

    async def call(self, how: OutcomeKind, *, seconds: float = 1, size: int = 1000) -> None:
        """One over the axis, and a minute passes."""
        self.called += 1
        commune = (await self.base.directory.resolve([COMMUNE], self.clock.now()))[COMMUNE]
        new, axis = (
            message("a1", name=f"call{self.called}", at=self.clock.now()),
            (await self.axis()).state.endpoint,
        )
        (dispatch,), (delivery,) = new.dispatches, new.deliveries
        new = dataclasses.replace(
            new,
            message=dataclasses.replace(new.message, sender_id=commune.id),
            dispatches=(dataclasses.replace(dispatch, endpoint_id=axis.id, recipient_id=commune.id),),
            deliveries=(dataclasses.replace(delivery, endpoint_id=axis.id, recipient_id=commune.id),),
        )
        await self.base.pump.submit(RecordMessage(), new)
        later = self.clock.now() + timedelta(days=1)
        due = ClaimDue(
            boot_id=self.base.boot_id, now=self.clock.now(), lease_until=later, capacity=((axis.id, 1),), limit=1,
            ageing=timedelta(hours=1),
        )  # fmt: skip
        (outgoing,) = await self.base.pump.submit(ClaimOperation(), due)
        finish = Finish(
            attempt_id=outgoing.attempt_id,
            dispatch_id=outgoing.dispatch_id,
            now=self.clock.now() + timedelta(seconds=seconds),
            report=SendReport(outcomes={line.id: outcome(how) for line in outgoing.deliveries}),
            retry=RetryPlan(due_at=later, counts=True),
            bytes_sent=size,
        )
        await self.base.pump.submit(FinishOperation(), finish)
        self.clock.pass_by(minutes=1)

    async def look(self, *, well: bool, seconds: float) -> None:
        """At its list, and so long until the next."""
        key, at = (await self.axis()).state.endpoint.id, self.clock.now()
        if well:
            await self.base.pump.submit(LookOperation(), Look(endpoint_id=key, items=(), at=at))
        else:
            failed = Failed(endpoint_id=key, reason="peer_error", detail="503", at=at)
            await self.base.pump.submit(FailedOperation(), failed)
        self.clock.pass_by(seconds=seconds)

    async def told(self) -> tuple[str, list[str]]:
        """How it is in the console, and the alarms about it after a look."""
        await self.watch.run_once()
        return (await self.axis()).judgement.health.value, [each.rule for each in await self.alarms()]

    async def axis(self) -> watching.Channel:
        """As the console has it."""
        found = await watching.channels(self.base)
        return next(each for each in found if each.state.endpoint.name == "axis")

    async def mark(self, *, up: bool) -> None:
        """It is down, or up again."""
        key = (await self.axis()).state.endpoint.id
        mark = MarkEndpoint(endpoint_id=key, up=up, reason="connect_failed", now=self.clock.now())
        await self.base.directory.apply(self.base.pump, MarkEndpointOperation(), mark)

    async def rules(self) -> list[str]:
        """Of the alarms about the axis, after two looks."""
        await self.watch.run_once()
        await self.watch.run_once()
        return [each.rule for each in await self.alarms()]

    async def alarms(self) -> list[Alarm]:
        """Those about the axis."""
        found = [Alarm.of_row(row) for row in await self.base.readers.fetch("alarm_list_open", (99,))]
        return [each for each in found if each.facts.get("channel")]


@pytest_asyncio.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[Lab]:
    made = await prepare(tmp_path, pki_folder)
    # the ids of tries are made by the machine's own clock, and none is older than it says
    clock = Watch(at=datetime.now(UTC) - timedelta(hours=1))
    async with open_foundation(made.settings, purpose="test") as opened:
        base = dataclasses.replace(opened, clock=clock)
        yield Lab(base=base, clock=clock, watch=AlarmWatch(base, dict))


async def test_every_second_call_that_fails_is_told_with_the_numbers_and_ends_at_half(lab: Lab) -> None:
    """Neither the first failures ring, nor does it come and go about the threshold; it is over with good calls."""
    for _ in range(4):
        await lab.call(GOOD)
        await lab.call(BAD)
    assert await lab.rules() == [], "eight calls say nothing yet"
    await lab.call(GOOD)
    await lab.call(BAD)
    assert await lab.rules() == ["failing_in_part"]
    (alarm,) = await lab.alarms()
    assert (alarm.facts["text"], alarm.facts["text_vi"]) == (
        "5 of 10 calls in 15 minutes",
        "5 trong 10 lượt gửi trong 15 phút",
    )
    channel = await lab.axis()
    assert (channel.judgement.health, channel.judgement.since) == (ChannelHealth.FAILING, alarm.since)
    for _ in range(9):
        await lab.call(GOOD)
    found = await lab.axis()
    assert found.calls is not None
    assert (found.calls.failed, found.calls.ended) == (3, 15)
    assert found.judgement.health is not ChannelHealth.FAILING, "it would not begin with so few"
    assert await lab.rules() == ["failing_in_part"], "but goes on with them"
    for _ in range(12):
        await lab.call(GOOD)
        rules = await lab.rules()
    assert rules == []


async def test_failures_of_a_moment_and_of_one_document_are_no_trouble_of_the_channel(lab: Lab) -> None:
    """However many: they must go on for five minutes."""
    for _ in range(8):
        await lab.call(GOOD)
    for _ in range(6):
        await lab.call(BAD)
        lab.clock.pass_by(seconds=-50)
    assert await lab.rules() == []
    assert (await lab.axis()).judgement.health is ChannelHealth.FINE, "nor for the console"


async def test_slow_calls_count_unless_their_size_explains_it(lab: Lab) -> None:
    """A minute is long for a kilobyte, and not for fifty megabytes."""
    for _ in range(10):
        await lab.call(GOOD, seconds=60, size=50_000_000)
    assert await lab.rules() == []
    for _ in range(8):
        await lab.call(GOOD, seconds=60)
    assert await lab.rules() == ["failing_in_part"]
    (alarm,) = await lab.alarms()
    assert alarm.facts["text"].endswith("8 of them for being slow")


@pytest.mark.parametrize(("seconds", "most"), [(2, 40), (30, 30), (300, 10)])
async def test_list_that_fails_every_second_time_is_degraded_and_does_not_flap(
    lab: Lab, seconds: int, most: int
) -> None:
    """However often it is looked at; before and after every look the same word, and one alarm until it is well."""
    seen = list[tuple[str, list[str]]]()
    for _ in range(25):
        await lab.look(well=False, seconds=max(seconds, 30))
        seen.append(await lab.told())
        await lab.look(well=True, seconds=seconds)
        seen.append(await lab.told())
    first = next(place for place, (_, rules) in enumerate(seen) if rules)
    assert first <= max(12, 5 * 60 // seconds), "after some minutes, or ten looks"
    assert set(map(str, seen[first:])) == {str(("failing", ["failing_in_part"]))}
    (alarm,) = await lab.alarms()
    channel = await lab.axis()
    assert channel.looks is not None
    assert (channel.looks.failed * 2, channel.looks.ended) == (channel.looks.ended, most)
    assert str(alarm.facts["text_vi"]).startswith(f"{most // 2} trong {most} lượt đọc danh sách trong ")
    assert channel.told(vi=False).startswith(f"{most // 2} of {most} readings of its list in ")
    assert len(await lab.base.readers.fetch("alarm_list_closed", (9,))) == 0
    while (await lab.told())[1]:
        await lab.look(well=True, seconds=max(seconds, 30))
    assert (await lab.told()) == ("fine", [])


async def test_doctor_names_a_list_that_fails_time_after_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the console does: asked about its channel, and about the server; not what failed but once."""

    async def told_by(*asked: str) -> dict[str, tuple[str, str]]:
        """What the command finds about lists."""
        config = lab.base.settings.storage.folder.parent / "config.toml"
        await asyncio.to_thread(main, ["--config", str(config), "doctor", *asked, "--json"])
        layers = json.loads(capsys.readouterr().out)["layers"]
        return {each["subject"]: (each["code"], each["detail"]) for each in layers if "list" in each["subject"]}

    async def nothing_else(*_: object) -> list[Finding]:
        """Of the server, which does not run here."""
        return []

    monkeypatch.setattr("gateway.commands.examining.status_of", nothing_else)
    monkeypatch.setattr("gateway.diagnosis.doctor.examine_server", nothing_else)
    await lab.look(well=False, seconds=60)
    await lab.look(well=True, seconds=60)
    assert ((await told_by("axis"))["list"][0], await told_by()) == ("layer_fine", {})
    for well in (False, True) * 6:
        await lab.look(well=well, seconds=60)
    counts = "5 of 10 readings of its list in "
    for asked, subject in (("axis",), "list"), ((), "channel axis, list"):
        code, detail = (await told_by(*asked))[subject]
        assert (code, counts in detail) == ("source_failing", True), detail
    await lab.look(well=False, seconds=60)
    code, detail = (await told_by())["channel axis, list"]
    assert (code, "peer_error" in detail, "readings of its list" in detail) == ("source_degraded", True, True)


@pytest.mark.parametrize("asked", [(), ("axis",)])
async def test_doctor_tells_what_it_found_where_the_lists_cannot_be_read(
    lab: Lab, asked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that the database cannot be read; while it can be, each is read once, for all channels."""
    config = lab.base.settings.storage.folder.parent / "config.toml"
    read, fetch = list[str](), Readers.fetch

    async def noted(self: Readers, name: str, *params: Any) -> list[tuple[Any, ...]]:
        read.append(name)
        return await fetch(self, name, *params)

    async def found_before(*_: object, **__: object) -> list[Finding]:
        return [Finding(code="layer_fine", kind=KINDS["layer_fine"], subject="before", detail="")]

    async def told() -> list[tuple[str, str]]:
        assert await asyncio.to_thread(main, ["--config", str(config), "doctor", *asked, "--json"]) in {0, 1}
        return [(each["subject"], each["code"]) for each in json.loads(capsys.readouterr().out)["layers"]]

    for name in (
        "commands.examining.status_of",
        "diagnosis.doctor.examine_server",
        "diagnosis.doctor.examine_channel",
    ):
        monkeypatch.setattr(f"gateway.{name}", found_before)
    monkeypatch.setattr(Readers, "fetch", noted)
    assert len(await lab.base.directory.endpoints()) > 1
    assert (await told())[0] == ("before", "layer_fine")
    assert [read.count(each) for each in ("source_list_states", "offer_count_stuck", "source_list_looks")] == [
        1,
        1,
        1,
    ]
    with sqlite3.connect(lab.base.settings.storage.folder / "gateway.sqlite") as database:
        database.execute("ALTER TABLE silence RENAME TO gone")
    assert await told() == [("before", "layer_fine"), ("database", "database_unreadable")]


async def test_outages_of_a_list_are_told_as_such_and_are_over_with_it(lab: Lab) -> None:
    """One, however long, is not failing in part when it is over; nor is a few moments' trouble."""
    for _ in range(20):
        await lab.look(well=True, seconds=30)
    for _ in range(9):
        await lab.look(well=False, seconds=60)
        assert await lab.told() == ("unreadable", [])
    for _ in range(3):
        await lab.look(well=False, seconds=60)
        now = await lab.told()
    assert now == ("unreadable", ["list_unreadable"])
    await lab.look(well=True, seconds=30)
    for well in (True, False, True, True):
        await lab.look(well=well, seconds=30)
    assert (await lab.told())[0] == "fine"
    for _ in range(20):
        await lab.look(well=True, seconds=30)
    assert await lab.told() == ("fine", [])


async def test_list_that_came_and_went_and_is_gone_rings_as_unreadable(lab: Lab) -> None:
    """When it has been so for as long as any outage."""
    for _ in range(20):
        await lab.look(well=False, seconds=30)
        await lab.look(well=True, seconds=30)
    for _ in range(9):
        await lab.look(well=False, seconds=60)
        assert (await lab.told())[0] == "failing"
    for _ in range(2):
        await lab.look(well=False, seconds=60)
        health, rules = await lab.told()
    assert (health, "list_unreadable" in rules) == ("unreadable", True)


async def test_look_that_lists_and_gets_nothing_is_counted_once(lab: Lab) -> None:
    """What could be listed while the source goes on failing neither ends the failure nor counts beside it."""
    key = (await lab.axis()).state.endpoint.id
    await lab.look(well=False, seconds=30)
    await lab.base.pump.submit(LookOperation(), Look(endpoint_id=key, items=(), at=lab.clock.now(), is_all=False))
    await lab.look(well=False, seconds=30)
    ((_, looks),) = await lab.base.readers.fetch("source_list_looks")
    assert [at < 0 for at in json.loads(looks)] == [True, True]


async def test_outage_rings_as_outage_alone_and_what_failed_in_it_is_forgotten(lab: Lab) -> None:
    """While it lasts, and after it."""
    for _ in range(6):
        await lab.call(GOOD)
    await lab.mark(up=False)
    for _ in range(9):
        await lab.call(BAD)
        assert await lab.rules() == []
    lab.clock.pass_by(minutes=2)
    assert await lab.rules() == ["axis_down"]
    await lab.mark(up=True)
    for _ in range(8):
        await lab.call(GOOD)
        assert "failing_in_part" not in await lab.rules()
    assert (await lab.axis()).calls is None


async def test_channel_that_comes_and_goes_rings_though_each_outage_is_short(lab: Lab) -> None:
    """What failed in them counts, since there is more than one."""
    for _ in range(3):
        await lab.call(GOOD)
        await lab.call(GOOD)
        await lab.mark(up=False)
        await lab.call(BAD)
        await lab.call(BAD)
        await lab.mark(up=True)
    assert await lab.rules() == ["failing_in_part"]


async def test_nobody_hears_of_it_who_does_not_want_to_or_paused_the_channel(lab: Lab) -> None:
    """By the setting; a pause ends the alarm, too."""
    for _ in range(6):
        await lab.call(GOOD)
        await lab.call(BAD)
    silent = dataclasses.replace(lab.base.settings.alarms, failing=0)
    settings = dataclasses.replace(lab.base.settings, alarms=silent)
    lab.watch = AlarmWatch(dataclasses.replace(lab.base, settings=settings), dict)
    assert await lab.rules() == []
    lab.watch = AlarmWatch(lab.base, dict)
    assert await lab.rules() == ["failing_in_part"]
    now, key = lab.clock.now(), (await lab.axis()).state.endpoint.id
    pause = PauseEndpoint(endpoint_id=key, until=now + timedelta(hours=2), why="bảo trì", actor="user:x", now=now)
    await lab.base.directory.apply(lab.base.pump, PauseEndpointOperation(), pause)
    assert await lab.rules() == ["failing_in_part"], "until it has been so for a while"
    lab.clock.pass_by(minutes=6)
    assert await lab.rules() == []


def calls(**more: object) -> Calls:
    """Five of ten, over nine minutes."""
    told: dict[str, object] = {
        "ended": 10, "failed": 5, "slow": 0, "transmissions": 5, "first_at": NOW,
        "last_at": NOW + timedelta(minutes=9),
    }  # fmt: skip
    return Calls(**told | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "percent", "fails", "mended"),
    [
        (calls(), 25, True, False),
        (calls(), 0, False, True),
        (calls(), 51, False, False),
        (calls(ended=9), 25, False, True),
        (calls(transmissions=2), 25, False, False),
        (calls(last_at=NOW + timedelta(minutes=4)), 25, False, False),
        (calls(ended=40), 25, False, False),
        (calls(ended=41), 25, False, True),
        (calls(ended=20, failed=2, slow=3), 25, True, False),
    ],
)
def test_so_many_of_enough_calls_for_long_enough(found: Calls, percent: int, *, fails: bool, mended: bool) -> None:
    """What begins it, and what is too little to go on with it."""
    assert (found.is_failing(percent), found.is_mended(percent)) == (fails, mended)


def test_planned_maintenance_explains_it() -> None:
    """As it does an outage."""
    assert RULES["failing_in_part"].is_silence
