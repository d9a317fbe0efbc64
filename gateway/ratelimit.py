"""Fair shares: how fast, and how much at once, one agency or one address may ask.

The shares are those of an agency, however many credentials it has, and sized for one whose system hosts a hundred
communes. A circular to all of them is a page of the inbox and three requests each (content, acknowledgement,
status): 300 at once, which a burst of 400 lets through, and 200 a second after that, far more than the day's work
of a province and a third of what the gateway can do. What is handed in is work for others as well, so of that a
share is smaller: 50 deliveries a second, 500 at once. It is counted in deliveries, for a document to all communes
is as much work as one to each; as nobody knows them before it is read, a document is let in while anything is left,
and what it cost is owed. A check counts as one, as does a piece of an upload, which is synced. 256 at once leave
each commune a long poll of its own beside the work. Eight large uploads of one agency hold at most eight times the
largest body of the disk.

Both kinds of count are bounded in memory: buckets by forgetting the least recently used, counts of what is
under way by the connections that carry it. Pure; the caller brings the time.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_network
from typing import TypeVar

from gateway.errors import RefusedError

K = TypeVar("K")
#: Deliveries at once, in seconds of their rate.
DELIVERIES_BURST = 10.0
#: Whoever has one IPv6 address has this many bits of prefix in common with all the others it may use.
_SITE_BITS = 64
#: Whoever rents addresses has rarely less than this, and few have more than that, by the version of IP.
_NETWORK_BITS = {4: 24, 6: 48}
_WIDE_BITS = {4: 16, 6: 32}


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
        tokens, now = self._refilled(key, now)
        if tokens < 1:
            self._state[key] = (tokens, now)
            raise RefusedError("rate_limited", retry_after=max(1, math.ceil((1 - tokens) / self._rate)))
        self._spend(key, tokens - 1, now)

    def _refilled(self, key: str, now: float) -> tuple[float, float]:
        tokens, counted = self._state.get(key, (self._burst, now))
        now = max(now, counted)  # a caller that was held up must not take from the bucket by being late
        return min(self._burst, tokens + (now - counted) * self._rate), now

    def charge(self, key: str, tokens: float, now: float) -> None:
        """Take what could not be known before; more than is there is owed, and refilled before the next request."""
        if tokens > 0:
            had, now = self._refilled(key, now)
            self._spend(key, had - tokens, now)

    def _spend(self, key: str, left: float, now: float) -> None:
        self._state[key] = (left, now)
        self._state.move_to_end(key)
        if len(self._state) > self._buckets:
            self._state.popitem(last=False)

    def give_back(self, key: str) -> None:
        """The token just taken was not due."""
        if key in self._state:
            tokens, counted = self._state[key]
            self._state[key] = (min(self._burst, tokens + 1), counted)


class AtOnce:
    """How many of something each key has under way; one more than `most` is refused, not queued."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one(self, key: str) -> Iterator[None]:
        """One of them, for as long as the context lasts, whatever ends it."""
        if self._under_way[key] >= self._most:
            raise RefusedError("rate_limited", f"at most {self._most} {self._what} at once", retry_after=1)
        self._under_way[key] += 1
        try:
            yield
        finally:
            count_down(self._under_way, key)


def count_down(counts: Counter[K], key: K) -> None:
    """One less; nothing is remembered of who has none."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


def network_of(address: str) -> str:
    """What one holder often has: the /24 of an IPv4 address, the /48 of an IPv6 one or of its site."""
    return _shortened(address, _NETWORK_BITS)


def wide_network_of(address: str) -> str:
    """What a large holder has: the /16 of an IPv4 address, the /32 of an IPv6 one."""
    return _shortened(address, _WIDE_BITS)


def _shortened(address: str, bits: Mapping[int, int]) -> str:
    try:
        one = ip_network(address if "/" in address else site_of(address))
    except ValueError:  # no address: it counts as itself
        return address
    return str(one.supernet(new_prefix=bits[one.version]))


def site_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the network that an IPv6 host may choose its own from."""
    if ":" not in address:
        return address
    plain = IPv6Address(address.partition("%")[0])
    if plain.ipv4_mapped is not None:
        return str(plain.ipv4_mapped)
    return str(ip_network((plain, _SITE_BITS), strict=False))
