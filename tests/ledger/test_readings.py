"""Readings: rows that count by the hour, the first time an event, and a disk that takes nothing for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.errors import StorageError
from gateway.ledger.readings import ReadAct, Reading, RecordReadings
from gateway.readings import Readings
from gateway.storage.pump import Pump
from tests.ledger.lab import START, Lab, message


def reading(**more: Any) -> Reading:
    plain = Reading(
        message_id="m", actor="credential:a", act=ReadAct.DOWNLOADED, part="content", channel="rest", at=START
    )
    return replace(plain, **more)


async def rows(lab: Lab) -> list[tuple[Any, ...]]:
    return await lab.rows("SELECT actor, act, part, times FROM reading ORDER BY actor, act, part, hour")


async def events(lab: Lab) -> int:
    return int((await lab.rows("SELECT count(*) FROM event WHERE kind = 'document.read'"))[0][0])


async def test_repeats_count_and_the_first_time_is_an_event(lab: Lab) -> None:
    """For each actor; another part or hour is a row of its own and no event."""
    await lab.record(message("i1", name="m"))
    record = RecordReadings()
    for each in (
        reading(), reading(), reading(at=START + timedelta(minutes=1)), reading(part="attachment 1"),
        reading(at=START + timedelta(hours=1)), reading(actor="operator:0", act=ReadAct.SHOWN, part=""),
        reading(act=ReadAct.OPENED, part=""),
    ):  # fmt: skip
        await lab.pump.submit(record, each)
    assert await rows(lab) == [
        ("credential:a", "downloaded", "attachment 1", 1),
        ("credential:a", "downloaded", "content", 3),
        ("credential:a", "downloaded", "content", 1),
        ("credential:a", "opened", "", 1),
        ("operator:0", "shown", "", 1),
    ]
    assert await events(lab) == 2


async def test_fetch_is_the_leaf_of_whoever_fetched_first(lab: Lab) -> None:
    """A second credential's first download has one of its own."""
    await lab.record(message("i1", name="m"))
    for reader in ("r1", "r1", "r2", "r2"):
        await lab.fetch("m/i1", reader=reader)
    assert [row[3] for row in await rows(lab)] == [2, 2]
    assert await events(lab) == 1
    assert await lab.history("m/i1") == ["fetched", "document.read"]


class _Failing:
    """A pump whose disk takes nothing, until it does."""

    def __init__(self, pump: Pump) -> None:
        self.pump, self.is_broken = pump, True

    async def submit(self, operation: Any, payload: Any) -> Any:
        if self.is_broken:
            raise StorageError
        return await self.pump.submit(operation, payload)


async def test_what_could_not_be_written_is_written_later(lab: Lab) -> None:
    """Nobody is kept from reading by a full disk, and nothing of it is forgotten while the process lives."""
    await lab.record(message("i1", name="m"))
    pump = _Failing(lab.pump)
    readings = Readings(pump)  # type: ignore[arg-type]
    for number in range(3):
        await readings.record(reading(actor=f"credential:{number}"))
    assert await rows(lab) == []
    pump.is_broken = False
    await readings.record(reading())
    await readings.record(reading())
    assert [row[0] for row in await rows(lab)] == ["credential:0", "credential:1", "credential:2", "credential:a"]
