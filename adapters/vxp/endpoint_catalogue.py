"""The directory as the protocol's lists of agencies: written once per version, sent to whoever asks.

A list of 125,000 agencies is some 20 MB; clients fetch it whole and often. So each list is encoded page by page,
other requests going on in between, and kept until the directory changes, or a while.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

from adapters.serving import HEADERS, write
from adapters.vxp.endpoint_lists import agency_row, qd20_row, unit_row
from adapters.vxp.endpoint_reply import beginning_of
from gateway.broker import Broker, Catalogued
from gateway.clock import Clock

List = Literal["agencies", "qd20", "units"]

_KEPT_SECONDS: Final = 600.0
#: Lists kept at once: the three, and one level of the second.
_KEPT: Final = 4
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    content: bytes
    version: int
    until: float


class Catalogue:
    """One per process."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self._broker, self._clock = broker, clock
        self._kept: dict[tuple[List, int | None], _Kept] = {}
        self._one_at_a_time = asyncio.Lock()

    async def send(self, request: web.Request, which: List, level: int | None = None) -> web.StreamResponse:
        """The list, with its length announced."""
        content = await self._content(which, level)
        response = web.StreamResponse(headers=HEADERS)
        response.content_type = "application/json"
        response.content_length = len(content)
        await response.prepare(request)
        for start in range(0, len(content), _PIECE):
            await write(response, content[start : start + _PIECE])
        await response.write_eof()
        return response

    async def _content(self, which: List, level: int | None) -> bytes:
        async with self._one_at_a_time:
            version, now = self._broker.catalogue_version(), self._clock.monotonic()
            kept = self._kept.get((which, level))
            if kept is None or kept.version != version or now > kept.until:
                content = await self._encoded(_row(which, level, version))
                kept = _Kept(content=content, version=version, until=now + _KEPT_SECONDS)
                self._kept.pop((which, level), None)
                while len(self._kept) >= _KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[which, level] = kept
            return kept.content

    async def _encoded(self, row_of: Callable[[Catalogued], dict[str, object] | None]) -> bytes:
        content, comma = bytearray(beginning_of("data") + b"["), b""
        async for page in self._broker.catalogue():
            rows = [row for agency in page if (row := row_of(agency)) is not None]
            if rows:
                content += comma + json.dumps(rows, separators=(",", ":"))[1:-1].encode("ascii")
                comma = b","
        return bytes(content + b"]}")


def _row(which: List, level: int | None, version: int) -> Callable[[Catalogued], dict[str, object] | None]:
    if which == "qd20":
        return lambda agency: qd20_row(agency, level)
    if which == "units":
        return lambda agency: unit_row(agency, version)
    return agency_row
