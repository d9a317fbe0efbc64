"""A pool of connections that can only read.

`fetch` and `fetch_one` run one named statement; `snapshot` gives several statements the same state of the
database. `look_up` runs a statement that touches a handful of rows by an index in the event loop's own thread,
which costs less than asking another one (decision 12). Reads never wait for the writer, and see what was
committed when they began. Snapshots are short: while one is open the WAL cannot be reset, so nobody holds one
while waiting for a peer or a disk.

A cancelled read still runs to its end in its thread; the connection goes back to the pool at once and its
next statement queues behind it. It does NOT limit how long a statement runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from gateway.errors import LedgerDamagedError, StorageClosedError, StorageError
from gateway.storage.driver import DRIVER_ERRORS, is_damage, translate
from gateway.storage.sqlite import ENGINE, connect_lookup, connect_reader
from gateway.storage.statements import Statements

_MOST = 4


class Reader:
    """One connection, lent by the pool."""

    def __init__(self, connection: aiosqlite.Connection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements

    async def fetch(self, name: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a named SELECT."""
        return await _fetch(self._connection, self._statements.get(name), params)

    async def fetch_one(
        self, name: str, params: Sequence[object] | Mapping[str, object] = ()
    ) -> tuple[Any, ...] | None:
        """The only row, or None; two rows are an error of the statement."""
        rows = await self.fetch(name, params)
        if len(rows) > 1:
            raise StorageError(f"{name} gave {len(rows)} rows where one was expected")
        return rows[0] if rows else None


class Readers:
    """The pool."""

    def __init__(
        self, path: Path, statements: Statements, *, count: int = 3, allow_affected_sqlite: bool = False
    ) -> None:
        if not 1 <= count <= _MOST:
            raise ValueError(f"a pool holds 1 to {_MOST} readers")
        self._path = path
        self._statements = statements
        self._count = count
        self._allow_affected_sqlite = allow_affected_sqlite
        self._opened = 0
        # the last one returned is lent first: its page cache is warm
        self._free: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._lookups: Any = None
        self._closed = True
        #: Statements that came by a damaged page.
        self.damaged = 0

    async def start(self) -> None:
        """Open every connection; the database must exist."""
        self._closed = False
        try:
            self._lookups = connect_lookup(self._path, allow_affected_sqlite=self._allow_affected_sqlite)
            for _ in range(self._count):
                connection = await connect_reader(self._path, allow_affected_sqlite=self._allow_affected_sqlite)
                self._opened += 1
                self._free.put_nowait(connection)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Wait for the readers that are lent, then close all; later reads raise StorageClosedError."""
        self._closed = True
        lookups, self._lookups = self._lookups, None
        if lookups is not None:
            lookups.close()
        while self._opened:
            self._opened -= 1
            await (await self._free.get()).close()

    def look_up(self, name: str, params: Sequence[object]) -> list[tuple[Any, ...]]:
        """All rows of a named SELECT that finds a few by an index."""
        if self._lookups is None:
            raise StorageClosedError(path=str(self._path))
        try:
            return self._lookups.execute(self._statements.get(name), params).fetchall()  # type: ignore[no-any-return]
        except DRIVER_ERRORS as error:
            self.damaged += is_damage(error)
            raise translate(error) from error

    async def fetch(self, name: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a named SELECT."""
        async with self._lent() as connection:
            return await Reader(connection, self._statements).fetch(name, params)

    async def fetch_one(
        self, name: str, params: Sequence[object] | Mapping[str, object] = ()
    ) -> tuple[Any, ...] | None:
        """The only row, or None."""
        async with self._lent() as connection:
            return await Reader(connection, self._statements).fetch_one(name, params)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """Several statements over one state of the database."""
        async with self._lent() as connection:
            try:
                await _fetch(connection, ENGINE.get("transaction_begin_deferred"))
                yield Reader(connection, self._statements)
            finally:
                # shielded: a cancelled caller must not leave a snapshot open, it would stop the WAL's reset
                await asyncio.shield(_end(connection))

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[aiosqlite.Connection]:
        if self._closed:
            raise StorageClosedError(path=str(self._path))
        connection = await self._free.get()
        try:
            if self._closed:
                raise StorageClosedError(path=str(self._path))
            yield connection
        except LedgerDamagedError:
            self.damaged += 1
            raise
        finally:
            self._free.put_nowait(connection)


async def _end(connection: aiosqlite.Connection) -> None:
    with contextlib.suppress(StorageError):  # there is none to end when BEGIN itself failed
        await _fetch(connection, ENGINE.get("transaction_rollback_all"))


async def _fetch(
    connection: aiosqlite.Connection, sql: str, params: Sequence[object] | Mapping[str, object] = ()
) -> list[tuple[Any, ...]]:
    try:
        return list(await connection.execute_fetchall(sql, params))  # type: ignore[arg-type]
    except DRIVER_ERRORS as error:
        raise translate(error) from error
