"""Sending from the desk: drafts, the number (số đi), and a look at the PDF's signatures before it goes.

1. A draft is kept with its files for as long as the office wants it.
2. Its number is taken beforehand, since the document must bear it before it is signed: a line of the register of
   outgoing documents, numbered by series and year, in one transaction with the draft that has it.
3. What goes out is built of the draft, looked at (two valid signatures: the signer's and the office's), and
   accepted like what any system sends; in the same transaction the line gets its document, and the draft is gone.
   Where a colleague has changed it since it was read, nothing goes.

The same draft gives the same bytes: sent twice at once, it is one message.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from gateway.api import models
from gateway.api.service import SubmittedFile
from gateway.compose import Built
from gateway.desk.clerk import Clerk
from gateway.desk.inbox import own_of
from gateway.desk.register import Registering, require_day
from gateway.directory.fold import proper
from gateway.errors import RefusedError
from gateway.examining import Examiner
from gateway.facade import LocalGateway
from gateway.ids import uuid7
from gateway.journey import Submission
from gateway.ledger.desk import DeskReads, Entry
from gateway.ledger.drafts_kept import (
    FIRST_DRAFT,
    Draft,
    DropDraft,
    DropDraftOperation,
    KeptReads,
    SaveDraft,
    SaveDraftOperation,
    SetGroup,
    SetGroupOperation,
)
from gateway.ledger.entries import Beside, Entering, EnterOperation, NewEntry, Paper
from gateway.model import AgencyId
from gateway.signatures.judgement import judge
from gateway.signatures.model import Examined
from gateway.storage.bodies import BodyReader
from gateway.storage.body_file import ScratchFile
from gateway.storage.pump import Pump

_MOST_FILES: Final = 20
_MOST_GROUP: Final = 2000
_MOST_GROUPS: Final = 200
_LONGEST_NAME: Final = 100
_LONGEST_SERIES: Final = 30
_NO_TRACE: Final = "0" * 32


class OutgoingForm(msgspec.Struct, kw_only=True, frozen=True):
    """The fields of a draft, as they were typed."""

    recipients: tuple[str, ...] = ()
    series: str = ""
    notation: str = ""
    type_name: str = "Công văn"
    subject: str = ""
    signer: str = ""
    signer_position: str = ""
    signer_competence: str = ""
    place: str = ""
    due_on: str = ""
    priority: int = 0
    receiver: str = ""
    copies: int = 0
    #: The document that it answers, by its delivery to the office.
    answers: str = ""


class Sending:
    """Drafts and what becomes of them."""

    def __init__(
        self, gateway: LocalGateway, reads: DeskReads, kept: KeptReads, registering: Registering, pump: Pump,
        examiner: Examiner, *, most_drafts: int,
    ) -> None:  # fmt: skip
        self._gateway, self._reads, self._kept, self._registering = gateway, reads, kept, registering
        self._pump, self._clock, self._examiner = pump, gateway.clock, examiner
        self._enter, self._save, self._drop = EnterOperation(), SaveDraftOperation(), DropDraftOperation()
        self._group, self._most_drafts = SetGroupOperation(), most_drafts

    async def drafts(
        self,
        clerk: Clerk,
        office: AgencyId | None = None,
        *,
        limit: int = 100,
        after: tuple[int, str] = FIRST_DRAFT,
    ) -> list[Draft]:
        """A page of those of one office, or of all that the clerk serves, the last changed first."""
        return await self._kept.drafts(own_of(clerk, office), limit=limit, after=after)

    async def draft(self, clerk: Clerk, draft_id: str) -> Draft:
        """One of them with its files."""
        found = await self._kept.draft(clerk.offices, draft_id)
        if found is None:
            raise RefusedError("not_found")
        return found

    async def save(
        self,
        clerk: Clerk,
        office: AgencyId,
        form: OutgoingForm,
        *,
        draft_id: str = "",
        file_ids: Sequence[str] = (),
        was: datetime | None = None,
    ) -> Draft:
        """Keep it as it is now, however unfinished; one that there is as it `was` changed last, and not since."""
        clerk.for_office(office)
        if draft_id and was is None:
            was = (await self.draft(clerk, draft_id)).changed_at
        if len(file_ids) > _MOST_FILES:
            raise RefusedError("attachments_too_many")
        for file_id in file_ids:
            if await self._reads.file((office,), file_id) is None:
                raise RefusedError("not_found")
        ask = SaveDraft(
            id=draft_id or uuid7(),
            office_id=office,
            owner=clerk.actor,
            form=msgspec.json.encode(form).decode(),
            file_ids=tuple(file_ids),
            now=self._clock.now(),
            was=was,
            most=self._most_drafts,
        )
        await self._pump.submit(self._save, ask)
        return await self.draft(clerk, ask.id)

    async def drop(self, clerk: Clerk, draft_id: str) -> str:
        """Forget it; the line whose number it had stays in the register, to be struck out: its id, or nothing."""
        draft = await self.draft(clerk, draft_id)
        await self._pump.submit(self._drop, DropDraft(id=draft.id, office_id=draft.office_id))
        return draft.entry_id

    async def take_number(self, clerk: Clerk, draft_id: str) -> Entry:
        """The next số đi of the draft's series; the one that it has, where it has one.

        A number is not given back: it is taken for what has a line to write, its notation and subject. Where
        that line was struck out, the draft gets another.
        """
        draft = await self.draft(clerk, draft_id)
        if not draft.entry_id:
            _require_line(form_of(draft))

            async def write(entry: NewEntry) -> None:
                paper = replace(entry.paper, code_number=number_text(entry.number), issued_on=entry.day.isoformat())
                entering = Entering(entry=replace(entry, paper=paper), at=self._clock.now(), draft_id=draft.id)
                await self._pump.submit(self._enter, entering)

            try:
                await self._registering.numbered(await self._entry(clerk, draft), write)
            except RefusedError as error:
                if error.code != "desk_entry_used":  # somebody took one for it a moment ago
                    raise
            draft = await self.draft(clerk, draft_id)
        return await self._registering.entry(clerk, draft.entry_id)

    async def look(self, clerk: Clerk, draft_id: str) -> Examined:
        """The signatures of a draft's files, each with what is wrong; nothing goes out."""
        draft = await self.draft(clerk, draft_id)
        async with AsyncExitStack() as stack:
            return await self._examined(await self._built(stack, clerk, draft, None))

    async def send(self, clerk: Clerk, draft_id: str, *, why_unsigned: str = "") -> str:
        """Send it; the message's id. Without both signatures only for a reason, which its event keeps."""
        draft = await self.draft(clerk, draft_id)
        require_whole(form_of(draft), draft)
        await self._require_known(form_of(draft).recipients)
        entry = await self.take_number(clerk, draft_id)  # 2
        async with AsyncExitStack() as stack:
            built = await self._built(stack, clerk, draft, entry)
            why = " ".join(why_unsigned.split())[:500]
            if not why:
                judgement = judge(await self._examined(built))
                if not judgement.as_the_law_asks:
                    raise RefusedError("desk_signatures_lacking", judgement.vi)
            submission = Submission(
                caller=clerk.for_office(draft.office_id),
                body=built.body,
                trace_id=_NO_TRACE,
                arrived_at=self._clock.now(),
                fingerprint=built.fingerprint,
                entry=_taken(clerk, entry, draft, why),
            )
            async with self._gateway.intake.turn(draft.office_id):
                answer = await self._gateway.journey.accept(submission)  # 3
        if answer.replayed:  # an earlier version forgot a draft only after its acceptance, or died between
            await self._pump.submit(self._drop, DropDraft(id=draft.id, office_id=draft.office_id))
        return answer.message_id

    async def groups(self, clerk: Clerk, office: AgencyId) -> dict[str, tuple[str, ...]]:
        """The groups of an own office: name -> codes."""
        clerk.for_office(office)
        return await self._kept.groups(office)

    async def set_group(self, clerk: Clerk, office: AgencyId, name: str, members: Sequence[str]) -> None:
        """Its members from now on, each a code of the directory; none: it is gone."""
        clerk.for_office(office)
        name, codes = " ".join(name.split()), tuple(dict.fromkeys(members))
        if not 1 <= len(name) <= _LONGEST_NAME or len(codes) > _MOST_GROUP:
            raise RefusedError("desk_form_incomplete", "tên nhóm / name of the group")
        there = await self._kept.groups(office)
        if codes and name not in there and len(there) >= _MOST_GROUPS:
            raise RefusedError("desk_full", f"{_MOST_GROUPS}")
        await self._require_known(codes)
        await self._pump.submit(self._group, SetGroup(office_id=office, name=name, members=codes))

    async def _require_known(self, codes: Sequence[str]) -> None:
        """Before a number is taken for what cannot go."""
        known = await self._gateway.directory.resolve(codes, self._clock.now())
        unknown = [code for code in codes if code not in known]
        if unknown:
            raise RefusedError("recipient_unknown", "; ".join(unknown[:5]))

    async def _entry(self, clerk: Clerk, draft: Draft) -> NewEntry:
        form, key = form_of(draft), uuid7()
        office = (await self._gateway.directory.agencies([draft.office_id]))[draft.office_id]
        return NewEntry(
            id=key,
            office_id=draft.office_id,
            direction="out",
            series=proper(form.series)[:_LONGEST_SERIES],
            number=0,
            day=self._registering.today(),
            actor=clerk.actor,
            twin=sha256(key.encode()).hexdigest(),  # a number of ours is like no other
            salt=secrets.token_bytes(32),
            paper=Paper(
                issuer=office.name,
                code_notation=form.notation.strip(),
                type_name=form.type_name,
                subject=form.subject,
                signer=form.signer,
                recipients=f"{len(form.recipients)} nơi nhận" if form.recipients else "",
            ),
            beside=Beside(receiver=form.receiver, due_on=form.due_on, copies=form.copies),
            even_so=True,
        )

    async def _built(self, stack: AsyncExitStack, clerk: Clerk, draft: Draft, entry: Entry | None) -> Built:
        """What goes out; without a number, something like it to look at."""
        form, now = form_of(draft), self._clock.now()
        office = (await self._gateway.directory.agencies([draft.office_id]))[draft.office_id]
        files = []
        for file in draft.files:
            stored = await self._gateway.bodies.open_sound(file.sha256)
            body = await self._gateway.bodies.spool_file(stored.file)
            stack.push_async_callback(self._gateway.bodies.discard, body)
            files.append(SubmittedFile(name=file.name, content_type=file.content_type, body=body))
        metadata = models.NewDocument(
            sender=office.organ_id,
            recipients=list(form.recipients) or [office.organ_id],
            code_number=number_text(entry.number) if entry else "00",
            code_notation=form.notation.strip() or "-",
            promulgation_date=entry.day if entry else self._registering.today(),
            subject=form.subject or "-",
            type_name=form.type_name or "Công văn",
            place=form.place,
            signer=form.signer,
            signer_position=form.signer_position,
            signer_competence=form.signer_competence,
            due_date=require_day(form.due_on, "hạn trả lời / due") if form.due_on else None,
            priority=form.priority,
            responses_for=await self._answered(clerk, form.answers),
            department="Văn thư",
            staff=clerk.name[:200],
        )
        built = await self._gateway.composer.document(metadata, files, at=entry.at if entry else now)
        stack.push_async_callback(self._gateway.bodies.discard, built.body)
        return built

    async def _answered(self, clerk: Clerk, delivery_id: str) -> list[models.NewResponseFor]:
        if not delivery_id:
            return []
        item = await self._reads.item(clerk.reach, delivery_id)
        if item is None:
            raise RefusedError("not_found")
        row = await self._gateway.mailbox.item(clerk.for_office(item.recipient_id), delivery_id)
        day = require_day(item.issued_on, "văn bản được trả lời / answered document") if item.issued_on else None
        return [
            models.NewResponseFor(
                organ_id=item.sender_code, code=item.code, promulgation_date=day, document_id=row.document_ref
            )
        ]

    async def _examined(self, built: Built) -> Examined:
        bodies = self._gateway.bodies
        with bodies.scratch() as target:
            await bodies.run(lambda: _copy(built, target))
            reader = BodyReader(threads=bodies, file=target, size=built.body.size)
            return await self._examiner.examined(reader, at=self._clock.now())


