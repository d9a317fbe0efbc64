"""Users of the console, as the database holds them, and what an administrator does with them.

A password that was drawn for somebody is shown once and must be replaced within days. Whatever takes rights away
ends the person's sessions in the same transaction. No method logs, and events hold ids, never a login or a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.accounts.passwords import Passwords, new_password
from gateway.accounts.roles import PERMISSIONS, Permission, Role
from gateway.accounts.secret_box import SecretBox
from gateway.accounts.user_changes import (
    AddUserOperation,
    ChangeUser,
    ChangeUserOperation,
    NewUser,
    SetRights,
    SetRightsOperation,
)
from gateway.clock import instant
from gateway.directory.directory import Directory
from gateway.errors import RefusedError, SecretKeyError
from gateway.ids import uuid7
from gateway.ledger.params import as_json
from gateway.model import Agency, AgencyId
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: How long a password that was drawn may wait for the first use.
FIRST_LASTS: Final = timedelta(days=7)
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_MOST_NAME: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A person; `password` is a hash, `totp` sealed."""

    id: str
    login: str
    name: str
    role: Role
    may_preview: bool
    password: str | None
    password_ends_at: datetime | None
    totp: bytes | None
    totp_step: int
    subject: str | None
    failures: int
    locked_until: datetime | None
    created_at: datetime
    disabled_at: datetime | None

    @property
    def actor(self) -> str:
        """Who acts, as events name it."""
        return f"user:{self.id}"

    def may(self, permission: Permission) -> bool:
        """Whether the role, or the right to look into documents, includes it."""
        if permission is Permission.PREVIEW:
            return self.may_preview
        return permission in PERMISSIONS[self.role]


