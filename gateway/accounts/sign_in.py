"""Signing in to the console, and the sessions that come of it.

Whatever is wrong (login, password, code, a locked or disabled user), the answer is the same, `sign_in_failed`, and
comes as late; when too many try at once it is `sign_in_busy`, at once. Where the key is lost that second factors
are sealed under, whoever knows the password of somebody with one is told so (`secret_key_lost`), and is not let in.
What a flood may take is divided by who tries (decision 45): a browser in which somebody signed in lately, an
address that somebody did from, a stranger, a stranger of a network that has hardly tried. A lock that others'
guesses brought about does not keep out the person's own browser.

A session is known by the SHA-256 of a 256-bit id that the browser alone holds. It ends when nothing was asked for
so long (`idle`), at its absolute end whatever happens, or when somebody ends it; each request looks.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NoReturn

import structlog

from gateway.accounts.devices import Devices
from gateway.accounts.passwords import ADDRESSES, BROWSERS, NEWCOMERS, STRANGERS, Share, totp_step
from gateway.accounts.user_changes import (
    EndSession,
    EndSessionOperation,
    NewSession,
    NoteFailure,
    NoteFailureOperation,
    OpenSessionOperation,
    TouchSession,
    TouchSessionOperation,
)
from gateway.accounts.users import User, Users
from gateway.clock import instant, micros
from gateway.config.console import ConsoleSettings
from gateway.errors import RefusedError, SecretKeyError
from gateway.ratelimit import RateLimit, network_of, wide_network_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: A session's use is written down no more often.
_TOUCHED_EVERY: Final = timedelta(minutes=1)
#: An address that somebody signed in from counts as known so long; so many are remembered, the latest.
_KNOWN_FOR: Final = timedelta(days=30)
_MOST_KNOWN: Final = 10_000
_ID_BYTES: Final = 32
_MOST_AGENT: Final = 200
#: What one network of strangers takes of the places for newcomers: so many at once, then one in so many seconds.
_NEW_TRIES, _NEW_AGAIN = 3, 300
#: What a large holder takes of them, who has so many networks that each is hardly used.
_WIDE_TRIES, _WIDE_AGAIN = 10, 30
#: A refusal comes no sooner, in seconds: a password and a commit take less.
_REFUSED_AFTER: Final = 0.4

_log: Any = structlog.get_logger("gateway.console")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A browser that somebody signed in with."""

    #: SHA-256 of what the browser holds.
    id: str
    user_id: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    agent: str
    ended_at: datetime | None

    def is_open(self, now: datetime, idle: timedelta) -> bool:
        """Whether it still counts."""
        return self.ended_at is None and now < self.ends_at and now < self.seen_at + idle


