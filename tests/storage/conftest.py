"""A database with one small table, opened by the real engine on the test's own folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.storage.bodies import Bodies
from gateway.storage.body_keys import BodyKeys, DataKey
from gateway.storage.pump import Pump, Transaction
from gateway.storage.sqlite import SqliteSettings, Writer, connect_writer
from gateway.storage.statements import Statements

TABLE = "CREATE TABLE item (name TEXT PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0)) STRICT"

STATEMENTS = Statements(
    {
        "item_insert": "INSERT INTO item VALUES (?, ?)",
        "item_insert_returning": "INSERT INTO item VALUES (:name, :size) RETURNING name, size",
        "item_list_all": "SELECT name, size FROM item ORDER BY name",
        "item_count_all": "SELECT count(*) FROM item",
    }
)


class Insert:
    """Inserts (name, size) pairs; a negative size breaks the table's CHECK; size 13 is refused in words."""

    name = "insert"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.gate: asyncio.Event | None = None
        self.entered = asyncio.Event()

    async def apply(self, tx: Transaction, payloads: Sequence[tuple[str, int]]) -> Sequence[str | Exception]:
        """One row per payload, except the refused."""
        self.calls.append(len(payloads))
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        await tx.execute_many("item_insert", [pair for pair in payloads if pair[1] != 13])
        return [LookupError(name) if size == 13 else name for name, size in payloads]


@asynccontextmanager
async def open_writer(folder: Path, settings: SqliteSettings | None = None) -> AsyncIterator[Writer]:
    """The real writer, with the table."""
    writer = await connect_writer(folder / "gateway.db", settings)
    try:
        if not await writer.fetch("SELECT 1 FROM sqlite_schema WHERE name = 'item'"):
            await writer.fetch(TABLE)
        yield writer
    finally:
        await writer.close()


@asynccontextmanager
async def running(pump: Pump) -> AsyncIterator[Pump]:
    """The pump, started, drained at the end."""
    await pump.start()
    try:
        yield pump
    finally:
        await pump.close()


async def names(writer: Writer) -> list[str]:
    """What the table holds."""
    return [name for name, _ in await writer.fetch(STATEMENTS.get("item_list_all"))]


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """The writer of the test's folder."""
    async with open_writer(tmp_path) as opened:
        yield opened


@pytest.fixture
async def pump(writer: Writer) -> AsyncIterator[Pump]:
    """A running pump with the default bounds."""
    async with running(Pump(writer, STATEMENTS, clock=SystemClock())) as started:
        yield started


def some_keys() -> BodyKeys:
    """The same in every process and run."""
    return BodyKeys([DataKey(id="0f" * 8, secret=b"k" * 32)])


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def encrypted(request: pytest.FixtureRequest) -> bool:
    """Both kinds of store."""
    return bool(request.param)


@pytest.fixture
async def bodies(tmp_path: Path, *, encrypted: bool) -> AsyncIterator[Bodies]:
    """The body store of the test's folder."""
    store = Bodies(tmp_path, some_keys() if encrypted else None)
    try:
        yield store
    finally:
        await store.close()
