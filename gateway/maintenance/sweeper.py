"""Clears away what is of no more use: spool files nobody finished, idempotency keys and uploads past their time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.clock import Clock

#: Longer than any request may take; a file younger than this may still be written.
_SPOOL_AGE = timedelta(hours=1)

_log = structlog.get_logger(__name__)


class SpoolFolder(Protocol):
    """The body store, as far as its spool goes."""

    async def sweep(self, older_than: datetime) -> int:
        """Delete spool files that nobody holds and that were last written before then; how many."""
        ...


class Keys(Protocol):
    """The idempotency keys."""

    async def forget_expired(self, now: datetime) -> int:
        """Delete those past their time; how many."""
        ...


class Pieces(Protocol):
    """The resumable uploads."""

    async def sweep(self) -> int:
        """Remove those past their time; how many."""
        ...


class Sweeper:
    """Never touches a kept body or a row of history."""

    name = "sweeper"
    every = timedelta(minutes=10)

    def __init__(self, spool: SpoolFolder, keys: Keys, uploads: Pieces, *, clock: Clock) -> None:
        self._spool, self._keys, self._uploads, self._clock = spool, keys, uploads, clock

    async def run_once(self) -> None:
        """Sweep all three."""
        now = self._clock.now()
        files = await self._spool.sweep(now - _SPOOL_AGE)
        keys = await self._keys.forget_expired(now)
        uploads = await self._uploads.sweep()
        if files or keys or uploads:
            _log.info("sweeper.swept", spool_files=files, idempotency_keys=keys, uploads=uploads)
