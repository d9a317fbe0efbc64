"""The token of one facade: who logs in when, so that many calls at once make one login.

`current` gives the token in use, and logs in where there is none or where it nears its end; whoever comes
meanwhile waits for that same login, and the login goes on although one of them is cancelled. `renewed` is for a
caller whose token was turned away: it logs in unless somebody did so since, so a late 401 does not throw a fresh
token away.

How long a token lives is the difference of its two times (JWT `exp` and `iat`), counted on our monotonic clock
from before the login, so the two machines' clocks may differ by any amount. Where the token does not tell,
`_USUAL_SECONDS`. A login that was rejected is not repeated for `_REJECTED_SECONDS` unless its secret changed:
facades lock accounts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from gateway.clock import Clock
from gateway.errors import SourceError

_USUAL_SECONDS = 1500.0
_LEAST_SECONDS = 60.0
_MOST_SECONDS = 86_400.0
#: The part of its life after which a token is renewed.
_USED = 0.8
_REJECTED_SECONDS = 60.0
_HEADER = re.compile(r"[\x21-\x7e]{1,8192}")


class _Claims(msgspec.Struct):
    exp: float | None = None
    iat: float | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    token: str
    renew_at: float


@dataclass(frozen=True, slots=True)
class _Rejected:
    error: SourceError
    password: bytes
    until: float


class Tokens:
    """One facade's token."""

    def __init__(self, clock: Clock, login: Callable[[bytes], Awaitable[str]]) -> None:
        self._clock, self._login = clock, login
        self._held: _Held | None = None
        self._under_way: asyncio.Task[_Held] | None = None
        self._rejected: _Rejected | None = None

    async def current(self, password: bytes) -> str:
        """The token to use now; raises SourceError when no login succeeds."""
        held = self._held
        if held is not None and self._clock.monotonic() < held.renew_at:
            return held.token
        return (await self._fresh(password)).token

    async def renewed(self, password: bytes, rejected: str) -> str:
        """A token other than `rejected`."""
        self.forget(rejected)
        return await self.current(password)

    def forget(self, token: str) -> None:
        """Do not use this one again."""
        if self._held is not None and self._held.token == token:
            self._held = None

    async def close(self) -> None:
        """End a login under way."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _fresh(self, password: bytes) -> _Held:
        if self._under_way is None or self._under_way.done():
            known = self._rejected
            if known is not None and known.password == password and self._clock.monotonic() < known.until:
                raise SourceError(known.error.code, known.error.detail)
            self._under_way = asyncio.create_task(self._log_in(password))
            self._under_way.add_done_callback(_looked_at)
        return await asyncio.shield(self._under_way)

    async def _log_in(self, password: bytes) -> _Held:
        began = self._clock.monotonic()
        try:
            token = await self._login(password)
        except SourceError as error:
            if error.code == "peer_credential_rejected":
                self._rejected = _Rejected(error, password, self._clock.monotonic() + _REJECTED_SECONDS)
            raise
        if not _HEADER.fullmatch(token):
            raise SourceError("peer_reply_invalid", "the login's token can be no header")
        self._held = _Held(token, began + _USED * lifetime_of(token))
        return self._held


def lifetime_of(token: str) -> float:
    """Seconds from its issue to its end, as a JWT says it; it is not verified: only its issuer can."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004
        return _USUAL_SECONDS
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(payload, type=_Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return _USUAL_SECONDS
    if claims.exp is None or claims.iat is None:
        return _USUAL_SECONDS
    return min(max(claims.exp - claims.iat, _LEAST_SECONDS), _MOST_SECONDS)


def _looked_at(task: asyncio.Task[_Held]) -> None:
    """So that a login nobody waits for any more leaves no warning."""
    if not task.cancelled():
        task.exception()
