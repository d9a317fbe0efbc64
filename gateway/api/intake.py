"""Request bodies: read in pieces under limits of size, time and rate, and checked against their digest.

`spooled_body` streams a raw body into the spool and removes it afterwards; `read_small` reads JSON into
memory. Both work through `Incoming`, which refuses before reading what is announced as too large, or as
compressed. A body that never finishes ends with `body_too_slow`, one that breaks off with `body_cut_off`.

It does NOT look into the bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import aiohttp
from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

from gateway.api.headers import digests_of
from gateway.api.route import Call
from gateway.api.service import Room
from gateway.clock import Clock
from gateway.config import ServerSettings
from gateway.errors import RefusedError
from gateway.storage.bodies import SpooledBody

#: The largest JSON body, in bytes.
MAX_JSON: Final = 1024 * 1024
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


def incoming(call: Call, limit: int) -> Incoming:
    """The call's body, its header fields judged."""
    request = call.request
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise RefusedError(
            "media_type_unsupported", "Content-Encoding must be left out: send the bytes as they are"
        )
    if request.content_length is not None and request.content_length > limit:
        raise RefusedError("body_too_large", f"the limit is {limit} bytes")
    digests = digests_of(request.headers.get("Repr-Digest")) | digests_of(request.headers.get("Content-Digest"))
    return Incoming(
        request.content,
        limit=limit,
        pace=Pace.of(call.parts.settings.server),
        clock=call.parts.clock,
        digests=digests,
        announced=request.content_length,
    )


async def read_small(call: Call) -> bytes:
    """A body of at most MAX_JSON bytes."""
    return b"".join([chunk async for chunk in incoming(call, MAX_JSON).chunks()])


@asynccontextmanager
async def spooled_body(call: Call) -> AsyncIterator[SpooledBody]:
    """The raw body in the spool, for as long as the context lasts, with disk for all of it."""
    source = incoming(call, call.parts.settings.limits.max_body)
    with call.gateway.room(source.expected) as room:
        body = await _spool(call, source, room)
        try:
            yield body
        finally:
            await call.parts.bodies.discard(body)


async def _spool(call: Call, source: Incoming, room: Room) -> SpooledBody:
    started = call.parts.clock.monotonic()
    spool = call.parts.bodies.open_spool()
    try:
        async for chunk in source.chunks():
            room.grow(source.expected)
            await spool.write(chunk)
        source.refuse_empty()
        body = await spool.finish()
    except BaseException:
        await spool.discard()
        raise
    call.parts.metrics.step_seconds.labels("spool").observe(call.parts.clock.monotonic() - started)
    return body


def media_type(call: Call) -> str:
    """The body's type, which must be one that the route takes."""
    found = call.request.content_type.lower()
    taken = call.route.raw + (("multipart/form-data",) if call.route.multipart else ())
    if call.route.request is not None:
        taken += ("application/json",)
    if hdrs.CONTENT_TYPE not in call.request.headers or found not in taken:
        raise RefusedError("media_type_unsupported", f"this route takes {', '.join(taken)}")
    return found
