"""Notices when the wall clock jumps, by comparing it with the monotonic one.

A jump is an event, a metric, a line in the log and a detail of /readyz; what waits is moved with it, here and in
the ledger. A clock that is slowly led to the right time makes no jump. While the machine sleeps the monotonic clock
stands, so waking is a jump forward, and rightly.

It does NOT judge which of the two times is right.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from gateway.clock import Clock, rfc3339
from gateway.observe import Metrics

_TOLERANCE = timedelta(seconds=2)
#: A look that was held up for longer says nothing.
_LOOK_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class ClockWatch:
    """One per server."""

    name = "clock"
    every = timedelta(seconds=1)

    def __init__(
        self,
        record: Callable[[datetime, timedelta], Awaitable[None]],
        shift: Callable[[timedelta], None],
        *,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`record` keeps a jump in the ledger, `shift` moves what waits in memory."""
        self._record, self._shift, self._clock, self._metrics = record, shift, clock, metrics
        self._wall, self._steady = clock.now(), clock.monotonic()
        self._unrecorded: deque[tuple[datetime, timedelta]] = deque()
        #: The last jump, for a person; empty: none since the start.
        self.told = ""

    async def run_once(self) -> None:
        """Look, and record; raises StorageError while the ledger takes nothing, which is tried again."""
        began, wall = self._clock.monotonic(), self._clock.now()
        if self._clock.monotonic() - began < _LOOK_SECONDS:
            jump = (wall - self._wall) - timedelta(seconds=began - self._steady)
            self._wall, self._steady = wall, began
            if abs(jump) > _TOLERANCE:
                self._met(wall, jump)
        while self._unrecorded:
            await self._record(*self._unrecorded[0])
            self._unrecorded.popleft()

    def _met(self, wall: datetime, jump: timedelta) -> None:
        seconds = round(jump.total_seconds())
        self.told = f"jumped by {seconds:+d} s at {rfc3339(wall)}"
        _log.warning("clock.jumped", seconds=seconds)
        self._metrics.clock_jumps.inc()
        self._shift(jump)
        self._unrecorded.append((wall, jump))
