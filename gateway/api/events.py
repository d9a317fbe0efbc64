"""GET /events: server-sent events that concern the caller, resumable by sequence number.

Each event has its sequence number as id; a client that comes back with Last-Event-ID misses none. A comment
every HEARTBEAT seconds keeps the connection alive and is the moment at which the credential, and for whom it
speaks, is checked again.
The stream holds one event at a time: a client that reads slowly slows its own stream, and after STALL seconds
without taking anything loses it. It ends, without an error, when the server drains.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.api import models, queries
from gateway.api.callers import authenticate
from gateway.api.headers import SECURITY
from gateway.api.route import Call, checked
from gateway.errors import RefusedError

HEARTBEAT: Final = 15.0
STALL: Final = 30.0
#: How often the connection of a silent stream is looked at, in seconds.
_LOOK: Final = 2.0
#: Streams of one credential at once.
MAX_STREAMS: Final = 8
#: After how many milliseconds a client shall come back.
_RETRY_MS: Final = 3000
_LAST_ID: Final = 2**62
_DIGITS: Final = len(str(_LAST_ID))

_encoder = msgspec.json.Encoder()


class EventStreams:
    """The open streams of one server."""

    def __init__(self, heartbeat: float = HEARTBEAT) -> None:
        self._heartbeat = heartbeat
        self._open: Counter[str] = Counter()

    async def serve(self, call: Call) -> web.StreamResponse:
        """The handler; returns when the stream has ended."""
        since = _since(call)
        credential = call.caller.credential_id
        if self._open[credential] >= MAX_STREAMS:
            raise RefusedError("rate_limited", f"at most {MAX_STREAMS} streams at once")
        self._open[credential] += 1
        call.parts.metrics.event_streams.inc()
        try:
            async with contextlib.aclosing(call.gateway.events(call.caller, since)) as events:
                return await self._stream(call, events)
        finally:
            call.parts.metrics.event_streams.dec()
            self._open[credential] -= 1
            if not self._open[credential]:
                del self._open[credential]

    async def _stream(self, call: Call, events: AsyncGenerator[models.EventOut, None]) -> web.StreamResponse:
        response = web.StreamResponse(headers=SECURITY)
        response.headers["Trace-Id"] = call.trace_id
        response.headers["X-Accel-Buffering"] = "no"
        response.content_type = "text/event-stream"
        await response.prepare(call.request)
        await _write(response, b"retry: %d\n\n" % _RETRY_MS)
        stopping = asyncio.ensure_future(call.parts.lifecycle.stopping.wait())
        upcoming: asyncio.Future[models.EventOut] | None = None
        loop = asyncio.get_running_loop()
        beat_at = loop.time() + self._heartbeat
        try:
            while not stopping.done():
                upcoming = upcoming or asyncio.ensure_future(anext(events))
                watched: set[asyncio.Future[Any]] = {upcoming, stopping}
                await asyncio.wait(
                    watched,
                    timeout=max(0.0, min(_LOOK, beat_at - loop.time())),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                _refuse_gone(call.request)
                if loop.time() >= beat_at:
                    now = await authenticate(call.parts, call.request)
                    if now.speaks_for != call.caller.speaks_for:
                        break  # the client comes back and gets what it may see now
                    await _write(response, b": still here\n\n")
                    beat_at = loop.time() + self._heartbeat
                if upcoming.done():
                    event, upcoming = upcoming.result(), None
                    await _write(response, frame(event))
        except (StopAsyncIteration, RefusedError):
            pass  # the source ended, or the credential did: the client comes back and is told
        finally:
            stopping.cancel()
            await _drop(upcoming)
        await response.write_eof()
        return response


def frame(event: models.EventOut) -> bytes:
    """One event as the stream carries it; JSON holds no line break."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.kind.encode(), _encoder.encode(event))


def _since(call: Call) -> int | None:
    last = call.request.headers.get("Last-Event-ID", "").strip()
    if not last:
        return checked(call.query, queries.EventsFrom).since
    if not last.isascii() or not last.isdigit() or len(last) > _DIGITS or int(last) > _LAST_ID:
        raise RefusedError("parameter_invalid", "Last-Event-ID: not a number that we sent")
    return int(last)


def _refuse_gone(request: web.Request) -> None:
    """Whoever has hung up keeps none of its places until the next heartbeat."""
    if request.transport is None or request.transport.is_closing():
        raise ConnectionResetError("the client has gone")


async def _write(response: web.StreamResponse, data: bytes) -> None:
    try:
        async with asyncio.timeout(STALL):
            await response.write(data)
    except TimeoutError as error:
        raise ConnectionResetError("the client reads nothing") from error


async def _drop(upcoming: asyncio.Future[models.EventOut] | None) -> None:
    if upcoming is not None:
        upcoming.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, RefusedError):
            await upcoming
