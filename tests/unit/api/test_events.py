"""GET /events: order, resumption, bounds, and the end of a stream."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.api.events import MAX_STREAMS
from gateway.pki import DevPki
from tests.unit.api.conftest import DOCUMENT, RECIPIENT_TOKEN, SENDER_TOKEN, Server, running


async def lines(response: aiohttp.ClientResponse, count: int) -> list[bytes]:
    found: list[bytes] = []
    async for line in response.content:
        if line.startswith((b"id:", b": ")):
            found.append(line.strip())
        if len(found) == count:
            break
    return found


async def test_events_come_in_order_with_their_numbers(server: Server) -> None:
    """Each event has its sequence number as id."""
    async with server.client() as client, server.http() as session:
        await client.submit(DOCUMENT)
        await client.submit(b"<two/>")
        async with session.get("/api/v1/events?since=0") as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            assert await lines(response, 2) == [b"id: 1", b"id: 2"]


async def test_stream_resumes_after_the_last_id(server: Server) -> None:
    """Last-Event-ID wins over `since`, and nothing is missed or repeated."""
    async with server.client() as client, server.http() as session:
        for number in range(4):
            await client.submit(b"<d>%d</d>" % number)
        headers = {"Last-Event-ID": "2"}
        async with session.get("/api/v1/events?since=0", headers=headers) as response:
            assert await lines(response, 2) == [b"id: 3", b"id: 4"]


async def test_typed_client_receives_what_happens_later(server: Server) -> None:
    """Without a number the stream begins now."""
    async with server.client() as client, aclosing(client.events()) as events:  # type: ignore[type-var]
        await client.submit(b"<before/>")
        upcoming = asyncio.ensure_future(anext(events))
        await server.gateway.waiting.wait()
        accepted = await client.submit(DOCUMENT)
        event = await upcoming
    assert (event.seq, event.kind, event.message_id) == (2, "document.accepted", accepted.id)


@pytest.mark.parametrize("last", ["x", "-1", "1.0", "9" * 30, "²", "0" * 20 + "9" * 30, "0" * 5000])
async def test_foreign_last_event_id_is_refused(server: Server, last: str) -> None:
    """Only numbers that we may have sent."""
    async with (
        server.http() as session,
        session.get("/api/v1/events", headers={"Last-Event-ID": last}) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (422, "parameter_invalid")


async def test_one_credential_has_a_bounded_number_of_streams(server: Server) -> None:
    """One more is `rate_limited`; another credential is not affected; a closed one gives its place back."""
    async with server.http() as session, server.http(RECIPIENT_TOKEN) as other:
        streams = [await session.get("/api/v1/events") for _ in range(MAX_STREAMS)]
        async with session.get("/api/v1/events") as response:
            assert (response.status, (await response.json())["code"]) == (429, "rate_limited")
        async with other.get("/api/v1/events") as response:
            assert response.status == 200
        for stream in streams:
            stream.close()


async def test_drain_ends_streams(server: Server) -> None:
    """A stream ends cleanly, so that the client comes back to the next process."""
    async with server.http() as session, session.get("/api/v1/events") as response:
        assert await server.listener.drain(10)
        assert await response.content.read() == b"retry: 3000\n\n"


async def test_heartbeat_comes_and_a_revoked_credential_ends_the_stream(tmp_path: Path, pki: DevPki) -> None:
    """The credential is checked again with each heartbeat."""
    async with (
        running(tmp_path, pki, heartbeat=0.05) as server,
        server.http() as session,
        session.get("/api/v1/events") as response,
    ):
        assert await lines(response, 2) == [b": still here"] * 2
        del server.authenticator.tokens[SENDER_TOKEN]
        assert b"data:" not in await response.content.read()


async def test_end_of_a_representation_ends_the_stream(tmp_path: Path, pki: DevPki) -> None:
    """Whoever speaks for fewer agencies than when the stream began sees no more of the others."""
    async with (
        running(tmp_path, pki, heartbeat=0.05) as server,
        server.http() as session,
        session.get("/api/v1/events") as response,
    ):
        await lines(response, 1)
        tokens = server.authenticator.tokens
        tokens[SENDER_TOKEN] = replace(tokens[SENDER_TOKEN], speaks_for=frozenset())
        async with asyncio.timeout(60):
            assert b"data:" not in await response.content.read()
