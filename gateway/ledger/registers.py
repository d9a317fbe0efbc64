"""Registers of closed days in the ledger: what was closed, which lines a day has, and closing one.

`CloseDayOperation` writes a day, its registers and its event in one transaction, and refuses whoever saw other
closed days than there are: a day is closed once. `RegisterReads.lines` reads lines of documents in the order of the
log, a portion at a time. It does NOT hash anything (`gateway.evidence.registering`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.errors import LogRaceError
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers
from gateway.transparency.merkle import HASH_BYTES
from gateway.transparency.registers import Closing, Line, number_text

#: Events whose lines are read at a time; each may have a line for every office.
PORTION = 200
#: Of an entry in the table: number of its leaf, digest.
_LEAF_BYTES = 8
_ENTRY_BYTES = _LEAF_BYTES + HASH_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedDay:
    """A row of `register_day`."""

    day: date
    #: Number of its event.
    seq: int
    until_seq: int
    seed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Events after one number, up to another, not earlier than one instant, before another (microseconds)."""

    after: int
    until: int
    earliest: int
    latest: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DayLine:
    """A line with what tells whose and when it is."""

    line: Line
    #: Microseconds since 1970, as its event has it.
    at: int
    message: str
    agency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """The register of one agency, as it is kept."""

    agency: str
    leaves: Sequence[int]
    digests: Sequence[bytes]

    def packed(self) -> bytes:
        """The column."""
        pairs = zip(self.leaves, self.digests, strict=True)
        return b"".join(leaf.to_bytes(_LEAF_BYTES, "big") + digest for leaf, digest in pairs)

    @classmethod
    def parse(cls, agency: str, packed: bytes) -> Book:
        """As `packed` wrote it."""
        rows = [packed[at : at + _ENTRY_BYTES] for at in range(0, len(packed), _ENTRY_BYTES)]
        return cls(
            agency=agency,
            leaves=[int.from_bytes(row[:_LEAF_BYTES], "big") for row in rows],
            digests=[row[_LEAF_BYTES:] for row in rows],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseDay:
    """A day about to be closed."""

    closing: Closing
    until_seq: int
    seed: bytes
    #: In the order of their agencies' ids.
    books: Sequence[Book]
    #: The day that was closed before, as it was read; None: none.
    before: date | None
    now: datetime


class CloseDayOperation:
    """Closes it; LogRaceError when other days were closed than was read."""

    name = "close_day"

    async def apply(self, tx: Transaction, payloads: Sequence[CloseDay]) -> Sequence[Exception | None]:
        """None, or why not."""
        return [await self._close(tx, payload) for payload in payloads]

    async def _close(self, tx: Transaction, ask: CloseDay) -> Exception | None:
        rows = await tx.fetch("register_day_list_last", (1,))
        before = date.fromisoformat(rows[0][0]) if rows else None
        if before != ask.before or (before is not None and before >= date.fromisoformat(ask.closing.day)):
            return LogRaceError(day=ask.closing.day)
        event = history.EventRow(kind=Event.REGISTER_CLOSED, at=ask.now, actor="gateway", facts=ask.closing.facts())
        await history.append(tx, [event])
        await tx.execute_many("register_day_insert", [(ask.closing.day, ask.until_seq, ask.seed)])
        await tx.execute_many(
            "register_insert", [(ask.closing.day, book.agency, book.packed()) for book in ask.books]
        )
        return None


class RegisterReads:
    """What is asked of registers. Everything is of what was committed."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def last(self, count: int = 2) -> list[ClosedDay]:
        """The days closed last, newest first."""
        return [_day(row) for row in await self._readers.fetch("register_day_list_last", (count,))]

    async def up_to(self, day: date) -> list[ClosedDay]:
        """A closed day and the two before it, newest first; without it when it is not closed."""
        return [_day(row) for row in await self._readers.fetch("register_day_list_before", (day.isoformat(),))]

    async def days(self, first: date, last: date) -> list[tuple[ClosedDay, bytes]]:
        """Closed days with the leaves of their events, oldest first."""
        span = {"first": first.isoformat(), "last": last.isoformat()}
        return [(_day(row), bytes(row[4])) for row in await self._readers.fetch("register_day_list", span)]

    async def books(self, day: date) -> list[Book]:
        """The registers of a closed day, in their order."""
        rows = await self._readers.fetch("register_list_of_day", (day.isoformat(),))
        return [Book.parse(agency, bytes(packed)) for agency, packed in rows]

    async def lines(self, span: Span, agency: str | None = None) -> AsyncIterator[list[DayLine]]:
        """Lines of documents, of one sender where that is named, a portion at a time."""
        after, times = span.after, {"earliest": span.earliest, "latest": span.latest}
        while after < span.until:
            page = {"after": after, "until": span.until, "limit": PORTION}
            ((end,),) = await self._readers.fetch("register_read_span", page | times)
            if end is None:
                return
            asked = {"after": after, "until": end, "agency": agency}
            yield [_line(row) for row in await self._readers.fetch("register_list_lines", asked | times)]
            after = end


def _day(row: Sequence[object]) -> ClosedDay:
    day, seq, until_seq, seed = row[:4]
    assert isinstance(seq, int)
    assert isinstance(until_seq, int)
    assert isinstance(seed, bytes)
    return ClosedDay(day=date.fromisoformat(str(day)), seq=seq, until_seq=until_seq, seed=seed)


def _line(row: Sequence[object]) -> DayLine:
    leaf, at, message, agency, number, notation, recipient = row
    assert isinstance(leaf, int)
    assert isinstance(at, int)
    line = Line(leaf, number_text(str(number), str(notation)), str(recipient))
    return DayLine(line=line, at=at, message=str(message), agency=str(agency))
