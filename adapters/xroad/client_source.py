"""What waits for us at a provider, through our own security server.

    GET  /r1/<service>/inbox?kind=document|status    {"items": [{id, kind, sender, recipient}], "more": …}
                                                     &skip=N for those behind the first N
    GET  /r1/<service>/inbox/<id>/content            the bytes
    POST /r1/<service>/inbox/<id>/done               it is durably ours
    POST /r1/<service>/inbox/<id>/fail               JSON {"reason", "detail"}: it is refused for good

The provider keeps an entry until one of the last two. An answer that is not one to our call, or not of this shape,
raises, and is never an empty list. Content is handed on in pieces; one that breaks off raises.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec

from adapters.upload import read_answer, source_error
from adapters.webhook_channel import Contexts
from adapters.webhook_names import Names
from adapters.xroad.client_line import line_of
from adapters.xroad.client_reply import read_list, require_ok
from adapters.xroad.client_session import REPLY_BYTES_MAX, Call, Session
from gateway.errors import SourceError
from gateway.model import Endpoint
from gateway.ports import SLOWEST_BYTES_PER_SECOND, Listed, Settlement, Surroundings

#: The longest page of a list, and the most entries of all pages.
LIST_BYTES_MAX: Final = 16 * 1024 * 1024
ENTRIES_MAX: Final = 100_000

_CONNECTIONS = 2
_PIECE = 256 * 1024
#: As long as the largest document may take, no fetch takes longer.
_DOCUMENT_BYTES = 300_000_000


class XroadSource:
    """One provider's inbox."""

    def __init__(self, endpoint: Endpoint, surroundings: Surroundings) -> None:
        self._line = line_of(endpoint, surroundings.folder)
        self._surroundings = surroundings
        self._contexts, self._names = Contexts(), Names()
        self._session: Session | None = None

    async def listed(self) -> tuple[Listed, ...]:
        """Documents and statuses that wait."""
        found: dict[str, Listed] = {}
        for kind in ("document", "status"):
            skip, more = 0, True
            while more:
                page, more = await self._page(f"inbox?kind={kind}" + (f"&skip={skip}" if skip else ""))
                skip += len(page)
                if skip > ENTRIES_MAX:
                    raise SourceError("peer_reply_invalid", f"more than {ENTRIES_MAX} entries")
                found |= {entry.ref: entry for entry in page}
        return tuple(found.values())

    async def _page(self, path: str) -> tuple[tuple[Listed, ...], bool]:
        async with self._call("GET", path, most=LIST_BYTES_MAX) as response:
            return read_list(await read_answer(response, LIST_BYTES_MAX))

    async def fetch(self, ref: str, write: Callable[[bytes], Awaitable[None]]) -> None:
        """The bytes of one entry."""
        empty = True
        async with self._call("GET", f"inbox/{quote(ref, safe='')}/content", most=_DOCUMENT_BYTES) as response:
            async for chunk in response.content.iter_chunked(_PIECE):
                empty = False
                await write(chunk)
        if empty:
            raise SourceError("peer_reply_invalid", "the document is empty")

    async def settle(self, ref: str, settlement: Settlement) -> bool:
        """Tell the provider."""
        act, content = ("done", None) if settlement.done else ("fail", _refusal(settlement))
        async with self._call("POST", f"inbox/{quote(ref, safe='')}/{act}", content) as response:
            await read_answer(response, REPLY_BYTES_MAX)
        return True

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def _call(
        self, method: str, path: str, content: bytes | None = None, *, most: int = REPLY_BYTES_MAX
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is a success, and one to this call; it may take as long as `most` bytes explain."""
        session = await self._open()
        seconds = self._surroundings.timeout_seconds + most / SLOWEST_BYTES_PER_SECOND
        call = Call(method=method, path=path, call_id=str(uuid.uuid4()), content=content)
        try:
            async with session.open(call, seconds) as response:
                if response.status >= 300 or "X-Road-Error" in response.headers:  # noqa: PLR2004
                    require_ok(response.status, response.headers, await response.content.read(REPLY_BYTES_MAX))
                if why := session.objection(call, response):
                    raise SourceError("peer_reply_invalid", f"HTTP {response.status}, but {why}")
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise source_error(error) from error

    async def _open(self) -> Session:
        if self._session is not None and not self._session.is_current():
            await self.close()
        if self._session is None:
            self._session = Session(
                self._line,
                self._surroundings,
                contexts=self._contexts,
                names=self._names,
                connections=_CONNECTIONS,
            )
        return self._session


def _refusal(settlement: Settlement) -> bytes:
    return msgspec.json.encode({"reason": settlement.reason, "detail": settlement.detail})
