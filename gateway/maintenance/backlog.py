"""Entries fetched ahead of their acceptance, so that the most urgent goes first wherever it stands in the list.

A list does not say how urgent an entry is; the document does. So entries are fetched as fast as the channel allows
and wait here, and each time one may be accepted it is the most urgent of those that wait:

    urgent          at once
    normal          once all were fetched, or no more fit in, or PATIENCE is over: so long may an urgent one still
                    come and go before it
    about another   after everything else that waits, since it must not overtake what it is about

What waits is bounded by number and size; beyond that an urgent one is seen only as room is made. What a look does
not come to stays for the next. Nothing here is stored: what is lost is fetched again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from gateway.clock import Clock
from gateway.maintenance.ready import Ready
from gateway.model import Lane

#: Seconds.
PATIENCE: Final = 5.0
#: Of what waits in memory, and in files of the spool.
MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024
DISK_BYTES_MAX: Final = 1024 * 1024 * 1024

_Heap = list[tuple[int, int, str, Ready]]


class Backlog:
    """Of one channel."""

    def __init__(self, clock: Clock, *, most: int) -> None:
        self._clock, self._most = clock, most
        self._news: _Heap = []
        self._follows: _Heap = []
        self._memory_bytes = self._disk_bytes = 0
        #: Of those that nothing may overtake, how many are being accepted.
        self._under_way = 0
        self._is_open = self._is_coming = False
        self._patient_until = 0.0
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def is_stopped(self) -> bool:
        """Whether its time was over."""
        return not self._is_open

    def begin(self) -> None:
        """Entries are fetched from now on."""
        self._is_open = self._is_coming = True
        self._under_way = 0
        self._patient_until = self._clock.monotonic() + PATIENCE

    def end(self) -> None:
        """No more come."""
        self._is_coming = False
        self._wake()

    def stop(self) -> None:
        """Nothing more is fetched or accepted; what waits stays."""
        self._is_open = False
        self._wake()

    def held(self) -> list[Ready]:
        """All that wait."""
        return [each[-1] for each in (*self._news, *self._follows)]

    def keep_only(self, ids: Iterable[str]) -> list[Ready]:
        """The others go, and are returned."""
        kept, gone = set(ids), []
        for heap in (self._news, self._follows):
            gone += [each[-1] for each in heap if each[-1].offer.id not in kept]
            heap[:] = [each for each in heap if each[-1].offer.id in kept]
            heapq.heapify(heap)
        for ready in gone:
            self._count(ready, -1)
        return gone

    async def has_room(self) -> bool:
        """Waits for it; False when nothing more is to be fetched."""
        while self._is_open and self._is_full:
            await self._changed.wait()
        return self._is_open

    def put(self, ready: Ready, place: int) -> None:
        """One was fetched; `place`: in the list."""
        heap = self._follows if ready.follows else self._news
        heapq.heappush(heap, (ready.rank, place, ready.offer.id, ready))
        self._count(ready, 1)
        self._wake()

    async def next(self, admit: Callable[[], Awaitable[None]]) -> Ready | None:
        """The most urgent one, once `admit` lets one through; None when there is no more to do."""
        async with self._turn:  # so that nobody is let through for whom there is nothing
            while self._is_open:
                if self._may_go():
                    await admit()
                    if self._is_open:
                        return self._pop()
                elif not (self._is_coming or self._news or self._follows or self._under_way):
                    return None
                else:
                    await self._wait()
        return None

    def accepted(self, ready: Ready) -> None:
        """Or refused: it is dealt with."""
        if not ready.follows:
            self._under_way -= 1
            self._wake()

    @property
    def _is_full(self) -> bool:
        return (
            len(self._news) + len(self._follows) >= self._most
            or self._memory_bytes >= MEMORY_BYTES_MAX
            or self._disk_bytes >= DISK_BYTES_MAX
        )

    def _may_go(self) -> bool:
        is_all = not self._is_coming or self._is_full
        if self._news:
            is_urgent = self._news[0][0] < Lane.NORMAL.rank
            return is_urgent or is_all or self._clock.monotonic() >= self._patient_until
        return bool(self._follows) and is_all and not self._under_way

    def _pop(self) -> Ready:
        ready = heapq.heappop(self._news or self._follows)[-1]
        self._count(ready, -1)
        if not ready.follows:
            self._under_way += 1
        self._wake()
        return ready

    def _count(self, ready: Ready, by: int) -> None:
        if ready.body.content is None:
            self._disk_bytes += by * ready.body.size
        else:
            self._memory_bytes += by * ready.body.size

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self) -> None:
        """Until something changes, or patience ends."""
        left = self._patient_until - self._clock.monotonic()
        try:
            async with asyncio.timeout(left if left > 0 else None):
                await self._changed.wait()
        except TimeoutError:
            return
