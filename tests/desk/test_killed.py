"""SIGKILL while two clerks register: no gap, no double, no 03 without its line, no line without its 03."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.config import settings as config
from gateway.failpoints import VARIABLE
from gateway.foundation import database_of, open_foundation
from gateway.storage.sqlite import connect_lookup
from tests.desk.lab import DeskLab, clerk_of, running
from tests.desk.victim import PAPERS
from tests.journeys.installation import COMMUNE

DOCUMENTS = 6
#: Points of a registration, and at which hit of it.
POINTS = (
    "status.record.after=kill:3",
    "accept.record.after=kill:5",
    "pump.commit.before=kill:9",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> Path:
    """A stopped gateway where documents wait for the commune."""
    folder = tmp_path_factory.mktemp("filled")

    async def fill() -> None:
        async with running(folder, pki_folder) as site:
            assert site.app is not None
            clerk = await clerk_of(site.app, COMMUNE)
            (office,) = clerk.offices
            lab = DeskLab(site=site, app=site.app, office=office, code=COMMUNE, clerk=clerk)
            for _ in range(DOCUMENTS):
                await lab.send()

    asyncio.run(fill())
    return folder


def run(folder: Path, armed: str = "") -> tuple[int, list[str]]:
    """The victim in a process of its own: how it ended, and what it promised."""
    command = [sys.executable, "-m", "tests.desk.victim", str(folder)]
    environment = os.environ | {VARIABLE: armed}
    done = subprocess.run(command, env=environment, timeout=120, check=False, capture_output=True)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode, done.stdout.decode().splitlines()


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the tables hold."""
    with closing(connect_lookup(database_of(config.load(folder / "config.toml")))) as connection:
        return list(connection.execute(sql).fetchall())


def whole(folder: Path, promises: list[str]) -> int:
    """Check what is there; how many lines."""
    lines = rows(folder, "SELECT number, COALESCE(delivery_id, '') FROM desk_entry ORDER BY number")
    assert [number for number, _ in lines] == list(range(1, len(lines) + 1))
    told = {f"line {number} {delivery}" if delivery else f"paper {number}" for number, delivery in lines}
    assert set(promises) <= told
    reported = rows(folder, "SELECT delivery_id, description FROM status WHERE code = '03' ORDER BY delivery_id")
    named = {delivery: int(re.findall(r"số (\d+) ", words)[0]) for delivery, words in reported}
    assert len(named) == len(reported)
    assert named == {delivery: number for number, delivery in lines if delivery}
    return len(lines)


@pytest.mark.parametrize("point", POINTS)
async def test_killed_anywhere_the_register_is_whole_and_goes_on(tmp_path: Path, filled: Path, point: str) -> None:
    """What was promised is there; the next run takes the next number."""
    folder = tmp_path / "site"
    shutil.copytree(filled, folder)
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace(str(filled), str(folder)))
    ended, promises = await asyncio.to_thread(run, folder, point)
    assert ended == -signal.SIGKILL
    async with open_foundation(config.load(folder / "config.toml"), purpose="test"):
        whole(folder, promises)
    ended, more = await asyncio.to_thread(run, folder)
    assert ended == 0
    papers = sum(line.startswith("paper") for line in {*promises, *more})
    lines = whole(folder, [*promises, *more])
    assert DOCUMENTS + PAPERS <= lines <= DOCUMENTS + papers + 1
