"""Passwords by argon2id and one-time codes by time (RFC 6238); both cost time on purpose, so they run in threads.

No more than two passwords are worked out at once: each takes 64 MiB, and many tries must not take the machine. Nor
do more wait than a few seconds are enough for: whoever comes then is refused, `sign_in_busy`. Each kind of people
has places of its own (`Share`) that no other kind takes; of those who are not signed in, one network or person has
a part of these. A login that nobody has is checked against a hash that fits nothing, so that it answers as late as
one that is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import RefusedError
from gateway.ratelimit import count_down

#: Characters of a password that a person chooses.
LEAST, MOST = 12, 200
#: RFC 6238: a code lasts so long; one step to either side is taken for a clock that is off.
STEP_SECONDS: Final = 30
_AT_ONCE: Final = 2
#: When to come back then, in seconds.
_RETRY_AFTER: Final = 5
_GROUPS, _GROUP = 4, 5
#: Without what is taken for another character on paper.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """The places of one kind of people: passwords that are worked out or wait for it."""

    kind: str
    most: int
    #: Of one network, address or person.
    of_one: int


#: Who is signed in; browsers, and addresses, that somebody signed in with lately; everybody else.
SIGNED_IN: Final = Share(kind="signed in", most=24, of_one=24)
BROWSERS: Final = Share(kind="browser", most=16, of_one=4)
ADDRESSES: Final = Share(kind="address", most=16, of_one=8)
STRANGERS: Final = Share(kind="stranger", most=16, of_one=4)
#: Kept for strangers of networks that have hardly tried lately, when others fill the places before.
NEWCOMERS: Final = Share(kind="newcomer", most=4, of_one=1)


class Passwords:
    """Makes hashes and looks whether a password is theirs."""

    def __init__(self, *, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._waiting: Counter[Share] = Counter()
        self._of_one: Counter[tuple[Share, str]] = Counter()
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """As it is stored."""
        async with self._place(SIGNED_IN, ""):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str, *, share: Share = SIGNED_IN, whose: str = "") -> bool:
        """Whether it is the one; without `stored` never, and as late. `share`, `whose`: whose place it takes."""
        async with self._place(share, whose):
            if not self._nobodys:  # not at a start: commands open the folder, too
                self._nobodys = await asyncio.to_thread(self._hasher.hash, secrets.token_urlsafe())
            found = await asyncio.to_thread(self._verify, stored or self._nobodys, password[:MOST])
        return found and stored is not None

    def has_place(self, share: Share, whose: str) -> bool:
        """Whether one more may wait."""
        return self._waiting[share] < share.most and self._of_one[share, whose] < share.of_one

    def is_waiting(self, share: Share, whose: str) -> bool:
        """Whether somebody is in such a place."""
        return self._of_one[share, whose] > 0

    @asynccontextmanager
    async def _place(self, share: Share, whose: str) -> AsyncIterator[None]:
        if not self.has_place(share, whose):
            raise RefusedError("sign_in_busy", retry_after=_RETRY_AFTER)
        self._waiting[share] += 1
        self._of_one[share, whose] += 1
        try:
            async with self._places:
                yield
        finally:
            count_down(self._waiting, share)
            count_down(self._of_one, (share, whose))

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def new_password() -> str:
    """One that is drawn: nearly 100 bits, written in groups."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def check_choice(password: str, *names: str) -> None:
    """RefusedError when it is too short, too long, or what everybody would try first."""
    folded = password.casefold()
    told = len(set(folded)) < LEAST // 2 or any(name and name.casefold() in folded for name in names)
    if not LEAST <= len(password) <= MOST or told:
        raise RefusedError("password_weak", f"{LEAST} to {MOST} characters, not the login, not one character again")


def new_totp() -> str:
    """A secret for an authenticator, in base32."""
    return pyotp.random_base32()


def totp_uri(secret: str, login: str, issuer: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def totp_step(secret: str, code: str, now: datetime) -> int:
    """The step whose code it is, of this one and its neighbours; 0 when it is none."""
    digits = "".join(code.split())
    made = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    fitting = [
        step
        for step in (current - 1, current, current + 1)
        if secrets.compare_digest(made.at(step * STEP_SECONDS).encode(), digits.encode())
    ]
    return fitting[-1] if fitting else 0
