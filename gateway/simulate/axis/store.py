"""The axis's memory: what was sent, what waits for whom, what became of it. SQLite, one connection, one thread.

Every write is committed before its caller goes on, so before the reply leaves. WAL with synchronous=NORMAL: a
killed process loses nothing; a power cut may lose the last moments, which is good enough for a simulator.
Statements are short and run in the event loop's thread; bodies lie beside the database as files named by their
digest, the large ones written in another thread. Ids are the rows': those of `sent` begin at 1,000,000,001,
entries at 2,000,000,001.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.clock import Clock, micros
from gateway.fsio import make_private_dir
from gateway.simulate.axis.reading import Letter
from gateway.storage.statements import Statements

#: Bodies up to this size are read, written and parsed in the event loop's thread.
SMALL_BYTES: Final = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Errand:
    """A status that a played office owes."""

    due_at: int
    reporter: str
    code: str
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One receiving system's part of a message."""

    system_id: str
    codes: tuple[str, ...]
    errands: tuple[Errand, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Taking:
    """A message about to be taken."""

    system_id: str
    message_type: str
    letter: Letter
    sha256: str
    size: int
    #: All whom it is for, in order.
    recipients: tuple[str, ...]
    shares: tuple[Share, ...]
    #: Recipient -> why it goes nowhere.
    faults: dict[str, str]
    #: How many entries each share makes; 2 is a fault to order.
    copies: int = 1
    #: What a played office owed and has done with it.
    errand: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What was made of it."""

    sent_id: int
    #: (entry, receiving system).
    entries: tuple[tuple[int, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of a system's list."""

    sha256: str
    status: str
    message_type: str


class Bodies:
    """Files by digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where a body lies."""
        return self._folder / sha256[:2] / sha256

    async def keep(self, data: bytes) -> str:
        """Keep bytes; their digest."""
        if len(data) <= SMALL_BYTES:
            return self._write(data)
        return await asyncio.to_thread(self._write, data)

    async def read(self, sha256: str) -> bytes:
        """Kept bytes."""
        path = self.path(sha256)
        if path.stat().st_size <= SMALL_BYTES:
            return path.read_bytes()
        return await asyncio.to_thread(path.read_bytes)

    def _write(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            # another name per writer: equal bytes may come twice at once
            part = path.with_name(f"{digest}.{os.getpid()}.{id(data)}.part")
            part.write_bytes(data)
            part.replace(path)
        return digest


class Store:
    """The open database; one process at a time."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        make_private_dir(folder)
        self.bodies = Bodies(folder / "bodies")
        self._clock = clock
        self._statements = Statements.load("gateway.simulate.axis.sql")
        self._connection = sqlite3.connect(folder / "axis.sqlite", isolation_level=None, cached_statements=256)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if not self.rows("axis_read_version")[0][0]:
            self._connection.executescript((resources.files(__package__) / "schema.sql").read_text("utf-8"))

    def close(self) -> None:
        """Give the database back."""
        self._connection.close()

    def now(self) -> int:
        """The instant that rows get."""
        return micros(self._clock.now())

    def rows(self, statement: str, *values: object) -> list[Any]:
        """Run a named statement; its rows."""
        return self._connection.execute(self._statements.get(statement), values).fetchall()

    def run(self, statement: str, *values: object) -> int:
        """Run a named statement that writes; how many rows it touched."""
        return self._connection.execute(self._statements.get(statement), values).rowcount

    def insert(self, statement: str, *values: object) -> int:
        """Insert a row; its id."""
        return self._connection.execute(self._statements.get(statement), values).lastrowid or 0

    def insert_many(self, statement: str, rows: Iterator[Sequence[object]]) -> None:
        """Insert rows."""
        self._connection.executemany(self._statements.get(statement), rows)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, committed at its end."""
        self.run("axis_begin_transaction")
        try:
            yield
        except BaseException:
            self.run("axis_rollback_transaction")
            raise
        self.run("axis_commit_transaction")

    def take(self, taking: Taking) -> Taken:
        """Remember a message and put it into the lists it is for."""
        now, letter = self.now(), taking.letter
        entries: list[tuple[int, str]] = []
        carried: dict[str, int] = {}
        with self.transaction():
            if taking.errand is not None:
                self.run("errand_delete", taking.errand)
            sent_id = self.insert(
                "sent_insert", taking.system_id, taking.message_type, letter.sender, letter.subject, letter.code,
                letter.document_id, letter.status_code, taking.sha256, taking.size, now,
            )  # fmt: skip
            for share in taking.shares:
                made = [self._put(taking, sent_id, share.system_id, now) for _ in range(taking.copies)]
                entries += [(entry_id, share.system_id) for entry_id in made]
                carried |= dict.fromkeys(share.codes, made[0])
                for errand in share.errands:
                    self.run("errand_insert", errand.due_at, made[0], errand.reporter, errand.code, errand.words)
            for place, code in enumerate(taking.recipients):
                self.run("line_insert", sent_id, place, code, carried.get(code), taking.faults.get(code, ""))
        return Taken(sent_id=sent_id, entries=tuple(entries))

    def _put(self, taking: Taking, sent_id: int, system_id: str, now: int) -> int:
        listed = msgspec.json.encode(taking.recipients).decode()
        return self.insert(
            "entry_insert", sent_id, system_id, taking.message_type, taking.letter.sender, listed, taking.sha256,
            now, now,
        )  # fmt: skip

    def put(self, system_id: str, message_type: str, sender: str, recipients: Sequence[str], sha256: str) -> int:
        """An entry that nobody sent; for garbage and other surprises."""
        now, listed = self.now(), msgspec.json.encode(recipients).decode()
        return self.insert("entry_insert", None, system_id, message_type, sender, listed, sha256, now, now)

    def entry(self, entry_id: int, system_id: str) -> Entry | None:
        """An entry of this system, whatever became of it."""
        found = self.rows("entry_read", entry_id, system_id)
        return Entry(sha256=found[0][0], status=found[0][1], message_type=found[0][2]) if found else None

    def settle(self, entry_id: int, system_id: str, status: str, words: str) -> bool:
        """Note what the system says; False when it said a final word before, or has no such entry."""
        return self.run("entry_settle", status, words, self.now(), entry_id, system_id) > 0
