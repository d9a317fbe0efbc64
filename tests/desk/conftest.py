"""One gateway for a module's tests; each has an office of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.desk.lab import DeskLab, lab_of, running
from tests.journeys.installation import Installation


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> AsyncIterator[Installation]:
    """The gateway."""
    async with running(tmp_path_factory.mktemp("desk"), pki_folder) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def lab(site: Installation) -> DeskLab:
    """An office and its clerk."""
    return await lab_of(site)
