"""What an incident report says of a channel whose list is in trouble; a report of a channel that is well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from gateway.admin import incidents
from gateway.admin.watching import Turn
from gateway.ledger.offers import Failed, FailedOperation
from tests.alarms.office_lab import OfficeLab, opened, tuesday


@pytest_asyncio.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[OfficeLab]:
    async with opened(tmp_path, pki_folder) as made:
        yield made


async def test_list_that_cannot_be_read_is_an_incident_that_goes_on(lab: OfficeLab) -> None:
    """It began when the list failed first, however often it failed since; sending is not in trouble."""
    axis, began = await lab.endpoint("axis"), lab.clock.now()
    assert incidents.began_at(await lab.channel("axis"), lab.clock.now()) is None
    for _ in range(3):
        failed = Failed(endpoint_id=axis.id, reason="peer_error", detail="503", at=lab.clock.now())
        await lab.base.pump.submit(FailedOperation(), failed)
        lab.clock.pass_by(hours=30)
    channel, now = await lab.channel("axis"), lab.clock.now()
    assert incidents.began_at(channel, now) == began
    found = await incidents.incident(lab.base, channel, began, now)
    assert (found.is_over, found.over_at, found.last_good_at) == (False, None, None)
    await lab.mark("axis", up=True)
    lab.clock.pass_by(hours=1)
    found = await incidents.incident(lab.base, await lab.channel("axis"), lab.clock.now(), lab.clock.now())
    assert found.last_good_at == now, "what got through before it began"


def test_troubles_that_overlap_are_one() -> None:
    """Of sending and of the list; what ended before, or goes on, is none that ended in the period."""
    start = tuesday()
    turns = [
        Turn(at=start + timedelta(minutes=minute), kind=kind, actor="gateway", why="", reason="")
        for minute, kind in (
            (0, "endpoint.closed"), (5, "endpoint.opened"), (20, "source.silenced"), (25, "endpoint.closed"),
            (30, "endpoint.opened"), (40, "source.closed"), (45, "source.heard"), (50, "source.opened"),
            (55, "endpoint.paused"), (60, "endpoint.resumed"), (70, "source.closed"),
        )
    ]  # fmt: skip
    found = incidents.stops(turns, start + timedelta(minutes=10), start + timedelta(minutes=99))
    assert [((first - start).seconds // 60, (last - start).seconds // 60) for first, last in found] == [
        (20, 50), (55, 60),
    ]  # fmt: skip
