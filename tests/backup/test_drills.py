"""Drills and reports to the running server: what they find, what they leave."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from tests.backup.lab import asked_json, backed_up, emptied, query, restored, run, settings_of, shelf_of
from tests.journeys.installation import Installation, prepare
from tests.journeys.receiver import Receiver


def configured(folder: Path, more: str = "") -> None:
    """The backup folder in the configuration."""
    with (folder / "config.toml").open("a") as file:
        file.write(f'[backup]\nfolder = "{folder}/backups"\n{more}\n')


def test_drill_restores_the_newest_copy_aside_and_leaves_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in the data folder nor in the backup folder; plain bodies are read where they lie."""
    configured(folder)
    assert run(folder, "backup") == 0
    data = settings_of(folder).storage.folder
    before = sorted(path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm")))
    told = asked_json(folder, capsys, "drill")
    assert (told["ok"], told["documents"], told["code"]) == (True, 7, "")
    assert told["held"] > 0
    assert sorted(path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm"))) == before
    assert not (data / "drill").exists()


def test_drill_finds_a_damaged_body_and_a_folder_without_a_copy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and which body."""
    configured(folder)
    assert asked_json(folder, capsys, "drill", code=1)["code"] == "copy_unknown"
    shelf = shelf_of(folder)
    backed_up(folder, shelf)
    path = next(path for path in (shelf.folder / "bodies").rglob("*") if path.is_file())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    told = asked_json(folder, capsys, "drill", code=1)
    assert told["code"] == "body_changed"
    assert path.exists()


async def test_server_practises_by_itself_and_records_what_it_found(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """Without a copy the first drill fails, which is an event; with one the next passes."""
    site = tmp_path / "site"
    site.mkdir()
    made = await prepare(site, pki_folder, push_url=receiver.url("/p"))
    configured(site)
    made.settings = settings_of(site)
    async with made.running():
        await events_reach(made, "drill.failed")
    assert await asyncio.to_thread(run, site, "backup") == 0
    (made.settings.storage.folder / "backup.json").unlink()
    async with made.running() as app:
        await events_reach(made, "drill.passed")
        async with asyncio.timeout(60):
            value = app.metrics.registry.get_sample_value
            while not value("gateway_drill_passed_timestamp_seconds"):  # noqa: ASYNC110 - a process works
                await asyncio.sleep(0.05)
        assert await asyncio.to_thread(run, site, "backup") == 0
    ((leaf,),) = query(site, "SELECT leaf FROM event WHERE kind = 'backup.made'")
    newest = shelf_of(site).names()[-1]
    assert json.loads(leaf)["facts"]["copy"] == newest
    assert json.loads((made.settings.storage.folder / "backup.json").read_bytes())["copy"] == newest


async def events_reach(made: Installation, kind: str) -> None:
    """Wait until an event of a kind is recorded."""
    async with asyncio.timeout(60):
        while not query(made.folder, f"SELECT 1 FROM event WHERE kind = '{kind}'"):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.2)


def test_restore_is_refused_while_the_server_runs(folder: Path) -> None:
    """It would write under its feet; the folder is not empty either."""
    assert run(folder, "restore", "--from", str(folder / "backups"), "--reason", "why not") == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write where it should not")
def test_root_does_not_write_into_a_folder_of_the_servers_user(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a copy that the drill cannot read nor a data folder that the server cannot open."""
    backed_up(folder, shelf_of(folder))
    os.chown(folder / "backups", 12345, 12345)
    assert run(folder, "backup", "--to", str(folder / "backups")) == 3
    assert "belongs to user 12345" in capsys.readouterr().err
    data = emptied(folder).with_name("data")
    data.mkdir()
    os.chown(data, 12345, 12345)
    assert run(folder, "restore", "--from", str(folder / "backups"), "--reason", "why not") == 3
    assert not list(data.iterdir())


def test_quick_restore_leaves_the_parsing_to_a_later_fsck(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Digests, signatures and leaves are compared all the same."""
    backed_up(folder, shelf_of(folder))
    emptied(folder)
    told = asked_json(
        folder, capsys, "restore", "--quick", "--from", str(folder / "backups"), "--reason", "the disk died"
    )
    assert (told["ok"], told["fsck"]["documents"], told["fsck"]["contents"]) == (True, 7, 0)


def test_database_that_another_tool_brought_back_becomes_a_copy(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As old as its last event, with the bodies of the folder that was left."""
    lost = emptied(folder)
    (tmp_path / "back.sqlite").write_bytes((lost / "gateway.sqlite").read_bytes())
    more = ("--database", str(tmp_path / "back.sqlite"), "--bodies", str(lost))
    told = asked_json(folder, capsys, "backup", "--to", str(folder / "backups"), *more)
    assert told["whole"] is True
    assert told["manifest"]["taken_at"] == told["manifest"]["last_event_at"]
    restored(folder)
    assert run(folder, "backup", "--to", str(folder / "backups"), "--bodies", str(lost)) == 2
