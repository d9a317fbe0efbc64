"""What clerks keep at the desk: scans and files, drafts of what they send, groups of recipients; and the desk.

Drafts outlive a session and are the office's, not one clerk's. A file's bytes are kept before its row is written.
A file that no draft and no line has any more is *loose*: the duty that frees bodies takes its bytes, then its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.desk import DeskFile, file_of
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers

#: Before the draft that was changed last.
FIRST_DRAFT: Final = (2**62, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepFile:
    """A file whose bytes are kept."""

    file: DeskFile
    actor: str
    now: datetime


class KeepFileOperation:
    """Writes its row."""

    name = "desk_keep_file"

    async def apply(self, tx: Transaction, payloads: Sequence[KeepFile]) -> Sequence[None]:
        """Nothing to give back."""
        rows = [
            (f.file.id, f.file.office_id, f.file.sha256, f.file.size, f.file.name, f.file.content_type,
             micros(f.now), f.actor)
            for f in payloads
        ]  # fmt: skip
        await tx.execute_many("desk_file_insert", rows)
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveDraft:
    """A draft as its form is now."""

    id: str
    office_id: AgencyId
    owner: str
    form: str
    file_ids: tuple[str, ...]
    now: datetime
    #: When it was changed last as far as the clerk has seen; None: it is new.
    was: datetime | None = None
    #: Drafts that its office may have.
    most: int


class SaveDraftOperation:
    """Writes it, or writes over what the clerk has seen of it.

    `desk_full` where the office has as many as it may; `not_found` where it is another office's, or gone since it
    was sent; `desk_draft_changed` where somebody else was faster.
    """

    name = "desk_save_draft"

    async def apply(self, tx: Transaction, payloads: Sequence[SaveDraft]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        results: list[RefusedError | None] = []
        for ask in payloads:
            refusal = await self._write(tx, ask)
            results.append(refusal)
            if refusal is None:
                await tx.execute_many("draft_file_forget", [(ask.id,)])
                files = [(ask.id, place, key) for place, key in enumerate(ask.file_ids, 1)]
                await tx.execute_many("draft_file_insert", files)
        return results

    async def _write(self, tx: Transaction, ask: SaveDraft) -> RefusedError | None:
        if ask.was is None:
            if (await tx.fetch("draft_count_of_office", (ask.office_id,)))[0][0] >= ask.most:
                return RefusedError("desk_full", f"{ask.most}")
            row = (ask.id, ask.office_id, ask.owner, ask.form, micros(ask.now))
            await tx.execute_many("draft_insert", [row])
            return None
        key = (ask.id, ask.office_id)
        changed = (ask.owner, ask.form, micros(ask.now), *key, micros(ask.was))
        if await tx.fetch("draft_change_if_same", changed):
            return None
        known = await tx.fetch("draft_is_of_office", key)
        return RefusedError("desk_draft_changed" if known else "not_found")


@dataclass(frozen=True, kw_only=True, slots=True)
class DropDraft:
    """A draft that is not needed any more."""

    id: str
    office_id: AgencyId


class DropDraftOperation:
    """Forgets it; its files are loose then, unless a line has them. One that is gone is no error."""

    name = "desk_drop_draft"

    async def apply(self, tx: Transaction, payloads: Sequence[DropDraft]) -> Sequence[None]:
        """Nothing to give back."""
        for ask in payloads:
            if await tx.fetch("draft_is_of_office", (ask.id, ask.office_id)):
                await tx.execute_many("draft_file_forget", [(ask.id,)])
                await tx.execute_many("draft_forget", [(ask.id,)])
        return [None] * len(payloads)


class ForgetFileOperation:
    """Forgets files, by their ids, whose bytes are freed; one that somebody took up again stays."""

    name = "desk_forget_file"

    async def apply(self, tx: Transaction, payloads: Sequence[str]) -> Sequence[None]:
        """Nothing to give back."""
        await tx.execute_many("desk_file_forget_if_loose", [(key,) for key in payloads])
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetGroup:
    """The members of a group from now on; none: there is no such group."""

    office_id: AgencyId
    name: str
    members: tuple[str, ...]


class SetGroupOperation:
    """Writes it."""

    name = "desk_set_group"

    async def apply(self, tx: Transaction, payloads: Sequence[SetGroup]) -> Sequence[None]:
        """Nothing to give back."""
        for ask in payloads:
            await tx.execute_many("group_forget", [(ask.office_id, ask.name)])
            if ask.members:
                await tx.execute_many("group_insert", [(ask.office_id, ask.name, as_json(list(ask.members)))])
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepDesk:
    """Whether an office that documents are brought to keeps a desk as well."""

    office_id: AgencyId
    is_kept: bool
    actor: str
    now: datetime


class KeepDeskOperation:
    """Writes it with its event; what is so already stays as it is."""

    name = "desk_keep"

    async def apply(self, tx: Transaction, payloads: Sequence[KeepDesk]) -> Sequence[None]:
        """Nothing to give back."""
        for ask in payloads:
            if ask.is_kept:
                changed = await tx.fetch("desk_office_insert", (ask.office_id, micros(ask.now), ask.actor))
            else:
                changed = await tx.fetch("desk_office_forget", (ask.office_id,))
            if changed:
                kind = Event.DESK_OPENED if ask.is_kept else Event.DESK_CLOSED
                event = history.EventRow(kind=kind, at=ask.now, actor=ask.actor, facts={"office": ask.office_id})
                await history.append(tx, [event])
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """One draft."""

    id: str
    office_id: AgencyId
    owner: str
    form: str
    #: The line whose number it has; "" for none, or for one that was struck out.
    entry_id: str
    changed_at: datetime
    files: tuple[DeskFile, ...] = ()


class KeptReads:
    """The questions; each names the offices of the clerk."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def drafts(
        self, offices: Iterable[AgencyId], *, limit: int, after: tuple[int, str] = FIRST_DRAFT
    ) -> list[Draft]:
        """Of some offices, the last changed first, without their files; `after` one: when it changed, its id."""
        asked = {"offices": as_json(sorted(offices)), "at": after[0], "id": after[1], "limit": limit}
        return [_draft(row) for row in await self._readers.fetch("draft_list", asked)]

    async def draft(self, offices: Iterable[AgencyId], draft_id: str) -> Draft | None:
        """One with its files."""
        asked = {"id": draft_id, "offices": as_json(sorted(offices))}
        row = await self._readers.fetch_one("draft_read", asked)
        if row is None:
            return None
        files = await self._readers.fetch("draft_list_files", (draft_id,))
        return _draft(row, tuple(file_of(each) for each in files))

    async def groups(self, office_id: AgencyId) -> dict[str, tuple[str, ...]]:
        """Name -> codes."""
        rows = await self._readers.fetch("group_list", (office_id,))
        return {name: tuple(msgspec.json.decode(members, type=list[str])) for name, members in rows}


def _draft(row: Sequence[Any], files: tuple[DeskFile, ...] = ()) -> Draft:
    key, office, owner, form, entry_id, changed_at = row
    return Draft(
        id=key,
        office_id=AgencyId(office),
        owner=owner,
        form=form,
        entry_id=entry_id,
        changed_at=instant(changed_at),
        files=files,
    )
