"""Examines a whole data folder from its bytes and says what does not hold.

1. Database: SQLite's own check, foreign keys, structure against the migrations.
2. History: every event in order (`leaves`), and against the transparency log (`tree`), renewals of its head
   (`renewals`).
3. Messages, a page at a time: bodies hashed in threads (`stored`) and, unless it has to be quick, parsed again
   in the limited processes (`contents`), receipts, transfer records, columns (`papers`), deliveries, dispatches,
   attempts, statuses (`lines`).
4. What peers offered and nobody acknowledged for us, scans and drafts of clerks: bodies hashed.
5. Bodies that belong to no message.
6. The registers of closed days (`registers`).
7. Ledgers that were taken over (`foreign`).

A data folder that cannot be opened at all is a finding too (`opening`): whoever asks gets a report.

It only reads, and works beside a running server as well as without one: each page is one short snapshot.
Messages accepted while it runs are left for the next time. Memory does not grow with the ledger. It does NOT
repair anything, and what was cut off together with all that tells of it, it knows only by the log's mark.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.audit.contents import ContentExaminer
from gateway.audit.faults import FAULTS
from gateway.audit.findings import Finding, Findings
from gateway.audit.foreign import ForeignExaminer
from gateway.audit.keys import DataKeys
from gateway.audit.leaves import LeafExaminer
from gateway.audit.lines import examine_lines, examine_told
from gateway.audit.opening import fault_of, look
from gateway.audit.owners import OwnCertificates
from gateway.audit.papers import examine_papers, is_own
from gateway.audit.purges import Orders, examine_purge
from gateway.audit.purges import examine_papers as examine_purged_papers
from gateway.audit.registers import RegisterExaminer
from gateway.audit.renewals import RenewalExaminer
from gateway.audit.rows import EventRecord, Message, Page, read_again, read_page
from gateway.audit.stored import BodyHasher, StoredBody, old_bodies
from gateway.audit.tree import TreeExaminer
from gateway.config.settings import Settings
from gateway.errors import KeyFileError, PoolError, StorageError, TrustStoreError
from gateway.events import Event
from gateway.ledger.own_keys import in_force
from gateway.ledger.params import as_json
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.storage.bodies import Bodies
from gateway.storage.body_token import body_key_place
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
#: Numbers of events begin at 1; an inserted row may have any.
_BEFORE_ALL = -(2**63)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What was examined; the first three count as the demo's last line does."""

    #: Documents, and their deliveries.
    documents: int = 0
    deliveries: int = 0
    #: Status messages that agencies sent.
    statuses: int = 0
    #: Status messages that the gateway wrote for itself.
    notices: int = 0
    #: Deliveries of both.
    status_deliveries: int = 0
    events: int = 0
    #: Events that are leaves of the transparency log, and what was signed of it.
    leaves: int = 0
    checkpoints: int = 0
    #: Days whose registers were closed.
    registers: int = 0
    #: Ledgers that were taken over.
    foreign_ledgers: int = 0
    #: Bodies that were parsed again and compared.
    contents: int = 0

    @property
    def messages(self) -> int:
        """Of every kind."""
        return self.documents + self.statuses + self.notices


@dataclass(frozen=True, kw_only=True, slots=True)
class FsckReport:
    """What came of it."""

    counts: Counts
    seconds: float
    findings: list[Finding]
    ok: bool

    def as_json(self) -> dict[str, object]:
        """Exactly what `fsck --json` prints."""
        return {"ok": self.ok, **asdict(self.counts), "findings": [finding.as_json() for finding in self.findings]}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tools:
    """What an examination reads with."""

    readers: Readers
    bodies: Bodies
    data_keys: DataKeys
    hasher: BodyHasher
    #: None when bodies are not to be parsed again.
    contents: ContentExaminer | None
    anchors: TrustStore
    progress: Progress
    log: TreeExaminer
    renewals: RenewalExaminer
    foreign: ForeignExaminer


async def examine(
    settings: Settings,
    database: Path,
    *,
    quick: bool = False,
    is_copy: bool = False,
    progress: Progress | None = None,
) -> FsckReport:
    """Examine the data folder of the settings; `quick`: without parsing the bodies again.

    `is_copy`: it was restored just now, and may rightly be older than what was signed.
    """
    began = time.monotonic()
    examination = _Examination(database, Findings(FAULTS))
    examination.is_copy = is_copy
    async with AsyncExitStack() as stack:
        tools = await _open(stack, settings, examination, quick=quick, progress=progress or _silent)
        if tools is not None:
            await examination.run(tools)
    return FsckReport(
        counts=Counts(**examination.counts),
        seconds=time.monotonic() - began,
        findings=examination.findings.listed(),
        ok=examination.findings.ok,
    )


