"""Gives up by age what `gateway.retry` says is too old, and announces it beforehand."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.config.settings import DeliverySettings
from gateway.retry import AgeLimits, age_limits

#: A run handles at most so many portions; what is left is the next run's.
_PORTIONS = 100

_log = structlog.get_logger(__name__)


class Ages(Protocol):
    """The ledger, as far as ages go."""

    async def expire(self, limits: AgeLimits) -> tuple[int, int]:
        """Announce and give up a portion; how many were announced, how many deliveries are dead."""
        ...


class Expirer:
    """Nothing dies unannounced in a gateway that runs; a dead delivery stays whole, for a person to requeue."""

    name = "expirer"
    every = timedelta(minutes=1)

    def __init__(self, ages: Ages, *, settings: DeliverySettings, clock: Clock) -> None:
        self._ages, self._settings, self._clock = ages, settings, clock

    async def run_once(self) -> None:
        """Portion by portion, until nothing is found."""
        for _ in range(_PORTIONS):
            announced, dead = await self._ages.expire(age_limits(self._clock.now(), self._settings))
            if not announced and not dead:
                return
            _log.warning("delivery.ages", announced=announced, dead=dead)
