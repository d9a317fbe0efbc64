"""Long work in the event loop, in slices: after some milliseconds everybody else has his turn."""

from __future__ import annotations

import asyncio
import time

#: Seconds of work after which the loop is given back.
_SLICE = 0.005


class Pace:
    """One piece of long work; call `step` between its small parts."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    async def step(self) -> None:
        """Give the loop back if it was held long enough."""
        if time.perf_counter() - self._began >= _SLICE:
            await asyncio.sleep(0)
            self._began = time.perf_counter()
