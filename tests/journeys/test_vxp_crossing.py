"""The gateway dies around the axis's word: nothing is lost, nothing is there twice, and every try can be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.simulate.axis.journal import Settled, Taken
from tests.axis_lab import G22, AxisLab, running_axis
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.crossing import Channel, CrossingConformance, Peer
from tests.journeys.installation import COMMUNE, MINISTRY, PUSHED, Installation

_HOSTS = {SYSTEM: (SYSTEM,), G22: ("*.G22", PUSHED)}


class _Axis:
    """The simulator, which hosts the pushed commune under another system."""

    def __init__(self, axis: AxisLab) -> None:
        self._axis = axis

    async def channel(self, installation: Installation) -> Channel:
        secret = installation.folder / "secrets" / "pushed"
        secret.write_bytes(self._axis.secret_files[SYSTEM].read_bytes())
        settings = {
            "url": self._axis.url,
            "system_id": SYSTEM,
            "secret_file": "pushed",
            "anchors_file": str(self._axis.anchors),
            "source": "",
        }
        return Channel(kind="vxp", settings=settings, capabilities={"fans_out": True}, is_relay=True)

    async def copies(self) -> list[str]:
        return [line.doc_id for line in self._axis.journal() if isinstance(line, Taken)]


class TestVxp(CrossingConformance):
    """It is asked for before it would be sent again, found, and adopted."""

    state: ClassVar[str] = "relayed"
    outcomes: ClassVar[tuple[str, ...]] = ("unknown", "relayed")
    copies: ClassVar[tuple[int, int]] = (1, 1)

    @pytest.fixture
    async def peer(self, tmp_path: Path) -> AsyncIterator[Peer]:
        async with running_axis(tmp_path, hosts=_HOSTS) as axis:
            yield _Axis(axis)


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, poll_seconds=0.2, poll_seconds_min=0.05) as made:
        yield made


@pytest.mark.parametrize("point", ["accept.record.before", "accept.record.after"])
async def test_killed_around_the_commit_it_is_one_message_and_acknowledged_later(
    site: AxisSite, point: str
) -> None:
    """The axis hears `done` after the commit only; until then it keeps the document, which comes again."""
    (sent,) = await site.axis.send(MINISTRY, [COMMUNE])
    armed = await site.start(armed=f"{point}=kill")
    async with asyncio.timeout(30):
        assert await armed.gone() < 0
    assert not [line for line in site.axis.journal() if isinstance(line, Settled)]
    await site.start()
    await site.axis.wait("settled", system=SYSTEM)
    await site.until("SELECT 1 FROM offer WHERE acknowledged_at IS NOT NULL")
    assert site.rows("SELECT sha256 FROM message") == [(sent["sha256"],)]
    assert [line.status for line in site.axis.journal() if isinstance(line, Settled)] == ["done"]
    async with site.client(COMMUNE) as commune:
        assert len((await commune.inbox()).items) == 1
