"""What happens to every request: credentials, routing, limits, drain, and HTTP that is none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.api.app import build_operations_app
from gateway.api.listener import Listener
from gateway.errors import EnvironmentRefusedError, ProblemError, UnreachableError
from gateway.pki import DevPki
from tests.fakes.gateway_shapes import SENDER
from tests.unit.api.conftest import DOCUMENT, SENDER_TOKEN, SETTINGS, Server, running

LIMITS = "/api/v1/limits"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "credential_missing"),
        ({"Authorization": "Bearer gw_wrong-token-000000000"}, "credential_invalid"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "credential_invalid"),
        ({"Authorization": "Bearer"}, "credential_invalid"),
    ],
)
async def test_request_without_usable_credential_is_refused(
    server: Server, headers: dict[str, str], code: str
) -> None:
    """401 says how to authenticate, on every route but /enrol."""
    async with server.http(None) as session:
        for path in (LIMITS, "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/events", "/api/v1/inbox"):
            async with session.get(path, headers=headers) as response:
                assert (response.status, (await response.json())["code"]) == (401, code)
                assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("zone", ["GMT", "+" + "9" * 30])
async def test_date_of_no_calendar_takes_no_answer_away(server: Server, zone: str) -> None:
    """What the inspector cannot compare it leaves out."""
    async with server.http() as session:
        for year in ("2026", "9" * 30):
            headers = {"Date": f"Mon, 30 Nov {year} 00:00:00 {zone}"}
            async with session.get(LIMITS, headers=headers) as response:
                assert response.status == 200


async def test_revoked_token_is_refused_at_the_next_request(server: Server) -> None:
    """Credentials are checked per request, not per connection."""
    async with server.client() as client:
        await client.limits()
        del server.authenticator.tokens[SENDER_TOKEN]
        with pytest.raises(ProblemError, match="credential_invalid"):
            await client.limits()


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "allow"),
    [
        ("GET", "/", 404, "not_found", None),
        ("GET", "/api/v1/nothing", 404, "not_found", None),
        ("GET", "/api/v2/limits", 404, "not_found", None),
        ("DELETE", LIMITS, 405, "method_not_allowed", "GET"),
        ("PUT", "/api/v1/documents", 405, "method_not_allowed", "GET, POST"),
        ("GET", "/api/v1/limits?x=1", 422, "parameter_invalid", None),
    ],
)
async def test_unknown_routes_and_methods_are_problems(
    server: Server, method: str, path: str, status: int, code: str, allow: str | None
) -> None:
    """No answer of the server is anything but JSON or a document."""
    async with server.http() as session, session.request(method, path) as response:
        body = await response.json(content_type="application/problem+json")
        assert (response.status, body["code"], body["status"]) == (status, code, status)
        assert response.headers.get("Allow") == allow
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("no_refill")
async def test_credential_over_its_rate_is_limited_and_others_are_not(tmp_path: Path, pki: DevPki) -> None:
    """The bucket belongs to the credential."""
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, requests_per_second=1))
    async with running(tmp_path, pki, settings) as server, server.client() as client:
        await client.limits()
        await client.limits()
        with pytest.raises(ProblemError) as caught:
            await client.limits()
        assert (caught.value.status, caught.value.code) == (429, "rate_limited")
        assert caught.value.retry_after == 1
        async with server.client("gw_recipient-token-0000000000") as other:
            await other.limits()


@pytest.mark.usefixtures("no_refill")
async def test_who_asks_too_fast_waits_for_its_refusal_unless_the_server_stops(tmp_path: Path, pki: DevPki) -> None:
    """So a client that does not heed it gets one a second on each connection."""
    settings = replace(SETTINGS, limits=replace(SETTINGS.limits, requests_per_second=1))
    async with running(tmp_path, pki, settings) as server, server.client() as client:
        await client.limits()
        await client.limits()
        refused = asyncio.ensure_future(client.limits())
        done, _ = await asyncio.wait([refused], timeout=0.5)
        assert not done
        server.lifecycle.stop()
        with pytest.raises(ProblemError, match="rate_limited"):
            await refused


async def test_enrolment_needs_no_credential_and_is_limited_by_address(server: Server) -> None:
    """Ten wrong codes from one address, then nothing for a while."""
    async with server.client(None) as client:
        assert (await client.enrol("GOOD-CODE", "csr")).organ_id == "H33.01"
        for _ in range(9):
            with pytest.raises(ProblemError, match="enrolment_code_invalid"):
                await client.enrol("WRONG-CODE", "csr")
        with pytest.raises(ProblemError, match="rate_limited"):
            await client.enrol("GOOD-CODE", "csr")


async def test_renewal_needs_a_certificate(server: Server) -> None:
    """A token cannot renew."""
    async with server.client() as client:
        with pytest.raises(ProblemError, match="not_permitted"):
            await client.renew("csr")
    server.authenticator.tokens[SENDER_TOKEN] = replace(
        server.authenticator.tokens[SENDER_TOKEN], method="certificate"
    )
    async with server.client() as client:
        assert (await client.renew("csr")).certificate == "PEM"


async def test_lists_are_served(server: Server) -> None:
    """Agencies, channels, code lists, reason codes and limits."""
    async with server.client() as client, server.http() as session:
        assert {agency.organ_id for agency in (await client.agencies("uy ban")).items} == {
            "H33.01",
            "000.01.01.H33",
        }
        assert (await client.agencies(organ_id="H33.01")).items[0].id == SENDER
        assert (await client.channels())[0].up
        limits = await client.limits()
        assert (limits.max_body, limits.daily_quota) == (2_000_000, 1_000_000)
        for path, key in (
            ("codes", "statuses"),
            ("reasons", "items"),
            (f"agencies/{SENDER}", "organId"),
        ):
            async with session.get(f"/api/v1/{path}") as response:
                assert (await response.json())[key]
        async with session.get("/api/v1/agencies/nobody") as response:
            assert response.status == 404


async def test_draining_server_refuses_on_open_connections_and_closes_them(server: Server) -> None:
    """What comes after the switch is told to come back, and the connection ends."""
    async with server.http() as session:
        async with session.get(LIMITS) as response:
            assert response.status == 200
        server.lifecycle.stop()
        async with session.get(LIMITS) as response:
            body = await response.json()
            assert (response.status, body["code"]) == (503, "server_stopping")
            assert response.headers["Connection"] == "close"
            assert response.headers["Retry-After"]


async def test_drain_waits_for_requests_under_way(server: Server) -> None:
    """A document being accepted is answered before the server goes; new connections are not taken."""
    release, entered = asyncio.Event(), asyncio.Event()
    accept = server.gateway.accept

    async def slow(*args: object) -> object:
        entered.set()
        await release.wait()
        return await accept(*args)  # type: ignore[arg-type]

    server.gateway.accept = slow  # type: ignore[assignment, method-assign]
    async with server.client() as client, server.client() as late:
        submitting = asyncio.ensure_future(client.submit(DOCUMENT))
        await entered.wait()
        draining = asyncio.ensure_future(server.listener.drain(20))
        await server.lifecycle.stopping.wait()
        with pytest.raises(UnreachableError):
            await late.limits()
        assert not draining.done()
        release.set()
        assert (await submitting).size == len(DOCUMENT)
        assert await draining


async def test_drain_that_takes_too_long_says_so(server: Server) -> None:
    """The caller decides what to do with what is left."""
    server.lifecycle.begin()
    assert not await server.listener.drain(0.01)
    server.lifecycle.end()


async def test_connection_over_the_cap_is_told_and_closed(server: Server) -> None:
    """The cap holds for connections, not requests, and is given back."""
    sessions = []
    for _ in range(SETTINGS.server.max_connections):
        reader, writer = await connect(server)
        sessions.append((reader, writer))
    while server.listener.connections < SETTINGS.server.max_connections:  # noqa: ASYNC110 - no signal for it
        await asyncio.sleep(0)
    reader, writer = await connect(server)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"server_busy" in answer
    writer.close()
    for _, each in sessions:
        each.close()
        await each.wait_closed()
    while server.listener.connections:  # noqa: ASYNC110 - no signal for it
        await asyncio.sleep(0)
    async with server.client() as client:
        await client.limits()


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_a_problem(server: Server, garbage: bytes) -> None:
    """Even the parser's refusals are problems, and the connection ends."""
    reader, writer = await connect(server)
    writer.write(garbage)
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] == b"400"
    assert b"request_malformed" in answer
    assert b"Traceback" not in answer


