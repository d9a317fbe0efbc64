"""Gathers the proof that an agency sent no such document: closed days, registers, and what tells entries apart.

1. Every day of the question is closed, and its closing leaf is under a checkpoint.
2. There is no such document, neither in the registers nor, by the times of acceptance, in the ledger: what came
   while the clock was wrong may stand in the register of another day. Numbers that people may take for each other
   (another dash, a space) are the same here, although registers tell them apart.
3. Of each day all registers, the issuer's opened; the issuer's entries, made again from the ledger, are those that
   were closed; of each one bit is shown that the question has otherwise.

RefusedError says why there is nothing to prove. Hashing goes on in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from gateway import __version__
from gateway.bundle.absence import (
    Absence,
    Day,
    DayRegisters,
    EntryShown,
    Office,
    Own,
    Question,
    RegisterShown,
    Shown,
    register_name,
)
from gateway.bundle.facts import written
from gateway.bundle.format import CHECKPOINT, MAX_SMALL_BYTES
from gateway.clock import micros, rfc3339
from gateway.directory.fold import number_key
from gateway.errors import RefusedError
from gateway.evidence.gathering import Sources, log_facts, stamp_facts
from gateway.evidence.proving import proved_leaves
from gateway.evidence.registering import ONE_DAY, Window, items_of
from gateway.ledger.registers import Book, ClosedDay, RegisterReads
from gateway.ledger.tree import LogReads
from gateway.model import Agency
from gateway.reconcile import bounds_of
from gateway.transparency.commitment import bits_of, opening, position_of
from gateway.transparency.registers import (
    AGENCY,
    NUMBER,
    RECIPIENT,
    Entry,
    Line,
    Register,
    agency_salts,
    entries_of,
    number_text,
)

#: Days of one file: each has three entries of at most 10,000.
MOST_DAYS: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The question."""

    issuer: Agency
    recipient: Agency | None
    #: number/notation; "" for any.
    number: str
    first: date
    last: date

    @property
    def number_text(self) -> str:
        """As registers compare it."""
        number, _, notation = self.number.partition("/")
        return number_text(number, notation) if self.number else ""

    @property
    def wanted(self) -> dict[str, str]:
        """Field of an entry -> what it would have; what was not asked for is left out."""
        found = {NUMBER: self.number_text} if self.number else {}
        return found | ({RECIPIENT: str(self.recipient.id)} if self.recipient else {})

    def is_number_of(self, number: str, notation: str) -> bool:
        """Whether a document may be meant; also one that has both in its number, as it was sent in one piece."""
        if not self.number or number_text(number, notation).rstrip("/") == self.number_text.rstrip("/"):
            return True
        return number_key(f"{number}/{notation}") == _key(self.number)

    def is_answered_by(self, line: Line) -> bool:
        """Whether a line is a document that was asked for, or may be meant."""
        is_theirs = self.recipient is None or line.value(RECIPIENT) == str(self.recipient.id)
        return is_theirs and self.is_number_of(line.value(NUMBER), "")


