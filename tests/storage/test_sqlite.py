"""Connections: pragmas read back, one writer per folder, read-only readers, checkpoints."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from gateway.errors import EnvironmentRefusedError, StorageClosedError, StorageError
from gateway.storage.copier import Copier
from gateway.storage.driver import choose_driver
from gateway.storage.readers import Readers
from gateway.storage.sqlite import SqliteSettings, Writer, connect_reader, connect_writer
from tests.storage.conftest import STATEMENTS, open_writer


async def test_every_pragma_of_the_writer_is_read_back(writer: Writer) -> None:
    """The report shows what SQLite says, not what we asked for."""
    assert dict(writer.report.pragmas) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "wal_autocheckpoint": 0,
        "cache_size": -49152,
        "secure_delete": 1,
        "busy_timeout": 0,
        "foreign_keys": 1,
        "temp_store": 2,
        "mmap_size": 0,
        "trusted_schema": 0,
        "cell_size_check": 1,
    }
    assert writer.report.alarm == ""
    assert writer.report.sqlite_version
    assert writer.report.driver in {"pysqlite3", "sqlite3"}


async def test_pragma_that_does_not_take_refuses_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not promise what we rely on is not used, and the folder is let go."""
    monkeypatch.setattr("gateway.storage.sqlite._WRITER", (("synchronous", "NORMAL", 2),))
    with pytest.raises(EnvironmentRefusedError, match="synchronous=1"):
        await connect_writer(tmp_path / "gateway.db")
    monkeypatch.undo()
    async with open_writer(tmp_path):
        pass


async def test_second_writer_is_refused_while_the_first_lives(tmp_path: Path, writer: Writer) -> None:
    """One process writes in a data folder; the second is told who does."""
    with pytest.raises(EnvironmentRefusedError, match=writer.boot_id):
        await connect_writer(tmp_path / "gateway.db")
    await writer.close()
    again = await connect_writer(tmp_path / "gateway.db")
    assert again.boot_id != writer.boot_id
    await again.close()


async def test_database_file_is_private(tmp_path: Path, writer: Writer) -> None:
    """Nobody but the owner reads the ledger."""
    await writer.fetch("SELECT 1")
    for name in ("gateway.db", "gateway.db-wal", "gateway.lock"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_missing_folder_is_an_environment_error(tmp_path: Path) -> None:
    """The operator is told which path is wrong."""
    with pytest.raises(EnvironmentRefusedError, match="nowhere"):
        await connect_writer(tmp_path / "nowhere" / "gateway.db")


async def test_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    """A foreign file is reported and left as it is."""
    (tmp_path / "gateway.db").write_bytes(b"not a database, and longer than a header" * 50)
    with pytest.raises(StorageError, match="not a database"):
        await connect_writer(tmp_path / "gateway.db")


async def test_closed_writer_refuses(tmp_path: Path) -> None:
    """A closed writer says so; closing twice is harmless."""
    writer = await connect_writer(tmp_path / "gateway.db")
    await writer.close()
    await writer.close()
    with pytest.raises(StorageClosedError):
        await writer.fetch("SELECT 1")


async def test_reader_cannot_write(tmp_path: Path, writer: Writer) -> None:
    """A reader's connection is read-only twice: by its mode and by its pragma."""
    reader = await connect_reader(tmp_path / "gateway.db")
    try:
        for sql in ("INSERT INTO item VALUES ('x', 1)", "CREATE TABLE other (a)", "PRAGMA query_only = OFF"):
            if sql.startswith("PRAGMA"):
                await reader.execute_fetchall(sql)
                sql = "DELETE FROM item"  # noqa: PLW2901 - the mode alone must hold as well
            with pytest.raises(choose_driver().module.OperationalError, match="readonly"):
                await reader.execute_fetchall(sql)
    finally:
        await reader.close()


async def test_reader_of_a_missing_database_is_a_storage_error(tmp_path: Path) -> None:
    """A reader never makes a database."""
    with pytest.raises(StorageError, match="unable to open"):
        await connect_reader(tmp_path / "gateway.db")
    assert not (tmp_path / "gateway.db").exists()


async def test_readers_see_what_was_committed(tmp_path: Path, writer: Writer) -> None:
    """Both fetches run named statements on the newest committed state."""
    readers = Readers(tmp_path / "gateway.db", STATEMENTS, count=2)
    await readers.start()
    assert await readers.fetch_one("item_list_all") is None
    await writer.fetch(STATEMENTS.get("item_insert"), ("a", 1))
    assert await readers.fetch("item_list_all") == [("a", 1)]
    assert await readers.fetch_one("item_list_all") == ("a", 1)
    await writer.fetch(STATEMENTS.get("item_insert"), ("b", 2))
    with pytest.raises(StorageError, match="2 rows"):
        await readers.fetch_one("item_list_all")
    await readers.close()


async def test_snapshot_sees_one_state_while_the_writer_goes_on(tmp_path: Path, writer: Writer) -> None:
    """Statements of one snapshot agree with each other, whatever is committed meanwhile."""
    readers = Readers(tmp_path / "gateway.db", STATEMENTS, count=1)
    await readers.start()
    async with readers.snapshot() as reader:
        assert await reader.fetch_one("item_count_all") == (0,)
        await writer.fetch(STATEMENTS.get("item_insert"), ("a", 1))
        assert await reader.fetch_one("item_count_all") == (0,)
    assert await readers.fetch_one("item_count_all") == (1,)
    await readers.close()


async def test_cancelled_snapshot_is_ended(tmp_path: Path, writer: Writer) -> None:
    """A caller cancelled inside a snapshot does not leave it open for the next borrower."""
    readers = Readers(tmp_path / "gateway.db", STATEMENTS, count=1)
    await readers.start()
    inside = asyncio.Event()

    async def hold() -> None:
        async with readers.snapshot() as reader:
            await reader.fetch("item_count_all")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task])
    await writer.fetch(STATEMENTS.get("item_insert"), ("a", 1))
    assert await readers.fetch_one("item_count_all") == (1,)
    await readers.close()


