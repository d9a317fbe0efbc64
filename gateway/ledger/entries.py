"""Lines of an office's registers of incoming and outgoing documents (sổ văn bản đến, đi), with what they tell.

`enter` runs inside the transaction that records the 03 of a document that came, or a document that goes out;
papers get a transaction of their own (`EnterOperation`). The caller has read which number is next, since the status
message that it sealed names it; here it is read again, and whoever was overtaken gets EntryRaceError and nothing is
written. So numbers have no gap and no double, whatever dies when. A line is struck out, never deleted; a closed day
gets no more lines.

These are the clerks' registers. Those of closed days in the log, which prove absence, are
`gateway.ledger.registers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import msgspec

from gateway.clock import micros
from gateway.errors import EntryRaceError, RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.model import AgencyId
from gateway.storage.pump import Transaction

Direction = Literal["in", "out"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """What a document says of itself; empty where its envelope is kept."""

    issuer: str = ""
    code_number: str = ""
    code_notation: str = ""
    #: yyyy-mm-dd; "" where it has none.
    issued_on: str = ""
    type_name: str = ""
    subject: str = ""
    signer: str = ""
    recipients: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What the office writes beside a line."""

    #: The unit or person that gets it, or keeps the copy.
    receiver: str = ""
    passed_on: str = ""
    due_on: str = ""
    copies: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEntry:
    """A line about to be written."""

    id: str
    office_id: AgencyId
    direction: Direction
    series: str
    #: The next one, as it was read.
    number: int
    day: date
    actor: str
    #: Equal for what is the same document.
    twin: str
    salt: bytes
    paper: Paper = field(default_factory=Paper)
    beside: Beside = field(default_factory=Beside)
    #: The document that came.
    message_id: str | None = None
    delivery_id: str | None = None
    scan_id: str | None = None
    #: The clerk has seen that there is one like it.
    even_so: bool = False
    #: The line is there, since its number was taken beforehand: it gets the document that goes out.
    is_taken: bool = False
    #: Why it goes out without both signatures; beside its event's leaf.
    why: str = ""
    #: The draft that goes out by it, and when it was changed last; it is gone with it.
    draft: tuple[str, datetime] | None = None

    def digest(self) -> str:
        """Of the line as it is written, under its salt."""
        told = [self.office_id, self.direction, self.series, self.number, self.day, self.actor, self.message_id,
                self.delivery_id, self.scan_id, self.paper]  # fmt: skip
        return hashlib.sha256(self.salt + msgspec.json.encode(told)).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entering:
    """A line with what is recorded beside it."""

    entry: NewEntry
    at: datetime
    #: The 03 that goes with it, or the document that goes out.
    status_id: str | None = None
    message_id: str | None = None
    #: The draft whose number it is.
    draft_id: str | None = None


async def enter(tx: Transaction, ask: Entering) -> None:
    """Write one line; EntryRaceError or RefusedError, and then the transaction must not go on with it."""
    entry = ask.entry
    if entry.is_taken:
        await _link(tx, ask)
        return
    key = (entry.office_id, entry.direction, entry.series, entry.day.year)
    ((number,),) = await tx.fetch("entry_next_number", key)
    closed = await tx.fetch("entry_day_is_closed", (entry.office_id, entry.direction, entry.day.isoformat()))
    if number != entry.number or closed:
        raise EntryRaceError(number=number)
    await _refuse_known(tx, entry)
    await tx.execute_many("entry_insert", [_row(ask)])
    if ask.draft_id is not None:
        draft = (entry.id, ask.draft_id, entry.office_id)
        if not await tx.fetch("draft_number_if_none", draft):
            raise RefusedError("desk_entry_used")
    facts: dict[str, object] = {
        "entry": entry.id,
        "office": entry.office_id,
        "direction": entry.direction,
        "series": entry.series,
        "year": entry.day.year,
        "number": entry.number,
        "sha256": entry.digest(),
    }
    if ask.status_id is not None:
        facts["status"] = ask.status_id
    await history.append(tx, [_event(Event.ENTRY_REGISTERED, ask, facts)])


async def _refuse_known(tx: Transaction, entry: NewEntry) -> None:
    if entry.delivery_id is not None:
        found = await tx.fetch("entry_find_of_delivery", (entry.delivery_id,))
        if found:
            raise RefusedError("desk_registered", told_of(found[0][1], found[0][2]))
    if not entry.even_so:
        found = await tx.fetch("entry_find_twin", (entry.office_id, entry.direction, entry.twin))
        if found:
            raise RefusedError("desk_duplicate", told_of(found[0][1], found[0][2]), entry=found[0][0])


def told_of(number: int, day: str) -> str:
    """How a clerk says that something is in the register."""
    return f"đã vào sổ số {number} ngày {date.fromisoformat(day):%d/%m/%Y}"


async def _link(tx: Transaction, ask: Entering) -> None:
    """From now on the envelope says what the line said."""
    entry = ask.entry
    linked = await tx.fetch("entry_link_if_free", (ask.message_id, entry.id, entry.office_id))
    if not linked:
        raise RefusedError("desk_entry_used")
    if entry.draft is not None:
        await _forget_draft(tx, entry.office_id, *entry.draft)
    await history.append(tx, [_event(Event.ENTRY_SENT, ask, {"entry": entry.id, "office": entry.office_id})])


