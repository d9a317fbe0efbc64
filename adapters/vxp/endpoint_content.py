"""A document as base64 in JSON, never whole in memory where it is large.

The length is always announced, since clients of this protocol are known to fail without.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from adapters.serving import HEADERS, SMALL, write
from adapters.vxp.endpoint_reply import beginning_of
from gateway.ports import Body

#: Bytes that become four characters.
_GROUP: Final = 3
_END: Final = b'"}'


async def send_base64(request: web.Request, body: Body, trace_id: str) -> web.StreamResponse:
    """`{"status": "OK", …, "data": "<base64>"}`."""
    begin = beginning_of("data") + b'"'
    headers = {**HEADERS, "Trace-Id": trace_id}
    if body.size <= SMALL:
        content = begin + base64.b64encode(await body.read()) + _END
        return web.Response(body=content, headers=headers, content_type="application/json")
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    response.content_length = len(begin) + -(-body.size // _GROUP) * 4 + len(_END)
    await response.prepare(request)
    await write(response, begin)
    async for piece in _encoded(body):
        await write(response, piece)
    await write(response, _END)
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