async def test_closed_readers_refuse_also_those_who_wait(tmp_path: Path, writer: Writer) -> None:
    """Closing waits for the lent connection; whoever queued behind it is refused."""
    readers = Readers(tmp_path / "gateway.db", STATEMENTS, count=1)
    await readers.start()
    async with readers.snapshot() as reader:
        closing = asyncio.create_task(readers.close())
        await asyncio.sleep(0)
        with pytest.raises(StorageClosedError):
            await readers.fetch("item_list_all")
        assert await reader.fetch("item_list_all") == []
    await closing
    assert writer.wal_bytes() > 0


async def test_reader_translates_driver_errors(tmp_path: Path, writer: Writer) -> None:
    """No exception of the driver leaves the storage package."""
    readers = Readers(tmp_path / "gateway.db", STATEMENTS, count=1)
    await readers.start()
    await writer.fetch("DROP TABLE item")
    with pytest.raises(StorageError, match="no such table"):
        await readers.fetch("item_list_all")
    await readers.close()


async def test_pool_of_five_readers_is_refused(tmp_path: Path) -> None:
    """The pool is small on purpose."""
    with pytest.raises(ValueError, match="1 to 4"):
        Readers(tmp_path / "gateway.db", STATEMENTS, count=5)


async def test_checkpoint_runs_when_the_commits_are_many(tmp_path: Path) -> None:
    """Under load the number of commits decides while the WAL file is being reused."""
    async with open_writer(tmp_path, SqliteSettings(checkpoint_commits=2)) as writer:
        done = []
        for _ in range(4):
            await writer.probe()
            done.append(await writer.checkpoint_if_due())
        assert done == [False, True, False, True]


async def test_checkpoints_come_as_often_as_their_pages_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the last one copied tells how many commits fill the next, so none grows with the file."""
    # a copy beside the writer that ends before the next commit makes SQLite begin the log anew, with fewer pages
    monkeypatch.setattr(Copier, "begin", lambda _: None)
    async with open_writer(tmp_path, SqliteSettings(checkpoint_pages=3, checkpoint_commits=6)) as writer:
        await writer.probe()
        assert await writer.checkpoint_if_due(idle=True)  # the first one copies the making of the database
        done = []
        for _ in range(10):
            await writer.probe()  # writes one page
            done.append(await writer.checkpoint_if_due())
        assert done[1:] == [False, False, True] * 3
        assert not await writer.checkpoint_if_due(idle=True)


async def test_lock_of_another_program_is_waited_for(tmp_path: Path, writer: Writer) -> None:
    """Somebody beside the gateway who holds the write lock delays a batch, and the loop runs on."""
    other = choose_driver().module.connect(str(tmp_path / "gateway.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(writer.probe())
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert not waiting.done()
    other.execute("ROLLBACK")
    await waiting
    other.close()


async def test_wal_over_its_limit_is_cut_once_no_reader_needs_it(tmp_path: Path) -> None:
    """TRUNCATE empties a large WAL, does not wait for a reader, and comes back later."""
    async with open_writer(tmp_path, SqliteSettings(truncate_wal_bytes=1)) as writer:
        readers = Readers(tmp_path / "gateway.db", STATEMENTS, count=1)
        await readers.start()
        async with readers.snapshot() as reader:
            await reader.fetch("item_list_all")
            await writer.probe()
            assert await writer.checkpoint_if_due(idle=True)
            assert writer.wal_bytes() > 0
        await writer.probe()
        assert await writer.checkpoint_if_due(idle=True)
        assert writer.wal_bytes() == 0
        await readers.close()


async def test_probe_writes_a_frame(writer: Writer) -> None:
    """The probe really writes, or it would prove nothing about the disk."""
    before = (await writer.fetch("PRAGMA wal_checkpoint(NOOP)"))[0][1]
    await writer.probe()
    assert (await writer.fetch("PRAGMA wal_checkpoint(NOOP)"))[0][1] > before
