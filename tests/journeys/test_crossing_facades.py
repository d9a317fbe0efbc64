"""The gateway dies between a facade's acceptance, or a security server's answer, and our record of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.adapters.lgsp_lab import FacadeLab, facade, facade_folder
from tests.adapters.xroad_lab import XroadLab, xroad
from tests.journeys.crossing import Channel, CrossingConformance, Peer
from tests.journeys.installation import PROVINCE, PUSHED, Installation

__all__ = ["facade", "facade_folder", "xroad"]


class _Facade:
    """A province's facade that hosts everybody."""

    def __init__(self, lab: FacadeLab) -> None:
        self._lab = lab

    async def channel(self, installation: Installation) -> Channel:
        self._host_everybody(installation.settings.storage.secrets)
        await self._lab.start()
        settings = self._lab.endpoint().settings | {"anchors_file": str(self._lab.folder / "ca.pem")}
        return Channel(kind="lgsp", settings=settings)

    def _host_everybody(self, secrets: Path) -> None:
        path = self._lab.folder / "lgsp.toml"
        text = path.read_text().replace('"*.H33"', f'"{PROVINCE}"').replace('"*.H99"', f'"{PUSHED}"')
        path.write_text(text)
        for name in ("gateway.password", "gateway.secret"):
            shutil.copy(self._lab.folder / name, secrets / name)

    async def copies(self) -> list[str]:
        return [taken.sha256 for taken in self._lab.taken()]


class TestLgsp(CrossingConformance):
    """It is sent again, and the trace says that there may be two."""

    fact = "possible_duplicate"

    @pytest.fixture
    def peer(self, facade: FacadeLab) -> Peer:
        return _Facade(facade)


class _SecurityServer:
    """A provider behind a security server."""

    def __init__(self, lab: XroadLab) -> None:
        self._lab = lab

    async def channel(self, installation: Installation) -> Channel:
        return Channel(kind="xroad", settings=self._lab.settings_of_channel())

    async def copies(self) -> list[str]:
        return [key for key, _ in self._lab.inbox.taken]


class TestXroad(CrossingConformance):
    """It is sent again under the same key."""

    @pytest.fixture
    def peer(self, xroad: XroadLab) -> Peer:
        return _SecurityServer(xroad)
