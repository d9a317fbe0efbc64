"""Registers a document that came: its số đến and status 03, in one transaction.

1. The item, which must be of an office of the clerk's.
2. The number that is next; while this goes on nobody else of this process numbers for the office.
3. The 03, which names it, built and sealed as any status of that office.
4. Acceptance writes message, line and events together (`gateway.ledger.entries`); whoever was overtaken all the
   same, or met a day that was closed meanwhile, begins again at 2.

The same act twice is one: a line is found by its document. What a person would call the same document is refused
with the number that it has; the clerk answers the sender so (`answer_duplicate`), or insists. A paper goes the same
way without a message. A crash leaves both, 03 and line, or neither.

The sender gets one of 03 and 02: whoever is second, a colleague or the office's own system, is refused by the
transaction that would write it (`is_first`).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from gateway.api import models
from gateway.clock import VIETNAM
from gateway.desk.clerk import Clerk
from gateway.desk.twins import twin_key
from gateway.directory.fold import fold, proper
from gateway.errors import EntryRaceError, RefusedError
from gateway.facade import LocalGateway
from gateway.ids import uuid7
from gateway.journey import Answer, Submission
from gateway.ledger.desk import DeskReads, Entry, Item
from gateway.ledger.entries import (
    Amend,
    AmendOperation,
    Beside,
    Direction,
    Entering,
    EnterOperation,
    NewEntry,
    Paper,
    Void,
    VoidOperation,
    told_of,
)
from gateway.ledger.reads import InboxRow
from gateway.model import AgencyId
from gateway.storage.pump import Pump

#: Of this process one writes at a time; others of the machine do not exist, so twice is much.
_TRIES: Final = 5
_DEPARTMENT: Final = "Văn thư"
#: The longest reason that an event keeps.
_MOST_WORDS: Final = 500
_NO_TRACE: Final = "0" * 32


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperForm:
    """A document that came on paper, as the clerk writes it down."""

    office_id: AgencyId
    paper: Paper
    beside: Beside = field(default_factory=Beside)
    scan_id: str | None = None
    even_so: bool = False


class Registering:
    """One per process: its locks keep an office's numbers in order."""

    def __init__(self, gateway: LocalGateway, reads: DeskReads, pump: Pump) -> None:
        self._gateway, self._reads, self._pump, self._clock = gateway, reads, pump, gateway.clock
        self._enter, self._amend, self._void = EnterOperation(), AmendOperation(), VoidOperation()
        self._turns: defaultdict[AgencyId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def register(
        self, clerk: Clerk, delivery_id: str, beside: Beside | None = None, *, even_so: bool = False
    ) -> Entry:
        """The line of the document, written now or before."""
        item, row = await self._item(clerk, delivery_id)  # 1
        known = await self._reads.entry_of(clerk.reach, delivery_id)
        if known is not None:
            return known
        is_again = await self._reads.was_struck(delivery_id)
        if item.is_handled and not is_again:
            raise RefusedError("state_forbids", f"status {item.status} was given")

        async def write(entry: NewEntry) -> None:
            entry = replace(entry, message_id=item.message_id, delivery_id=delivery_id)
            if is_again:  # the sender has its 03
                await self.enter(entry)
                return
            told = told_of(entry.number, entry.day.isoformat()).capitalize()
            status = _status(clerk, "03", f"{told}.")
            await self.submit(clerk, row, status, _key("03", delivery_id), entry, is_first=True)  # 3, 4

        entry = NewEntry(
            id=uuid7(),
            office_id=clerk.home(item.recipient_id),
            direction="in",
            series="",
            number=0,
            day=self.today(),
            actor=clerk.actor,
            twin=twin_of(item),
            salt=secrets.token_bytes(32),
            beside=beside or Beside(due_on=item.due_on),
            even_so=even_so,
        )
        try:
            await self.numbered(entry, write)
        except RefusedError as error:
            if error.code != "desk_registered":  # somebody did it a moment ago
                raise
        written = await self._reads.entry_of(clerk.reach, delivery_id)
        if written is None:  # an earlier 03 of the same words stands for this act
            raise RefusedError("state_forbids", "the document was answered before")
        return written

    async def register_paper(self, clerk: Clerk, form: PaperForm) -> Entry:
        """The same series for what came on paper."""
        clerk.for_office(form.office_id)
        _require_paper(form.paper)
        if form.scan_id is not None and await self._reads.file((form.office_id,), form.scan_id) is None:
            raise RefusedError("not_found")
        entry = NewEntry(
            id=uuid7(),
            office_id=form.office_id,
            direction="in",
            series="",
            number=0,
            day=self.today(),
            actor=clerk.actor,
            twin=twin_of_paper(form.paper),
            salt=secrets.token_bytes(32),
            paper=form.paper,
            beside=form.beside,
            scan_id=form.scan_id,
            even_so=form.even_so,
        )
        await self.numbered(entry, self.enter)
        return await self.entry(clerk, entry.id)

    async def enter(self, entry: NewEntry) -> None:
        """Write a line that no message goes with."""
        await self._pump.submit(self._enter, Entering(entry=entry, at=self._clock.now()))

    async def numbered(self, entry: NewEntry, write: Callable[[NewEntry], Awaitable[None]]) -> None:
        """Write a line with the number and day that are its own now; step 2, again where somebody was faster."""
        async with self._turns[entry.office_id]:
            for _ in range(_TRIES):
                day = self.today()
                series = await self._spelled(entry, day.year)
                key: tuple[AgencyId, Direction, str, int]
                key = entry.office_id, entry.direction, series, day.year
                number = await self._reads.next_number(*key)
                try:
                    await write(replace(entry, series=series, number=number, day=day))
                except EntryRaceError:
                    continue
                return
        raise RefusedError("desk_busy", retry_after=1)

    async def _spelled(self, entry: NewEntry, year: int) -> str:
        """Its series as the office has it in that year: capitals, Unicode forms and Ð for Đ make no other.

        Letters do: `ĐA` and `DA`, `HĐ` and `HD` are two kinds of documents each.
        """
        if not entry.series:
            return ""
        there = await self._reads.series(entry.office_id, year)
        wanted = proper(entry.series).casefold()
        alike = [name for name in there if proper(name).casefold() == wanted]
        return max(alike, key=lambda name: there[name], default=entry.series)

    async def answer(self, clerk: Clerk, delivery_id: str, code: str, reason: str = "") -> None:
        """02, 04, 05, 06, 15 or 16 about a document of an own office."""
        item, row = await self._item(clerk, delivery_id)
        reason = " ".join(reason.split())
        entry = await self._reads.entry_of(clerk.reach, delivery_id)
        if code == "02" and not reason:
            raise RefusedError("status_reason_missing")
        if code == "02" and entry is not None:
            raise RefusedError("desk_registered", told_of(entry.number, entry.day.isoformat()))
        if code in {"04", "05", "06"} and entry is None and (not item.is_handled or item.status == "02"):
            raise RefusedError("desk_not_registered")
        if code in {"15", "16"} and not item.request_id:
            raise RefusedError("status_without_request")
        if code not in {"02", "04", "05", "06", "15", "16"}:
            raise RefusedError("status_code_unknown", code)
        about = item.request_id if code in {"15", "16"} else ""
        key = _key(code, delivery_id, reason, about)
        await self.submit(clerk, row, _status(clerk, code, reason), key, is_first=code == "02")

    async def arrived(self, clerk: Clerk, delivery_id: str) -> None:
        """01: the office has it; once."""
        item, row = await self._item(clerk, delivery_id)
        if not item.status:
            await self.submit(clerk, row, _status(clerk, "01", ""), _key("01", delivery_id))

    async def answer_duplicate(self, clerk: Clerk, delivery_id: str) -> Entry:
        """03 with the number that the same document has already; the line that it has."""
        item, row = await self._item(clerk, delivery_id)
        twin = await self._reads.twin(clerk.home(item.recipient_id), "in", twin_of(item))
        if twin is None or twin.delivery_id == delivery_id:
            raise RefusedError("not_found", "the register has no such document")
        told = told_of(twin.number, twin.day.isoformat()).capitalize()
        status = _status(clerk, "03", f"Văn bản trùng. {told}.")
        await self.submit(clerk, row, status, _key("03", delivery_id, twin.id), is_first=True)
        return twin

    async def amend(self, clerk: Clerk, entry_id: str, beside: Beside) -> Entry:
        """Write down who got it, when, and a note."""
        entry = await self._own(clerk, entry_id)
        ask = Amend(
            entry_id=entry_id,
            office_id=entry.office_id,
            beside=beside,
            actor=clerk.actor,
            now=self._clock.now(),
        )
        await self._pump.submit(self._amend, ask)
        return await self.entry(clerk, entry_id)

    async def void(self, clerk: Clerk, entry_id: str, why: str) -> Entry:
        """Strike a line out; its number stays its own."""
        entry = await self._own(clerk, entry_id)
        why = " ".join(why.split())[:_MOST_WORDS]
        if not why:
            raise RefusedError("desk_form_incomplete", "lý do / reason")
        now = self._clock.now()
        ask = Void(entry_id=entry_id, office_id=entry.office_id, why=why, actor=clerk.actor, now=now)
        await self._pump.submit(self._void, ask)
        return await self.entry(clerk, entry_id)

    async def entry(self, clerk: Clerk, entry_id: str) -> Entry:
        """A line of an own office, or of one that it has succeeded."""
        found = await self._reads.entry(clerk.reach, entry_id)
        if found is None:
            raise RefusedError("not_found")
        return found

    async def _own(self, clerk: Clerk, entry_id: str) -> Entry:
        """One that may be changed: registers of offices that are no more stay as they were left."""
        found = await self.entry(clerk, entry_id)
        if found.office_id not in clerk.offices:
            raise RefusedError("not_found")
        return found

    async def submit(
        self,
        clerk: Clerk,
        row: InboxRow,
        status: models.NewStatus,
        key: str,
        entry: NewEntry | None = None,
        *,
        is_first: bool = False,
    ) -> Answer:
        """A status of the office, accepted like any other; `key` stands for the act."""
        caller = clerk.for_office(row.recipient_id)
        built = await self._gateway.composer.status(row, status)
        submission = Submission(
            caller=caller,
            body=built.body,
            trace_id=_NO_TRACE,
            arrived_at=self._clock.now(),
            fingerprint=key,
            status_only=True,
            about_delivery=row.id,
            entry=entry,
            is_first=is_first,
        )
        try:
            async with self._gateway.intake.turn(caller.agency_id):
                return await self._gateway.journey.accept(submission)
        finally:
            await self._gateway.bodies.discard(built.body)

    async def _item(self, clerk: Clerk, delivery_id: str) -> tuple[Item, InboxRow]:
        item = await self._reads.item(clerk.reach, delivery_id)
        if item is None:
            raise RefusedError("not_found")
        return item, await self._gateway.mailbox.item(clerk.for_office(item.recipient_id), delivery_id)

    def today(self) -> date:
        """The day of Vietnam."""
        return _day_of(self._clock.now())


def twin_of(item: Item) -> str:
    """The key of a document that came."""
    return twin_key(
        issuer=item.sender_name or item.sender_code,
        number=item.code_number,
        notation=item.code_notation,
        issued_on=item.issued_on,
        itself=item.delivery_id,
        business_type=item.business_type,
    )


def twin_of_paper(paper: Paper) -> str:
    """The key of what is written down by hand; without a number its words tell: a form may come twice."""
    return twin_key(
        issuer=paper.issuer,
        number=paper.code_number,
        notation=paper.code_notation,
        issued_on=paper.issued_on,
        itself="\n".join((fold(paper.issuer), paper.issued_on, fold(paper.type_name), fold(paper.subject))),
    )


def _require_paper(paper: Paper) -> None:
    wanted = {"tác giả / issuer": paper.issuer, "trích yếu / subject": paper.subject}
    missing = [name for name, value in wanted.items() if not value.strip()]
    if missing:
        raise RefusedError("desk_form_incomplete", ", ".join(missing))
    if paper.issued_on:
        require_day(paper.issued_on, "ngày văn bản / date")


def require_day(text: str, field_name: str) -> date:
    """A day as forms give it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise RefusedError("desk_form_incomplete", field_name) from error


def _status(clerk: Clerk, code: str, description: str) -> models.NewStatus:
    return models.NewStatus(code=code, description=description, department=_DEPARTMENT, staff=clerk.name[:200])


def _key(code: str, delivery_id: str, reason: str = "", request_id: str = "") -> str:
    """One act, one message: what a double click sends again is the same."""
    return hashlib.sha256(f"desk\n{code}\n{delivery_id}\n{reason}\n{request_id}".encode()).hexdigest()


def _day_of(at: datetime) -> date:
    return at.astimezone(VIETNAM).date()
