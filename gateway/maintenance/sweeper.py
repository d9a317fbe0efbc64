"""Clears away unfinished spool files; keys, uploads, ended alerts and replays, late forms past their time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.clock import Clock

#: Longer than any request may take; a file younger than this may still be written.
_SPOOL_AGE = timedelta(hours=1)
#: An alert may wait for three days, and its attempts with it.
_LEAST_KEPT = timedelta(days=7)

_log = structlog.get_logger(__name__)


class SpoolFolder(Protocol):
    """The body store, as far as its spool goes."""

    async def sweep(self, older_than: datetime) -> int:
        """Delete spool files that nobody holds and that were last written before then; how many."""
        ...


class Expiring(Protocol):
    """The idempotency keys; the forms that came when their session had ended."""

    async def forget_expired(self, now: datetime) -> int:
        """Delete those past their time; how many."""
        ...


class Pieces(Protocol):
    """The resumable uploads."""

    async def sweep(self) -> int:
        """Remove those past their time; how many."""
        ...


class Ended(Protocol):
    """Alerts and webhook replays."""

    async def forget_ended(self, before: datetime) -> int:
        """Delete those that ended before then; how many."""
        ...


class Sweeper:
    """Never touches a kept body or a row of history."""

    name = "sweeper"
    every = timedelta(minutes=10)

    def __init__(
        self,
        spool: SpoolFolder,
        keys: Expiring,
        uploads: Pieces,
        ended: Ended,
        late_forms: Expiring,
        *,
        keep_ended: timedelta,
        clock: Clock,
    ) -> None:
        self._spool, self._keys, self._uploads, self._ended, self._clock = spool, keys, uploads, ended, clock
        self._late_forms = late_forms
        self._keep_ended = max(keep_ended, _LEAST_KEPT)

    async def run_once(self) -> None:
        """Sweep all of it."""
        now = self._clock.now()
        swept = {
            "spool_files": await self._spool.sweep(now - _SPOOL_AGE),
            "idempotency_keys": await self._keys.forget_expired(now),
            "uploads": await self._uploads.sweep(),
            "late_forms": await self._late_forms.forget_expired(now),
            "alerts_and_replays": await self._ended.forget_ended(now - self._keep_ended),
        }
        if any(swept.values()):
            _log.info("sweeper.swept", **swept)
