"""Passwords by argon2id and one-time codes by time (RFC 6238); both cost time on purpose, so they run in threads.

No more than two passwords are worked out at once: each takes 64 MiB, and many tries must not take the machine. Nor
do more wait than a second or two is enough for: whoever comes then is refused, `sign_in_busy`. Strangers fill a
part of the places alone, and those of one network a part of these, so that who signed in lately has places left,
and who is signed in goes on. A login that nobody has is checked against a hash that fits nothing, so that it
answers as late as one that is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
#: Passwords that are worked out or wait for it: while strangers may add one; while addresses may that somebody
#: signed in from lately; and in all. Of one network of strangers, and of one person's browsers elsewhere: so many.
STRANGERS, KNOWN, _MOST_WAITING = 16, 24, 64
OF_NETWORK: Final = 4
#: When to come back then, in seconds.
_RETRY_AFTER: Final = 5
_GROUPS, _GROUP = 4, 5
#: Without what is taken for another character on paper.
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Makes hashes and looks whether a password is theirs."""

    def __init__(self, *, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._of_network: Counter[str] = Counter()
        self._nobodys = ""

    async def hash(self, password: str) -> str:
        """As it is stored."""
        async with self._place(_MOST_WAITING):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(
        self, stored: str | None, password: str, *, most: int = _MOST_WAITING, network: str = ""
    ) -> bool:
        """Whether it is the one; without `stored` never, and as late. `network`: whose place it is."""
        async with self._place(most, network):
            if not self._nobodys:  # not at a start: commands open the folder, too
                self._nobodys = await asyncio.to_thread(self._hasher.hash, secrets.token_urlsafe())
            found = await asyncio.to_thread(self._verify, stored or self._nobodys, password[:MOST])
        return found and stored is not None

    @asynccontextmanager
    async def _place(self, most: int, network: str = "") -> AsyncIterator[None]:
        if self._waiting >= most or (network and self._of_network[network] >= OF_NETWORK):
            raise RefusedError("sign_in_busy", retry_after=_RETRY_AFTER)
        self._waiting += 1
        self._of_network[network] += 1
        try:
            async with self._places:
                yield
        finally:
            self._waiting -= 1
            count_down(self._of_network, network)

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
