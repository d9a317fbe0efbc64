"""Returns to the queue what is in flight without an owner: its lease ran out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.clock import Clock, Steady

_log = structlog.get_logger(__name__)


class Abandoned(Protocol):
    """The queue, as far as rescuing goes."""

    async def rescue(self, *, now: datetime, steady_now: datetime) -> int:
        """Make ready what leases that ran out left in flight; how many."""
        ...


class Rescuer:
    """A rescued dispatch is due at once, as *outcome unknown*, which costs it no attempt."""

    name = "rescuer"
    every = timedelta(seconds=30)

    def __init__(self, queue: Abandoned, *, clock: Clock, steady: Steady, wake: Callable[[], None]) -> None:
        self._queue, self._clock, self._steady, self._wake = queue, clock, steady, wake

    async def run_once(self) -> None:
        """Rescue, and wake the worker if there was anything."""
        if rescued := await self._queue.rescue(now=self._clock.now(), steady_now=self._steady.now()):
            _log.warning("worker.rescued", dispatches=rescued)
            self._wake()
