"""Documents as answers: base64 in JSON, or bare bytes; never whole in memory where they are large.

The length is always announced, since clients of this protocol are known to fail without. A reader that takes
nothing for _STALL seconds loses the connection.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from adapters.vxp.endpoint_reply import HEADERS, beginning_of
from gateway.ports import Body

_SMALL: Final = 256 * 1024
_STALL: Final = 60.0
#: Bytes that become four characters.
_GROUP: Final = 3
_END: Final = b'"}'


async def send_base64(request: web.Request, body: Body, trace_id: str) -> web.StreamResponse:
    """`{"status": "OK", …, "data": "<base64>"}`."""
    begin = beginning_of("data") + b'"'
    headers = {**HEADERS, "Trace-Id": trace_id}
    if body.size <= _SMALL:
        content = begin + base64.b64encode(await body.read()) + _END
        return web.Response(body=content, headers=headers, content_type="application/json")
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    response.content_length = len(begin) + -(-body.size // _GROUP) * 4 + len(_END)
    await response.prepare(request)
    await _write(response, begin)
    async for piece in _encoded(body):
        await _write(response, piece)
    await _write(response, _END)
    await response.write_eof()
    return response


async def send_file(request: web.Request, body: Body, trace_id: str) -> web.StreamResponse:
    """Nothing but its bytes."""
    headers = {**HEADERS, "Trace-Id": trace_id}
    if body.size <= _SMALL:
        return web.Response(body=await body.read(), headers=headers, content_type="application/octet-stream")
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/octet-stream"
    response.content_length = body.size
    await response.prepare(request)
    async for piece in body.chunks():
        await _write(response, piece)
    await response.write_eof()
    return response


async def _encoded(body: Body) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in body.chunks():
        piece = rest + piece  # noqa: PLW2901 - what did not make a group goes on
        whole = len(piece) - len(piece) % _GROUP
        rest = piece[whole:]
        yield base64.b64encode(piece[:whole])
    yield base64.b64encode(rest)


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_STALL):
        await response.write(data)