class Users:
    """The service; one per process."""

    def __init__(
        self, pump: Pump, readers: Readers, directory: Directory, box: SecretBox, passwords: Passwords
    ) -> None:
        self._pump, self._readers, self._directory = pump, readers, directory
        self.box, self.passwords = box, passwords
        self._add, self._rights, self._change = AddUserOperation(), SetRightsOperation(), ChangeUserOperation()

    async def find(self, login: str) -> User | None:
        """By the login, however it is written."""
        row = await self._readers.fetch_one("user_find_by_login", (login.strip().lower(),))
        return None if row is None else user_of(row)

    async def get(self, user_id: str) -> User | None:
        """By the id."""
        row = await self._readers.fetch_one("user_find_by_id", (user_id,))
        return None if row is None else user_of(row)

    async def find_subject(self, subject: str) -> User | None:
        """By who it is at another provider."""
        row = await self._readers.fetch_one("user_find_by_subject", (subject,))
        return None if row is None else user_of(row)

    async def require(self, login: str) -> User:
        """By the login; RefusedError when there is none."""
        found = await self.find(login)
        if found is None:
            raise RefusedError("not_found", f"there is no user {login}")
        return found

    async def all(self) -> list[User]:
        """Everybody, by login."""
        return [user_of(row) for row in await self._readers.fetch("user_list_all")]

    async def offices(self, user_id: str) -> frozenset[AgencyId]:
        """For whom somebody acts."""
        return frozenset(AgencyId(row[0]) for row in await self._readers.fetch("user_list_offices", (user_id,)))

    async def names(self, actors: Iterable[str]) -> dict[str, str]:
        """What people call those of `user:<id>`; other actors are left as they are."""
        wanted = {actor: actor.removeprefix("user:") for actor in actors if actor.startswith("user:")}
        rows = await self._readers.fetch("user_list_names", (as_json(sorted(set(wanted.values()))),))
        known = {row[0]: f"{row[2]} ({row[1]})" for row in rows}
        return {actor: known.get(key, actor) for actor, key in wanted.items()}

    async def add(
        self,
        login: str,
        *,
        name: str,
        role: Role,
        may_preview: bool = False,
        offices: Sequence[str] = (),
        subject: str = "",
        actor: str,
        now: datetime,
        why: str = "",
    ) -> tuple[User, str]:
        """Somebody new, and the first password, shown once; "" for who comes by another provider."""
        login = login.strip().lower()
        if not _LOGIN.fullmatch(login):
            raise RefusedError("parameter_invalid", "a login is of 2 to 64 small letters, digits and . _ @ -")
        agencies = await self._offices(role, offices, now)
        password = "" if subject else new_password()
        new = NewUser(
            id=uuid7(),
            login=login,
            name=_name(name or login),
            role=str(role),
            may_preview=may_preview,
            offices=tuple(agency.id for agency in agencies),
            password=await self.passwords.hash(password) if password else None,
            password_ends_at=now + FIRST_LASTS if password else None,
            subject=subject or None,
            actor=actor,
            now=now,
            why=why,
        )
        await self._pump.submit(self._add, new)
        return await self.require(login), password

    async def set_rights(
        self,
        user: User,
        *,
        name: str | None = None,
        role: Role | None = None,
        may_preview: bool | None = None,
        offices: Sequence[str] | None = None,
        actor: str,
        now: datetime,
        why: str,
    ) -> None:
        """What is given changes, the rest stays."""
        role = role or user.role
        if offices is None and role is Role.CLERK:
            kept: tuple[AgencyId, ...] = tuple(await self.offices(user.id))
        else:
            kept = tuple(agency.id for agency in await self._offices(role, offices or (), now))
        if role is Role.CLERK and not kept:
            raise RefusedError("office_missing")
        change = SetRights(
            user_id=user.id,
            name=_name(user.name if name is None else name),
            role=str(role),
            may_preview=user.may_preview if may_preview is None else may_preview,
            offices=kept,
            actor=actor,
            now=now,
            why=why,
        )
        await self._pump.submit(self._rights, change)

    async def reset(self, user: User, *, actor: str, now: datetime, why: str) -> str:
        """Another first password, shown once; the second factor is taken away, sessions end."""
        password = new_password()
        hashed = await self.passwords.hash(password)
        change = ChangeUser(
            user_id=user.id, act="reset", actor=actor, now=now, why=why, password=hashed,
            password_ends_at=now + FIRST_LASTS,
        )  # fmt: skip
        await self._pump.submit(self._change, change)
        return password

    async def disable(self, user: User, *, actor: str, now: datetime, why: str) -> None:
        """May sign in no more, and is signed out."""
        await self._submit(user, "disable", actor, now, why)

    async def enable(self, user: User, *, actor: str, now: datetime, why: str) -> None:
        """May sign in again."""
        await self._submit(user, "enable", actor, now, why)

    async def unlock(self, user: User, *, actor: str, now: datetime, why: str) -> None:
        """Wrong tries are forgotten."""
        await self._submit(user, "unlock", actor, now, why)

    async def choose_password(self, user: User, password: str, *, session: str, now: datetime) -> None:
        """The person's own choice; other sessions than this one end."""
        hashed = await self.passwords.hash(password)
        change = ChangeUser(
            user_id=user.id, act="choose", actor=user.actor, now=now, password=hashed, session=session
        )
        await self._pump.submit(self._change, change)

    async def set_totp(self, user: User, secret: str, *, session: str, now: datetime) -> None:
        """The second factor from now on, or "" for none; other sessions than this one end."""
        if secret:
            await self.box.require(self._readers, now)
        sealed = self.box.seal(secret.encode(), _purpose(user.id)) if secret else None
        change = ChangeUser(user_id=user.id, act="secure", actor=user.actor, now=now, totp=sealed, session=session)
        await self._pump.submit(self._change, change)

    def totp_of(self, user: User) -> str:
        """The second factor's secret, "" where there is none; SecretKeyError where the box's key is lost."""
        return self.box.open(user.totp, _purpose(user.id)).decode() if user.totp is not None else ""

    async def _submit(self, user: User, act: str, actor: str, now: datetime, why: str) -> None:
        await self._pump.submit(self._change, ChangeUser(user_id=user.id, act=act, actor=actor, now=now, why=why))

    async def _offices(self, role: Role, codes: Sequence[str], now: datetime) -> list[Agency]:
        if codes and role is not Role.CLERK:
            raise RefusedError("parameter_invalid", "only a clerk has offices; the others see what their role says")
        if role is Role.CLERK and not codes:
            raise RefusedError("office_missing")
        return [await self._directory.require(code, now) for code in codes]


def count_unopened(box: SecretBox, factors: Iterable[tuple[str, bytes]]) -> int:
    """Of how many people, by id, the box's key does not open the second factor."""
    return sum(not _opens(box, user_id, sealed) for user_id, sealed in factors)


def _opens(box: SecretBox, user_id: str, sealed: bytes) -> bool:
    try:
        box.open(sealed, _purpose(user_id))
    except SecretKeyError:
        return False
    return True


def _purpose(user_id: str) -> str:
    return f"totp:{user_id}"


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _MOST_NAME:
        raise RefusedError("parameter_invalid", f"a name has 1 to {_MOST_NAME} characters")
    return name


def user_of(row: tuple[Any, ...]) -> User:
    """A row of the statements `user_find_…` and `user_list_all`."""
    key, login, name, role, preview, password, ends, totp, step, subject, failures, locked, created, disabled = row
    return User(
        id=key,
        login=login,
        name=name,
        role=Role(role),
        may_preview=bool(preview),
        password=password,
        password_ends_at=None if ends is None else instant(ends),
        totp=totp,
        totp_step=step,
        subject=subject,
        failures=failures,
        locked_until=None if locked is None else instant(locked),
        created_at=instant(created),
        disabled_at=None if disabled is None else instant(disabled),
    )
