"""Destroyed bodies and backups: gone from the shared folder, missed by no copy, brought back by no restore."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.backup.restore import verify_copy
from gateway.backup.sealed import BackupKey
from gateway.backup.shelf import Shelf
from gateway.purging.listed import list_of, read_list
from gateway.storage.body_token import body_key_place
from tests.backup.lab import asked_json, backed_up, emptied, query, run
from tests.journeys.installation import Installation, prepare
from tests.journeys.purging import arrived, bodies_below, destroyed, erased, examined, order_of


async def site_of(tmp_path: Path, pki_folder: Path, *, key: bool = False) -> Installation:
    """An installation that knows its backup folder."""
    folder = tmp_path / "site"
    folder.mkdir()
    more = f'[backup]\nfolder = "{folder / "backups"}"\n'
    if key:
        BackupKey.make(folder / "backup.key")
        more += f'key = "{folder / "backup.key"}"\n'
    return await prepare(folder, pki_folder, more=more)


def shelf_of(made: Installation) -> Shelf:
    """As the settings say."""
    backup = made.settings.backup
    assert backup.folder is not None
    return Shelf(backup.folder, BackupKey.load(backup.key) if backup.key else None)


def digests_of(made: Installation, *messages: str) -> list[str]:
    """Of their bodies."""
    ids = ", ".join(f"'{each}'" for each in messages)
    return [row[0] for row in query(made.folder, f"SELECT sha256 FROM message WHERE id IN ({ids}) ORDER BY id")]


@pytest.mark.parametrize("key", [False, True], ids=["plain", "encrypted"])
async def test_body_goes_from_what_the_copies_share(tmp_path: Path, pki_folder: Path, *, key: bool) -> None:
    """Of all copies at once; those go on to be verified, the next one is whole, and others' bodies stay."""
    made = await site_of(tmp_path, pki_folder, key=key)
    async with made.running():
        gone, stays = await arrived(made, number="1"), await arrived(made, number="2")
        backed_up(made.folder, shelf_of(made))
        ((sha256,), (other,)) = [digests_of(made, each) for each in (gone, stays)]
        shelf = shelf_of(made)
        assert shelf.body_path(sha256).exists()
        order = await destroyed(made, gone)
        assert (await order_of(made, order))["outcome"] == "completed"
        assert not shelf.body_path(sha256).exists()
        assert shelf.body_path(other).exists()
        purged = read_list(list_of(made.settings.log))
        verify_copy(shelf_of(made), shelf.names()[0], body_key_place(made.settings), lambda *_: None, purged)
        again = backed_up(made.folder, shelf_of(made))
        assert again.is_whole
        assert not shelf.body_path(sha256).exists()


async def test_backup_that_is_not_mounted_stays_open_in_the_order(tmp_path: Path, pki_folder: Path) -> None:
    """It says which folder; once that is there the next try completes the order."""
    made = await site_of(tmp_path, pki_folder)
    async with made.running() as app:
        message = await arrived(made)
        backed_up(made.folder, shelf_of(made))
        away = (made.folder / "backups").rename(made.folder / "unplugged")
        (sha256,) = digests_of(made, message)
        order = await destroyed(made, message)
        assert bodies_below(made.settings.storage.folder, sha256) == []
        assert (await order_of(made, order))["remains"] == 1
        ((place, why),) = query(made.folder, "SELECT place, why FROM purge_remain")
        assert place == str(made.folder / "backups")
        assert "not there" in why
        eraser = await erased(made)
        assert eraser.condition.words.startswith("remains")
        assert app.metrics.purge_remains._value.get() == 1
        with suppress(FileNotFoundError):
            (made.folder / "backups").rmdir()
        away.rename(made.folder / "backups")
        await erased(made)
        assert (await order_of(made, order))["outcome"] == "completed"
        assert bodies_below(made.folder / "backups", sha256) == []


async def test_drill_with_a_copy_from_before_the_order_passes(
    tmp_path: Path, pki_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its list misses a body that was destroyed since: that is no damage, and nothing comes back by it."""
    made = await site_of(tmp_path, pki_folder)
    async with made.running():
        gone, _ = await arrived(made, number="1"), await arrived(made, number="2")
        backed_up(made.folder, shelf_of(made))
        await destroyed(made, gone)
        (sha256,) = digests_of(made, gone)
    capsys.readouterr()
    told = await asyncio.to_thread(asked_json, made.folder, capsys, "drill")
    assert (told["ok"], told["code"]) == (True, "")
    assert bodies_below(made.folder, sha256) == []


async def test_old_copy_brings_nothing_back(tmp_path: Path, pki_folder: Path) -> None:
    """A copy from before the order, its bodies still at hand: the ledger is told again, and titles go again."""
    made = await site_of(tmp_path, pki_folder)
    async with made.running():
        gone, blank = await arrived(made, number="1"), await arrived(made, number="2", subject="Tối mật")
        backed_up(made.folder, shelf_of(made))
        whole = made.folder / "elsewhere"
        shutil.copytree(made.folder / "backups", whole)  # one that lies in a safe
        await destroyed(made, gone)
        await destroyed(made, blank, with_envelope=True)
    emptied(made.folder)
    digests = digests_in(whole)
    arguments = ("restore", "--from", str(whole), "--reason", "đĩa hỏng")
    assert await asyncio.to_thread(run, made.folder, *arguments) == 0
    data = made.settings.storage.folder
    purged = {each.sha256 for each in read_list(list_of(made.settings.log))}
    assert len(purged) == 2
    assert purged <= digests
    for sha256 in purged:
        assert bodies_below(data, sha256) == []
    assert query(made.folder, f"SELECT subject FROM message WHERE id = '{blank}'") == [("",)]
    async with made.running():
        async with asyncio.timeout(60):
            await erased(made)
            while "gateway.sqlite-wal" in remaining_places(made):  # a reader was there just then: it is cut later
                await erased(made)
        faults = {each.code for each in (await examined(made)).findings}
        assert faults <= {"log_mark_differs"}  # until the gap is declared
        orders = query(made.folder, "SELECT kind, with_envelope, outcome FROM purge ORDER BY with_envelope")
        # the copy in the backup folder holds the title until it goes
        assert orders == [("restore", 0, "completed"), ("restore", 1, None)]
        ((why,),) = query(made.folder, "SELECT why FROM purge_remain")
        assert why.startswith("1 copies from before hold the titles")


def remaining_places(made: Installation) -> list[str]:
    """Where something of an order to destroy remains."""
    return [place for (place,) in query(made.folder, "SELECT place FROM purge_remain")]


def digests_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "bodies").glob("*/*")}
