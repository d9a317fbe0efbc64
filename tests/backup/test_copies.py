"""A copy is whole and verified or it is none; what is wrong with one is found before anything is restored."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.backup import make
from gateway.backup.restore import verify_copy
from gateway.backup.sealed import BackupKey
from gateway.backup.shelf import Shelf
from gateway.clock import SystemClock
from gateway.errors import RefusedError, SchemaVersionError, StorageError
from gateway.foundation import RESTORING
from gateway.storage.body_token import body_key_place
from gateway.storage.migrations import MIGRATIONS, load_migrations
from tests.backup.lab import asked_json, backed_up, emptied, query, restored, run, settings_of, shelf_of
from tests.journeys.tampering import flip_body, remove_body

NEWEST = len(load_migrations(MIGRATIONS))

KEY = BackupKey(bytes(range(32)))


@pytest.fixture(params=[None, KEY], ids=["plain", "encrypted"])
def shelf(request: pytest.FixtureRequest, folder: Path) -> Shelf:
    """A backup folder of either kind, empty."""
    return shelf_of(folder, request.param)


def verified(shelf: Shelf) -> Any:
    key = body_key_place(settings_of(shelf.folder.parent))
    return verify_copy(shelf, shelf.names()[-1], key, lambda *_: None)


def refusal(act: Any, *arguments: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        act(*arguments)
    return caught.value


def body_files(shelf: Shelf) -> list[Path]:
    kind = f"sealed-{shelf.key.id}" if shelf.key else "bodies"
    return sorted(path for path in (shelf.folder / kind).rglob("*") if path.is_file())


def test_copy_tells_what_it_holds(folder: Path, shelf: Shelf) -> None:
    """The manifest's numbers are the ledger's."""
    made = backed_up(folder, shelf)
    assert made.is_whole
    found = verified(shelf)
    ((events, last, messages),) = query(
        folder, "SELECT COUNT(*), MAX(seq), (SELECT COUNT(*) FROM message) FROM event"
    )
    assert (found.last_event, found.messages, found.epoch, found.schema_version) == (last, messages, 1, NEWEST)
    assert events == last
    assert made.new_bodies == found.bodies == len(body_files(shelf))


def test_data_folder_is_only_read(folder: Path) -> None:
    """Without a server a backup changes no byte of what it copies."""
    data = settings_of(folder).storage.folder
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    backed_up(folder, shelf_of(folder))
    after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.suffix != ".sqlite-shm"}
    assert {path: data for path, data in after.items() if path in before} == before
    assert not [path.name for path in after if path not in before and not path.name.endswith(("-wal", "-shm"))]


def test_second_copy_brings_no_body_again(folder: Path, shelf: Shelf) -> None:
    """Bodies are shared by all copies of a folder."""
    first = backed_up(folder, shelf)
    times = {path: path.stat().st_mtime_ns for path in body_files(shelf)}
    second = backed_up(folder, shelf)
    assert (second.new_bodies, second.new_bytes) == (0, 0)
    assert {path: path.stat().st_mtime_ns for path in body_files(shelf)} == times
    assert shelf.names() == [first.manifest.copy, second.manifest.copy]


def test_encrypted_folder_shows_neither_text_nor_digest(folder: Path) -> None:
    """Who gets hold of it cannot even look up whether a known document is in it."""
    shelf = shelf_of(folder, KEY)
    backed_up(folder, shelf)
    digests = {row[0] for row in query(folder, "SELECT sha256 FROM message")}
    files = [path for path in shelf.folder.rglob("*") if path.is_file()]
    assert not digests & {path.name for path in files}
    for path in files:
        data = path.read_bytes()
        assert b"edXML" not in data
        assert b"SQLite format" not in data
    assert not list((settings_of(folder).storage.folder / "staging").iterdir())


def test_body_damaged_in_the_backup_is_mended_by_the_next(folder: Path, shelf: Shelf) -> None:
    """The next copy reads what is there and copies it anew; the damaged file is set aside."""
    backed_up(folder, shelf)
    path = body_files(shelf)[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    made = backed_up(folder, shelf)
    assert (made.new_bodies, made.mended, made.is_whole) == (1, 1, True)
    assert len(list((shelf.folder / "damaged").iterdir())) == 1


@pytest.mark.parametrize("damage", [flip_body, remove_body], ids=["changed", "missing"])
def test_body_damaged_in_the_data_folder_comes_from_an_earlier_copy(folder: Path, damage: Any) -> None:
    """Bodies never change, so the one that was saved is the one that is needed."""
    shelf = shelf_of(folder)
    backed_up(folder, shelf)
    damage(settings_of(folder).storage.folder)
    assert backed_up(folder, shelf).is_whole


@pytest.mark.parametrize("damage", [flip_body, remove_body], ids=["changed", "missing"])
def test_copy_without_a_body_says_so_and_is_not_restored_unasked(
    folder: Path, damage: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is saved all the same, with exit code 1; it comes back only when its loss is accepted."""
    damage(settings_of(folder).storage.folder)
    told = asked_json(folder, capsys, "backup", "--to", str(folder / "backups"), code=1)
    assert told["whole"] is False
    assert len(told["manifest"]["missing"]) == 1
    emptied(folder)
    restored(folder, code=1)
    assert "copy_incomplete" in capsys.readouterr().err
    assert not settings_of(folder).storage.folder.exists()
    restored(folder, "--accept-missing", code=1)
    assert "body_missing" in capsys.readouterr().out
    assert not (settings_of(folder).storage.folder / RESTORING).exists()


