"""Fixtures: a development PKI, and a receiver of what is pushed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.journeys.receiver import Receiver


@pytest_asyncio.fixture
async def receiver(pki_folder: Path) -> AsyncIterator[Receiver]:
    """Listens for pushes."""
    found = Receiver(pki_folder)
    await found.start()
    yield found
    await found.close()
