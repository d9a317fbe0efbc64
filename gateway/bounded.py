"""Reads what another server answers, up to a size."""

from __future__ import annotations

from aiohttp import StreamReader

_PIECE = 64 * 1024


async def read_at_most(content: StreamReader, most: int) -> bytes:
    """All of it; of more than `most` bytes that many and one, so that the caller sees it."""
    raw = bytearray()
    async for piece in content.iter_chunked(_PIECE):
        raw += piece
        if len(raw) > most:
            return bytes(raw[: most + 1])
    return bytes(raw)
