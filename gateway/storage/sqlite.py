"""SQLite connections whose durability is read back, not hoped for.

`connect_writer` gives the one connection that writes and checkpoints, `connect_reader` one that can do
neither. Both use the driver of `gateway.storage.driver`, in autocommit mode (`isolation_level=None`: nothing
begins a transaction behind our back), with every pragma set on every connection and then read back; a value
that did not take is an EnvironmentRefusedError. Readers are aiosqlite's, each with a thread.

- The writer holds the folder's lock from the first connection until `close`; a second process is refused,
  and so is a network file system. Its `boot_id` names this run of the program.
- WAL with `synchronous=FULL`: a commit that returned survives a power cut.
- Checkpoints are ours (`wal_autocheckpoint=0`). Most of one is done beside the writer (`gateway.storage.copier`);
  on a SQLite with the WAL-reset bug only the writer checkpoints, which keeps the race from arising. See
  `checkpoint_if_due`.
- After a failed commit the connection must not be used again: `reopen` gives a fresh one.
- The writer's statements run in the event loop's own thread, what syncs (commit, checkpoint) in another one:
  decision 12. So a statement takes as many rows as a batch of the pump has, and no more.

It does NOT serialise writes; the pump does. Nobody else may write through the Writer while a pump runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiosqlite

from gateway.errors import EnvironmentRefusedError, StorageClosedError
from gateway.failpoints import failpoint
from gateway.fsio import fsync_dir
from gateway.ids import uuid7
from gateway.storage.copier import Copier
from gateway.storage.driver import DRIVER_ERRORS, Driver, choose_driver, is_busy, translate
from gateway.storage.lock import FolderLock, refuse_network_filesystem
from gateway.storage.statements import Statements

#: The engine's own statements: transactions, checkpoints, the migrations' table.
ENGINE = Statements.load(Path(__file__).with_name("engine.sql"))

_BUSY_MILLISECONDS = 5000
#: Seconds until a taken write lock is asked for again.
_BUSY_AGAIN_SECONDS = 0.01
#: Commits before the first checkpoint, when nothing is known about their size.
_FIRST_CHECKPOINT = 20
#: Share of a checkpoint's commits after which copying begins beside the writer.
_COPY_AHEAD = 0.875
_CACHED_STATEMENTS = 512

#: Pragma, value to set, value expected when read back.
_COMMON = (
    ("foreign_keys", "ON", 1),
    ("temp_store", "MEMORY", 2),
    ("mmap_size", "0", 0),
    ("trusted_schema", "OFF", 0),
    ("cell_size_check", "ON", 1),
)
_LOG = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("wal_autocheckpoint", "0", 0),
    # its statements must not hold the event loop up, and a checkpoint not the pump behind one slow reader
    ("busy_timeout", "0", 0),
)
#: What is blanked by an order to destroy (decision 41) leaves no trace in free pages.
_WRITER = (*_LOG, ("cache_size", "-49152", -49152), ("secure_delete", "ON", 1), *_COMMON)
#: It copies by the log's index and so needs hardly a cache.
_COPIER = (*_LOG, ("cache_size", "-256", -256), *_COMMON)
_READER = (
    ("busy_timeout", str(_BUSY_MILLISECONDS), _BUSY_MILLISECONDS),
    ("query_only", "ON", 1),
    ("cache_size", "-16384", -16384),
    *_COMMON,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SqliteSettings:
    """What the operator may choose."""

    #: Run on a SQLite with the WAL-reset bug all the same; the report then carries an alarm.
    allow_affected_sqlite: bool = False
    #: Pages (4 KiB) that a checkpoint under load is meant to copy; commits wait for it.
    checkpoint_pages: int = 1000
    #: The most commits between two checkpoints under load.
    checkpoint_commits: int = 500
    #: Size in bytes above which the WAL is cut to nothing.
    truncate_wal_bytes: int = 64 * 1024 * 1024
    #: This run of the program.
    boot_id: str = field(default_factory=uuid7)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreReport:
    """What was found at start, for `gateway check` and the log."""

    #: The database file.
    path: Path
    #: Name of the DB-API module.
    driver: str
    #: Version of the SQLite inside it.
    sqlite_version: str
    #: Type of the file system below; empty when unknown.
    filesystem: str
    #: Every pragma as read back.
    pragmas: Mapping[str, str | int]
    #: What the operator must be told; empty when all is well.
    alarm: str


class Writer:
    """The only connection that writes; one coroutine at a time may use it."""

    def __init__(
        self, path: Path, settings: SqliteSettings, driver: Driver, lock: FolderLock, filesystem: str
    ) -> None:
        self._path = path
        self._settings = settings
        self._driver = driver
        self._lock = lock
        self._filesystem = filesystem
        self._connection: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._pragmas: dict[str, str | int] = {}
        self._wal_path = path.with_name(f"{path.name}-wal")
        self._commits = 0
        #: Whether the WAL is to be cut at the next chance, whatever its size: it holds what must leave no trace.
        self.is_cut_due = False
        self._commits_due = min(_FIRST_CHECKPOINT, settings.checkpoint_commits)
        self._copier = Copier(self._connect_copier, ENGINE.get("checkpoint_copy_passive"))

    @property
    def boot_id(self) -> str:
        """This run of the program; in-flight rows of another one are dead."""
        return self._lock.boot_id

    @property
    def connection(self) -> Any:
        """The driver's live connection; StorageClosedError when there is none."""
        if self._connection is None:
            raise StorageClosedError(path=str(self._path))
        return self._connection

    @property
    def report(self) -> StoreReport:
        """What was found at start."""
        return StoreReport(
            path=self._path,
            driver=self._driver.name,
            sqlite_version=".".join(map(str, self._driver.version)),
            filesystem=self._filesystem,
            pragmas=dict(self._pragmas),
            alarm=self._driver.alarm,
        )

    async def open(self) -> None:
        """Connect and read every pragma back."""
        try:
            self._connection = _connect(self._driver, str(self._path), uri=False, check_same_thread=False)
            self._pragmas = _apply_pragmas(lambda sql: self._run(sql, ()), _WRITER)
        except DRIVER_ERRORS as error:
            raise translate(error) from error

    async def reopen(self) -> None:
        """A fresh connection in place of one that failed; the lock stays held."""
        await self._disconnect()
        await self.open()

    async def fetch(self, sql: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and read all its rows; raises the driver's errors, for the pump to judge."""
        return self._run(sql, params)

    async def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for every row."""
        self.connection.executemany(sql, rows).close()

    async def begin(self) -> None:
        """Take the write lock; only a program beside the gateway can hold it."""
        deadline = time.monotonic() + _BUSY_MILLISECONDS / 1000
        while True:
            try:
                self._run(ENGINE.get("transaction_begin_immediate"), ())
            except DRIVER_ERRORS as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_BUSY_AGAIN_SECONDS)
            else:
                return

    async def commit(self) -> None:
        """Make the transaction durable; OSError when the disk was given up meanwhile, so that nothing is sure."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._commit)
        self._commits += 1

    async def rollback(self) -> None:
        """Undo what is open; SQLite may have done so itself, which is fine."""
        if self.connection.in_transaction:
            self._run(ENGINE.get("transaction_rollback_all"), ())

    async def probe(self) -> None:
        """Write one page and sync it.

        It also takes the place in the WAL of whatever a failed commit left there: frames are chained by
        checksum, so nothing of that commit can come back to life at the next start.
        """
        await self.begin()
        await self.fetch(ENGINE.get("database_probe_write"))
        await self.commit()

    def wal_bytes(self) -> int:
        """The size of the WAL file now; for the alarm on a reader that never ends."""
        try:
            return self._wal_path.stat().st_size
        except FileNotFoundError:
            return 0

    async def checkpoint_if_due(self, *, idle: bool = False) -> bool:
        """Copy the WAL into the database if there is enough in it (or anything at all, when idle).

        PASSIVE waits for nobody. Above `truncate_wal_bytes` TRUNCATE cuts the file, unless a reader still
        needs it. Commits wait meanwhile, so what can be copied before is (`_COPY_AHEAD`), and checkpoints are kept
        small: how many commits fill `checkpoint_pages` is learnt from the last one, since the size of the file,
        which SQLite reuses from its start, does not tell.
        """
        if not self.is_cut_due and self._commits < (1 if idle else self._commits_due):
            if self._commits == int(self._commits_due * _COPY_AHEAD) and not self._driver.alarm:
                self._copier.begin()
            return False
        failpoint("checkpoint.before")
        await self._copier.finished()
        ((_, pages, _),) = await self._run_aside(ENGINE.get("checkpoint_copy_passive"))
        if self.is_cut_due or self.wal_bytes() > self._settings.truncate_wal_bytes:
            await self._run_aside(ENGINE.get("checkpoint_cut_truncate"))
            self.is_cut_due = self.is_cut_due and self.wal_bytes() > 0
        failpoint("checkpoint.after")
        due = self._settings.checkpoint_pages * self._commits // max(1, pages)
        self._commits_due = min(max(1, due), self._settings.checkpoint_commits)
        self._commits = 0
        return True

    async def close(self) -> None:
        """Checkpoint, disconnect, let the folder go."""
        try:
            if self._connection is not None:
                with contextlib.suppress(*DRIVER_ERRORS):
                    await self.checkpoint_if_due(idle=True)
            await self._disconnect()
        finally:
            self._thread.shutdown()
            self._copier.shutdown()
            self._lock.release()

    def _run(self, sql: str, params: Sequence[object] | Mapping[str, object]) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(sql, params)
        try:
            return cursor.fetchall()  # type: ignore[no-any-return]
        finally:
            cursor.close()

    def _commit(self) -> None:
        self._run(ENGINE.get("transaction_commit_all"), ())
        # after the commit, so after every sync of a body that the commit promises
        self._lock.refuse_if_given_up()

    async def _run_aside(self, sql: str) -> list[tuple[Any, ...]]:
        """The same in the thread that may wait for the disk; it ends even if the caller is cancelled."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, sql, ())

    def _connect_copier(self) -> Any:
        connection = _connect(self._driver, str(self._path), uri=False, check_same_thread=False)
        _apply_pragmas(lambda sql: connection.execute(sql).fetchall(), _COPIER)
        return connection

    async def _disconnect(self) -> None:
        await self._copier.disconnect()
        connection, self._connection = self._connection, None
        if connection is not None:
            # behind a commit that a cancelled pump left running; a connection that failed may fail once more
            with contextlib.suppress(*DRIVER_ERRORS):
                await asyncio.get_running_loop().run_in_executor(self._thread, connection.close)


async def connect_writer(path: Path, settings: SqliteSettings | None = None) -> Writer:
    """Lock the folder and open the database for writing; it is made (0600) when missing."""
    settings = settings or SqliteSettings()
    driver = choose_driver(allow_affected_sqlite=settings.allow_affected_sqlite)
    filesystem = refuse_network_filesystem(path.parent)
    lock = FolderLock.acquire(path.parent, settings.boot_id)
    writer = Writer(path, settings, driver, lock, filesystem)
    try:
        _create_private(path)
        await writer.open()
    except BaseException:
        await writer.close()
        raise
    return writer


async def connect_reader(path: Path, *, allow_affected_sqlite: bool = False) -> aiosqlite.Connection:
    """A connection that can only read, in a thread; the database must exist and be in WAL mode."""
    return await _open(lambda: _connect_reader(path, allow_affected_sqlite=allow_affected_sqlite))


def connect_lookup(path: Path, *, allow_affected_sqlite: bool = False) -> Any:
    """The same without a thread: the driver's own connection."""
    try:
        return _connect_reader(path, allow_affected_sqlite=allow_affected_sqlite)
    except DRIVER_ERRORS as error:
        raise translate(error) from error


def _connect_reader(path: Path, *, allow_affected_sqlite: bool) -> Any:
    driver = choose_driver(allow_affected_sqlite=allow_affected_sqlite)
    connection = _connect(driver, _read_only_uri(path), uri=True)
    try:
        _apply_pragmas(lambda sql: connection.execute(sql).fetchall(), _READER)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_only_uri(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _connect(driver: Driver, target: str, *, uri: bool, check_same_thread: bool = True) -> Any:
    return driver.module.connect(
        target,
        isolation_level=None,
        cached_statements=_CACHED_STATEMENTS,
        uri=uri,
        check_same_thread=check_same_thread,
    )


async def _open(connector: Callable[[], Any]) -> aiosqlite.Connection:
    failures: list[Exception] = []
    expected: tuple[type[Exception], ...] = (*DRIVER_ERRORS, EnvironmentRefusedError)

    def connect() -> Any:
        # aiosqlite offers no way to wait for the thread of a connection that failed to open, and the thread
        # would then speak to a loop that may be closed: so it opens something, which is closed below
        try:
            return connector()
        except expected as error:
            failures.append(error)
            return sqlite3.connect(":memory:")

    connection = await aiosqlite.Connection(connect, iter_chunk_size=64)
    if failures:
        await connection.close()
        raise translate(failures[0]) from failures[0]
    return connection


def _apply_pragmas(
    run: Callable[[str], list[tuple[Any, ...]]], pragmas: Sequence[tuple[str, str, str | int]]
) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for name, value, expected in pragmas:
        run(_setting(name, value))
        rows = run(_setting(name))
        found[name] = rows[0][0] if rows else ""
        # SQLite may hold mmap at compile time; then the pragma answers nothing, which is what we want
        if found[name] != expected and not (name == "mmap_size" and not rows):
            raise EnvironmentRefusedError(f"SQLite has {name}={found[name]!r}, not {expected!r}", pragma=name)
    return found


def _setting(name: str, value: str | None = None) -> str:
    """A pragma's text; pragmas take no parameters, and both parts are constants of this file."""
    return f"PRAGMA {name}" if value is None else f"PRAGMA {name} = {value}"


def _create_private(path: Path) -> None:
    """Make a missing file; an existing one is never opened, since closing it would drop SQLite's locks."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        fsync_dir(path.parent)
    except FileExistsError:
        return
    except OSError as error:
        raise EnvironmentRefusedError(f"cannot open {path}: {error.strerror}", path=str(path)) from error
