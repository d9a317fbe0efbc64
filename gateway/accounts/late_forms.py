"""Forms that came to the console when their session had ended, of each person: kept until sent, left or too old.

They outlive a restart. What is in them is sealed with the key of the secrets folder, for that person and that row,
so that nobody reads it in the database or in a copy of it. Several of one person are kept beside each other, as
several tabs send them; the same one sent again takes its own place. None makes room for another: what there is no
room for is refused with `form_not_kept`, which tells the person at once, whose tab has what was typed. One whose
key is gone is given back empty, so that the person learns of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from gateway.accounts.secret_box import SecretBox
from gateway.clock import instant, micros
from gateway.directory.changes import OneByOne
from gateway.errors import KeyFileError, RefusedError
from gateway.ids import uuid7
from gateway.ledger.params import as_json
from gateway.storage.pump import Pump, Transaction
from gateway.storage.readers import Readers

#: The largest form that is kept, in characters; all of a person's; and how many those may be.
MOST: Final = 100_000
ALL_MOST: Final = 4 * MOST
FORMS: Final = 20
#: How long a form is kept: over a week-end, and what somebody was ill for.
KEPT_FOR: Final = timedelta(days=7)

_log: Any = structlog.get_logger("gateway.console")


@dataclass(frozen=True, kw_only=True, slots=True)
class LateForm:
    """A form that came when its session had ended."""

    #: "" where it was never kept.
    id: str
    #: "" where it can be read no more.
    path: str
    fields: tuple[tuple[str, str], ...]
    at: datetime
    #: Of its address.
    query: str = ""

    @property
    def size(self) -> int:
        """Its characters."""
        return len(self.path) + len(self.query) + sum(len(name) + len(value) for name, value in self.fields)

    @property
    def until(self) -> datetime:
        """When it is too old."""
        return self.at + KEPT_FOR

    def is_same(self, other: LateForm) -> bool:
        """Whether it asks for the same; a mark that each page has of its own is no matter."""
        return self._asked == other._asked

    @property
    def _asked(self) -> tuple[str, str, list[tuple[str, str]]]:
        return self.path, self.query, [each for each in self.fields if each[0] != "once"]


class _Content(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed."""

    path: str
    query: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeLateForms:
    """One comes, or none; others of the person go."""

    user_id: str
    gone: Sequence[str]
    #: Id, when it came, and what is sealed.
    new: tuple[str, datetime, bytes] | None = None


class ChangeLateFormsOperation(OneByOne[ChangeLateForms, None]):
    """Writes that down; no event: nothing was done."""

    name = "late_form_change"

    async def _one(self, tx: Transaction, payload: ChangeLateForms) -> None:
        user_id = payload.user_id
        await tx.fetch("late_form_delete_some", {"user_id": user_id, "ids": as_json(list(payload.gone))})
        if payload.new is not None:
            key, at, sealed = payload.new
            row = {"id": key, "user_id": user_id, "at": micros(at), "sealed": sealed}
            await tx.fetch("late_form_insert_new", row)


class ForgetLateFormsOperation(OneByOne[datetime, int]):
    """Deletes those from before an instant; how many."""

    name = "late_form_forget"

    async def _one(self, tx: Transaction, payload: datetime) -> int:
        return len(await tx.fetch("late_form_delete_old", (micros(payload),)))


class LateForms:
    """One per process."""

    def __init__(self, pump: Pump, readers: Readers, box: SecretBox) -> None:
        self._pump, self._readers, self._box = pump, readers, box
        self._change, self._forget = ChangeLateFormsOperation(), ForgetLateFormsOperation()
        #: What is there is read before it is changed.
        self._turn = asyncio.Lock()

    def count(self, user_id: str, now: datetime) -> int:
        """How many of somebody's are kept; every page asks."""
        return int(self._readers.look_up("late_form_count_of_user", _since(user_id, now))[0][0])

    async def of(self, user_id: str, now: datetime) -> tuple[LateForm, ...]:
        """Somebody's, the newest first, for as long as they are kept."""
        rows = await self._readers.fetch("late_form_list_of_user", _since(user_id, now))
        return tuple(self._opened(user_id, key, instant(at), sealed) for key, at, sealed in rows)

    async def put(self, user_id: str, form: LateForm) -> None:
        """Keep it, in the place of the same one; `form_not_kept` where it is too large or no room is left."""
        async with self._turn:
            kept = await self.of(user_id, form.at)
            others = [each for each in kept if each.id != form.id and not each.is_same(form)]
            size = form.size + sum(each.size for each in others)
            if form.size > MOST or size > ALL_MOST or len(others) >= FORMS:
                raise RefusedError("form_not_kept")
            gone = [each.id for each in kept if each not in others]
            key = form.id if form.id in gone else uuid7()
            new = (key, form.at, await self._sealed(user_id, key, form))
            await self._pump.submit(self._change, ChangeLateForms(user_id=user_id, gone=gone, new=new))

    async def sent(self, user_id: str, form: LateForm) -> None:
        """One was done now: that one, or what asked for the same, goes; others of its address stay."""
        await self._drop(user_id, form.at, lambda each: each.id == form.id or each.is_same(form))

    async def leave(self, user_id: str, form_id: str, now: datetime) -> None:
        """One is not wanted any more; "": none of them."""
        await self._drop(user_id, now, lambda each: form_id in {"", each.id})

    async def forget_expired(self, now: datetime) -> int:
        """Delete those of everybody that are too old; how many."""
        return await self._pump.submit(self._forget, now - KEPT_FOR)

    async def _drop(self, user_id: str, now: datetime, goes: Callable[[LateForm], bool]) -> None:
        if not self.count(user_id, now):
            return
        async with self._turn:
            gone = [each.id for each in await self.of(user_id, now) if goes(each)]
            if gone:
                await self._pump.submit(self._change, ChangeLateForms(user_id=user_id, gone=gone))

    async def _sealed(self, user_id: str, key: str, form: LateForm) -> bytes:
        content = msgspec.json.encode(_Content(form.path, form.query, form.fields))
        try:
            await self._box.require(self._readers, form.at)
            return self._box.seal(content, _purpose(user_id, key))
        except (KeyFileError, OSError, RefusedError) as error:
            _log.warning("late_form.not_sealed", user=user_id, error=str(error))
            raise RefusedError("form_not_kept") from error

    def _opened(self, user_id: str, key: str, at: datetime, sealed: bytes) -> LateForm:
        try:
            content = msgspec.json.decode(self._box.open(sealed, _purpose(user_id, key)), type=_Content)
        except KeyFileError as error:
            _log.warning("late_form.not_opened", user=user_id, error=str(error))
            return LateForm(id=key, path="", fields=(), at=at)
        return LateForm(id=key, path=content.path, query=content.query, fields=content.fields, at=at)


def _since(user_id: str, now: datetime) -> tuple[str, int]:
    return user_id, micros(now - KEPT_FOR)


def _purpose(user_id: str, key: str) -> str:
    return f"late form {user_id} {key}"