async def _open(
    stack: AsyncExitStack, settings: Settings, examination: _Examination, *, quick: bool, progress: Progress
) -> _Tools | None:
    """Everything opened, or None after a finding that says why not."""
    folder, findings = settings.storage.folder, examination.findings
    fault = await asyncio.to_thread(look, examination.database, folder)
    if fault is not None:
        findings.add(*fault)
        return None
    try:
        anchors = TrustStore.load(settings.seal.anchors, TrustPurpose.SEAL)
        readers = Readers(
            examination.database,
            Statements.load("gateway.audit", "gateway.ledger.sql"),
            count=2,
            allow_affected_sqlite=settings.storage.allow_affected_sqlite,
        )
        await readers.start()
    except TrustStoreError as error:
        findings.add("anchors_unfit", "seal.anchors", str(error))
        return None
    except StorageError as error:
        examination.tell(error, "database")
        return None
    stack.push_async_callback(readers.close)
    data_keys = DataKeys(readers, body_key_place(settings))
    try:
        with suppress(StorageError):  # another version's ledger, or a damaged one: told by its own look
            await data_keys.refresh()
    except KeyFileError as error:
        findings.add("body_key_unfit", "storage.body_key", str(error))
        return None
    bodies = Bodies(folder, data_keys.keys)
    stack.push_async_callback(bodies.close)
    hasher = stack.enter_context(closing(BodyHasher(bodies)))
    contents = None
    if not quick:
        try:
            contents = await stack.enter_async_context(ContentExaminer(settings, bodies))
        except PoolError as error:
            findings.add("content_unread", "parser", str(error))
    return _Tools(
        readers=readers,
        bodies=bodies,
        data_keys=data_keys,
        hasher=hasher,
        contents=contents,
        anchors=anchors,
        progress=progress,
        log=TreeExaminer(readers, settings.log, findings, mark=not examination.is_copy),
        renewals=RenewalExaminer(readers, findings),
        foreign=ForeignExaminer(readers, findings, quick=quick),
    )


def _silent(_part: str, _done: int, _total: int) -> None:
    """No progress is shown."""


