"""What senders look up, and files as answers."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from gateway.errors import ProblemError, UnreachableError
from gateway.model import AgencyId
from gateway.storage.body_format import HEADER
from tests.fakes.authenticator_fake import caller_of
from tests.fakes.gateway_shapes import NOW
from tests.unit.api.conftest import DOCUMENT, RECIPIENT_TOKEN, Server

PATHS = ("", "/content", "/receipt", "/findings", "/deliveries")


async def test_sender_sees_its_document_receipt_findings_and_deliveries(server: Server) -> None:
    """Everything about one document hangs below its id."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
        assert (await client.document(accepted.id)).sha256 == accepted.sha256
        assert await client.original(accepted.id) == DOCUMENT
        transfer, xades = await client.receipt(accepted.id)
        assert accepted.id.encode() in transfer
        assert xades == b"<Signature/>"
        assert await client.findings(accepted.id) == []
        assert [line.id for line in await client.deliveries(accepted.id)] == [accepted.deliveries[0].id]


@pytest.mark.parametrize("path", PATHS)
async def test_somebody_elses_document_is_not_found(server: Server, path: str) -> None:
    """Foreign, unknown and impossible ids cannot be told apart."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
    server.authenticator.tokens["gw_stranger-token-00000000000"] = caller_of(AgencyId("agency-other"))
    async with server.http("gw_stranger-token-00000000000") as session:
        answers = []
        for found in (accepted.id, "0190a000-0000-7000-8000-000000000000", "x" * 65):
            async with session.get(f"/api/v1/documents/{found}{path}") as response:
                body = await response.json()
                answers.append((response.status, body["code"], body["detail"]))
    assert set(answers) == {(404, "not_found", "")}


async def test_pages_go_on_from_their_cursor(server: Server) -> None:
    """Newest first, each document once."""
    async with server.client() as client:
        sent = [(await client.submit(b"<d>%d</d>" % number)).id for number in range(5)]
        first = await client.documents(limit=2)
        second = await client.documents(limit=2, cursor=first.next or "")
        third = await client.documents(limit=2, cursor=second.next or "")
    assert [out.id for page in (first, second, third) for out in page.items] == sent[::-1]
    assert third.next is None


async def test_filters_reach_the_facade(server: Server) -> None:
    """Each filter narrows the list."""
    day, next_day = NOW.date().isoformat(), (NOW + timedelta(days=1)).date().isoformat()
    async with server.client() as client:
        await client.submit(DOCUMENT)
        for filters, count in (
            ({"number": "125", "notation": "UBND-VP", "state": "queued", "kind": "document"}, 1),
            ({"from": day, "to": day}, 1),
            ({"from": next_day}, 0),
            ({"state": "delivered"}, 0),
            ({"documentId": "other"}, 0),
        ):
            assert len((await client.documents(**filters)).items) == count, filters


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=501", "limit"),
        ("state=lost", "state"),
        ("state=null", "state"),
        ("from=2018-13-01", "from"),
        ("unknown=1", "unknown"),
        ("limit=1&limit=2", "limit"),
        ("cursor=abc", "cursor"),
        ("number=%00", "number"),
    ],
)
async def test_wrong_parameter_is_named(server: Server, query: str, name: str) -> None:
    """`detail` begins with the parameter's name."""
    async with server.http() as session, session.get(f"/api/v1/documents?{query}") as response:
        body = await response.json()
        assert (response.status, body["code"]) == (422, "parameter_invalid")
        assert body["detail"].startswith(f"{name}:")


async def test_content_has_digest_tag_and_safe_name(server: Server) -> None:
    """The reader can check the bytes and save them."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
    async with server.http() as session:
        path = f"/api/v1/documents/{accepted.id}/content"
        async with session.get(path) as response:
            assert await response.read() == DOCUMENT
            assert response.headers["ETag"] == f'"{accepted.sha256}"'
            assert response.headers["Content-Disposition"] == 'attachment; filename="document.edxml"'
            assert response.headers["Cache-Control"] == "private, no-cache"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "aiohttp" not in response.headers["Server"]
        async with session.get(path, headers={"If-None-Match": f'"{accepted.sha256}"'}) as response:
            assert (response.status, await response.read()) == (304, b"")


@pytest.mark.parametrize(
    ("value", "status", "expected"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=500-", 206, slice(500, None)),
        ("bytes=-10", 206, slice(-10, None)),
        ("bytes=0-99999999", 206, slice(0, None)),
        ("bytes=5-2", 200, slice(0, None)),
        ("bytes=0-1,3-4", 200, slice(0, None)),
        ("lines=1-2", 200, slice(0, None)),
    ],
)
async def test_range_is_served(server: Server, value: str, status: int, expected: slice) -> None:
    """One range of bytes; what is not understood is ignored, as RFC 9110 says."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
    async with (
        server.http() as session,
        session.get(f"/api/v1/documents/{accepted.id}/content", headers={"Range": value}) as response,
    ):
        assert (response.status, await response.read()) == (status, DOCUMENT[expected])


