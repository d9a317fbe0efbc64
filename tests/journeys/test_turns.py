"""An agency that hands in much at once takes turns with itself."""

from __future__ import annotations

import asyncio

from gateway.config.settings import LimitSettings
from gateway.config.storage import StorageSettings
from gateway.intake import Intake
from gateway.model import AgencyId
from tests.journeys.installation import Installation


async def test_turns_are_an_agencys_own_and_leave_nothing_behind(installation: Installation) -> None:
    """The third of one waits for one of the first two, though the first fails; another agency does not wait."""
    app = installation.app
    assert app is not None
    core = app.gateway.intake
    intake = Intake(
        bodies=core._bodies,
        pump=core._pump,
        reads=core._reads,
        storage=StorageSettings(),
        limits=LimitSettings(deliveries_per_second=1),
    )
    one, other = AgencyId("one"), AgencyId("other")
    entered: list[str] = []
    leave = {name: asyncio.Event() for name in ("first", "second", "third", "elsewhere")}

    async def work(agency: AgencyId, name: str) -> None:
        async with intake.turn(agency):
            entered.append(name)
            await leave[name].wait()
            if name == "first":
                raise ValueError(name)

    tasks = [asyncio.create_task(work(one, name)) for name in ("first", "second", "third")]
    tasks.append(asyncio.create_task(work(other, "elsewhere")))
    await asyncio.sleep(0.01)
    assert entered == ["first", "second", "elsewhere"]
    leave["first"].set()
    await asyncio.wait(tasks[:1])
    await asyncio.sleep(0.01)
    assert entered[3:] == ["third"]
    for each in leave.values():
        each.set()
    assert isinstance((await asyncio.gather(*tasks, return_exceptions=True))[0], ValueError)
    assert not intake._turns
