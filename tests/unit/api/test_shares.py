"""Fair shares of one agency and of one address: buckets, what is under way, strangers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from gateway.config.settings import LimitSettings
from gateway.errors import ProblemError, RefusedError, StorageError
from gateway.pki import DevPki
from gateway.ratelimit import AtOnce, RateLimit, site_of
from tests.unit.api.conftest import DOCUMENT, RECIPIENT_TOKEN, SENDER_TOKEN, SETTINGS, Server, running

LIMITS = "/api/v1/limits"
HEAD = (
    "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
    f"Authorization: Bearer {SENDER_TOKEN}\r\n"
)


def taken(limit: RateLimit, key: str, now: float, wanted: int) -> int:
    """How many of `wanted` requests at one instant are let in."""
    count = 0
    for _ in range(wanted):
        try:
            limit.take(key, now)
        except RefusedError:
            break
        count += 1
    return count


def test_default_share_lets_a_system_of_a_hundred_communes_catch_up() -> None:
    """A circular to all of them is fetched, acknowledged and answered at one go; a flood is not."""
    rate = LimitSettings().requests_per_second
    limit = RateLimit(rate, 2.0 * rate)
    assert taken(limit, "system", 0, 1 + 3 * 100) == 301
    assert taken(limit, "system", 2, 1000) == 400
    assert taken(limit, "system", 3, 1000) == 200


def test_refused_request_says_when_the_next_one_is_due() -> None:
    """Coming back then succeeds, and asking meanwhile costs nothing."""
    limit = RateLimit(0.25, 1)
    limit.take("a", 100)
    for later in (0, 1, 3.5):
        with pytest.raises(RefusedError) as caught:
            limit.take("a", 100 + later)
        assert caught.value.retry_after == max(1, 4 - int(later))
    limit.take("a", 104)


def test_what_a_document_cost_is_owed_and_the_next_one_waits() -> None:
    """Only an empty bucket refuses, so that a circular larger than a share goes out whole."""
    limit = RateLimit(10, 100)
    limit.take("a", 0)
    limit.charge("a", 149, 0)
    with pytest.raises(RefusedError) as caught:
        limit.take("a", 0)
    assert caught.value.retry_after == 6
    limit.take("b", 0)
    limit.charge("b", 0, 0)
    limit.take("a", 6)
    assert taken(limit, "a", 1000, 200) == 100


def test_request_that_comes_late_costs_one_token_like_any_other() -> None:
    """Time that seems to run backwards empties nothing."""
    limit = RateLimit(1, 10)
    limit.take("a", 100)
    limit.take("a", 95)
    assert taken(limit, "a", 100, 20) == 8


def test_buckets_are_bounded_and_a_token_may_come_back() -> None:
    """A stream of ever new addresses fills no memory; a returned token never exceeds the burst."""
    limit = RateLimit(1, 2, buckets=100)
    for number in range(10_000):
        limit.take(f"address-{number}", 0)
    assert len(limit._state) == 100
    limit.give_back("never seen")
    limit.give_back("address-9999")
    limit.give_back("address-9999")
    assert taken(limit, "address-9999", 0, 9) == 2


def test_places_are_counted_by_key_and_always_given_back() -> None:
    """One too many is refused; an exception gives the place back; nothing is remembered of who has none."""
    places = AtOnce(2, "requests")
    with ExitStack() as stack:
        stack.enter_context(places.one("a"))
        stack.enter_context(places.one("a"))
        stack.enter_context(places.one("b"))
        with pytest.raises(RefusedError, match="rate_limited") as caught, places.one("a"):
            pytest.fail("a third place was given")
        assert (caught.value.detail, caught.value.retry_after) == ("at most 2 requests at once", 1)
    with pytest.raises(ValueError, match="x"), places.one("a"):
        raise ValueError("x")
    assert not places._under_way


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_hosts_that_choose_their_address_count_as_one(address: str, site: str) -> None:
    """One machine has 2**64 IPv6 addresses, and one share."""
    assert site_of(address) == site


async def test_waiting_requests_of_one_credential_are_bounded(tmp_path: Path, pki: DevPki) -> None:
    """Long polls and streams take places; the next request is told when to come back; others have their own."""
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, requests_at_once=2))
    async with (
        running(tmp_path, pki, settings) as server,
        server.client(RECIPIENT_TOKEN) as client,
        server.client() as other,
        server.http(RECIPIENT_TOKEN) as session,
    ):
        polling = asyncio.ensure_future(client.inbox(wait=20))
        await server.gateway.waiting.wait()
        async with session.get("/api/v1/events"):
            with pytest.raises(ProblemError) as caught:
                await client.limits()
            assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limited", 1)
            await other.limits()
            await other.submit(DOCUMENT)
            assert (await polling).items
        await _until(lambda: server.lifecycle.active == 0)
        await client.limits()


async def test_slow_uploads_of_one_agency_leave_others_theirs(tmp_path: Path, pki: DevPki) -> None:
    """Whoever holds all its places for large bodies still sends small ones; another agency sends large ones."""
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, uploads_at_once=2))
    large = b"<edXML>" + b"x" * 1_500_000 + b"</edXML>"
    async with (
        running(tmp_path, pki, settings) as server,
        server.client() as client,
        server.client(RECIPIENT_TOKEN) as other,
    ):
        slow = [await _begin(server, "Content-Length: 1500000"), await _begin(server, "Transfer-Encoding: chunked")]
        await _until(lambda: len(server.gateway.reserved) == 2)
        assert sorted(server.gateway.reserved) == [1_500_000, 2_000_000]
        with pytest.raises(ProblemError) as caught:
            await client.submit(large)
        assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limited", 1)
        await client.submit(DOCUMENT)
        await other.submit(large)
        for writer in slow:
            writer.transport.abort()
        await _until(lambda: not server.gateway.reserved)
        await client.submit(large)


async def test_disk_is_given_back_whatever_ends_the_upload(server: Server) -> None:
    """Refused, accepted, in parts, damaged: nothing stays spoken for."""
    async with server.client() as client, server.http() as session:
        await client.submit(DOCUMENT)
        with pytest.raises(ProblemError, match="xml_not_wellformed"):
            await client.submit(b"no xml")
        server.gateway.failures["accept"] = RuntimeError("boom")
        with pytest.raises(ProblemError, match="internal_error"):
            await client.submit(b"<other/>")
        for body in (b"no part", b"--x\r\nContent-Disposition: form-data; name=metadata\r\n\r\n{}\r\n--x--\r\n"):
            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            async with session.post("/api/v1/documents", data=body, headers=headers) as response:
                assert response.status in {400, 422}
    assert not server.gateway.reserved


@pytest.mark.usefixtures("no_refill")
async def test_strangers_of_one_address_are_slowed_down(tmp_path: Path, pki: DevPki) -> None:
    """Guessing tokens ends in 429; a known system at another pace of its own never pays for being known."""
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, strangers_per_second=1))
    async with running(tmp_path, pki, settings) as server, server.http(None) as session, server.client() as client:
        for _ in range(250):
            await client.limits()
        codes: list[str] = []
        while len(codes) < 220 and "rate_limited" not in codes:
            async with session.get(LIMITS, headers={"Authorization": "Bearer gw_guess-0000000000000"}) as response:
                codes.append((await response.json())["code"])
                seen = (response.status, response.headers.get("Retry-After"))
        assert codes.count("credential_invalid") >= 200
        assert (codes[-1], seen) == ("rate_limited", (429, "1"))


async def test_nobody_is_a_stranger_because_the_accounts_cannot_be_read(
    tmp_path: Path, pki: DevPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the disk fails everybody gets 503, and nobody has to wait for its own share afterwards."""

    async def fail(**_: object) -> NoReturn:
        raise StorageError("the accounts cannot be read")

    async with running(tmp_path, pki) as server, server.client() as client:
        with monkeypatch.context() as patched:
            patched.setattr(server.authenticator, "authenticate", fail)
            for _ in range(250):
                with pytest.raises(ProblemError, match="storage_unavailable"):
                    await client.limits()
        await client.limits()


async def _begin(server: Server, framing: str) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=server.tls(), server_hostname="localhost"
    )
    writer.write(f"{HEAD}{framing}\r\n\r\n".encode())
    await writer.drain()
    return writer


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - no signal for it
            await asyncio.sleep(0.005)
