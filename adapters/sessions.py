"""One session per channel, for adapters that keep connections: made when first used, made anew when it has to be.

A session is replaced when the channel's settings, its number of connections or the files of its TLS change. What
is under way over the old one ends there, and then it is closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.model import Endpoint


class Session(Protocol):
    """What is kept."""

    def is_current(self) -> bool:
        """Whether the files that it was made with are unchanged."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


S = TypeVar("S", bound=Session)


@dataclass(kw_only=True, slots=True)
class _Held(Generic[S]):
    settings: dict[str, object]
    connections: int
    session: S
    users: int = 0
    is_replaced: bool = False

    async def close_if_done(self) -> None:
        if self.is_replaced and self.users == 0:
            await self.session.close()


class Sessions(Generic[S]):
    """The sessions of one adapter; `make` raises ConfigError for settings that it cannot work with."""

    def __init__(self, make: Callable[[Endpoint], S]) -> None:
        self._make = make
        self._held: dict[str, _Held[S]] = {}

    @asynccontextmanager
    async def of(self, endpoint: Endpoint) -> AsyncIterator[S]:
        """The session of a channel, for as long as it is used."""
        held = await self._current(endpoint)
        held.users += 1
        try:
            yield held.session
        finally:
            held.users -= 1
            await held.close_if_done()

    async def close(self) -> None:
        """Close all of them."""
        every, self._held = list(self._held.values()), {}
        for held in every:
            await held.session.close()

    async def _current(self, endpoint: Endpoint) -> _Held[S]:
        known, connections = self._held.get(endpoint.id), endpoint.capabilities.max_in_flight
        if (
            known is not None
            and known.settings == endpoint.settings
            and known.connections == connections
            and known.session.is_current()
        ):
            return known
        session = self._make(endpoint)
        held = _Held(settings=endpoint.settings, connections=connections, session=session)
        self._held[endpoint.id] = held
        if known is not None:
            known.is_replaced = True
            await known.close_if_done()
        return held