def test_older_copies_go_and_bodies_stay(folder: Path) -> None:
    """`keep` counts copies; the newest is never among those that go."""
    shelf = shelf_of(folder)
    names = [backed_up(folder, shelf, keep=2).manifest.copy for _ in range(4)]
    assert shelf.names() == names[-2:]
    assert verified(shelf).copy == names[-1]


def test_two_backups_at_once_are_refused(folder: Path) -> None:
    """The second one is told, and changes nothing."""
    shelf = shelf_of(folder)
    with shelf.locked():
        assert refusal(backed_up, folder, shelf).code == "backup_running"


def test_wrong_and_missing_key_are_told(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is written."""
    shelf = shelf_of(folder, KEY)
    backed_up(folder, shelf)
    BackupKey.make(tmp_path / "other")
    emptied(folder)
    for more in ([], ["--key", str(tmp_path / "other")]):
        restored(folder, *more, code=1)
        assert f"copy_key_wrong: it was made with the key {KEY.id}" in capsys.readouterr().err
        assert not settings_of(folder).storage.folder.exists()


def _flip_database(shelf: Shelf, copy: Path) -> None:
    path = shelf.database_file(copy)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _cut_database(shelf: Shelf, copy: Path) -> None:
    path = shelf.database_file(copy)
    os.truncate(path, path.stat().st_size - 4096)


def _lose_body(shelf: Shelf, _copy: Path) -> None:
    body_files(shelf)[0].unlink()


def _flip_body(shelf: Shelf, _copy: Path) -> None:
    path = body_files(shelf)[3]
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def _edit_manifest(_shelf: Shelf, copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(path.read_text().replace('"messages": 1', '"messages": 2'))


def _cut_manifest(_shelf: Shelf, copy: Path) -> None:
    os.truncate(copy / "manifest.json", 200)


def _lose_manifest(_shelf: Shelf, copy: Path) -> None:
    (copy / "manifest.json").unlink()


DAMAGES = [_flip_database, _cut_database, _lose_body, _flip_body, _edit_manifest, _cut_manifest, _lose_manifest]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda act: act.__name__.strip("_"))
def test_damaged_copy_is_refused_and_leaves_nothing(
    folder: Path, shelf: Shelf, damage: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever was changed in it, the folder that was to be filled is as empty as it was."""
    made = backed_up(folder, shelf)
    damage(shelf, made.path)
    emptied(folder)
    (tmp_path / "key").write_text(f"gateway-backup-key-1 {bytes(range(32)).hex()}\n")
    (tmp_path / "key").chmod(0o600)
    restored(folder, *(["--key", str(tmp_path / "key")] if shelf.key else []), code=1)
    assert "copy_damaged" in capsys.readouterr().err
    data = settings_of(folder).storage.folder
    assert not data.exists() or not list(data.iterdir())


def test_copy_that_needs_a_newer_program_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the version that made it, before anything is written."""
    with closing(sqlite3.connect(settings_of(folder).storage.folder / "gateway.sqlite")) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('compat_version', '99')")
    backed_up(folder, shelf_of(folder))
    emptied(folder)
    restored(folder, code=3)
    assert SchemaVersionError.__name__ not in capsys.readouterr().err
    assert not settings_of(folder).storage.folder.exists()


def test_restore_into_a_folder_that_holds_something_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is there may be newer than the copy."""
    backed_up(folder, shelf_of(folder))
    restored(folder, code=1)
    assert "restore_not_empty" in capsys.readouterr().err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where mounting is allowed."""
    path = tmp_path / "small"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("left", [200_000, 460_000], ids=["database", "bodies"])
def test_full_disk_leaves_no_copy(
    folder: Path, small_disk: Path, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither when it is seen beforehand nor when it comes in the middle."""
    shelf = Shelf(small_disk / "b", None)
    assert refusal(backed_up, folder, shelf).code == "disk_nearly_full"
    monkeypatch.setattr(make, "_require_room", lambda *_: None)
    found = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(found.f_bavail * found.f_frsize - left))
    with pytest.raises((StorageError, RefusedError)):
        backed_up(folder, shelf)
    assert not list(shelf.copies.iterdir())


