"""Copies the write-ahead log into the database while the writer goes on committing.

A checkpoint that the pump waits for stops every acceptance for as long as it copies and syncs (30 to 50 ms for a
thousand pages on the machine of decision 12). So most of it is done beforehand, by a connection and a thread of
its own: a PASSIVE checkpoint waits for nobody and nobody waits for it. What was committed meanwhile is left to the
writer's own checkpoint, which is short and leaves the whole log copied, so that SQLite begins it anew.

It writes nothing but checkpoints. Not to be used on a SQLite with the WAL-reset bug, which needs two connections
that checkpoint and write: the writer decides that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from gateway.failpoints import failpoint
from gateway.storage.driver import DRIVER_ERRORS


class Copier:
    """One per writer."""

    def __init__(self, connect: Callable[[], Any], statement: str) -> None:
        """`connect` gives a connection that may checkpoint; `statement` is the checkpoint."""
        self._connect = connect
        self._statement = statement
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copy")
        self._connection: Any = None
        self._under_way: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Copy what is committed by now, unless the last copy is still under way."""
        if self._under_way is None:
            self._under_way = asyncio.get_running_loop().run_in_executor(self._thread, self._copy)

    async def finished(self) -> None:
        """Wait for the copy under way, if any; raises what it met, once."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            await under_way

    async def disconnect(self) -> None:
        """Give the connection up; the next copy opens another one."""
        with suppress(*DRIVER_ERRORS):
            await self.finished()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*DRIVER_ERRORS):
                connection.close()

    def shutdown(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    def _copy(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
        failpoint("checkpoint.copy.before")
        self._connection.execute(self._statement).fetchall()
        failpoint("checkpoint.copy.after")
