"""Takes what waits in a list: fetched ahead and accepted by urgency, side by side.

The first hopeless fetch keeps more from beginning, and what came before it is accepted; a hopeless acceptance ends
both. After DRAIN_SECONDS the list is read again, for what came meanwhile; what was fetched until then stays for
the next look, unless the directory has changed, by which it was judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gateway.errors import GatewayError
from gateway.foundation import Foundation
from gateway.ledger.offers import Unfetched
from gateway.maintenance.abreast import side_by_side
from gateway.maintenance.peer import Peer
from gateway.maintenance.ready import Ready

#: So long in one backlog.
DRAIN_SECONDS: Final = 30.0


class Drain:
    """One look's part of it."""

    def __init__(
        self,
        base: Foundation,
        peer: Peer,
        *,
        fetch: Callable[[Unfetched, int], Awaitable[None]],
        accept: Callable[[Ready], Awaitable[None]],
    ) -> None:
        self._base, self._peer = base, peer
        self._backlog = peer.memory.backlog
        self._fetch_one, self._accept_one = fetch, accept
        self._until = base.clock.monotonic() + DRAIN_SECONDS

    async def take(self, wanted: Sequence[Unfetched]) -> bool:
        """All of them; False when the time was over before."""
        held = await self._still_held(wanted)
        ahead = [(place, offer) for place, offer in enumerate(wanted) if offer.id not in held]
        left = self._until - self._base.clock.monotonic()
        timer = asyncio.get_running_loop().call_later(left, self._backlog.stop)
        self._backlog.begin()
        try:
            ended = await asyncio.gather(self._fetch(ahead), self._accept(), return_exceptions=True)
        finally:
            timer.cancel()
        for error in ended:
            if error is not None:
                await self._drop(self._backlog.keep_only(()))
                raise error
        return not self._backlog.is_stopped

    async def _still_held(self, wanted: Sequence[Unfetched]) -> frozenset[str]:
        """What an earlier look fetched and did not come to."""
        memory, version = self._peer.memory, self._base.directory.version
        is_same = memory.held_at == version
        memory.held_at = version
        await self._drop(self._backlog.keep_only([offer.id for offer in wanted] if is_same else ()))
        return frozenset(ready.offer.id for ready in self._backlog.held())

    async def _drop(self, gone: Sequence[Ready]) -> None:
        for ready in gone:
            await self._base.bodies.discard(ready.body)

    async def _fetch(self, wanted: Sequence[tuple[int, Unfetched]]) -> None:
        async def fetch(each: tuple[int, Unfetched]) -> None:
            if await self._backlog.has_room():
                await self._peer.fetch_rate.admit()
                await self._fetch_one(each[1], each[0])

        try:
            await side_by_side(fetch, wanted, at_once=self._peer.at_once)
        finally:
            self._backlog.end()

    async def _accept(self) -> None:
        async def accept(_: int) -> None:
            while (ready := await self._backlog.next(self._peer.rate.admit)) is not None:
                try:
                    await self._accept_one(ready)
                finally:
                    self._backlog.accepted(ready)
                    await self._base.bodies.discard(ready.body)

        try:
            await side_by_side(accept, range(self._peer.at_once), at_once=self._peer.at_once)
        except GatewayError:
            self._backlog.stop()
            raise
