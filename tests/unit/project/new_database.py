"""The database of a new data folder, for tests that ask SQLite about statements."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.storage.driver import choose_driver
from gateway.storage.migrations import migrate
from gateway.storage.sqlite import connect_writer


@contextmanager
def new_database(folder: Path) -> Iterator[Any]:
    """A connection to it, in the SQLite that the gateway would use."""
    path = folder / "gateway.sqlite"
    asyncio.run(_make(path))
    driver = choose_driver(allow_affected_sqlite=True).module
    with closing(driver.connect(path, isolation_level=None)) as connection:
        yield connection


async def _make(path: Path) -> None:
    writer = await connect_writer(path)
    try:
        await migrate(writer)
    finally:
        await writer.close()
