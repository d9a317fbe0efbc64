"""Whether the registers of closed days still are what was closed, and what the ledger's documents give.

1. Days follow each other without a gap, each with its closing event, and no closing event is without its day.
2. What an event says (counts, root) is what the kept registers make: whoever changed a register is found here.
3. The registers, made again from the documents that the ledger has now, are the kept ones. A document that was
   removed, put in, or given another sender, number or recipient since is named itself.

Reads a day at a time, beside a running server; days that are closed meanwhile are left for the next time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date

from gateway.audit.findings import Findings
from gateway.audit.leaves import decode_leaf, facts_of
from gateway.errors import ProofError
from gateway.evidence.registering import ONE_DAY, Window, Worked, worked_out
from gateway.ledger.registers import Book, ClosedDay, RegisterReads
from gateway.ledger.tree import LogReads
from gateway.storage.readers import Readers
from gateway.transparency.registers import Closing

#: What rows that nobody of us wrote make of reading them.
_UNREADABLE = (ValueError, TypeError, OverflowError, AssertionError, KeyError, IndexError, ProofError)


class RegisterExaminer:
    """Looks at every closed day; `readers` know the statements of the ledger."""

    def __init__(self, readers: Readers, findings: Findings) -> None:
        self._reads, self._log, self._findings = RegisterReads(readers), LogReads(readers), findings

    async def examine(self, closings: Sequence[int], progress: Callable[[int, int], None]) -> int:
        """How many days there are; `closings`: numbers of the closing events that the history has."""
        try:
            days = await self._reads.days(date.min, date.max)
        except _UNREADABLE as error:
            self._findings.add("row_unreadable", "register_day", f"{type(error).__name__}: {error}"[:500])
            return 0
        for seq in sorted(set(closings) - {day.seq for day, _ in days}):
            self._findings.add("register_differs", f"event {seq}", "it closes a day that is not there")
        before: list[ClosedDay] = []
        for number, (day, leaf) in enumerate(days):
            progress(number, len(days))
            try:
                await self._day(day, leaf, before)
            except _UNREADABLE as error:
                told = f"{type(error).__name__}: {error}"[:500]
                self._findings.add("row_unreadable", f"register {day.day}", told)
            before = [day, *before[:1]]
        return len(days)

    async def _day(self, day: ClosedDay, leaf: bytes, before: Sequence[ClosedDay]) -> None:
        subject = f"register {day.day}"
        if before and day.day != before[0].day + ONE_DAY:
            self._findings.add("register_differs", subject, f"the day before it that was closed is {before[0].day}")
        closing = Closing.parse(facts_of(leaf))
        if closing is None or closing.day != day.day.isoformat():
            self._findings.add("register_differs", subject, f"event {day.seq} does not close it")
            return
        kept = await self._reads.books(day.day)
        due = Worked(books=kept, late=closing.late).closing
        made = await asyncio.to_thread(due, day.day, after=closing.after, until=closing.until, seed=day.seed)
        wrong = [name for name, value in made.facts().items() if closing.facts()[name] != value]
        if wrong:
            told = f"{', '.join(wrong)} are not what event {day.seq} says of its registers"
            self._findings.add("register_differs", subject, told)
        window = Window.after(before, day.day, day.until_seq)
        await self._compare(day.day, kept, (await worked_out(self._reads, window, day.seed)).books)

    async def _compare(self, day: date, kept: Sequence[Book], found: Sequence[Book]) -> None:
        due, have = _by_leaf(kept), _by_leaf(found)
        for leaf in sorted(due.keys() | have.keys()):
            if due.get(leaf) == have.get(leaf):
                continue
            code = "missing" if leaf not in have else "foreign" if leaf not in due else "changed"
            told = f"leaf {leaf}, register {day}"
            self._findings.add(f"register_entry_{code}", await self._document(leaf), told)

    async def _document(self, leaf: int) -> str:
        """What the event is about, as far as it can be told."""
        found = await self._log.leaf(leaf)
        seq = await self._log.seq_of(leaf)
        message = (decode_leaf(found) or {}).get("message") if found is not None else None
        return str(message or f"event {seq}")


def _by_leaf(books: Sequence[Book]) -> dict[int, list[tuple[str, bytes]]]:
    """Leaf -> whose entries it has, and their digests."""
    found: dict[int, list[tuple[str, bytes]]] = defaultdict(list)
    for book in books:
        for leaf, digest in zip(book.leaves, book.digests, strict=True):
            found[leaf].append((book.agency, digest))
    return found
