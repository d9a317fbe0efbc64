"""Examines a whole data folder from its bytes and says what does not hold.

1. Database: SQLite's own check, foreign keys, structure against the migrations.
2. History: every event in order (`leaves`).
3. Messages, a page at a time: bodies hashed in threads (`stored`), receipts, transfer records, columns
   (`papers`), deliveries, dispatches, attempts, statuses (`lines`).
4. Bodies that belong to no message.

It only reads, and works beside a running server as well as without one: each page is one short snapshot.
Messages accepted while it runs are left for the next time. Memory does not grow with the ledger. It does NOT
repair anything, and cannot know that the newest events were cut off together with all that they tell.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.audit.faults import FAULTS
from gateway.audit.findings import Finding, Findings
from gateway.audit.leaves import LeafExaminer
from gateway.audit.lines import examine_lines, examine_told
from gateway.audit.papers import examine_papers
from gateway.audit.rows import EventRecord, Message, Page, read_page
from gateway.audit.stored import BodyHasher, StoredBody, old_bodies
from gateway.config import Settings
from gateway.errors import EnvironmentRefusedError, StorageError
from gateway.ledger.params import as_json
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.storage.bodies import Bodies
from gateway.storage.driver import choose_driver
from gateway.storage.migrations import MIGRATIONS, load_migrations
from gateway.storage.readers import Readers
from gateway.storage.statements import Statements

#: Called with the part under way, what is done of it and how much there is.
Progress = Callable[[str, int, int], None]

_MESSAGES_AT_ONCE = 100
_EVENTS_AT_ONCE = 2000
_DIGESTS_AT_ONCE = 1000
#: A body younger than this may belong to an acceptance under way.
_SETTLED_SECONDS = 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class FsckReport:
    """What came of it."""

    #: Documents examined (status messages are counted apart).
    documents: int
    statuses: int
    #: Deliveries of documents and statuses.
    deliveries: int
    events: int
    seconds: float
    findings: list[Finding]
    ok: bool

    def as_json(self) -> dict[str, object]:
        """Exactly what `fsck --json` prints."""
        return {
            "ok": self.ok,
            "documents": self.documents,
            "deliveries": self.deliveries,
            "findings": [finding.as_json() for finding in self.findings],
        }


async def examine(settings: Settings, database: Path, *, progress: Progress | None = None) -> FsckReport:
    """Examine the data folder of the settings; EnvironmentRefusedError when there is none."""
    if not await asyncio.to_thread(database.is_file):
        raise EnvironmentRefusedError(f"there is no database at {database}", path=str(database))
    anchors = TrustStore.load(settings.seal.anchors, TrustPurpose.SEAL)
    readers = Readers(
        database,
        Statements.load("gateway.audit"),
        count=2,
        allow_affected_sqlite=settings.storage.allow_affected_sqlite,
    )
    await readers.start()
    try:
        bodies = Bodies(settings.storage.folder)
        try:
            with closing(BodyHasher(bodies)) as hasher:
                return await _Examination(readers, bodies, hasher, anchors, progress or _silent).run()
        finally:
            await bodies.close()
    finally:
        await readers.close()


def _silent(_part: str, _done: int, _total: int) -> None:
    """No progress is shown."""


class _Examination:
    def __init__(
        self, readers: Readers, bodies: Bodies, hasher: BodyHasher, anchors: TrustStore, progress: Progress
    ) -> None:
        self._readers, self._bodies, self._hasher, self._anchors = readers, bodies, hasher, anchors
        self._progress = progress
        self._findings = Findings(FAULTS)
        self._documents = self._statuses = self._deliveries = self._events = 0

    async def run(self) -> FsckReport:
        """Steps 1 to 4."""
        began = time.monotonic()
        for part in (self._examine_database, self._examine_ledger, self._examine_orphans):
            try:
                await part()
            except StorageError as error:  # so damaged that reading breaks off
                self._findings.add("database_damaged", "gateway.sqlite", str(error)[:500])
        return FsckReport(
            documents=self._documents,
            statuses=self._statuses,
            deliveries=self._deliveries,
            events=self._events,
            seconds=time.monotonic() - began,
            findings=self._findings.listed(),
            ok=self._findings.ok,
        )

    async def _examine_database(self) -> None:
        """Step 1."""
        self._progress("database", 0, 3)
        for (line,) in await self._readers.fetch("fsck_database_check"):
            if line != "ok":
                self._findings.add("database_damaged", "gateway.sqlite", str(line)[:500])
        self._progress("database", 1, 3)
        for table, rowid, parent, _ in await self._readers.fetch("fsck_foreign_keys"):
            self._findings.add("reference_broken", f"{table} row {rowid}", f"no such {parent}")
        self._progress("database", 2, 3)
        self._examine_schema(
            {(row[0], row[1]): row[2] for row in await self._readers.fetch("fsck_schema_list")},
            dict(await self._readers.fetch("fsck_meta_list")),
        )
        self._progress("database", 3, 3)

    def _examine_schema(self, found: dict[tuple[str, str], Any], meta: dict[str, str]) -> None:
        due = expected_schema(int(meta.get("schema_version", "0")))
        for key in sorted(found.keys() | due.keys()):
            if found.get(key) != due.get(key):
                told = "missing" if key not in found else "not ours" if key not in due else "changed"
                self._findings.add("schema_changed", f"{key[0]} {key[1]}", told)

    async def _examine_ledger(self) -> None:
        last = (await self._readers.fetch("fsck_message_last"))[0][0]
        messages, events = (await self._readers.fetch("fsck_ledger_counts", {"last": last}))[0]
        await self._examine_history(events)  # 2
        await self._examine_messages(last, messages)  # 3

    async def _examine_history(self, total: int) -> None:
        examiner = LeafExaminer(self._findings)
        after = 0
        while rows := await self._readers.fetch("fsck_event_page", {"after": after, "limit": _EVENTS_AT_ONCE}):
            records = [EventRecord(*row) for row in rows]
            await asyncio.to_thread(_examine_all, examiner, records)
            after = records[-1].seq
            self._events += len(records)
            self._progress("events", min(self._events, total), total)

    async def _examine_messages(self, last: str, total: int) -> None:
        done = 0
        page = await self._read("", last)
        while page.messages:
            # the next page is read and this one's bodies are hashed while the rest is examined
            following = asyncio.create_task(self._read(page.messages[-1].id, last))
            try:
                stored = await self._hasher.hash_all(page.digests)
                await asyncio.to_thread(self._examine_page, page, stored)
            except BaseException:
                following.cancel()
                raise
            done += len(page.messages)
            self._progress("messages", done, total)
            page = await following

    async def _read(self, after: str, last: str) -> Page:
        return await read_page(self._readers, after=after, last=last, limit=_MESSAGES_AT_ONCE)

    def _examine_page(self, page: Page, stored: dict[str, StoredBody]) -> None:
        for message in page.messages:
            self._documents += message.kind == "document"
            self._statuses += message.kind == "status"
            self._deliveries += len(page.deliveries.get(message.id, []))
            try:
                self._examine_message(page, message, stored)
            except (ValueError, OverflowError, TypeError, KeyError) as error:  # rows that nobody of us wrote
                self._findings.add("row_unreadable", message.id, f"{type(error).__name__}: {error}"[:500])

    def _examine_message(self, page: Page, message: Message, stored: dict[str, StoredBody]) -> None:
        body = stored[message.sha256]
        self._examine_body(message.id, message.sha256, message.size, body)
        for each in page.renditions.get(message.id, []):
            self._examine_body(f"{message.id} as {each.dialect}", each.sha256, each.size, stored[each.sha256])
        examine_lines(page, message.id, self._findings)
        examine_told(page, message.id, self._findings)
        examine_papers(page, message, body.sha256, self._anchors, self._findings)

    def _examine_body(self, subject: str, sha256: str, size: int, body: StoredBody) -> None:
        if body.sha256 is None:
            self._findings.add(body.fault, subject, body.detail or sha256)
        elif body.sha256 != sha256:
            self._findings.add("body_changed", subject, f"digest {body.sha256}, not {sha256}")
        elif body.size != size:
            self._findings.add("body_changed", subject, f"{body.size} bytes, not {size}")

    async def _examine_orphans(self) -> None:
        """Step 4."""
        self._progress("bodies", 0, 0)
        batch: list[str] = []
        for name in old_bodies(self._bodies, before=time.time() - _SETTLED_SECONDS):
            batch.append(name)
            if len(batch) == _DIGESTS_AT_ONCE:
                await self._examine_batch(batch)
                batch = []
        await self._examine_batch(batch)

    async def _examine_batch(self, names: list[str]) -> None:
        known = {row[0] for row in await self._readers.fetch("fsck_digests_known", {"digests": as_json(names)})}
        for name in names:
            if name not in known:
                self._findings.add("body_orphan", name)


def _examine_all(examiner: LeafExaminer, records: list[EventRecord]) -> None:
    for record in records:
        examiner.examine(record)


def expected_schema(version: int) -> dict[tuple[str, str], Any]:
    """What the first `version` migrations make: (type, name) -> SQL text, as SQLite keeps it."""
    text = Statements.load("gateway.audit").get("fsck_schema_list")
    driver = choose_driver(allow_affected_sqlite=True)
    with closing(driver.module.connect(":memory:", isolation_level=None)) as connection:
        # the migrations' own table is left out on both sides, but later ones may write to it
        for migration in load_migrations(MIGRATIONS)[:version]:
            for statement in migration.statements:
                connection.execute(statement)
        return {(row[0], row[1]): row[2] for row in connection.execute(text)}
