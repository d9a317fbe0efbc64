"""The kill sweep's short form, and what it rests on: every point is reached, no strict gateway is armed."""

from __future__ import annotations

import asyncio
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from gateway.failpoints import ACTS, FAILPOINTS, VARIABLE
from gateway.simulate.layout import free_ports
from gateway.storage.sqlite import connect_lookup
from tests.crash.kill_check import check, read_ledger
from tests.crash.kill_journal import Sent, read_journals
from tests.crash.kill_months import end_month, look_at_months
from tests.crash.kill_orders import destroyable, order
from tests.crash.kill_process import Companion, Gateway
from tests.crash.kill_site import CLIENTS, RECEIVER, Places, Site, Template, make_template
from tests.crash.kill_sweep import POINTS, RANDOM, Sweep

#: Of the sweep's points; `make crash` goes through all of them, again and again.
_SAMPLE = 12
_PAUSE = 0.2

pytestmark = pytest.mark.slow


async def axis_template(folder: Path) -> Template:
    """Its gateway is a member of an axis."""
    return await make_template(folder, places=Places(member_port=free_ports(1)[0]))


async def until(found: object, seconds: float = 60) -> None:
    """Wait until `found()` is true."""
    assert callable(found)
    async with asyncio.timeout(seconds):
        while not found():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.05)


async def test_kills_at_a_sample_of_points_lose_and_double_nothing(tmp_path: Path) -> None:
    """Whatever is on its way, a killed gateway keeps its promises."""
    seed = random.randrange(1 << 32)
    acts = random.Random(seed).sample([act for act in ACTS if f"{act}.before" in POINTS], _SAMPLE - 2)
    points = tuple(f"{act}.{random.Random(seed).choice(('before', 'after'))}" for act in acts)
    sweep = Sweep(await axis_template(tmp_path), seed=seed, per_folder=_SAMPLE)
    tally = await sweep.run(_SAMPLE, (*points, RANDOM, RANDOM))
    assert tally.violations == [], f"seed {seed}"
    assert tally.runs == _SAMPLE
    assert min(tally.listed, tally.taken) > 0
    assert tally.messages > 0


async def test_every_failpoint_is_reached(tmp_path: Path) -> None:
    """A point that nothing comes by would prove nothing."""
    template = await axis_template(tmp_path)
    noted = tmp_path / "points"
    sweep = Sweep(template, seed=1)
    empty = template.copy(apart=True)
    shutil.rmtree(empty.settings.storage.folder)
    first = await Gateway.start(empty, armed=f"note={noted}")
    assert await first.ready()
    await first.kill()
    await first.gone()
    site = template.copy(seed=1, pause=_PAUSE)
    companions = [await Companion.start(site, name) for name in template.companions]
    before = await Gateway.start(site)
    await until(lambda: destroyable(site), 300)
    await before.kill()
    assert await order(site, random.Random(1))
    sweep.put_in_the_way(site)
    gateway = await Gateway.start(site, armed=f"note={noted}")
    try:
        stop = {point for point in FAILPOINTS if point.startswith("stop.")}
        await until(lambda: set(FAILPOINTS) - stop <= set(noted.read_text().split()), 300)
    finally:
        gateway.terminate()
        await gateway.gone()
        await asyncio.gather(*(each.stop() for each in companions))
    assert set(noted.read_text().split()) == set(FAILPOINTS)


async def test_month_that_ends_between_kills_is_archived_once(tmp_path: Path) -> None:
    """Whether the kill comes before, while or after it is archived; a second month goes on after the first."""
    site = (await make_template(tmp_path)).copy(seed=1)
    first = await Gateway.start(site)
    assert await first.ready()
    await first.kill()
    await first.gone()
    for _ in range(2):
        await end_month(site)
        gateway = await Gateway.start(site, armed="fsio.replace.after=kill:2")
        await gateway.ready()
        await gateway.kill()
        await gateway.gone()
    assert await look_at_months(site) == (2, [])
    folder = site.settings.archive.folder
    assert folder is not None
    (folder / "ledger-2000-01.asice").touch()
    assert len((await look_at_months(site))[1]) == 1


async def test_strict_profile_does_not_start_armed(tmp_path: Path) -> None:
    """A variable left behind in a service's environment is said, not obeyed."""
    site = (await make_template(tmp_path)).copy()
    text = site.config.read_text().replace('profile = "development"', 'profile = "strict"')
    site.config.write_text(text)
    gateway = await Gateway.start(site, armed="reply.before=kill")
    assert not await gateway.ready()
    assert await gateway.gone() == 3
    assert VARIABLE in gateway.log.read_text()


async def test_document_in_flight_at_three_crashes_is_quarantined(tmp_path: Path) -> None:
    """What kills the gateway whenever it is sent stops: it is kept whole for a person, and the rest goes on."""
    site = (await make_template(tmp_path, poison=3)).copy(seed=1, pause=_PAUSE)
    receiver = await Companion.start(site, RECEIVER)
    clients = await Companion.start(site, CLIENTS)
    try:
        dispatch = await one_in_flight(site)
        for crash in (2, 3):
            gateway = await Gateway.start(site, armed="attempt.claim.after=kill")
            assert await gateway.gone() == -9
            assert flying(site, dispatch), f"it was not in flight at crash {crash}"
        gateway = await Gateway.start(site)
        assert await gateway.ready()
        assert state_of(site, dispatch) == "quarantined"
        before = len(sent(site))
        await until(lambda: len(sent(site)) > before + 3)
        assert await clients.finish(20)
        assert await receiver.finish(20)
        gateway.terminate()
        assert await gateway.gone() == 0
    finally:
        await asyncio.gather(clients.stop(), receiver.stop())
    verdict = await check(site, final=False)
    assert verdict.violations == []
    assert state_of(site, dispatch) == "quarantined"


async def one_in_flight(site: Site) -> str:
    """The first crash: the dispatch that was claimed, and never dialled for."""
    gateway = await Gateway.start(site, armed="attempt.claim.after=kill")
    assert await gateway.gone() == -9
    with closing(connect_lookup(site.database)) as connection:
        rows = connection.execute("SELECT id FROM dispatch WHERE state = 'in_flight'").fetchall()
    return str(rows[0][0])


def flying(site: Site, dispatch: str) -> bool:
    """Whether it is in flight now."""
    return state_of(site, dispatch) == "in_flight"


def state_of(site: Site, dispatch: str) -> str:
    """Of the one delivery that it carries."""
    return next(line[1] for line in read_ledger(site.database).deliveries.values() if line[2] == dispatch)


def sent(site: Site) -> list[Sent]:
    """What has a 202."""
    return [record for record in read_journals(site.journals) if isinstance(record, Sent)]
