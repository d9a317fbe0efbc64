"""Fetches a URL of a watcher elsewhere while all is well, so that silence is noticed even when we cannot speak.

The URL often holds the watcher's key: it never enters a log.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import aiohttp
import structlog

from gateway.clock import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=10)

_log = structlog.get_logger(__name__)


class Heartbeat:
    """While `is_healthy` says no, it is silent: that is the alarm."""

    name = "heartbeat"

    def __init__(
        self,
        url: str,
        *,
        every: timedelta,
        is_healthy: Callable[[], bool],
        arrived: Callable[[float], None],
        clock: Clock,
    ) -> None:
        self._url, self.every = url, every
        self._is_healthy, self._arrived, self._clock = is_healthy, arrived, clock

    async def run_once(self) -> None:
        """One GET; what counts is a 2xx."""
        if not self._is_healthy():
            _log.warning("heartbeat.withheld")
            return
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(self._url, allow_redirects=False) as response,
            ):
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            _log.warning("heartbeat.failed", error=type(error).__name__)
            return
        if 200 <= status < 300:  # noqa: PLR2004
            self._arrived(self._clock.now().timestamp())
        else:
            _log.warning("heartbeat.failed", status=status)
