"""Purges across processes: killed at every instant, and ordered by two users of the machine."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.audit.fsck import examine
from gateway.backup.make import Asked, make_copy
from gateway.backup.shelf import Shelf
from gateway.clock import SystemClock
from gateway.failpoints import VARIABLE
from gateway.foundation import database_of
from gateway.purging.listed import list_of, read_list
from gateway.storage.body_token import body_key_place
from tests.backup.lab import query
from tests.journeys.installation import Installation, prepare
from tests.journeys.purging import arrived, bodies_below, confirmed, ordered

#: Where a run of the eraser may die: around each commit, each sync of a file and of a folder.
POINTS = (
    "pump.commit.before",
    "pump.commit.after",
    "fsio.sync.before",
    "fsio.sync_dir.before",
    "fsio.sync_dir.after",
)
#: More than any of them is reached in one run.
_MOST = 40


async def ready(folder: Path, pki_folder: Path) -> Installation:
    """Two documents in a confirmed order that nothing has been done of yet, and a backup of them; stopped."""
    folder.mkdir()  # noqa: ASYNC240
    made = await prepare(folder, pki_folder, more=f'[backup]\nfolder = "{folder / "backups"}"\n')
    async with made.running() as app:
        messages = [await arrived(made, number="1"), await arrived(made, number="2")]
        app.eraser.run_once = idle  # type: ignore[method-assign]
        settings = made.settings
        asked = Asked(
            folder=settings.storage.folder, database=database_of(settings), body_key=body_key_place(settings)
        )
        make_copy(Shelf(folder / "backups", None), asked, SystemClock(), lambda *_: None)
        await confirmed(made, await ordered(made, messages, with_envelope=False))
    assert query(folder, "SELECT COUNT(*) FROM purge_document WHERE purged_at IS NULL") == [(2,)]
    return made


async def idle() -> None:
    """Another process is to do it."""


def run_eraser(folder: Path, armed: str = "") -> int:
    """In a process of its own; how it ended."""
    environment = os.environ | {VARIABLE: armed}
    command = [sys.executable, "-m", "tests.journeys.purge_killed", str(folder)]
    return subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True).returncode


@pytest.mark.parametrize("point", POINTS)
async def test_killed_anywhere_the_next_run_does_the_rest(tmp_path: Path, pki_folder: Path, point: str) -> None:
    """At each hit of a point: nothing is told twice, nothing is left, and fsck finds no loss in between either."""
    made = await ready(tmp_path / "site", pki_folder)
    digests = [row[0] for row in query(made.folder, "SELECT sha256 FROM purge_document")]
    kept = tmp_path / "kept"
    shutil.copytree(made.folder, kept)
    killed = 0
    for hit in range(1, _MOST):
        shutil.rmtree(made.folder)
        shutil.copytree(kept, made.folder)
        ended = await asyncio.to_thread(run_eraser, made.folder, f"{point}=kill:{hit}")
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        killed += 1
        report = await examine(made.settings, database_of(made.settings), quick=True)
        assert report.ok, (hit, report.findings)
        assert await asyncio.to_thread(run_eraser, made.folder) == 0
        whole(made, digests)
    assert killed
    whole(made, digests)


def whole(made: Installation, digests: list[str]) -> None:
    """It was carried out, once."""
    assert query(made.folder, "SELECT outcome FROM purge") == [("completed",)]
    assert query(made.folder, "SELECT COUNT(*) FROM event WHERE kind = 'body.purged'") == [(len(digests),)]
    assert sorted(each.sha256 for each in read_list(list_of(made.settings.log))) == sorted(digests)
    assert [path for each in digests for path in bodies_below(made.folder, each)] == []


USER = 23_456
pytestmark_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root to act as two users")


def as_user(uid: int, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as that user."""
    command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
    command += [sys.executable, "-m", "gateway", "--config", str(folder / "config.toml"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd="/")


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """The server as a process of the user."""
    command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", sys.executable, "-m", "gateway"]
    process = subprocess.Popen([*command, "--config", str(folder / "config.toml"), "serve"], cwd="/")
    try:
        deadline = time.monotonic() + 60
        while as_user(0, folder, "status").returncode != 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def require_readable() -> None:
    """The other user runs this very checkout, which may lie in a folder of root's alone."""
    command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", sys.executable, "-c"]
    if subprocess.run([*command, "import gateway.cli"], cwd="/", capture_output=True, check=False).returncode:
        pytest.skip(f"user {USER} may not read {sys.prefix}")


@pytestmark_root
async def test_order_needs_two_users_of_the_machine(pki_folder: Path) -> None:
    """Root twice is one person; the server's own user is another, and then the running server destroys it."""
    require_readable()
    place = Path(tempfile.mkdtemp(prefix="gateway-purge-"))
    try:
        made = await prepare_site(place / "site", pki_folder)
        async with made.running():
            message = await arrived(made)
        ((sha256,),) = query(made.folder, f"SELECT sha256 FROM message WHERE id = '{message}'")
        await asyncio.to_thread(subprocess.run, ["chown", "-R", f"{USER}:{USER}", str(place)], check=True)
        await asyncio.to_thread(_by_two, made, message)
        assert bodies_below(made.settings.storage.folder, sha256) == []
        actors = query(made.folder, "SELECT made_by, asked_by, confirmed_by FROM purge")
        assert actors == [("operator:0", "operator:0", f"operator:{USER}")]
    finally:
        shutil.rmtree(place)


async def prepare_site(folder: Path, pki_folder: Path) -> Installation:
    folder.mkdir()  # noqa: ASYNC240
    return await prepare(folder, pki_folder)


def _by_two(made: Installation, message: str) -> None:
    folder = made.folder
    with served(folder):
        done = as_user(0, folder, "purge", "order", message, "--ref", "QĐ 1", "--reason", "mật lọt ra", "--json")
        assert done.returncode == 0, done.stderr
        order = json.loads(done.stdout)["order"]
        done = as_user(0, folder, "purge", "confirm", order[-8:], "--reason", "tự mình", "--json")
        assert done.returncode == 1
        assert "purge_one_person" in done.stderr
        done = as_user(USER, folder, "purge", "confirm", order[-8:], "--reason", "đã đối chiếu", "--json")
        assert (done.returncode, json.loads(done.stdout)["confirmed"]) == (0, True), done.stderr
        deadline = time.monotonic() + 60
        while True:
            told = json.loads(as_user(0, folder, "purge", "show", order, "--json").stdout)
            if told["state"] == "completed":
                break
            assert time.monotonic() < deadline, told
        listed = as_user(0, folder, "purge", "list", "--all").stdout
        assert "completed" in listed
