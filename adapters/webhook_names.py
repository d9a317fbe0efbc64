"""Names to addresses for the webhook: each lookup in a thread of its own, old answers while there is no new one.

The system's resolver blocks, for half a minute when no name server answers, and the event loop looks up two names
at once: a few offices whose names hang would keep the others waiting. So here

- each lookup has a thread of its own, at most one per name and `_LOOKUPS_MAX` in all;
- an answer is used for a minute without asking again, and, while the name servers fail or take longer than
  `_PATIENCE_WITH_OLD`, for a day (RFC 8767): the peer's certificate proves who it is, not its address;
- a name that does not exist any more is forgotten at once;
- who has no answer waits for `_PATIENCE` and then hears OSError, which is a failed connection.

A hanging lookup cannot be ended; its thread does not keep the process from ending.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_FRESH_SECONDS = 60.0
_OLD_SECONDS = 86_400.0
_PATIENCE = 10.0
_PATIENCE_WITH_OLD = 0.5
_LOOKUPS_MAX = 256
#: The name servers say that there is no such name, or no address for it.
_GONE = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})

#: As `socket.getaddrinfo` is called.
Look = Callable[..., list[tuple[Any, ...]]]
_Key = tuple[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    hosts: tuple[tuple[int, str], ...]
    at: float


class Names(AbstractResolver):
    """Shared by all channels of an adapter."""

    def __init__(self, look: Look = socket.getaddrinfo) -> None:
        self._look = look
        self._known: dict[_Key, _Answer] = {}
        self._under_way: dict[_Key, asyncio.Future[_Answer]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host; raises OSError."""
        answer = await self._answer((host, int(family)))
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address in answer.hosts
        ]

    async def close(self) -> None:
        """Nothing is held."""

    async def _answer(self, key: _Key) -> _Answer:
        now = asyncio.get_running_loop().time()
        known = self._known.get(key)
        if known is not None and now - known.at < _FRESH_SECONDS:
            return known
        if known is not None and now - known.at >= _OLD_SECONDS:
            known = None
        try:
            async with asyncio.timeout(_PATIENCE if known is None else _PATIENCE_WITH_OLD):
                return await asyncio.shield(self._lookup(key))
        except TimeoutError as error:
            if known is None:
                raise OSError(None, "the name servers do not answer") from error
        except OSError as error:
            if isinstance(error, socket.gaierror) and error.errno in _GONE:
                self._known.pop(key, None)
                raise
            if known is None:
                raise
        return known

    def _lookup(self, key: _Key) -> asyncio.Future[_Answer]:
        found = self._under_way.get(key)
        if found is None:
            if len(self._under_way) >= _LOOKUPS_MAX:
                raise OSError(None, "too many names are being looked up")
            found = self._under_way[key] = asyncio.get_running_loop().create_future()
            found.add_done_callback(lambda done: self._learn(key, done))
            threading.Thread(target=self._run, args=(key, found), name="names", daemon=True).start()
        return found

    def _learn(self, key: _Key, done: asyncio.Future[_Answer]) -> None:
        del self._under_way[key]
        if not done.cancelled() and done.exception() is None:  # asked for even where nobody waits any more
            self._known[key] = done.result()

    def _run(self, key: _Key, found: asyncio.Future[_Answer]) -> None:
        """In the thread."""
        loop, (host, family) = found.get_loop(), key
        try:
            rows = self._look(host, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            hosts = tuple((row[0], _address(row[4])) for row in rows)
        except (OSError, UnicodeError) as error:  # the latter for what can be no name
            failure = error if isinstance(error, OSError) else OSError(None, "the host is no name")
            tell = partial(found.set_exception, failure)
        else:
            tell = partial(found.set_result, _Answer(hosts=hosts, at=loop.time()))
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell)


def _address(found: tuple[Any, ...]) -> str:
    """With the interface, where an IPv6 address needs one."""
    is_scoped = len(found) > 3 and found[3]  # noqa: PLR2004
    return f"{found[0]}%{found[3]}" if is_scoped else str(found[0])
