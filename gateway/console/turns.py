"""Heavy pages, which take a processor or a reader for long: of one person one at a time, and few of all.

Fewer are made at once than there are readers, so that offices' systems are answered whatever people open here.
What is printed takes seconds, so it takes no more than one of the places: the ledger is looked at meanwhile, also
by whoever waits for a print; so does the sealing of evidence. Who comes meanwhile waits for a while, whoever asks
for more than a few at once is refused; the turn is of persons, so that nobody waits behind all that somebody else
has asked for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

from gateway.errors import RefusedError
from gateway.ratelimit import count_down

#: Of all persons, and how many of them may be prints; of one person, under way or waiting.
AT_ONCE: Final = 2
PRINTS: Final = 1
ASKED: Final = 4
PATIENCE: Final = timedelta(seconds=10)
#: When to come back, in seconds.
_RETRY_AFTER: Final = 10


class Turns:
    """One per console."""

    def __init__(self, *, patience: timedelta = PATIENCE) -> None:
        self._patience = patience.total_seconds()
        self._places, self._prints = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(PRINTS)
        #: By person, and whether it is about prints.
        self._own: dict[tuple[str, bool], asyncio.Lock] = {}
        self._asked: Counter[tuple[str, bool]] = Counter()

    @asynccontextmanager
    async def one(self, person: str, *, prints: bool = False) -> AsyncIterator[None]:
        """Make one; RefusedError `page_underway` or `pages_busy` when it is not this one's turn in time."""
        who = (person, prints)
        if self._asked[who] >= ASKED:
            raise RefusedError("page_underway", retry_after=_RETRY_AFTER)
        self._asked[who] += 1
        try:
            async with AsyncExitStack() as stack:
                own = self._own.setdefault(who, asyncio.Lock())
                await self._enter(stack, own, "page_underway")
                if prints:
                    await self._enter(stack, self._prints, "pages_busy")
                await self._enter(stack, self._places, "pages_busy")
                yield
        finally:
            count_down(self._asked, who)
            if who not in self._asked:
                del self._own[who]

    async def _enter(self, stack: AsyncExitStack, place: AbstractAsyncContextManager[None], code: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await stack.enter_async_context(place)
        except TimeoutError as error:
            raise RefusedError(code, retry_after=_RETRY_AFTER) from error
