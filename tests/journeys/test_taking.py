"""No peer hears that a document is ours before it is, and a kill there leaves it once: each kind of list."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.simulate.axis.journal import Settled
from tests.adapters.folder_lab import Office, local_office, sftp_office
from tests.adapters.lgsp_lab import FacadeLab, facade, facade_folder
from tests.adapters.xroad_lab import XroadLab, xroad
from tests.axis_lab import G22, AxisLab, running_axis
from tests.journeys.axis_site import SYSTEM
from tests.journeys.crossing import Channel
from tests.journeys.installation import COMMUNE, MINISTRY, Installation
from tests.journeys.taking import HASTE, OwnTakingConformance, TakingConformance, WaitingPeer
from tests.journeys.test_crossing import made
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["facade", "facade_folder", "xroad"]


class _Axis:
    """The simulator, which has a document of the ministry's for the commune."""

    def __init__(self, axis: AxisLab) -> None:
        self._axis = axis

    async def channel(self, installation: Installation) -> Channel:
        secret = installation.folder / "secrets" / "axis"
        secret.write_bytes(self._axis.secret_files[SYSTEM].read_bytes())
        settings = {
            "url": self._axis.url,
            "system_id": SYSTEM,
            "secret_file": "axis",
            "anchors_file": str(self._axis.anchors),
        }
        return Channel(kind="vxp", settings=settings | HASTE, capabilities={"fans_out": True}, is_relay=True)

    async def put(self, content: bytes) -> None:
        await self._axis.put(SYSTEM, content)

    async def told(self) -> list[bool]:
        return [line.status == "done" for line in self._axis.journal() if isinstance(line, Settled)]


class TestVxp(TakingConformance):
    """`done` goes by updateStatus."""

    @pytest.fixture
    async def peer(self, tmp_path: Path) -> AsyncIterator[WaitingPeer]:
        async with running_axis(tmp_path, hosts={SYSTEM: (SYSTEM, COMMUNE), G22: ("*.G22",)}) as axis:
            yield _Axis(axis)


class _Facade:
    """A province's facade with a document of the ministry's."""

    def __init__(self, lab: FacadeLab) -> None:
        self._lab = lab

    async def channel(self, installation: Installation) -> Channel:
        path = self._lab.folder / "lgsp.toml"
        path.write_text(path.read_text().replace('"*.H99"', f'"{MINISTRY}"'))
        for name in ("gateway.password", "gateway.secret"):
            shutil.copy(self._lab.folder / name, installation.settings.storage.secrets / name)
        await self._lab.start()
        settings = self._lab.endpoint().settings | {"anchors_file": str(self._lab.folder / "ca.pem")}
        return Channel(kind="lgsp", settings=settings | HASTE, capabilities={"fans_out": True}, is_relay=True)

    async def put(self, content: bytes) -> None:
        ministry = self._lab.adapter()
        report = await ministry.send(self._lab.endpoint("other"), outgoing(), FakeBody(content))
        await ministry.close()
        assert report.answered

    async def told(self) -> list[bool]:
        return [told.status == "done" for told in self._lab.told() if told.username == "gateway"]


class TestLgsp(TakingConformance):
    """`done` goes by updateStatus."""

    @pytest.fixture
    def peer(self, facade: FacadeLab) -> WaitingPeer:
        return _Facade(facade)


class _Provider:
    """A provider behind a security server that keeps a document for us."""

    def __init__(self, lab: XroadLab) -> None:
        self._lab = lab

    async def channel(self, installation: Installation) -> Channel:
        settings = dict(self._lab.endpoint().settings)
        for name in ("anchors_file", "certificate_file", "key_file"):
            settings[name] = str(self._lab.folder / str(settings[name]))
        return Channel(kind="xroad", settings=settings | HASTE, is_relay=True)

    async def put(self, content: bytes) -> None:
        self._lab.inbox.waiting["entry-1"] = content

    async def told(self) -> list[bool]:
        return [act == "done" for _, act, _ in self._lab.inbox.settled]


class TestXroad(TakingConformance):
    """`done` is a request of its own."""

    @pytest.fixture
    def peer(self, xroad: XroadLab) -> WaitingPeer:
        return _Provider(xroad)


class _Folder:
    """An office's own folder, on this disk or behind an SFTP server."""

    def __init__(self, office: Office) -> None:
        self._office, self._is_put = office, False
        for name in ("outbox", "status", "inbox", "sent", "receipts", "refused", ".gateway"):
            (office.path / name).mkdir()

    async def channel(self, installation: Installation) -> Channel:
        for each in (self._office.surroundings.folder / "secrets").glob("*"):
            shutil.copy2(each, installation.folder / "secrets")
        if self._office.kind == "sftp":
            shutil.copy2(self._office.surroundings.folder / "known_hosts", installation.folder)
        settings = self._office.settings | HASTE | {"settle_seconds": 0, "patience_seconds": 0}
        return Channel(kind=self._office.kind, settings=settings)

    async def put(self, content: bytes) -> None:
        temporary = self._office.path / "outbox" / "a.part"
        temporary.write_bytes(content)
        temporary.rename(temporary.with_suffix(".edxml"))
        self._is_put = True

    async def told(self) -> list[bool]:
        """Anything that the office can see of it: a receipt or a refusal, or that it lies in outbox/ no more."""
        seen = self._office.texts("sent/*") + self._office.texts("receipts/*") + self._office.texts("refused/*")
        is_gone = self._is_put and not self._office.texts("outbox/*")
        return [not self._office.texts("refused/*")] if seen or is_gone else []


class TestFolder(OwnTakingConformance):
    """It is moved to sent/, with its receipt."""

    @pytest.fixture
    def peer(self, tmp_path: Path) -> WaitingPeer:
        return _Folder(local_office(made(tmp_path / "office-side")))


class TestSftp(OwnTakingConformance):
    """It is moved to sent/, with its receipt."""

    @pytest.fixture
    async def peer(self, tmp_path: Path) -> AsyncIterator[WaitingPeer]:
        async with sftp_office(made(tmp_path / "office-side")) as office:
            yield _Folder(office)
