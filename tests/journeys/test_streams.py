"""Long polls and event streams of the whole gateway: bounded, ended at shutdown, resumable, never held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from gateway.api.events import MAX_STREAMS
from gateway.api.models import EventOut
from gateway.errors import ProblemError
from gateway.model import Caller
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_limits import until

EVENTS = "/api/v1/events"


@asynccontextmanager
async def session_of(installation: Installation, organ_id: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A bare HTTP client with an office's token."""
    assert installation.app is not None
    tls = client_tls_context(installation.pki.anchors(TrustPurpose.TLS))
    async with aiohttp.ClientSession(
        f"https://localhost:{installation.app.port}",
        connector=aiohttp.TCPConnector(ssl=tls),
        headers={"Authorization": f"Bearer {installation.tokens[organ_id]}"},
        timeout=aiohttp.ClientTimeout(total=30),
    ) as session:
        yield session


async def ids(response: aiohttp.ClientResponse, count: int) -> list[int]:
    """The numbers of the next events."""
    found: list[int] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            line = await response.content.readline()
            if line.startswith(b"id: "):
                found.append(int(line[4:]))
    return found


async def test_streams_of_one_credential_are_few_and_others_unaffected(installation: Installation) -> None:
    """One more is told when to come back; whoever hangs up gives its place back without waiting for a heartbeat."""
    app = installation.app
    assert app is not None
    async with session_of(installation, COMMUNE) as session, session_of(installation, PROVINCE) as other:
        streams = [await session.get(EVENTS) for _ in range(MAX_STREAMS)]
        async with session.get(EVENTS) as response:
            assert (response.status, (await response.json())["code"]) == (429, "rate_limited")
            assert response.headers["Retry-After"]
        async with other.get(EVENTS) as response:
            assert response.status == 200
        for stream in streams:
            stream.close()
        await until(lambda: app.lifecycle.active == 0)
        async with session.get(EVENTS) as response:
            assert response.status == 200


async def test_long_polls_of_one_credential_are_bounded_and_all_woken(tmp_path: Path, pki_folder: Path) -> None:
    """Too many readers that wait are told so; one document answers all the others at once."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder, more="[limits]\nrequests_at_once = 3\n")
    async with made.running() as app, made.client(COMMUNE) as commune, made.client(PROVINCE) as province:
        polls = [asyncio.ensure_future(commune.inbox(wait=30)) for _ in range(3)]
        await until(lambda: len(app.gateway.mailbox._polls) == 3)
        with pytest.raises(ProblemError) as caught:
            await commune.inbox(wait=30)
        assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limited", 1)
        await province.submit(document(PROVINCE, [COMMUNE]))
        async with asyncio.timeout(60):
            pages = await asyncio.gather(*polls)
        assert {len(page.items) for page in pages} == {1}
        assert len((await commune.inbox(wait=30)).items) == 1


async def test_client_that_reads_nothing_loses_its_stream(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds up neither the server nor the streams of others, and what it did not read is not gathered."""
    app = installation.app
    assert app is not None
    made = 0

    async def flood(caller: Caller, since: int | None) -> AsyncGenerator[EventOut, None]:
        nonlocal made
        while True:
            made += 1
            yield EventOut(
                seq=made,
                kind="document.accepted",
                at=datetime.now(UTC),
                message_id=None,
                delivery_id=None,
                facts={"x": "x" * 100_000},
            )

    monkeypatch.setattr(app.gateway.feed, "events", flood)
    monkeypatch.setattr("gateway.api.events.STALL", 0.3)
    tls = client_tls_context(installation.pki.anchors(TrustPurpose.TLS))
    reader, writer = await asyncio.open_connection("localhost", app.port, ssl=tls)
    head = (
        f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {installation.tokens[COMMUNE]}\r\n\r\n"
    )
    writer.write(head.encode())
    await reader.readuntil(b"retry:")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    async with installation.client(PROVINCE) as province:
        await province.limits()
        await until(lambda: app.metrics.event_streams._value.get() == 0)
    assert made < 2000
    writer.transport.abort()


async def test_shutdown_ends_polls_with_a_page_and_streams_without_an_error(
    tmp_path: Path, pki_folder: Path
) -> None:
    """Nobody waits for the drain's end, and nobody is cut off in the middle of a line."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    async with AsyncExitStack() as server, AsyncExitStack() as clients:
        app = await server.enter_async_context(made.running())
        session = await clients.enter_async_context(session_of(made, COMMUNE))
        commune = await clients.enter_async_context(made.client(COMMUNE))
        stream = await session.get(EVENTS)
        assert await stream.content.readline() == b"retry: 3000\n"
        poll = asyncio.ensure_future(commune.inbox(wait=60))
        await until(lambda: len(app.gateway.mailbox._polls) == 1)
        started = app.foundation.clock.monotonic()
        await server.aclose()
        assert app.foundation.clock.monotonic() - started < made.settings.server.drain_timeout.total_seconds()
        assert (await poll).items == []
        assert await stream.content.read() == b"\n"
        stream.close()


async def test_stream_goes_on_where_it_was_after_a_restart(tmp_path: Path, pki_folder: Path) -> None:
    """What happened while nobody listened comes first; nothing twice. A number to come hides nothing."""
    folder = tmp_path / "site"
    folder.mkdir()
    made = await prepare(folder, pki_folder)
    async with made.running(), made.client(PROVINCE) as province, session_of(made, PROVINCE) as session:
        for number in ("1", "2"):
            await province.submit(document(PROVINCE, [COMMUNE], number=number))
        async with session.get(f"{EVENTS}?since=0") as response:
            first, second = await ids(response, 2)
    async with made.running(), made.client(PROVINCE) as province, session_of(made, PROVINCE) as session:
        await province.submit(document(PROVINCE, [COMMUNE], number="3"))
        async with session.get(EVENTS, headers={"Last-Event-ID": str(first)}) as response:
            again, third = await ids(response, 2)
        assert again == second < third
        async with session.get(EVENTS, headers={"Last-Event-ID": str(10**15)}) as response:
            upcoming = asyncio.ensure_future(ids(response, 1))
            await asyncio.sleep(0.3)
            assert not upcoming.done()
            await province.submit(document(PROVINCE, [COMMUNE], number="4"))
            (fourth,) = await upcoming
        assert fourth > third