class SignIn:
    """The service; one per process."""

    def __init__(self, pump: Pump, readers: Readers, users: Users, settings: ConsoleSettings) -> None:
        self._pump, self._readers, self._users, self._settings = pump, readers, users, settings
        self._open, self._end = OpenSessionOperation(), EndSessionOperation()
        self._fail, self._touch = NoteFailureOperation(), TouchSessionOperation()
        #: Where somebody signed in or was at work, and when; a start forgets, and learns again.
        self._known: OrderedDict[str, datetime] = OrderedDict()
        self.devices = Devices()
        self._newcomers = RateLimit(1 / _NEW_AGAIN, _NEW_TRIES)
        self._holders = RateLimit(1 / _WIDE_AGAIN, _WIDE_TRIES)
        #: By user: tries in the own browser while the user is locked; as many as lock.
        tries = max(settings.lock_after, 1)
        self._own = RateLimit(tries / max(settings.lock_for.total_seconds(), 1), tries)
        #: Hears how each try ended (`signed_in`, or why not), and of each lockout: the metrics.
        self.heard: Callable[[str], None] = lambda _outcome: None

    async def sign_in(
        self, login: str, password: str, code: str, *, address: str, agent: str, now: datetime, device: str = ""
    ) -> str:
        """What the browser is to hold; RefusedError `sign_in_failed` for whatever is wrong."""
        begun = asyncio.get_running_loop().time()
        try:
            return await self._sign_in(login, password, code, address=address, device=device, agent=agent, now=now)
        except RefusedError as error:
            if error.code == "sign_in_busy":
                self.heard("busy")
                raise
            # a wrong try of somebody who is there is written down, which takes longer
            await asyncio.sleep(begun + _REFUSED_AFTER - asyncio.get_running_loop().time())
            raise

    async def _sign_in(
        self, login: str, password: str, code: str, *, address: str, device: str, agent: str, now: datetime
    ) -> str:
        user = await self._users.find(login)
        stored, whose = user.password if user is not None else None, self.devices.whose(device, now)
        share, place = self._share_of(address, whose, now)
        fits = await self._users.passwords.fits(stored, password, share=share, whose=place)
        if user is None:
            self._refuse("login_unknown", address)
        if user.locked_until is not None and now < user.locked_until and not self._is_own(user, whose):
            self._refuse("locked", address, user.id)
        is_late = user.password_ends_at is not None and now >= user.password_ends_at
        if not fits or user.disabled_at is not None or is_late:
            why = "password" if not fits else "disabled" if user.disabled_at else "expired"
            await self._failed(user, address, now, why)
        secret = self._totp_of(user, address)
        step = totp_step(secret, code, now) if secret else 0
        if secret and step <= user.totp_step:
            await self._failed(user, address, now, "code")
        return await self.open(user, step=step, address=address, agent=agent, now=now)

    def _totp_of(self, user: User, address: str) -> str:
        """The second factor's secret; `secret_key_lost` where nobody can read it."""
        try:
            return self._users.totp_of(user)
        except SecretKeyError as error:
            _log.error("secret_key.lost", user=user.id, error=str(error))
            self._refuse("key", address, user.id, "secret_key_lost")

    def _share_of(self, address: str, whose: str, now: datetime) -> tuple[Share, str]:
        """In whose places a try waits, and for whom of them it counts."""
        if whose:
            return BROWSERS, whose
        seen_at, network = self._known.get(address), network_of(address)
        if seen_at is not None and now - seen_at < _KNOWN_FOR:
            return ADDRESSES, address
        passwords, wide = self._users.passwords, wide_network_of(address)
        is_new = not passwords.is_waiting(STRANGERS, network) and passwords.has_place(NEWCOMERS, wide)
        if passwords.has_place(STRANGERS, network) or not is_new:
            return STRANGERS, network
        at = asyncio.get_running_loop().time()
        try:
            self._newcomers.take(network, at)
            self._holders.take(wide, at)
        except RefusedError:
            return STRANGERS, network
        return NEWCOMERS, wide

    def _is_own(self, user: User, whose: str) -> bool:
        """Whether somebody tries in a browser of the user, which may, a few times, though the user is locked."""
        if not whose or whose != self.devices.of(user.id):
            return False
        try:
            self._own.take(user.id, asyncio.get_running_loop().time())
        except RefusedError:
            return False
        return True

    def _know(self, address: str, now: datetime) -> None:
        self._known[address] = now
        self._known.move_to_end(address)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    async def prove_password(
        self, user: User, password: str, *, address: str, now: datetime, device: str = ""
    ) -> None:
        """Who is signed in knows the password.

        What is wrong counts like a wrong try to sign in: an open browser is no place to guess at.
        """
        is_locked = user.locked_until is not None and now < user.locked_until
        if is_locked and not self._is_own(user, self.devices.whose(device, now)):
            self._refuse("locked", address, user.id)
        if not await self._users.passwords.fits(user.password, password):
            await self._failed(user, address, now, "password")

    async def prove(
        self, user: User, password: str, code: str, *, address: str, now: datetime, device: str = ""
    ) -> None:
        """The same, and has the second factor, where there is one."""
        await self.prove_password(user, password, address=address, now=now, device=device)
        secret = self._users.totp_of(user)
        if secret and totp_step(secret, code, now) <= user.totp_step:
            await self._failed(user, address, now, "code", "code_needed")

    async def open(self, user: User, *, step: int = 0, address: str, agent: str, now: datetime) -> str:
        """A new session for somebody who has proved to be the one; what the browser is to hold."""
        held = secrets.token_urlsafe(_ID_BYTES)
        new = NewSession(
            id=digest_of(held),
            user_id=user.id,
            ends_at=now + self._settings.longest,
            address=address,
            # a header field may hold bytes that are no text
            agent=agent.encode(errors="replace").decode()[:_MOST_AGENT],
            totp_step=step,
            now=now,
        )
        if not await self._pump.submit(self._open, new):
            await self._failed(user, address, now, "code")
        self.heard("signed_in")
        self._know(address, now)
        return held

    async def find(self, held: str) -> Session | None:
        """The session of what a browser holds, open or not."""
        row = await self._readers.fetch_one("session_find_by_id", (digest_of(held),))
        return None if row is None else _session_of(row)

    async def touch(self, session: Session, now: datetime) -> None:
        """It is in use."""
        if now - session.seen_at >= _TOUCHED_EVERY:
            self._know(session.address, now)
            await self._pump.submit(self._touch, TouchSession(id=session.id, now=now))

    async def sessions(self, user_id: str, now: datetime) -> list[Session]:
        """Those of somebody that count, the newest first."""
        rows = await self._readers.fetch("session_list_open", {"user_id": user_id, "now": micros(now)})
        found = [_session_of(row) for row in rows]
        return [session for session in found if session.is_open(now, self._settings.idle)]

    async def end(self, user_id: str, session: str, *, actor: str, now: datetime, why: str = "") -> None:
        """End one of somebody's sessions."""
        change = EndSession(user_id=user_id, session=session, actor=actor, now=now, why=why)
        await self._pump.submit(self._end, change)

    async def count_open(self, now: datetime) -> int:
        """Sessions that count, of everybody."""
        params = {"now": micros(now), "seen": micros(now - self._settings.idle)}
        row = await self._readers.fetch_one("session_count_open", params)
        return int(row[0]) if row else 0

    async def _failed(
        self, user: User, address: str, now: datetime, why: str, code: str = "sign_in_failed"
    ) -> NoReturn:
        failure = NoteFailure(
            user_id=user.id, most=self._settings.lock_after, locked_until=now + self._settings.lock_for, now=now
        )
        if await self._pump.submit(self._fail, failure):
            self.heard("lockout")
        self._refuse(why, address, user.id, code)

    def _refuse(self, why: str, address: str, user: str = "", code: str = "sign_in_failed") -> NoReturn:
        self.heard(why)
        _log.info("sign_in.failed", address=address, user=user, why=why)
        raise RefusedError(code)


def digest_of(held: str) -> str:
    """By what a session is known here."""
    return sha256(held.encode()).hexdigest()


def _session_of(row: tuple[Any, ...]) -> Session:
    key, user_id, created, seen, ends, address, agent, ended = row
    return Session(
        id=key,
        user_id=user_id,
        created_at=instant(created),
        seen_at=instant(seen),
        ends_at=instant(ends),
        address=address,
        agent=agent,
        ended_at=None if ended is None else instant(ended),
    )
