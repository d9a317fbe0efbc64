"""Changes of users and their sessions, as operations for the pump: each with its event.

Facts of the events are ids and roles: who a person is stands in the table `user` alone, and can be changed there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from gateway.clock import micros
from gateway.directory.changes import OneByOne, event_of
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.model import AgencyId
from gateway.storage.pump import Transaction

#: How long ended sessions are kept.
_KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewUser:
    """Somebody to record."""

    id: str
    login: str
    name: str
    role: str
    may_preview: bool
    offices: tuple[AgencyId, ...]
    password: str | None
    password_ends_at: datetime | None
    subject: str | None
    actor: str
    now: datetime
    #: Why, for the event.
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetRights:
    """What somebody is called and may do."""

    user_id: str
    name: str
    role: str
    may_preview: bool
    offices: tuple[AgencyId, ...]
    actor: str
    now: datetime
    #: Why, for the event.
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeUser:
    """One of the acts of `_EVENTS`."""

    user_id: str
    act: str
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""
    #: Hashed; of the acts reset and choose.
    password: str | None = None
    password_ends_at: datetime | None = None
    #: Sealed; of the act secure.
    totp: bytes | None = None
    #: The one session that stays.
    session: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSession:
    """Somebody signed in."""

    #: SHA-256 of what the browser holds.
    id: str
    user_id: str
    ends_at: datetime
    address: str
    agent: str
    #: Of the one-time code; the one before where none was asked for.
    totp_step: int
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSession:
    """A session that ends before its time."""

    user_id: str
    #: Its digest or the beginning of it.
    session: str
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteFailure:
    """A wrong try."""

    user_id: str
    #: Tries until no more are looked at, and until when that is.
    most: int
    locked_until: datetime
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TouchSession:
    """A session is in use."""

    id: str
    now: datetime


#: Act -> what is recorded of it.
_EVENTS: Final[Mapping[str, Event]] = MappingProxyType(
    {
        "reset": Event.USER_RESET,
        "choose": Event.USER_REKEYED,
        "secure": Event.USER_SECURED,
        "disable": Event.USER_DISABLED,
        "enable": Event.USER_ENABLED,
        "unlock": Event.USER_UNLOCKED,
    }
)


class AddUserOperation(OneByOne[NewUser, None]):
    """Records somebody."""

    name = "user_add"

    async def _one(self, tx: Transaction, payload: NewUser) -> None:
        rows = await tx.fetch(
            "user_insert_new",
            {
                "id": payload.id,
                "login": payload.login,
                "name": payload.name,
                "role": payload.role,
                "may_preview": int(payload.may_preview),
                "password": payload.password,
                "password_ends_at": None if payload.password_ends_at is None else micros(payload.password_ends_at),
                "subject": payload.subject,
                "now": micros(payload.now),
            },
        )
        if not rows:
            raise RefusedError("state_forbids", f"there is a user {payload.login} already")
        await tx.execute_many("user_insert_office", [(payload.id, office) for office in payload.offices])
        facts = _rights(payload.id, payload.role, may_preview=payload.may_preview, offices=payload.offices)
        await history.append(tx, [event_of(Event.USER_ADDED, payload.now, payload.actor, facts, note=payload.why)])


class SetRightsOperation(OneByOne[SetRights, None]):
    """Sets what somebody may do; who may do less or other things signs in again."""

    name = "user_set_rights"

    async def _one(self, tx: Transaction, payload: SetRights) -> None:
        rows = await tx.fetch(
            "user_set_rights",
            {
                "id": payload.user_id,
                "name": payload.name,
                "role": payload.role,
                "may_preview": int(payload.may_preview),
            },
        )
        if not rows:
            raise RefusedError("not_found", "there is no such user")
        await tx.fetch("user_delete_offices", (payload.user_id,))
        await tx.execute_many("user_insert_office", [(payload.user_id, office) for office in payload.offices])
        await _end_sessions(tx, payload.user_id, "", payload.now)
        facts = _rights(payload.user_id, payload.role, may_preview=payload.may_preview, offices=payload.offices)
        event = event_of(Event.USER_CHANGED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])


class ChangeUserOperation(OneByOne[ChangeUser, None]):
    """Carries one of the acts out; all but `enable` and `unlock` end sessions."""

    name = "user_change"

    async def _one(self, tx: Transaction, payload: ChangeUser) -> None:
        if not await self._changed(tx, payload):
            raise RefusedError("state_forbids", "there is no such user, or nothing would change")
        if payload.act not in {"enable", "unlock"}:
            await _end_sessions(tx, payload.user_id, payload.session, payload.now)
        event = event_of(
            _EVENTS[payload.act], payload.now, payload.actor, {"user": payload.user_id}, note=payload.why
        )
        await history.append(tx, [event])

    async def _changed(self, tx: Transaction, payload: ChangeUser) -> bool:
        key = {"id": payload.user_id}
        if payload.act in {"reset", "choose"}:
            ends_at = None if payload.password_ends_at is None else micros(payload.password_ends_at)
            if payload.act == "reset":
                await tx.fetch("user_set_totp", key | {"totp": None})
            return bool(
                await tx.fetch("user_set_password", {**key, "password": payload.password, "ends_at": ends_at})
            )
        if payload.act == "secure":
            return bool(await tx.fetch("user_set_totp", {**key, "totp": payload.totp}))
        if payload.act == "disable":
            return bool(await tx.fetch("user_disable", {**key, "now": micros(payload.now)}))
        if payload.act == "enable":
            return bool(await tx.fetch("user_enable", key))
        return bool(await tx.fetch("user_unlock", key))


class OpenSessionOperation(OneByOne[NewSession, bool]):
    """Records a session; False when the code was used meanwhile, or the person may sign in no more."""

    name = "session_open"

    async def _one(self, tx: Transaction, payload: NewSession) -> bool:
        now = micros(payload.now)
        if not await tx.fetch("user_note_success", {"id": payload.user_id, "step": payload.totp_step}):
            return False
        await tx.fetch("session_delete_old", {"user_id": payload.user_id, "before": micros(payload.now - _KEPT)})
        await tx.fetch(
            "session_insert_new",
            {
                "id": payload.id,
                "user_id": payload.user_id,
                "now": now,
                "ends_at": micros(payload.ends_at),
                "address": payload.address,
                "agent": payload.agent,
            },
        )
        await history.append(
            tx,
            [event_of(Event.SESSION_OPENED, payload.now, f"user:{payload.user_id}", {"user": payload.user_id})],
        )
        return True


class EndSessionOperation(OneByOne[EndSession, None]):
    """Ends one."""

    name = "session_end"

    async def _one(self, tx: Transaction, payload: EndSession) -> None:
        params = {"user_id": payload.user_id, "id": payload.session, "now": micros(payload.now)}
        if not await tx.fetch("session_end_one", params):
            raise RefusedError("not_found", "there is no such session, or it has ended")
        facts: dict[str, object] = {"user": payload.user_id}
        event = event_of(Event.SESSION_ENDED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])


class NoteFailureOperation(OneByOne[NoteFailure, bool]):
    """Counts a wrong try; whether it locked."""

    name = "user_note_failure"

    async def _one(self, tx: Transaction, payload: NoteFailure) -> bool:
        params = {"id": payload.user_id, "most": payload.most, "locked_until": micros(payload.locked_until)}
        rows = await tx.fetch("user_note_failure", params)
        locked = bool(rows) and rows[0][0] >= payload.most
        if locked:
            facts: dict[str, object] = {"user": payload.user_id, "until": micros(payload.locked_until)}
            await history.append(tx, [event_of(Event.USER_LOCKED, payload.now, "gateway", facts)])
        return locked


class TouchSessionOperation(OneByOne[TouchSession, None]):
    """Notes that it is in use; no event."""

    name = "session_touch"

    async def _one(self, tx: Transaction, payload: TouchSession) -> None:
        await tx.fetch("session_touch", {"id": payload.id, "now": micros(payload.now)})


async def _end_sessions(tx: Transaction, user_id: str, but: str, now: datetime) -> None:
    await tx.fetch("session_end_of_user", {"user_id": user_id, "but": but, "now": micros(now)})


def _rights(user_id: str, role: str, *, may_preview: bool, offices: tuple[AgencyId, ...]) -> dict[str, object]:
    return {"user": user_id, "role": role, "preview": may_preview, "offices": sorted(offices)}