def number_text(number: int) -> str:
    """As documents bear it: 01, 02 … 10, 11."""
    return f"{number:02}"


def form_of(draft: Draft) -> OutgoingForm:
    """The fields of a draft."""
    return msgspec.json.decode(draft.form, type=OutgoingForm)


def require_whole(form: OutgoingForm, draft: Draft) -> None:
    """What a document cannot go without."""
    wanted = {
        "nơi nhận / recipients": bool(form.recipients),
        "trích yếu / subject": bool(form.subject.strip()),
        "ký hiệu / notation": bool(form.notation.strip()),
        "người ký / signer": bool(form.signer.strip()),
        "tệp / file": bool(draft.files),
    }
    missing = [name for name, there in wanted.items() if not there]
    if missing:
        raise RefusedError("desk_form_incomplete", ", ".join(missing))


def _require_line(form: OutgoingForm) -> None:
    """What a line of the register says."""
    wanted = {"trích yếu / subject": form.subject, "ký hiệu / notation": form.notation}
    missing = [name for name, value in wanted.items() if not value.strip()]
    if missing:
        raise RefusedError("desk_form_incomplete", ", ".join(missing))


def _taken(clerk: Clerk, entry: Entry, draft: Draft, why: str) -> NewEntry:
    """The line that is there, for the transaction of the acceptance."""
    return NewEntry(
        id=entry.id,
        office_id=entry.office_id,
        direction="out",
        series=entry.series,
        number=entry.number,
        day=entry.day,
        actor=clerk.actor,
        twin="",
        salt=b"",
        is_taken=True,
        why=why,
        draft=(draft.id, draft.changed_at),
    )


def _copy(built: Built, target: ScratchFile) -> None:
    with built.body.open() as source, target.create() as out:
        shutil.copyfileobj(source, out)
