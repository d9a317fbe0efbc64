"""Fixtures of the journey tests: one PKI for the run, one installation and one receiver per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.installation import Installation, make_pki, prepare
from tests.journeys.receiver import Receiver


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development PKI, made once."""
    folder = tmp_path_factory.mktemp("pki") / "certs"
    make_pki(folder)
    return folder


@pytest.fixture
async def receiver(pki_folder: Path) -> AsyncIterator[Receiver]:
    """A webhook receiver of the test's own, over TLS."""
    found = Receiver(pki_folder)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def installation(tmp_path: Path, pki_folder: Path, receiver: Receiver) -> AsyncIterator[Installation]:
    """An installation with its server running."""
    folder = tmp_path / "installation"
    folder.mkdir()
    made = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"), axis_url=receiver.url("/axis"))
    async with made.running():
        yield made
