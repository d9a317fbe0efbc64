"""A real database in a folder, with the directory on top, for the tests of directory and accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gateway.ledger
from gateway.data import kien_giang
from gateway.directory.directory import Directory
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.directory.importer import ImportReport, import_agencies
from gateway.model import Agency, EndpointId
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.storage.sqlite import connect_writer
from gateway.storage.statements import Statements
from tests.migrated import lay_database

NOW = datetime(2018, 11, 20, 2, 0, tzinfo=UTC)
ACTOR = "operator:1000"


@dataclass
class FakeClock:
    """A clock that stands still until moved."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class Store:
    """The parts."""

    path: Path
    pump: Pump
    readers: Readers
    directory: Directory
    statements: Statements
    clock: FakeClock = field(default_factory=FakeClock)

    async def load(self, text: str | bytes, *, now: datetime = NOW, partial: bool = False) -> ImportReport:
        """Import a CSV given as text."""
        data = text if isinstance(text, bytes) else text.encode()
        return await import_agencies(
            self.directory, self.pump, self.readers, data, actor=ACTOR, now=now, partial=partial
        )

    async def endpoint(self, name: str, kind: Any = "inbox", *, relay: bool = False, **able: Any) -> EndpointId:
        """Make an endpoint."""
        wanted = UpsertEndpoint(name=name, kind=kind, capabilities=able, is_relay=relay, actor=ACTOR, now=NOW)
        return await self.directory.apply(self.pump, UpsertEndpointOperation(), wanted)

    async def agency(self, code: str, at: datetime = NOW) -> Agency:
        """The agency of a code."""
        return (await self.directory.resolve([code], at))[code]

    async def province(self) -> None:
        """Load Kiên Giang with its axis."""
        await self.endpoint("vxp", "webhook", relay=True, fans_out=True)
        report = await self.load(kien_giang.write_csv(kien_giang.rows(axis_endpoint="vxp")))
        assert report.applied, report.problems[:3]

    async def events(self) -> list[tuple[str, str]]:
        """Kind and leaf of all events."""
        return [(row[0], row[1].decode()) for row in await self.readers.fetch("test_event_list")]


@asynccontextmanager
async def open_store(folder: Path, *, remember: int = 8192) -> AsyncIterator[Store]:
    """A new ledger's database, open until the block ends."""
    extra = folder / "test.sql"
    extra.write_text(
        "-- name: test_event_list\n-- For the tests.\nSELECT kind, leaf FROM event ORDER BY seq;\n"
        "-- name: test_catalogue_forget\n-- For the tests.\nDELETE FROM catalogue;\n"
    )
    Path(gateway.ledger.__file__).with_name("sql") / "history.sql"
    statements = Statements.load("gateway.directory", "gateway.accounts", "gateway.ledger.sql", extra)
    path = folder / "gateway.db"
    clock = FakeClock()
    await lay_database(path)
    writer = await connect_writer(path)
    pump = Pump(writer, statements, clock=clock)
    readers = Readers(path, statements, count=2)
    await pump.start()
    await readers.start()
    try:
        directory = Directory(readers, clock=clock, remember=remember)
        await directory.reload()
        yield Store(path=path, pump=pump, readers=readers, directory=directory, statements=statements, clock=clock)
    finally:
        await readers.close()
        await pump.close()
        await writer.close()
