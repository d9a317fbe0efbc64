"""What every protocol that is served needs of HTTP: headers of answers, `Expect`, files as answers, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from gateway.ports import Body

#: On every answer.
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Server": "gateway",
    "X-Content-Type-Options": "nosniff",
}
#: Up to here a file goes out in one piece.
SMALL: Final = 256 * 1024
#: A request's body that was not read is read to its end for the next request's sake up to here.
_UNREAD: Final = 64 * 1024
#: A reader that takes nothing for so many seconds loses the connection.
_STALL: Final = 60.0


async def send_file(
    request: web.Request, body: Body, headers: Mapping[str, str], content_type: str = "application/octet-stream"
) -> web.StreamResponse:
    """A document's bytes, with their length announced; never whole in memory where they are many."""
    told = {**HEADERS, **headers}
    if body.size <= SMALL:
        return web.Response(body=await body.read(), headers=told, content_type=content_type)
    response = web.StreamResponse(headers=told)
    response.content_type = content_type
    response.content_length = body.size
    await response.prepare(request)
    async for piece in body.chunks():
        await write(response, piece)
    await response.write_eof()
    return response


async def write(response: web.StreamResponse, data: bytes) -> None:
    """Some bytes, within the time that a reader has for them."""
    async with asyncio.timeout(_STALL):
        await response.write(data)


async def expect_continue(request: web.Request) -> None:
    """100 for every Expect, as RFC 9110 10.1.1 allows: what is wrong with the request, its answer says."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # nothing of the answer has left by that
        request.writer.output_size = 0


def break_off_if_begun(request: web.Request, error: Exception) -> None:
    """A refusal cannot follow the beginning of an answer: abort the connection and raise ConnectionResetError."""
    if request.writer.output_size and request.transport is not None:
        request.transport.abort()
        raise ConnectionResetError("the answer broke off") from error


def close_unless_read(request: web.Request, response: web.StreamResponse) -> None:
    """After a refusal, a body of unknown length or a long one that was not read costs its sender the connection."""
    if not request.content.is_eof() and (request.content_length or _UNREAD) >= _UNREAD:
        response.force_close()
