"""Ends pauses whose time has come, so that a forgotten pause never holds documents for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.model import Endpoint, EndpointId

_log = structlog.get_logger(__name__)


class Pauses(Protocol):
    """The endpoints, as far as pauses go."""

    async def endpoints(self) -> Sequence[Endpoint]:
        """All of them, with their pauses."""
        ...

    async def resume(self, endpoint_id: EndpointId, *, now: datetime) -> None:
        """End a pause that has run out; the time of it does not count towards any age."""
        ...


class Resumer:
    """Resumes and wakes the worker."""

    name = "resumer"
    every = timedelta(seconds=5)

    def __init__(self, pauses: Pauses, *, clock: Clock, wake: Callable[[], None]) -> None:
        self._pauses, self._clock, self._wake = pauses, clock, wake

    async def run_once(self) -> None:
        """Every endpoint whose pause is over."""
        now, over = self._clock.now(), []
        for endpoint in await self._pauses.endpoints():
            if endpoint.paused_until is not None and endpoint.paused_until <= now:
                await self._pauses.resume(endpoint.id, now=now)
                over.append(endpoint.id)
        if over:
            _log.info("endpoint.pauses_ended", endpoints=over)
            self._wake()
