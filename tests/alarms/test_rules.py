"""Every rule of our own has a look find it, from what the ledger, the folder or the server's parts really say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.alarms import rules
from gateway.clock import micros
from gateway.condition import Condition, Health
from gateway.config.values import Size
from gateway.diagnosis import doctor
from gateway.directory.encryption import Publish, PublishOperation
from gateway.ledger.offers import Failed, FailedOperation
from gateway.ledger.sources import Silent, SilentOperation
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.states import Trigger
from tests.alarms.office_lab import GOOD, NO, THREE, OfficeLab, opened
from tests.journeys.alert_lab import Watch
from tests.journeys.installation import COMMUNE, MINISTRY, PUSHED
from tests.unit.enveloped.holders import holder, made

Made = Callable[[OfficeLab], Awaitable[None]]


@pytest_asyncio.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[OfficeLab]:
    async with opened(tmp_path, pki_folder) as made:
        yield made


def waits(code: str, lane: int, **later: float) -> Made:
    """A document waits so long."""

    async def make(lab: OfficeLab) -> None:
        await lab.send(code, "d", lane=lane)
        lab.clock.pass_by(**later)

    return make


def taken(lane: int, **later: float) -> Made:
    """A system took it, and nobody has confirmed it since."""

    async def make(lab: OfficeLab) -> None:
        await lab.send(PUSHED, "d", lane=lane)
        await lab.call(GOOD)
        lab.clock.pass_by(**later)

    return make


def down(channel: str) -> Made:
    """Nothing gets through."""

    async def make(lab: OfficeLab) -> None:
        await lab.mark(channel, up=False)
        lab.clock.pass_by(minutes=10)

    return make


async def unreadable(lab: OfficeLab) -> None:
    """Its list."""
    axis = await lab.endpoint("axis")
    failed = Failed(endpoint_id=axis.id, reason="peer_error", detail="503", at=lab.clock.now())
    await lab.base.pump.submit(FailedOperation(), failed)
    lab.clock.pass_by(minutes=10)


async def silent(lab: OfficeLab) -> None:
    """Its list says nothing for too long."""
    axis, now = await lab.endpoint("axis"), lab.clock.now()
    row = "INSERT INTO source (endpoint_id, began_at) VALUES (?, 0)"
    await lab.base.writer.execute_many(row, [(axis.id,)])
    await lab.base.writer.execute_many("INSERT INTO silence (endpoint_id, arrived_at) VALUES (?, 0)", [(axis.id,)])
    ask = Silent(endpoint_id=axis.id, arrived_at=now - timedelta(days=2), at=now)
    assert await lab.base.pump.submit(SilentOperation(), ask)


async def refused(lab: OfficeLab) -> None:
    """Hỏa tốc."""
    await lab.send(PUSHED, "d", lane=0)
    await lab.call(NO)


async def quarantined(lab: OfficeLab) -> None:
    """Hỏa tốc."""
    await lab.send(PUSHED, "d", lane=0)
    await lab.act(Trigger.QUARANTINED, "d/a1")


async def held(lab: OfficeLab) -> None:
    """Hỏa tốc, longer than a check takes."""
    await lab.send(PUSHED, "d", lane=0)
    await lab.act(Trigger.HELD, "d/a1")
    lab.clock.pass_by(minutes=16)


async def full(lab: OfficeLab) -> None:
    """The disk has less room than it is to have."""
    alarms = replace(lab.base.settings.alarms, disk=Size(1 << 60))
    base = replace(lab.base, settings=replace(lab.base.settings, alarms=alarms))
    lab.watch = AlarmWatch(base, dict)


async def ending(lab: OfficeLab) -> None:
    """A token of an office ends in three days."""
    office, now = await lab.base.directory.require(COMMUNE, lab.clock.now()), lab.clock.now()
    ends = now + timedelta(days=3)
    row = (
        "INSERT INTO credential (id, agency_id, kind, fingerprint, issued_at, expires_at, label) "
        "VALUES ('ending', ?, 'token', 'ab', ?, ?, 'QLVB')"
    )
    await lab.base.writer.execute_many(row, [(office.id, micros(now - timedelta(days=300)), micros(ends))])


async def unencrypted(lab: OfficeLab) -> None:
    """The only certificate to encrypt to of an office ends in five days."""
    office, now = await lab.base.directory.require(THREE, lab.clock.now()), lab.clock.now()
    left = now + timedelta(days=5) - datetime.now(UTC)
    one = made(holder("p256").private, begins=-timedelta(days=300), days=300 + left / timedelta(days=1))
    ask = Publish(agency_id=office.id, certificate=one.certificate, actor="operator:x", now=now, why="letter")
    await lab.base.pump.submit(PublishOperation(), ask)


#: Rule, what makes it, whom or what the alarm names, how many documents.
CASES: list[tuple[str, Made, str | None, int | None]] = [
    ("axis_down", down("axis"), "axis", None),
    ("office_down", down("pushed"), "pushed", None),
    ("list_unreadable", unreadable, "axis", None),
    ("list_silent", silent, "axis", None),
    ("backlog_old", waits(MINISTRY, 2, minutes=60), "axis", 1),
    ("deadline_near", waits(MINISTRY, 2, hours=20), "axis", 1),
    ("flash_waiting", waits(MINISTRY, 0, minutes=16), "axis", 1),
    ("flash_refused", refused, "UBND xã Hai", 1),
    ("flash_quarantined", quarantined, "UBND xã Hai", 1),
    ("flash_held", held, "UBND xã Hai", 1),
    ("flash_unread", waits(THREE, 0, minutes=16), "UBND xã Ba", 1),
    ("urgent_unread", waits(COMMUNE, 1, minutes=121), "UBND xã Một", 1),
    ("flash_unconfirmed", taken(0, minutes=16), "UBND xã Hai", 1),
    ("urgent_unconfirmed", taken(1, minutes=121), "UBND xã Hai", 1),
    ("office_silent", waits(COMMUNE, 2, days=2), "UBND xã Một", 1),
    ("disk_soon", full, None, None),
    ("credential_ending", ending, "UBND xã Một", None),
    ("encryption_ending", unencrypted, "UBND xã Ba", None),
]


@pytest.mark.parametrize(("rule", "make", "name", "count"), CASES)
async def test_look_finds_it_names_it_and_tells_no_other(
    lab: OfficeLab, rule: str, make: Made, name: str | None, count: int | None
) -> None:
    """Not before: the same look at a ledger without it finds nothing."""
    assert await lab.looked() == []
    await make(lab)
    found = {each.rule: each for each in await lab.looked()}
    also = {"deadline_near": {"backlog_old"}}.get(rule, set())
    assert set(found) == {rule} | also
    alarm = found[rule]
    assert name is None or str(alarm.facts["name"]).startswith(name)
    assert alarm.facts.get("count") == count
    assert alarm.is_flash is rule.startswith("flash_")


def test_no_rule_of_our_own_is_left_out() -> None:
    """Beside those above: what fails in part (`test_failing`), answers, and the watch itself (`test_alarms`)."""
    above = {rule for rule, *_ in CASES}
    assert above | {"failing_in_part", "answers_overdue", "watch_failing"} == set(rules._OWN)


@pytest.mark.parametrize(
    ("part", "health", "rule"),
    [
        ("log", Health.FAILING, "log_refusing"),
        ("witnesses", Health.LATE, "witness_late"),
        ("seal", Health.FAILING, "seal_failing"),
        ("registers", Health.LATE, "registers_late"),
        ("renewal", Health.FAILING, "renewal_failing"),
    ],
)
async def test_what_a_part_of_the_server_says_of_itself_is_an_alarm(
    lab: OfficeLab, part: str, health: Health, rule: str
) -> None:
    """A checkpoint that is not signed or not witnessed, and others; with its sentence in both languages."""
    lab.conditions[part] = Condition(health, "in words", "bằng lời")
    (alarm,) = await lab.looked()
    assert (alarm.rule, alarm.facts["text"], alarm.facts["text_vi"]) == (rule, "in words", "bằng lời")
    lab.conditions[part] = Condition.fine("well")
    await lab.looked()
    lab.clock.pass_by(minutes=6)
    assert await lab.looked() == []


@pytest.mark.parametrize(("days", "rule"), [(340, "certificate_soon"), (394, "certificate_last_days")])
async def test_certificate_that_ends_soon_is_an_alarm(
    lab: OfficeLab, monkeypatch: pytest.MonkeyPatch, days: int, rule: str
) -> None:
    """Its own keys and certificates, read from their files so many days after they were made."""
    later = Watch(at=datetime.now(UTC) + timedelta(days=days))
    monkeypatch.setattr(doctor, "SystemClock", lambda: later)
    rules_found = {each.rule for each in await lab.looked()}
    assert rules_found == {rule}
