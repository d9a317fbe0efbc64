"""The gateway dies between a peer's acceptance and our record of it, once for each kind of channel.

All but loopback, whose other end lies in the gateway's own process: killed together, neither has taken anything.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.seal.trust import TrustPurpose
from tests.adapters.folder_lab import Office, local_office, sftp_office
from tests.journeys.crossing import Channel, CrossingConformance, Peer
from tests.journeys.installation import Installation
from tests.journeys.receiver import Receiver


class _Webhook:
    """An office's receiver over TLS."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def channel(self, installation: Installation) -> Channel:
        anchors = installation.pki.anchors(TrustPurpose.TLS) / "root.pem"
        settings = {"url": self._receiver.url("/"), "secret_file": "pushed", "anchors_file": str(anchors)}
        return Channel(kind="webhook", settings=settings)

    async def copies(self) -> list[str]:
        return [came.headers["Idempotency-Key"] for came in self._receiver.came]


class _Folder:
    """An office's folder, on this disk or behind an SFTP server."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def channel(self, installation: Installation) -> Channel:
        for each in (self._office.surroundings.folder / "secrets").glob("*"):
            shutil.copy2(each, installation.folder / "secrets")
        if self._office.kind == "sftp":
            shutil.copy2(self._office.surroundings.folder / "known_hosts", installation.folder)
        return Channel(kind=self._office.kind, settings=self._office.settings)

    async def copies(self) -> list[str]:
        return [dispatch for dispatch, _ in self._office.arrived()]


class TestFolder(CrossingConformance):
    """The folder is found again, so there is one."""

    copies: ClassVar[tuple[int, int]] = (1, 1)

    @pytest.fixture
    def peer(self, tmp_path: Path) -> Peer:
        return _Folder(local_office(tmp_path / "office-side"))


class TestSftp(CrossingConformance):
    """The folder is found again, so there is one."""

    copies: ClassVar[tuple[int, int]] = (1, 1)

    @pytest.fixture
    async def peer(self, tmp_path: Path) -> AsyncIterator[Peer]:
        async with sftp_office(made(tmp_path / "office-side")) as office:
            yield _Folder(office)


def made(folder: Path) -> Path:
    """A folder that is there."""
    folder.mkdir()
    return folder


class TestWebhook(CrossingConformance):
    """It is sent again under the same key."""

    @pytest.fixture
    def peer(self, receiver: Receiver) -> Peer:
        return _Webhook(receiver)
