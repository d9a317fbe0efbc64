"""Files as answers: whole, in part, or not at all when the reader has them already.

The digest is the ETag and is repeated as Repr-Digest, so a client can prove what it got. A file up to
_SMALL bytes goes out in one piece; a larger one is read in a thread while it is sent, and a reader that takes
nothing for _STALL seconds loses the connection.
"""

from __future__ import annotations

import asyncio
from typing import BinaryIO, Final

from aiohttp import hdrs, web

from gateway.api.headers import SECURITY, Span, disposition, matches_tag, repr_digest, span_of
from gateway.api.route import Call
from gateway.api.service import Content
from gateway.edxml.mime import SNIFFED, media_type_of
from gateway.errors import BodyDamagedError
from gateway.storage.spool import in_our_words

_SMALL: Final = 256 * 1024
_PIECE: Final = 256 * 1024
_STALL: Final = 60.0


async def send_content(call: Call, content: Content) -> web.StreamResponse:
    """The answer, already sent when the file is large."""
    request, tag = call.request, content.sha256
    headers = SECURITY.copy()
    headers[hdrs.ETAG] = f'"{tag}"'
    headers[hdrs.CACHE_CONTROL] = "private, no-cache"
    if matches_tag(request.headers.get(hdrs.IF_NONE_MATCH), tag):
        return web.Response(status=304, headers=headers)
    headers[hdrs.ACCEPT_RANGES] = "bytes"
    headers[hdrs.CONTENT_DISPOSITION] = disposition(content.name)
    headers["Repr-Digest"] = repr_digest(content.sha256)
    status, span = 200, Span(start=0, length=content.size)
    if request.headers.get(hdrs.IF_RANGE, f'"{tag}"') == f'"{tag}"':
        part = span_of(request.headers.get(hdrs.RANGE), content.size)
        if part is not None:
            status, span = 206, part
            headers[hdrs.CONTENT_RANGE] = f"bytes {part.start}-{part.start + part.length - 1}/{content.size}"
    headers["Trace-Id"] = call.trace_id
    with in_our_words():
        stream, headers[hdrs.CONTENT_TYPE] = await asyncio.to_thread(_opened, content)
    try:
        if span.length <= _SMALL:
            with in_our_words():
                data = await asyncio.to_thread(_read, stream, span.length, span.start)
            return web.Response(status=status, headers=headers, body=data)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = span.length
        await response.prepare(request)
        await _stream(response, stream, span.start, span.length)
        return response
    finally:
        stream.close()


async def _stream(response: web.StreamResponse, stream: BinaryIO, start: int, length: int) -> None:
    end = start + length
    while start < end:
        with in_our_words():
            data = await asyncio.to_thread(_read, stream, min(_PIECE, end - start), start)
        async with asyncio.timeout(_STALL):
            await response.write(data)
        start += len(data)
    await response.write_eof()


def _opened(content: Content) -> tuple[BinaryIO, str]:
    """The file as a stream, and the media type of what is in it."""
    stream = content.file.open()
    try:
        known = content.content_type
        return stream, known or media_type_of(_read(stream, min(SNIFFED, content.size), 0))
    except BaseException:
        stream.close()
        raise


def _read(stream: BinaryIO, length: int, start: int) -> bytes:
    stream.seek(start)
    data = stream.read(length)
    if len(data) != length:
        raise BodyDamagedError(f"a stored file ends {length - len(data)} bytes early")
    return data
