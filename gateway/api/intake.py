"""Request bodies: read in pieces under limits of size, time and rate, and checked against their digest.

`spooled_body` streams a raw body into the spool and removes it afterwards; `read_small` reads JSON into
memory. What is announced as too large, or as compressed, is refused before anything is read.

It does NOT look into the bytes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import hdrs

from gateway.api.headers import digests_of
from gateway.api.route import Call
from gateway.api.service import Room
from gateway.errors import RefusedError
from gateway.incoming import Incoming, Pace
from gateway.storage.bodies import SpooledBody

#: The largest JSON body, in bytes.
MAX_JSON: Final = 1024 * 1024


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
