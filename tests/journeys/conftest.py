"""Fixtures of the journey tests: one installation and one receiver per test.

`folder` is a copy of one ledger that the whole run fills once (`sound`).
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.installation import Installation, prepare
from tests.journeys.receiver import Receiver


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
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"), axis_url=receiver.url("/axis"))
    async with made.running():
        yield made


@pytest.fixture
def folder(tmp_path: Path, sound: Path) -> Path:
    """A copy of the filled installation."""
    shutil.copytree(sound, tmp_path / "copy")
    text = (tmp_path / "copy" / "config.toml").read_text()
    (tmp_path / "copy" / "config.toml").write_text(text.replace(str(sound), str(tmp_path / "copy")))
    return tmp_path / "copy"
