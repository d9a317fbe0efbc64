"""Limits of time and rate on a body, without waiting for them; header fields; buckets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from aiohttp import web

from gateway.api.headers import (
    Span,
    bearer_of,
    digests_of,
    disposition,
    idempotency_key_of,
    matches_tag,
    span_of,
    trace_id_of,
)
from gateway.errors import RefusedError
from gateway.incoming import Incoming, Pace
from gateway.ratelimit import RateLimit


class Clock:
    """Moves only when a source says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.seconds


class Source:
    """Pieces with the seconds that each takes; None stands still for ever."""

    def __init__(self, clock: Clock, pieces: list[tuple[float, bytes | Exception | None]]) -> None:
        self._clock = clock
        self._pieces = pieces

    def read_nowait(self) -> bytes:
        if self._pieces and self._pieces[0][0] == 0 and isinstance(self._pieces[0][1], bytes):
            return self._pieces.pop(0)[1]  # type: ignore[return-value]  # just looked at
        return b""

    def at_eof(self) -> bool:
        return not self._pieces

    async def readany(self) -> bytes:
        if not self._pieces:
            return b""
        seconds, piece = self._pieces[0]
        self._clock.seconds += seconds
        if piece is None:
            await asyncio.Event().wait()
        self._pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece or b""


async def read(pieces: list[tuple[float, bytes | Exception | None]], limit: int = 10_000_000) -> bytes:
    clock = Clock()
    pace = Pace(longest=60, slowest=1000, grace=10, look=0.001)
    body = Incoming(Source(clock, pieces), limit=limit, pace=pace, clock=clock, digests={})
    return b"".join([chunk async for chunk in body.chunks()])


async def test_body_at_the_slowest_rate_is_taken() -> None:
    """A thousand bytes a second for fifty seconds is as slow as may be."""
    assert len(await read([(1, b"x" * 1000)] * 50)) == 50_000


async def test_slow_start_is_forgiven() -> None:
    """Within the grace period nothing is judged."""
    assert await read([(9, b"x"), (0, b"x" * 100_000)]) == b"x" * 100_001


async def test_body_below_the_rate_is_too_slow() -> None:
    """A byte a second is an attack or a broken line."""
    with pytest.raises(RefusedError) as caught:
        await read([(1, b"x")] * 60)
    assert caught.value.code == "body_too_slow"
    assert caught.value.detail == "10 bytes in 10 seconds"


async def test_body_that_stands_still_is_too_slow() -> None:
    """Waiting for a piece that never comes ends too."""
    with pytest.raises(RefusedError, match="body_too_slow"):
        await read([(1, b"x" * 5000), (4, None)])


async def test_body_that_takes_too_long_in_all_is_too_slow() -> None:
    """The rate may be fine and the time still be up."""
    with pytest.raises(RefusedError, match="body_too_slow"):
        await read([(10, b"x" * 100_000)] * 10)


@pytest.mark.parametrize("error", [web.RequestPayloadError("cut"), ConnectionResetError("gone")])
async def test_broken_body_is_cut_off(error: Exception) -> None:
    """Whatever the transport says, the body ended early."""
    with pytest.raises(RefusedError) as caught:
        await read([(0, b"xyz"), (0, error)])
    assert (caught.value.code, caught.value.detail) == ("body_cut_off", "after 3 bytes")


async def test_body_over_the_limit_is_too_large() -> None:
    """The limit counts bytes that came, not bytes that were announced."""
    with pytest.raises(RefusedError, match="body_too_large"):
        await read([(0, b"xxx"), (0, b"xxx")], limit=5)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (None, None),
        ("abc", "abc"),
        ('"a b"', "a b"),
        (r'"a\"b\\"', 'a"b\\'),
        ("x" * 255, "x" * 255),
        ("a b", "a b"),
    ],
)
def test_idempotency_key_is_read(value: str | None, key: str | None) -> None:
    """Quoted as in the draft, or bare."""
    assert idempotency_key_of(value) == key


def test_trace_id_is_taken_only_from_a_whole_traceparent() -> None:
    """A damaged one is as good as none."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert trace_id_of(f"00-{trace}-00f067aa0ba902b7-01") == trace
    for bad in (
        None,
        "",
        trace,
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"ff-{trace}-00f067aa0ba902b7-01",
        "x" * 9999,
    ):
        assert trace_id_of(bad) is None


def test_bearer_is_case_blind_and_strict() -> None:
    """The scheme's case does not matter, its form does."""
    assert bearer_of("bearer gw_x") == "gw_x"
    assert bearer_of(None) is None
    with pytest.raises(RefusedError, match="credential_invalid"):
        bearer_of("Bearer a b")


@pytest.mark.parametrize("value", ["sha-256", "sha-256=:####:", "sha-256=:AA=:", "", ","])
def test_damaged_digest_is_malformed(value: str) -> None:
    """A digest that cannot be checked must not look like one that was."""
    with pytest.raises(RefusedError, match="request_malformed"):
        digests_of(value)


def test_ranges() -> None:
    """All forms of one range; an empty file has none."""
    assert span_of("bytes=2-4", 10) == Span(start=2, length=3)
    assert span_of("bytes=-99", 10) == Span(start=0, length=10)
    assert span_of("bytes=-", 10) is None
    for value, size in (("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)):
        with pytest.raises(RefusedError, match="range_not_satisfiable"):
            span_of(value, size)


def test_tags_match() -> None:
    """Weak and listed tags count for If-None-Match."""
    assert matches_tag('"a", W/"b"', "b")
    assert matches_tag("*", "b")
    assert not matches_tag('"a"', "b")
    assert not matches_tag(None, "b")


@pytest.mark.parametrize("name", ["../../etc/passwd", 'a"b\r\nX: 1', "\x00", "..", "", "a\\b", "con\u202egpj.exe"])
def test_disposition_never_carries_a_path_or_a_line_break(name: str) -> None:
    """Names of files come from strangers."""
    value = disposition(name)
    assert value.count('"') == 2
    for bad in ("/", "\\", "\r", "\n", "\u202e", "\x00"):
        assert bad not in value


def test_bucket_refills_and_forgets_the_oldest() -> None:
    """Two a second after a burst of two; memory is bounded."""
    limit = RateLimit(2, 2, buckets=2)
    limit.take("a", 0)
    limit.take("a", 0)
    with pytest.raises(RefusedError) as caught:
        limit.take("a", 0.1)
    assert caught.value.retry_after == 1
    limit.take("a", 0.6)
    limit.take("b", 0.6)
    limit.take("c", 0.6)
    limit.take("a", 0.6)
