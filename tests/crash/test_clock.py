"""The wall clock of a working gateway is set wrong, right, and to another time zone."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import VIETNAM
from gateway.storage.sqlite import connect_lookup
from tests.crash.fault_probe import Probe
from tests.crash.faulty import Control, build_faults
from tests.crash.kill_check import check
from tests.crash.kill_process import Companion, Gateway
from tests.crash.kill_site import CLIENTS, RECEIVER, Site, make_template
from tests.crash.kill_sweep import settle
from tests.system_tools import require_tool

pytestmark = pytest.mark.slow

_HOURS = 2 * 3600
#: Far below the jump, and far above what a busy machine may hold a delivery up.
_SOON_SECONDS = 60
_ENVIRONMENT = 3


def rows(site: Site, sql: str) -> list[Any]:
    """Of the ledger."""
    with closing(connect_lookup(site.database)) as connection:
        found: list[Any] = connection.execute(sql).fetchall()
        return found


async def jumps(probe: Probe, count: int) -> None:
    """Wait until so many were noticed."""
    async with asyncio.timeout(_SOON_SECONDS):
        while await probe.metric("gateway_clock_jumps_total") < count:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.05)


async def pushed(site: Site, state: str) -> None:
    """Wait until everything for the office that is pushed has come so far."""
    async with asyncio.timeout(_SOON_SECONDS):
        while {row[0] for row in rows(site, "SELECT state FROM delivery WHERE in_inbox = 0")} != {state}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_jumps_of_the_clock_are_told_and_hold_nothing_up(tmp_path: Path) -> None:
    """Two hours back and forth under a gateway at work, a start behind its ledger, and other time zones."""
    began = time.time()
    library = build_faults(require_tool("cc", "gcc"))
    site = (await make_template(tmp_path)).copy(pause=0.1)
    control = Control(site.folder / "control")
    environment = control.environment(library, site.settings.storage.folder) | {"TZ": "Pacific/Kiritimati"}
    control.set_clock(_HOURS)  # so that the jump back ends at a time at which all certificates are valid
    gateway = await Gateway.start(site, more=environment)
    assert await gateway.ready()
    companions = []
    try:
        async with Probe(site) as probe:
            await probe.look()  # its receiver is not there yet, so it waits for its next try
            await pushed(site, "deferred")
            control.set_clock(0)
            await jumps(probe, 1)
            companions.append(await Companion.start(site, RECEIVER))
            await pushed(site, "delivered")
            control.set_clock(_HOURS)
            await jumps(probe, 2)
            await probe.look()
            await pushed(site, "delivered")
            assert probe.wrong == []
            assert await probe.status_of("/readyz") == 200
        gateway.terminate()
        assert await gateway.gone() == 0
        told = rows(site, "SELECT leaf ->> '$.facts.seconds' FROM event WHERE kind = 'clock.jumped' ORDER BY seq")
        assert [round(row[0], -2) for row in told] == [-_HOURS, _HOURS]
        assert rows(site, "SELECT count(*) FROM event WHERE kind IN ('attempt.outdated', 'delivery.rescued')") == [
            (0,)
        ]
        control.set_clock(0)
        await starts_behind(site, environment | {"TZ": "America/New_York"})
        companions.append(await Companion.start(site, CLIENTS))
        assert await settle(site, await Gateway.start(site), companions) == []
    finally:
        await gateway.kill()
        for each in companions:
            await each.stop()
        control.close()
    assert (await check(site, final=True)).violations == []
    of_this_world(site, began)


async def starts_behind(site: Site, environment: dict[str, str]) -> None:
    """Not by itself; once a person has said that the clock is right, always."""
    gateway = await Gateway.start(site, more=environment)
    assert await gateway.gone() == _ENVIRONMENT
    assert "--accept-clock" in gateway.log.read_text().splitlines()[-1]
    for options in (("--accept-clock",), ()):
        gateway = await Gateway.start(site, more=environment, options=options)
        assert await gateway.ready()
        gateway.terminate()
        assert await gateway.gone() == 0


def of_this_world(site: Site, began: float) -> None:
    """Nothing that was recorded depends on where the process believed to be."""
    for table, column in (
        ("event", "at"),
        ("message", "accepted_at"),
        ("delivery", "created_at"),
        ("boot", "started_at"),
    ):
        instants = [
            row[0] / 1e6 for row in rows(site, f"SELECT {column} FROM {table} ORDER BY rowid DESC LIMIT 20")
        ]
        assert began - 1 <= min(instants)
        assert max(instants) <= time.time() + _HOURS
    ((day,),) = rows(site, "SELECT max(day) FROM usage")
    assert day in {
        f"{datetime.fromtimestamp(at + ahead, VIETNAM):%Y-%m-%d}"
        for at in (began, time.time())
        for ahead in (0, _HOURS)
    }
