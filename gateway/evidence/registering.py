"""Works out the registers of a day from the ledger: for closing it, for `fsck`, and to prove something of it.

Which lines are a day's is said in `gateway.transparency.registers`; here it is read:

1. Up to the closing of the day before, what came after that day's end.
2. From there up to this closing, what came before this day's end; older ones among them are late.

Hashing goes on in a thread, a portion at a time, so that neither the event loop nor the pump is held up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from gateway.clock import micros
from gateway.ledger.registers import Book, ClosedDay, DayLine, RegisterReads, Span
from gateway.reconcile import bounds_of
from gateway.transparency.registers import Closing, Register, agency_commitment, day_root, entries_of

ONE_DAY: Final = timedelta(days=1)
_FIRST: Final = 0
_LONG_AGO, _NEVER = -(2**62), 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Where the lines of a day lie in the log; numbers of events."""

    day: date
    #: What the closing of the day before that before looked up to, that of the day before, and this one.
    before: int
    since: int
    until: int

    @classmethod
    def after(cls, closed: Sequence[ClosedDay], day: date, until: int) -> Window:
        """That of a day which follows `closed`, newest first."""
        numbers = [each.until_seq for each in closed[:2]] + [_FIRST, _FIRST]
        return cls(day=day, before=numbers[1], since=numbers[0], until=until)

    @property
    def bounds(self) -> tuple[int, int]:
        """When the day begins and ends, in microseconds."""
        start, end = bounds_of(self.day)
        return micros(start), micros(end)

    async def lines(self, reads: RegisterReads, agency: str | None = None) -> AsyncIterator[list[DayLine]]:
        """The day's lines in the order of the log."""
        start, end = self.bounds
        spans = (
            Span(after=self.before, until=self.since, earliest=start, latest=_NEVER),
            Span(after=self.since, until=self.until, earliest=_LONG_AGO, latest=end),
        )
        for span in spans:
            async for portion in reads.lines(span, agency):
                yield portion


@dataclass(kw_only=True)
class Worked:
    """The registers of a day."""

    books: list[Book] = field(default_factory=list)
    late: int = 0

    def closing(self, day: date, *, after: int, until: int, seed: bytes) -> Closing:
        """What its event says; `after`, `until`: leaves looked at. Hashes."""
        registers = [Register.of(book.leaves, book.digests) for book in self.books]
        return Closing(
            day=day.isoformat(),
            after=after,
            until=until,
            registers=len(registers),
            documents=sum(each.documents for each in registers),
            entries=sum(each.entries for each in registers),
            late=self.late,
            root=day_root(items_of(seed, self.books, registers)),
        )


async def worked_out(reads: RegisterReads, window: Window, seed: bytes) -> Worked:
    """Every register of the day, in the order of the agencies' ids."""
    start, _ = window.bounds
    found: dict[str, tuple[list[int], list[bytes]]] = {}
    late = 0
    async for portion in window.lines(reads):
        late += sum(1 for each in portion if each.at < start)
        digests = await asyncio.to_thread(_digests, seed, portion)
        for each, digest in zip(portion, digests, strict=True):
            leaves, hashed = found.setdefault(each.agency, ([], []))
            leaves.append(each.line.leaf)
            hashed.append(digest)
    books = [Book(agency=agency, leaves=each[0], digests=each[1]) for agency, each in sorted(found.items())]
    return Worked(books=books, late=late)


def items_of(seed: bytes, books: Sequence[Book], registers: Sequence[Register]) -> list[tuple[bytes, bytes]]:
    """The leaves of the day's tree."""
    pairs = zip(books, registers, strict=True)
    return [(agency_commitment(seed, book.agency), register.digest) for book, register in pairs]


def _digests(seed: bytes, portion: Sequence[DayLine]) -> list[bytes]:
    return [entry.digest for entry in entries_of(seed, (each.line for each in portion))]
