"""Files handed out piece by piece: one loop for whatever the console gives away as a file.

Nothing is held in memory but a piece; what reads from the disk does so beside the event loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import web

from gateway.console.visit import Visit
from gateway.inquiry.bulk import size_of

_PIECE: Final = 256 * 1024


async def hand_out(visit: Visit, response: web.StreamResponse, pieces: AsyncIterable[bytes]) -> web.StreamResponse:
    """The answer, whole."""
    await response.prepare(visit.request)
    async for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


async def of_file(file: BinaryIO) -> AsyncIterator[bytes]:
    """From where it stands to its end."""
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


async def of_body(visit: Visit, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Of a stored body: read by the threads that bodies are read by."""
    while (piece := await visit.base.bodies.run(lambda: next(pieces, None))) is not None:
        yield piece


@asynccontextmanager
async def with_room(
    visit: Visit, document: str, making: AbstractAsyncContextManager[BinaryIO]
) -> AsyncIterator[BinaryIO]:
    """A bundle of evidence of a document ("": of none); while it is made its room on the disk is promised to it.

    To seal is heavy, so people take turns, as for a print; whoever fetches it slowly keeps nobody waiting.
    """
    async with AsyncExitStack() as stack:
        async with visit.parts.turns.one(visit.user.id, prints=True):
            with visit.parts.server.gateway.room(await size_of(visit.base, document)):
                file = await stack.enter_async_context(making)
        yield file


def reopened(file: BinaryIO) -> BinaryIO:
    """A file without a name once more, at its start, with a place of its own: it may be fetched twice at once."""
    return Path(f"/proc/self/fd/{file.fileno()}").open("rb")


def length(file: BinaryIO) -> int:
    """Its bytes."""
    return os.fstat(file.fileno()).st_size