async def test_range_outside_the_file_is_refused_with_its_size(server: Server) -> None:
    """416 tells how long the file is."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
    async with (
        server.http() as session,
        session.get(f"/api/v1/documents/{accepted.id}/content", headers={"Range": "bytes=9999-"}) as response,
    ):
        assert (await response.json())["code"] == "range_not_satisfiable"
        assert (response.status, response.headers["Content-Range"]) == (416, f"bytes */{len(DOCUMENT)}")


async def test_range_of_another_version_is_ignored(server: Server) -> None:
    """If-Range with another tag sends the whole file."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
    headers = {"Range": "bytes=0-3", "If-Range": '"other"'}
    async with (
        server.http() as session,
        session.get(f"/api/v1/documents/{accepted.id}/content", headers=headers) as response,
    ):
        assert response.status == 200


async def test_large_content_streams_whole_and_in_part(server: Server) -> None:
    """Files above the memory limit go out in pieces with the same promises."""
    large = b"<d>" + bytes(range(256)) * 5000
    async with server.client() as client:
        accepted = await client.submit(large)
        assert hashlib.sha256(await client.original(accepted.id)).hexdigest() == accepted.sha256
    async with (
        server.http() as session,
        session.get(f"/api/v1/documents/{accepted.id}/content", headers={"Range": "bytes=1-900000"}) as response,
    ):
        assert await response.read() == large[1:900_001]


async def test_missing_body_on_disk_is_our_trouble_not_a_traceback(server: Server) -> None:
    """A stored file that is too short is `body_damaged`."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
        server.gateway.messages[0].path.write_bytes(b"head")
        with pytest.raises(ProblemError) as caught:
            await client.original(accepted.id)
    assert caught.value.code == "body_damaged"


async def test_withdrawal_works_until_it_has_left(server: Server) -> None:
    """Withdrawn before, `already_left` after."""
    async with server.client() as sender, server.client(RECIPIENT_TOKEN) as recipient:
        accepted = await sender.submit(DOCUMENT)
        assert (await sender.withdraw(accepted.id, "nhầm")).withdrawn[0].state == "withdrawn"
        other = await sender.submit(b"<other/>")
        await recipient.content(other.deliveries[0].id)
        with pytest.raises(ProblemError, match="already_left"):
            await sender.withdraw(other.id, "nhầm")


async def test_what_died_is_sent_again(server: Server) -> None:
    """A new series of attempts, for recipients that the document has."""
    async with server.client() as sender:
        accepted = await sender.submit(DOCUMENT)
        with pytest.raises(ProblemError, match="state_forbids"):
            await sender.redeliver(accepted.id, "lại", ["000.01.01.H33"])
        server.gateway.messages[0].delivery.state = "dead"
        with pytest.raises(ProblemError, match="recipient_unknown"):
            await sender.redeliver(accepted.id, "lại", ["nobody"])
        assert (await sender.redeliver(accepted.id, "lại", ["000.01.01.H33"]))[0].state == "queued"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "request_malformed"),
        (b"{", 400, "request_malformed"),
        (b"[]", 422, "parameter_invalid"),
        (b"{}", 422, "parameter_invalid"),
        (b'{"reason":""}', 422, "parameter_invalid"),
        (b'{"reason":"x","more":1}', 422, "parameter_invalid"),
        (b'{"reason":"\xff"}', 400, "request_malformed"),
        (b'{"reason":"' + b"x" * 1_100_000 + b'"}', 413, "body_too_large"),
    ],
)
async def test_wrong_json_is_refused(server: Server, body: bytes, status: int, code: str) -> None:
    """JSON bodies are held against their struct."""
    from io import BytesIO

    async with (
        server.http() as session,
        session.post(
            "/api/v1/documents/x/withdraw", data=BytesIO(body), headers={"Content-Type": "application/json"}
        ) as response,
    ):
        found = await response.json(content_type="application/problem+json")
        assert (response.status, found["code"]) == (status, code)


async def test_answer_that_cannot_be_finished_breaks_off(server: Server) -> None:
    """Once bytes have left, an error must not look like the end of the file."""
    async with server.client() as client:
        accepted = await client.submit(b"<d>" + bytes(1_500_000))
        path = server.gateway.messages[0].path
        path.write_bytes(path.read_bytes()[:400_000])
        with pytest.raises(UnreachableError):
            await client.original(accepted.id)
        await client.limits()


async def test_client_notices_bytes_that_are_not_the_named_ones(server: Server) -> None:
    """Repr-Digest is checked, so a damaged file is never handed on as the document."""
    async with server.client() as client:
        accepted = await client.submit(DOCUMENT)
        server.gateway.messages[0].path.write_bytes(HEADER + DOCUMENT[:-1] + b"!")
        with pytest.raises(UnreachableError, match="digest"):
            await client.original(accepted.id)


async def test_client_says_when_nobody_is_there(server: Server) -> None:
    """A closed port is an UnreachableError, not an exception of the HTTP library."""
    await server.listener.close()
    async with server.client() as client:
        with pytest.raises(UnreachableError, match="limits"):
            await client.limits()