def test_error_of_the_disk_while_copying_bodies_leaves_no_copy(
    folder: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that cannot be synced ends the backup; the copy before it stays what it was."""
    backed_up(folder, shelf)
    for path in body_files(shelf):
        path.unlink()

    def failing(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("gateway.backup.shelf.sync_file", failing)
    monkeypatch.setattr("gateway.backup.make.sync_file", lambda _: None)
    with pytest.raises(StorageError, match="Input/output"):
        backed_up(folder, shelf)
    assert len(list(shelf.copies.iterdir())) == 1


def test_disk_that_gives_back_something_else_is_seen(
    folder: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is read back from the disk before its copy gets a name."""

    def spoil(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    monkeypatch.setattr(make, "drop_from_memory", spoil)
    with pytest.raises((StorageError, RefusedError)):
        backed_up(folder, shelf)
    assert not shelf.names()


KILLED = """
import sys
from pathlib import Path
from gateway.backup import make, shelf
from tests.backup.lab import backed_up, shelf_of
import os, signal
folder, point = Path(sys.argv[1]), sys.argv[2]
module, name = point.rsplit(".", 1)
where = {"make": make, "Shelf": shelf.Shelf}[module]
def die(*_a, **_k):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(where, name, die)
backed_up(folder, shelf_of(folder))
"""


@pytest.mark.parametrize("point", ["make.examined", "Shelf.verify_body", "make.drop_from_memory", "Shelf.finish"])
def test_killed_backup_leaves_nothing_that_looks_like_a_copy(folder: Path, point: str) -> None:
    """The next one clears what it left and makes a whole copy."""
    command = [sys.executable, "-c", KILLED, str(folder), point]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr.decode()
    shelf = shelf_of(folder)
    assert shelf.names() == []
    assert list(shelf.copies.iterdir())
    assert backed_up(folder, shelf).is_whole
    assert [path.name for path in shelf.copies.iterdir()] == shelf.names()


def test_listing_shows_what_copies_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key, a damaged one included."""
    shelf = shelf_of(folder)
    made = backed_up(folder, shelf)
    backed_up(folder, shelf)
    (shelf.copies / shelf.names()[1] / "manifest.json").write_bytes(b"{")
    found = asked_json(folder, capsys, "backup", "--to", str(shelf.folder), "--list")
    assert [each["copy"] for each in found] == shelf.names()
    assert found[0]["manifest"]["last_event"] == made.manifest.last_event
    assert found[1]["manifest"] is None
    assert run(folder, "backup", "--to", str(shelf.folder), "--list") == 0


def test_backup_folder_inside_the_data_folder_is_wrong_use(folder: Path) -> None:
    """It would be lost with what it is there to replace."""
    assert run(folder, "backup", "--to", str(settings_of(folder).storage.folder / "b")) == 2
    assert run(folder, "backup") == 2


def test_manifest_of_a_copy_that_does_not_exist(folder: Path) -> None:
    """A name is a name, never a path."""
    shelf = shelf_of(folder)
    backed_up(folder, shelf)
    for name in ("../copies", "nothing", ".."):
        assert refusal(shelf.manifest_of, name).code == "copy_unknown"
    json.loads((shelf.copies / shelf.names()[0] / "manifest.json").read_text())
    assert SystemClock().now() > shelf.manifest_of(shelf.names()[0]).finished_at
