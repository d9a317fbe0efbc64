"""Tokens of the form of a JWT, signed with a key that lives as long as the process: a restart ends all of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

import msgspec

from gateway.clock import Clock

_HEADER = b'{"alg":"HS256","typ":"JWT"}'


class _Claims(msgspec.Struct):
    sub: str
    iat: int
    exp: float
    jti: str


class Tokens:
    """Issues and judges."""

    def __init__(self, clock: Clock, seconds: float, ahead_seconds: float) -> None:
        self._clock, self._seconds, self._ahead = clock, seconds, timedelta(seconds=ahead_seconds)
        self._key = secrets.token_bytes(32)
        #: How many were issued.
        self.issued = 0

    def issue(self, username: str) -> str:
        """A token for this account."""
        now = (self._clock.now() + self._ahead).timestamp()
        self.issued += 1
        claims = _Claims(sub=username, iat=int(now), exp=now + self._seconds, jti=secrets.token_hex(8))
        text = f"{_encoded(_HEADER)}.{_encoded(msgspec.json.encode(claims))}"
        return f"{text}.{self._signature(text)}"

    def account_of(self, token: str) -> str | None:
        """Whose token it is; None where it is none of ours, or has ended."""
        text, _, signature = token.rpartition(".")
        if not text.isascii() or not hmac.compare_digest(self._signature(text).encode(), signature.encode()):
            return None
        payload = text.partition(".")[2]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
        now = (self._clock.now() + self._ahead).timestamp()
        return claims.sub if now < claims.exp else None

    def end_all(self) -> None:
        """None of those issued is good any more."""
        self._key = secrets.token_bytes(32)

    def _signature(self, text: str) -> str:
        return _encoded(hmac.new(self._key, text.encode(), hashlib.sha256).digest())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