async def test_client_that_expects_100_is_answered(server: Server) -> None:
    """Curl sends Expect for larger bodies; an Expect we do not know is passed over."""
    async with server.http() as session:
        for headers in ({"Expect": "100-continue"}, {"Expect": "something"}):
            async with session.post(
                "/api/v1/documents", data=DOCUMENT, headers={"Content-Type": "text/xml"} | headers
            ) as response:
                assert response.status == 202


async def test_taken_port_refuses_to_start(server: Server) -> None:
    """The environment's fault is named with the port."""
    listener = Listener(
        build_operations_app(server.gateway, server.metrics, server.lifecycle), server.lifecycle, server.metrics
    )
    with pytest.raises(EnvironmentRefusedError, match=str(server.port)):
        await listener.start("127.0.0.1", server.port, None)


async def test_operations_listener_tells_health_readiness_and_metrics(server: Server) -> None:
    """Readiness turns to 503 with the drain; metrics are refreshed before they are shown."""

    async def refresh() -> None:
        server.metrics.wal_bytes.set(4096)

    app = build_operations_app(server.gateway, server.metrics, server.lifecycle, refresh=refresh)
    listener = Listener(app, server.lifecycle, server.metrics)
    port = await listener.start("127.0.0.1", 0, None)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, server.client() as client:
        await client.submit(DOCUMENT)
        async with session.get("/healthz") as response:
            assert await response.text() == "ok\n"
        async with session.get("/readyz") as response:
            assert (response.status, (await response.json())["details"]) == (200, {"storage": "ok"})
        async with session.get("/metrics") as response:
            text = await response.text()
        assert 'gateway_http_requests_total{route="submitDocument",status="202"} 1.0' in text
        assert "gateway_wal_bytes 4096.0" in text
        assert 'gateway_accept_seconds_count{kind="document"} 1.0' in text
        server.lifecycle.stop()
        async with session.get("/readyz") as response:
            assert (response.status, (await response.json())["stopping"]) == (503, True)
    await listener.close()


async def connect(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port, ssl=server.tls(), server_hostname="localhost")