async def _forget_draft(tx: Transaction, office_id: AgencyId, draft_id: str, changed_at: datetime) -> None:
    """What goes out is what was looked at; refused where a colleague has changed or dropped it since."""
    if not await tx.fetch("draft_is_same", (draft_id, office_id, micros(changed_at))):
        known = await tx.fetch("draft_is_of_office", (draft_id, office_id))
        raise RefusedError("desk_draft_changed" if known else "not_found")
    await tx.execute_many("draft_file_forget", [(draft_id,)])
    await tx.execute_many("draft_forget", [(draft_id,)])


def _event(kind: Event, ask: Entering, facts: dict[str, object]) -> history.EventRow:
    return history.EventRow(
        kind=kind,
        at=ask.at,
        actor=ask.entry.actor,
        facts=facts,
        message_id=ask.message_id or ask.entry.message_id,
        delivery_id=ask.entry.delivery_id,
        note=ask.entry.why,
    )


def _row(ask: Entering) -> tuple[object, ...]:
    e, p, b = ask.entry, ask.entry.paper, ask.entry.beside
    return (
        e.id, e.office_id, e.direction, e.series, e.day.year, e.number, e.day.isoformat(), micros(ask.at), e.actor,
        ask.message_id or e.message_id, e.delivery_id, ask.status_id, p.issuer, p.code_number, p.code_notation,
        p.issued_on, p.type_name, p.subject, p.signer, p.recipients, b.receiver, b.passed_on, b.due_on, b.copies,
        b.note, e.scan_id, e.twin, e.salt, e.digest(),
    )  # fmt: skip


class EnterOperation:
    """Writes lines of papers, and takes numbers of documents that are still to be signed."""

    name = "desk_enter"

    async def apply(self, tx: Transaction, payloads: Sequence[Entering]) -> Sequence[None]:
        """Raises for the first that cannot be; the pump tries each alone then."""
        for ask in payloads:
            await enter(tx, ask)
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class Amend:
    """What is written beside a line from now on."""

    entry_id: str
    office_id: AgencyId
    beside: Beside
    actor: str
    now: datetime


class AmendOperation:
    """Writes it; `not_found` where the line is another office's, `desk_entry_voided` where it is struck out."""

    name = "desk_amend"

    async def apply(self, tx: Transaction, payloads: Sequence[Amend]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._amend(tx, ask) for ask in payloads]

    async def _amend(self, tx: Transaction, ask: Amend) -> RefusedError | None:
        b = ask.beside
        row = (b.receiver, b.passed_on, b.due_on, b.copies, b.note, ask.entry_id, ask.office_id)
        if not await tx.fetch("entry_amend_if_valid", row):
            return await _why_not(tx, ask.entry_id, ask.office_id)
        digest = hashlib.sha256(msgspec.json.encode(b)).hexdigest()
        await _told(tx, Event.ENTRY_AMENDED, ask, {"sha256": digest})
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Void:
    """A line struck out."""

    entry_id: str
    office_id: AgencyId
    why: str
    actor: str
    now: datetime


class VoidOperation:
    """Strikes it out, once."""

    name = "desk_void"

    async def apply(self, tx: Transaction, payloads: Sequence[Void]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._void(tx, ask) for ask in payloads]

    async def _void(self, tx: Transaction, ask: Void) -> RefusedError | None:
        row = (micros(ask.now), ask.actor, ask.why, ask.entry_id, ask.office_id)
        if not await tx.fetch("entry_void_if_valid", row):
            return await _why_not(tx, ask.entry_id, ask.office_id)
        await _told(tx, Event.ENTRY_VOIDED, ask, {}, ask.why)
        return None


async def _why_not(tx: Transaction, entry_id: str, office_id: str) -> RefusedError:
    known = await tx.fetch("entry_is_of_office", (entry_id, office_id))
    return RefusedError("desk_entry_voided" if known else "not_found")


async def _told(tx: Transaction, kind: Event, ask: Amend | Void, facts: dict[str, object], note: str = "") -> None:
    named: dict[str, object] = {"entry": ask.entry_id, "office": ask.office_id}
    row = history.EventRow(kind=kind, at=ask.now, actor=ask.actor, facts=named | facts, note=note[:500])
    await history.append(tx, [row])


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseBook:
    """A day of one register that is over."""

    office_id: AgencyId
    direction: Direction
    day: date
    now: datetime


class CloseBookOperation:
    """Closes it; one that is closed already stays as it is."""

    name = "desk_close"

    async def apply(self, tx: Transaction, payloads: Sequence[CloseBook]) -> Sequence[int]:
        """How many lines each has; 0 where nothing was to be closed."""
        return [await self._close(tx, ask) for ask in payloads]

    async def _close(self, tx: Transaction, ask: CloseBook) -> int:
        key = (ask.office_id, ask.direction, ask.day.isoformat())
        if await tx.fetch("entry_day_is_closed", key):
            return 0
        lines = [row[0] for row in await tx.fetch("entry_list_digests_of_day", key)]
        if not lines:
            return 0
        before = await tx.fetch("entry_day_read_before", key)
        digest = hashlib.sha256("\n".join([*(row[0] for row in before), *lines]).encode()).hexdigest()
        await tx.execute_many("entry_day_insert", [(*key, len(lines), digest, micros(ask.now))])
        await tx.fetch("entry_mark_closed", key)
        facts: dict[str, object] = {
            "office": ask.office_id,
            "direction": ask.direction,
            "day": ask.day.isoformat(),
            "entries": len(lines),
            "sha256": digest,
        }
        event = history.EventRow(kind=Event.BOOK_CLOSED, at=ask.now, actor="gateway", facts=facts)
        await history.append(tx, [event])
        return len(lines)
