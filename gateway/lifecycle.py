"""Whether the server still takes work: the switch that a drain turns, and what waits for it."""

from __future__ import annotations

import asyncio
import contextlib


class Lifecycle:
    """One per server; handlers that wait long also wait for `stopping`."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        #: Requests under way now.
        self.active = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """A request starts."""
        self.active += 1
        self._idle.clear()

    def end(self) -> None:
        """A request has ended."""
        self.active -= 1
        if not self.active:
            self._idle.set()

    def stop(self) -> None:
        """From now on every request is answered with `server_stopping`."""
        self.stopping.set()

    async def stopped_within(self, seconds: float) -> bool:
        """Wait so long; at once when the server stops, and whether it did."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.stopping.wait()
        return False

    async def idle(self) -> None:
        """Returns once no request is under way."""
        await self._idle.wait()
