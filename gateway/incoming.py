"""A request's body while it comes in: in pieces, under limits of size, time and rate, against its digests.

Every protocol that agencies speak to us reads through `Incoming`. A body that never finishes ends with
`body_too_slow`, one that breaks off with `body_cut_off`, one above its limit with `body_too_large`.

It does NOT look into the bytes, and writes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import aiohttp
from aiohttp import web
from aiohttp.http import HttpProcessingError

from gateway.clock import Clock
from gateway.config.settings import ServerSettings
from gateway.errors import RefusedError

#: A body may start slowly: the rate is judged only after this many seconds.
GRACE: Final = 10.0
#: A large body has a second more for so many bytes; over slower lines it is sent in pieces.
_LARGE_PER_SECOND: Final = 512 * 1024
#: What a body of unknown length has reserved beside what has come.
_AHEAD: Final = 16 * 1024 * 1024
#: How often a body that stands still is looked at, in seconds.
_LOOK: Final = 2.0


class Source(Protocol):
    """What of aiohttp's StreamReader is needed."""

    def read_nowait(self) -> bytes:
        """What is there already, b"" if nothing is."""
        ...

    def at_eof(self) -> bool:
        """Whether all has been read."""
        ...

    async def readany(self) -> bytes:
        """Some bytes; b"" at the end."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How slow a body may be."""

    #: Seconds in all, beside a second for every _LARGE_PER_SECOND bytes that came.
    longest: float
    #: Bytes a second on average, once `grace` seconds have passed.
    slowest: int
    grace: float = GRACE
    look: float = _LOOK

    @classmethod
    def of(cls, settings: ServerSettings) -> Pace:
        """As configured."""
        return cls(
            longest=settings.request_timeout / timedelta(seconds=1), slowest=settings.slow_body_bytes_per_second
        )

    def check(self, elapsed: float, size: int) -> None:
        """Refuse a body of which `size` bytes came in `elapsed` seconds, if that is too slow."""
        if elapsed >= self.longest + size / _LARGE_PER_SECOND or (
            elapsed >= self.grace and size < elapsed * self.slowest
        ):
            raise RefusedError("body_too_slow", f"{size} bytes in {elapsed:.0f} seconds")


class Incoming:
    """One body while it comes in."""

    def __init__(
        self,
        source: Source,
        *,
        limit: int,
        pace: Pace,
        clock: Clock,
        digests: dict[str, bytes],
        announced: int | None = None,
    ) -> None:
        self._source = source
        self._limit = limit
        self._announced = announced
        self._pace = pace
        self._clock = clock
        self._digests = digests
        self._hashes = {name: hashlib.new(name.replace("-", "")) for name in digests}
        self.size = 0

    @property
    def expected(self) -> int:
        """What it comes to as far as one can say: as announced, else somewhat more than what has come."""
        return self._announced or min(self._limit, (self.size // _AHEAD + 1) * _AHEAD)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The pieces as they come; the digest is judged at the end."""
        started = self._clock.monotonic()
        while chunk := await self._next(started):
            self.size += len(chunk)
            if self.size > self._limit:
                raise RefusedError("body_too_large", f"the limit is {self._limit} bytes")
            for digest in self._hashes.values():
                digest.update(chunk)
            self._pace.check(self._clock.monotonic() - started, self.size)
            yield chunk
        for name, digest in self._hashes.items():
            if digest.digest() != self._digests[name]:
                raise RefusedError("digest_mismatch", f"{name} of the body is {digest.hexdigest()}")

    def refuse_empty(self) -> None:
        """Nothing came."""
        if not self.size:
            raise RefusedError("xml_not_wellformed", "the body is empty")

    async def _next(self, started: float) -> bytes:
        while True:
            try:
                # most of a small body has come with its head: no timer for that
                if (chunk := self._source.read_nowait()) or self._source.at_eof():
                    return chunk
                async with asyncio.timeout(self._pace.look):
                    return await self._source.readany()
            except TimeoutError:
                self._pace.check(self._clock.monotonic() - started, self.size)
            except (web.RequestPayloadError, aiohttp.ClientError, HttpProcessingError, ConnectionError) as error:
                raise RefusedError("body_cut_off", f"after {self.size} bytes") from error
