"""The gateway dies between the axis's acceptance and our record of it; what comes from it is in `test_taking`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.simulate.axis.journal import Taken
from tests.axis_lab import G22, AxisLab, running_axis
from tests.journeys.axis_site import SYSTEM
from tests.journeys.crossing import Channel, CrossingConformance, Peer
from tests.journeys.installation import PUSHED, Installation

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
