"""Token buckets: how fast one credential, or one address, may ask. Pure; the caller brings the time."""

from __future__ import annotations

import math
from collections import OrderedDict

from gateway.errors import RefusedError


class RateLimit:
    """Buckets of `burst` tokens, refilled with `rate` a second; the least recently used are forgotten.

    Forgetting one only refills it, so the bound on memory costs nothing but a little strictness.
    """

    def __init__(self, rate: float, burst: float, *, buckets: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets = buckets
        #: key -> (tokens, when they were counted).
        self._state: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> None:
        """One token for one request; `rate_limited` with the time of the next one when there is none."""
        tokens, counted = self._state.get(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - counted) * self._rate)
        if tokens < 1:
            self._state[key] = (tokens, now)
            raise RefusedError("rate_limited", retry_after=max(1, math.ceil((1 - tokens) / self._rate)))
        self._state[key] = (tokens - 1, now)
        self._state.move_to_end(key)
        if len(self._state) > self._buckets:
            self._state.popitem(last=False)
