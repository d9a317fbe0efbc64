"""POST /documents and its relatives over TLS."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from io import BytesIO

import pytest

from gateway.errors import ProblemError, RefusedError, StorageBusyError
from tests.unit.api.conftest import DOCUMENT, RECIPIENT_TOKEN, Server

XML = {"Content-Type": "application/xml"}


async def test_document_sent_with_token_is_accepted_and_leaves_no_spool_file(server: Server) -> None:
    """A 202 carries the digest of the exact bytes; the spool is empty afterwards."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT, 'quo"ted key')
    assert accepted.sha256 == hashlib.sha256(DOCUMENT).hexdigest()
    assert server.gateway.arrivals[0].idempotency_key == 'quo"ted key'
    assert list(server.spool.iterdir()) == []


async def test_document_sent_with_certificate_is_accepted(server: Server) -> None:
    """The peer's certificate of the TLS connection authenticates it."""
    import aiohttp

    connector = aiohttp.TCPConnector(ssl=server.tls(own=True))
    async with (
        aiohttp.ClientSession(server.url, connector=connector) as session,
        session.post("/api/v1/documents", data=DOCUMENT, headers=XML) as response,
    ):
        assert response.status == 202
    assert server.gateway.arrivals[0].caller.method == "certificate"


async def test_repeated_key_gets_the_same_bytes_and_says_so(server: Server) -> None:
    """A replay answers byte for byte what was answered first."""
    headers = XML | {"Idempotency-Key": '"k"'}
    async with server.http() as session:
        first = await session.post("/api/v1/documents", data=DOCUMENT, headers=headers)
        again = await session.post("/api/v1/documents", data=DOCUMENT, headers=headers)
        other = await session.post("/api/v1/documents", data=b"<other/>", headers=headers)
        assert await first.read() == await again.read()
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert (other.status, (await other.json())["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ['"open', "é", "x" * 256, '""', '"a"; b=1', ""])
async def test_unusable_idempotency_key_is_refused(server: Server, key: str) -> None:
    """A key that we would have to guess at is refused, not trimmed."""
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=DOCUMENT, headers=XML | {"Idempotency-Key": key}) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (400, "idempotency_key_invalid")


async def test_refusal_carries_both_languages_findings_and_trace(server: Server) -> None:
    """A problem names the code, what happened, what to do and the id to quote."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = XML | {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=b"not xml", headers=headers) as response,
    ):
        body = await response.json(content_type="application/problem+json")
        assert response.headers["Trace-Id"] == body["traceId"] == trace
    assert (body["status"], body["code"], body["detail"]) == (422, "xml_not_wellformed", "line 1")
    assert body["message"]["vi"]
    assert body["nextStep"]["en"]
    assert body["findings"][0]["rule"] == "EDX-XML-01"


async def test_trace_id_reaches_the_facade(server: Server) -> None:
    """The id of the answer is the id the ledger records."""
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=DOCUMENT, headers=XML) as response,
    ):
        assert response.headers["Trace-Id"] == server.gateway.arrivals[0].trace_id


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, XML | {"Content-Encoding": "gzip"}])
async def test_unsupported_media_is_refused(server: Server, headers: dict[str, str]) -> None:
    """Neither other types nor compressed bodies are taken."""
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=DOCUMENT, headers=headers) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (415, "media_type_unsupported")
    assert server.gateway.arrivals == []


async def test_announced_body_over_the_limit_is_refused_unread(server: Server) -> None:
    """A Content-Length over the limit is refused before anything is written."""
    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=BytesIO(b"<" * 2_000_001), headers=XML) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (413, "body_too_large")
    assert list(server.spool.iterdir()) == []


async def test_streamed_body_over_the_limit_is_refused(server: Server) -> None:
    """A body without a length is cut at the limit and leaves nothing in the spool."""

    async def pieces() -> object:
        for _ in range(40):
            yield b"<" * 65536

    async with (
        server.http() as session,
        session.post("/api/v1/documents", data=pieces(), headers=XML) as response,
    ):
        assert (response.status, (await response.json())["code"]) == (413, "body_too_large")
    assert list(server.spool.iterdir()) == []


async def test_empty_body_is_refused(server: Server) -> None:
    """No bytes are no document."""
    async with server.http() as session, session.post("/api/v1/documents", data=b"", headers=XML) as response:
        assert (await response.json())["code"] == "xml_not_wellformed"


@pytest.mark.parametrize("name", ["Content-Digest", "Repr-Digest"])
async def test_digest_is_checked(server: Server, name: str) -> None:
    """A digest that does not match refuses, one that matches accepts, a damaged one is malformed."""
    right = b64encode(hashlib.sha256(DOCUMENT).digest()).decode()
    wrong = b64encode(bytes(32)).decode()
    async with server.http() as session:
        for value, status, code in (
            (f"sha-256=:{right}:", 202, None),
            (f"md5=:AAAA:, sha-256=:{right}:", 202, None),
            (f"sha-256=:{wrong}:", 422, "digest_mismatch"),
            ("sha-256=abc", 400, "request_malformed"),
            ("sha-256=:AAAA:", 400, "request_malformed"),
        ):
            async with session.post("/api/v1/documents", data=DOCUMENT, headers=XML | {name: value}) as response:
                assert (response.status, (await response.json()).get("code")) == (status, code), value


async def test_body_cut_off_is_recorded_nowhere(server: Server) -> None:
    """A connection that ends inside a body leaves no document and no spool file."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, ssl=server.tls(), server_hostname="localhost"
    )
    head = (
        "POST /api/v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\n"
        f"Authorization: Bearer gw_sender-token-000000000000\r\nContent-Length: {len(DOCUMENT)}\r\n\r\n"
    )
    writer.write(head.encode() + DOCUMENT[:100])
    await writer.drain()
    while not server.lifecycle.active:  # noqa: ASYNC110 - the server has no signal for "headers read"
        await asyncio.sleep(0)
    writer.close()
    await writer.wait_closed()
    del reader
    await server.lifecycle.idle()
    assert server.gateway.arrivals == []
    assert list(server.spool.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RefusedError("disk_nearly_full", retry_after=60), 503, "disk_nearly_full"),
        (RefusedError("quota_exceeded"), 429, "quota_exceeded"),
        (StorageBusyError(), 503, "server_busy"),
        (ZeroDivisionError("secret inside"), 500, "internal_error"),
        (RefusedError("no_such_code"), 500, "internal_error"),
    ],
)
async def test_errors_of_the_facade_become_problems(
    server: Server, error: Exception, status: int, code: str
) -> None:
    """Known errors keep their code, unknown ones say nothing of the inside; temporary ones say when to return."""
    server.gateway.failures["accept"] = error
    async with server.client() as client:
        with pytest.raises(ProblemError) as caught:
            await client.submit(DOCUMENT)
        assert (await client.submit(DOCUMENT)).size == len(DOCUMENT)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert "secret" not in str(caught.value)
    assert (caught.value.retry_after is not None) == (status in {429, 503})
    if code == "disk_nearly_full":
        assert caught.value.retry_after == 60


async def test_status_and_validation_have_their_own_doors(server: Server) -> None:
    """A status is accepted under /statuses; /validate stores nothing."""
    async with server.client(RECIPIENT_TOKEN) as client:
        assert (await client.post_status(b"<status/>")).kind == "status"
        before = len(server.gateway.messages)
        assert not (await client.validate(b"oops")).ok
        assert (await client.validate(DOCUMENT)).ok
    assert len(server.gateway.messages) == before
    assert list(server.spool.iterdir()) == []