class _Examination:
    def __init__(self, database: Path, findings: Findings) -> None:
        self.database = database
        self.findings = findings
        self.is_copy = False
        self.counts: Counter[str] = Counter()
        self._closings: list[int] = []
        self._orders = Orders()
        self._tools: _Tools

    def tell(self, error: StorageError, part: str) -> None:
        """So damaged that reading breaks off."""
        code, detail = fault_of(error, part)
        self.findings.add(code, self.database.name, detail)

    async def run(self, tools: _Tools) -> None:
        """Steps 1 to 7."""
        self._tools = tools
        try:
            if not await self._is_ours():
                return
            known = in_force(await tools.readers.fetch("fsck_own_certificates"))
            self._ours = OwnCertificates(known=[each for each in known if each.purpose == "seal"])
        except StorageError as error:
            self.tell(error, "versions")
            return
        parts = {
            "database": self._examine_database,
            "history": self._examine_history,
            "messages": self._examine_messages,
            "offers": self._examine_others,
            "bodies": self._examine_orphans,
            "registers": self._examine_registers,
            "foreign": self._examine_foreign,
        }
        for name, part in parts.items():
            try:
                await part()
            except StorageError as error:
                self.tell(error, name)

    async def _is_ours(self) -> bool:
        """Whether the database is of this program and version; a wholly strange one is not examined."""
        found = {(row[0], row[1]) for row in await self._tools.readers.fetch("fsck_schema_list")}
        if ("table", "message") not in found:
            detail = "it is a SQLite database without the gateway's tables"
            self.findings.add("database_foreign", self.database.name, detail)
            return False
        version, known = await self._version(), len(load_migrations(MIGRATIONS))
        if version != known:
            detail = f"its schema is number {version}, this program's is number {known}"
            self.findings.add("database_version", self.database.name, detail)
        return version == known

    async def _version(self) -> int:
        meta = dict(await self._tools.readers.fetch("fsck_meta_list"))
        told = str(meta.get("schema_version", ""))
        return int(told) if told.isdecimal() else 0

    async def _examine_database(self) -> None:
        """Step 1."""
        readers, progress = self._tools.readers, self._tools.progress
        progress("database", 0, 3)
        for (line,) in await readers.fetch("fsck_database_check"):
            if line != "ok":
                self.findings.add("database_damaged", self.database.name, str(line)[:500])
        progress("database", 1, 3)
        for table, rowid, parent, _ in await readers.fetch("fsck_foreign_keys"):
            self.findings.add("reference_broken", f"{table} row {rowid}", f"no such {parent}")
        progress("database", 2, 3)
        found = {(row[0], row[1]): row[2] for row in await readers.fetch("fsck_schema_list")}
        self._examine_schema(found, expected_schema(await self._version()))
        progress("database", 3, 3)

    def _examine_schema(self, found: dict[tuple[str, str], Any], due: dict[tuple[str, str], Any]) -> None:
        for key in sorted(found.keys() | due.keys()):
            if found.get(key) != due.get(key):
                told = "missing" if key not in found else "not ours" if key not in due else "changed"
                self.findings.add("schema_changed", f"{key[0]} {key[1]}", told)

    async def _examine_history(self) -> None:
        """Step 2."""
        readers = self._tools.readers
        ((_, total),) = await readers.fetch("fsck_ledger_counts", {"last": ""})
        examiner, log = LeafExaminer(self.findings), self._tools.log
        renewals = self._tools.renewals
        await renewals.begin()
        await log.begin()
        after = _BEFORE_ALL
        while rows := await readers.fetch("fsck_event_page", {"after": after, "limit": _EVENTS_AT_ONCE}):
            records = [EventRecord(*row) for row in rows]
            await asyncio.to_thread(_examine_all, examiner, records)
            await log.take(records)
            self._orders.take(records)
            await asyncio.to_thread(renewals.take, records, log.index_of)
            self._tools.foreign.take(records)
            self._closings += [record.seq for record in records if record.kind == Event.REGISTER_CLOSED]
            after = records[-1].seq
            self.counts["events"] += len(records)
            self._tools.progress("events", min(self.counts["events"], total), total)
        await log.end()
        await renewals.end()
        self._orders.listed(await readers.fetch("fsck_purge_documents"))
        examine_purged_papers(await readers.fetch("fsck_purged_papers"), self._orders, self.findings)
        self.counts["leaves"], self.counts["checkpoints"] = log.leaves, log.checkpoints

    async def _examine_messages(self) -> None:
        """Step 3."""
        ((last,),) = await self._tools.readers.fetch("fsck_message_last")
        ((total, _),) = await self._tools.readers.fetch("fsck_ledger_counts", {"last": last})
        done = 0
        page = await self._read("", last)
        while page.messages:
            # the next page is read and this one's bodies are hashed while the rest is examined
            following = asyncio.create_task(self._read(page.messages[-1].id, last))
            try:
                stored = await self._tools.hasher.hash_all(page.digests)
                await self._look_for_gone(page, stored)
                await self._examine_contents(page, stored, total)
                await asyncio.to_thread(self._examine_page, page, stored)
            except BaseException:
                following.cancel()
                raise
            done += len(page.messages)
            self._tools.progress("messages", done, total)
            page = await following

    async def _read(self, after: str, last: str) -> Page:
        page = await read_page(self._tools.readers, after=after, last=last, limit=_MESSAGES_AT_ONCE)
        await self._learn_keys()
        return page

    async def _look_for_gone(self, page: Page, stored: dict[str, StoredBody]) -> None:
        digests = {each.id: [each.sha256] for each in page.messages if each.id not in page.purges}
        for message_id in digests:
            digests[message_id] += [each.sha256 for each in page.renditions.get(message_id, [])]
        absent = {digest for digest, each in stored.items() if each.fault == "body_missing"}
        gone = {key for key, found in digests.items() if not absent.isdisjoint(found)}
        await self._look_again(page, stored, gone)

    async def _look_again(self, page: Page, stored: dict[str, StoredBody], gone: set[str]) -> None:
        """What is gone may have been destroyed since the page was read: the eraser commits before it removes."""
        if gone:
            await read_again(self._tools.readers, page, sorted(gone))
        for message in page.messages:
            if message.id in gone and message.id in page.purges and not page.purges[message.id].needed:
                stored[message.sha256] = StoredBody(sha256=None, fault="body_missing")

    async def _learn_keys(self) -> None:
        """Those of the bodies whose rows were just read: keys are turned beside us."""
        try:
            await self._tools.data_keys.refresh()
        except KeyFileError as error:
            self.findings.add("body_key_unfit", "storage.body_key", str(error))

    async def _examine_contents(self, page: Page, stored: dict[str, StoredBody], total: int) -> None:
        if self._tools.contents is None:
            return

        def done() -> None:
            self.counts["contents"] += 1
            self._tools.progress("contents", self.counts["contents"], total)

        whole = [
            message
            for message in page.messages
            if stored[message.sha256].sha256 == message.sha256 and message.id not in page.purges
        ]
        differences = await self._tools.contents.examine(whole, done)
        await self._look_again(page, stored, {each.message_id for each in differences})
        for each in differences:
            if each.message_id not in page.purges:
                self.findings.add(each.code, each.message_id, each.detail)

    def _examine_page(self, page: Page, stored: dict[str, StoredBody]) -> None:
        for message in page.messages:
            self._count(message, len(page.deliveries.get(message.id, [])))
            try:
                self._examine_message(page, message, stored)
            except (ValueError, OverflowError, TypeError, KeyError) as error:  # rows that nobody of us wrote
                self.findings.add("row_unreadable", message.id, f"{type(error).__name__}: {error}"[:500])

    def _count(self, message: Message, lines: int) -> None:
        if message.kind == "document":
            self.counts["documents"] += 1
            self.counts["deliveries"] += lines
        else:
            self.counts["notices" if is_own(message) else "statuses"] += 1
            self.counts["status_deliveries"] += lines

    def _examine_message(self, page: Page, message: Message, stored: dict[str, StoredBody]) -> None:
        body = stored[message.sha256]
        if examine_purge(page, message, body, self._orders, self.findings):
            body = StoredBody(sha256=None)
        else:
            self._examine_body(message.id, message.sha256, message.size, body)
            for each in page.renditions.get(message.id, []):
                self._examine_body(f"{message.id} as {each.dialect}", each.sha256, each.size, stored[each.sha256])
        examine_lines(page, message, self.findings)
        examine_told(page, message.id, self.findings)
        examine_papers(page, message, body.sha256, self._tools.anchors, self.findings)
        self._ours.examine(message, page.receipts.get(message.id), self.findings)

    def _examine_body(self, subject: str, sha256: str, size: int, body: StoredBody) -> None:
        if body.sha256 is None:
            self.findings.add(body.fault, subject, body.detail or sha256)
        elif body.sha256 != sha256:
            self.findings.add("body_changed", subject, f"digest {body.sha256}, not {sha256}")
        elif body.size != size:
            self.findings.add("body_changed", subject, f"{body.size} bytes, not {size}")

    async def _examine_others(self) -> None:
        """Step 4: what peers offered and nobody acknowledged for us, and what clerks keep."""
        for statement in ("fsck_offer_page", "fsck_desk_file_page"):
            page: dict[str, object] = {"after": "", "limit": _MESSAGES_AT_ONCE}
            while rows := await self._tools.readers.fetch(statement, page):
                await self._learn_keys()
                stored, last = await self._tools.hasher.hash_all(row[1] for row in rows), rows[-1][0]
                if any(
                    each.fault == "body_missing" for each in stored.values()
                ):  # given up or destroyed meanwhile?
                    still = {row[0] for row in await self._tools.readers.fetch(statement, page)}
                    rows = [row for row in rows if row[0] in still]
                for _, sha256, size, subject in rows:
                    self._examine_body(subject, sha256, size, stored[sha256])
                page["after"] = last

    async def _examine_orphans(self) -> None:
        """Step 5."""
        self._tools.progress("bodies", 0, 0)
        batch: list[str] = []
        for name in old_bodies(self._tools.bodies, before=time.time() - _SETTLED_SECONDS):
            batch.append(name)
            if len(batch) == _DIGESTS_AT_ONCE:
                await self._examine_batch(batch)
                batch = []
        await self._examine_batch(batch)

    async def _examine_batch(self, names: list[str]) -> None:
        rows = await self._tools.readers.fetch("fsck_digests_known", {"digests": as_json(names)})
        known = {row[0] for row in rows}
        for name in names:
            if name not in known:
                self.findings.add("body_orphan", name)

    async def _examine_registers(self) -> None:
        """Step 6."""

        def told(done: int, total: int) -> None:
            self._tools.progress("registers", done, total)

        examiner = RegisterExaminer(self._tools.readers, self.findings)
        self.counts["registers"] = await examiner.examine(self._closings, told)

    async def _examine_foreign(self) -> None:
        """Step 7."""

        def told(done: int, total: int) -> None:
            self._tools.progress("foreign", done, total)

        self.counts["foreign_ledgers"] = await self._tools.foreign.examine(self.database.parent, told)


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