@lru_cache(maxsize=8)
def _key(number: str) -> tuple[str, str]:
    return number_key(number)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What the container is made of."""

    facts: Absence
    #: Every entry but manifest, facts and seal, in their order.
    files: Mapping[str, bytes]


async def gather_absence(sources: Sources, asked: Asked, *, actor: str, now: datetime) -> Gathered:
    """Steps 1 to 3."""
    reads = RegisterReads(sources.readers)
    closed = await _closed(reads, asked)  # 1
    events = [(day.seq, leaf) for day, leaf in closed]
    log = LogReads(sources.readers, quorum=sources.quorum)
    leaves, checkpoint, pending = await proved_leaves(log, events)
    if pending or checkpoint is None:
        raise RefusedError("proof_pending", f"{pending} of {len(events)} closed days")
    await _require_none(sources, asked)  # 2
    files: dict[str, bytes] = {}
    for day, _ in closed:  # 3
        files[register_name(day.day.isoformat())] = await _day(reads, day, asked)
    for index, (leaf, proof) in sorted(leaves.items()):
        files |= {f"evidence/leaves/{index}.json": leaf, f"evidence/leaves/{index}.tlog-proof": proof}
    files[CHECKPOINT] = checkpoint.note
    files |= {f"evidence/stamps/{number}.tsr": stamp.token for number, stamp in enumerate(checkpoint.stamps)}
    days = [
        Day(day=day.day.isoformat(), leaf=index) for (day, _), index in zip(closed, sorted(leaves), strict=True)
    ]
    facts = Absence(
        made_at=rfc3339(now),
        made_by=actor,
        gateway=sources.gateway,
        program=__version__,
        question=_question(asked),
        days=days,
        log=await log_facts(sources, checkpoint),
        stamps=stamp_facts(checkpoint),
        entries={},
    )
    return Gathered(facts=facts, files=files)


async def _closed(reads: RegisterReads, asked: Asked) -> list[tuple[ClosedDay, bytes]]:
    count = (asked.last - asked.first) // ONE_DAY + 1
    if not 1 <= count <= MOST_DAYS:
        raise RefusedError("parameter_invalid", f"{asked.first} to {asked.last}: 1 to {MOST_DAYS} days, in order")
    closed = await reads.days(asked.first, asked.last)
    found = {day.day for day, _ in closed}
    for number in range(count):
        if (day := asked.first + number * ONE_DAY) not in found:
            raise RefusedError("register_open", day.isoformat())
    return closed


async def _require_none(sources: Sources, asked: Asked) -> None:
    """By the times of acceptance."""
    (since, _), (_, until) = bounds_of(asked.first), bounds_of(asked.last)
    span = {
        "agency": asked.issuer.id,
        "recipient": asked.recipient.id if asked.recipient else None,
        "since": micros(since),
        "until": micros(until),
    }
    rows = await sources.readers.fetch("register_list_sent", span)
    found = await asyncio.to_thread(
        lambda: next((row[0] for row in rows if asked.is_number_of(row[1], row[2])), None)
    )
    if found is not None:
        raise RefusedError("document_exists", found)


async def _day(reads: RegisterReads, day: ClosedDay, asked: Asked) -> bytes:
    """The file of a day."""
    before = await reads.up_to(day.day)
    window = Window.after(before[1:], day.day, day.until_seq)
    lines = []
    async for portion in window.lines(reads, asked.issuer.id):
        for each in portion:
            if asked.is_answered_by(each.line):
                raise RefusedError("document_exists", each.message)
            lines.append(each.line)
    books = await reads.books(day.day)
    shown = await asyncio.to_thread(shown_registers, day, books, lines, asked)
    if len(shown) > MAX_SMALL_BYTES:
        raise RefusedError("bundle_too_large", f"the register of {day.day} has {len(lines)} entries")
    return shown


def shown_registers(day: ClosedDay, books: Sequence[Book], lines: Sequence[Line], asked: Asked) -> bytes:
    """The file of a day: `lines` are the issuer's, none of which is what was asked for. Hashes."""
    entries = list(entries_of(day.seed, lines))
    own = next((book for book in books if book.agency == asked.issuer.id), None)
    if [each.digest for each in entries] != (list(own.digests) if own else []):
        raise RefusedError("register_differs", f"{day.day}, {asked.issuer.organ_id}")
    registers = [Register.of(book.leaves, book.digests) for book in books]
    told = []
    for book, (agency, digest) in zip(books, items_of(day.seed, books, registers), strict=True):
        another = None
        if book is not own:
            bits, salts = bits_of(AGENCY, book.agency), agency_salts(day.seed, book.agency)
            another = _another(bits, bits_of(AGENCY, asked.issuer.id), salts)
        told.append(RegisterShown(agency=agency.hex(), digest=digest.hex(), another=another))
    rows = [_entry(day.seed, line, entry, asked) for line, entry in zip(lines, entries, strict=True)]
    made = DayRegisters(
        day=day.day.isoformat(),
        registers=told,
        own=_own(day, own, registers[books.index(own)]) if own else None,
        entries=rows,
    )
    return written(made)


def _entry(seed: bytes, line: Line, entry: Entry, asked: Asked) -> EntryShown:
    """By a field that is drawn: were it the number wherever that can be, another field would tell the number."""
    wanted = asked.wanted
    able = [name for name, value in wanted.items() if line.value(name) != value]
    drawn = sha256(line.salts(seed, RECIPIENT) + "\x00".join(wanted.values()).encode()).digest()[0]
    field = able[drawn % len(able)]
    return EntryShown(
        leaf=entry.leaf,
        number=entry.number.hex(),
        recipient=entry.recipient.hex(),
        field="number" if field == NUMBER else "recipient",
        another=_another(line.bits(field), bits_of(field, wanted[field]), line.salts(seed, field)),
    )


def _own(day: ClosedDay, book: Book, register: Register) -> Own:
    return Own(
        documents=register.documents,
        entries=register.entries,
        first=register.first,
        last=register.last,
        root=register.root.hex(),
        salts=agency_salts(day.seed, book.agency).hex(),
    )


def _another(bits: int, others: int, salts: bytes) -> Shown:
    position = position_of(bits, others, salts)
    if position is None:
        raise RefusedError("register_differs", "two values cannot be told apart by 64 bits of their digests")
    return Shown.of(opening(bits, salts, position))


def _question(asked: Asked) -> Question:
    return Question(
        issuer=_office(asked.issuer),
        recipient=_office(asked.recipient) if asked.recipient else None,
        number=asked.number,
        first=asked.first.isoformat(),
        last=asked.last.isoformat(),
    )


def _office(agency: Agency) -> Office:
    return Office(agency=agency.id, code=agency.organ_id, name=agency.name)
