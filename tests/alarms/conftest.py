"""Fixtures: a development PKI, and a receiver of what is pushed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journeys.installation import make_pki
from tests.journeys.receiver import Receiver


@pytest.fixture(scope="session")
def pki_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once."""
    folder = tmp_path_factory.mktemp("pki") / "certs"
    make_pki(folder)
    return folder


@pytest_asyncio.fixture
async def receiver(pki_folder: Path) -> AsyncIterator[Receiver]:
    """Listens for pushes."""
    found = Receiver(pki_folder)
    await found.start()
    yield found
    await found.close()
