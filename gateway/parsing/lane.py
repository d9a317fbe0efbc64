"""The lane of large tasks: few at once, and whoever waits takes turns, owner by owner.

An agency that sends a hundred large files at once waits behind its own; another's first is next but one at most
per agency that waits. It does NOT order the tasks of one owner but by arrival, and knows no processes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque


class FairLane:
    """`places` at once; waiting owners are served in turn."""

    def __init__(self, places: int) -> None:
        self._free = places
        #: Owner -> its waiters, in the order of their turns.
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def acquire(self, owner: str) -> None:
        """A place, to be given back with `release`; cancelled while it waits, it holds none."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.release()  # the turn came in the same moment
            raise

    def release(self) -> None:
        """Give a place to the next owner, who then stands last in line."""
        while self._waiting:
            owner, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[owner] = turns
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1
