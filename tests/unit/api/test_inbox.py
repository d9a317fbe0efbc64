"""What receivers do: list, wait, lease, fetch, acknowledge, answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.api.models import NewStatus
from gateway.errors import ProblemError
from tests.unit.api.conftest import DOCUMENT, RECIPIENT_TOKEN, Server


async def test_item_stays_until_it_is_acknowledged(server: Server) -> None:
    """Listing and fetching never consume; the acknowledgement does, and may be repeated."""
    async with server.client() as sender, server.client(RECIPIENT_TOKEN) as reader:
        accepted = await sender.submit(DOCUMENT)
        item = (await reader.inbox()).items[0]
        assert (item.id, item.fetched) == (accepted.deliveries[0].id, False)
        with pytest.raises(ProblemError, match="item_not_fetched"):
            await reader.ack(item.id)
        assert await reader.content(item.id) == DOCUMENT
        assert (await reader.inbox()).items[0].fetched
        assert (await reader.ack(item.id)).state == "delivered"
        assert (await reader.ack(item.id)).state == "delivered"
        assert (await reader.inbox()).items == []


async def test_sender_cannot_see_or_touch_the_recipients_item(server: Server) -> None:
    """Every act on an item of somebody else is `not_found`."""
    async with server.client() as sender:
        delivery = (await sender.submit(DOCUMENT)).deliveries[0].id
        assert (await sender.inbox()).items == []
        for act in (
            sender.item(delivery),
            sender.content(delivery),
            sender.attachment(delivery, 1),
            sender.ack(delivery),
            sender.answer(delivery, NewStatus(code="03")),
        ):
            with pytest.raises(ProblemError) as caught:
                await act
            assert (caught.value.status, caught.value.code) == (404, "not_found")


async def test_envelope_and_attachments_are_offered_with_safe_names(server: Server) -> None:
    """An attachment is decoded and named for the receiver's disk."""
    async with server.client() as sender, server.client(RECIPIENT_TOKEN) as reader:
        delivery = (await sender.submit(DOCUMENT)).deliveries[0].id
        detail = await reader.item(delivery)
        assert detail.attachments[0].name == "công văn.pdf"
        assert await reader.attachment(delivery, 1) == DOCUMENT
        with pytest.raises(ProblemError, match="not_found"):
            await reader.attachment(delivery, 2)
    async with (
        server.http(RECIPIENT_TOKEN) as session,
        session.get(f"/api/v1/inbox/{delivery}/attachments/1") as response,
    ):
        name = response.headers["Content-Disposition"]
        assert name == "attachment; filename=\"c_ng v_n.pdf\"; filename*=UTF-8''c%C3%B4ng%20v%C4%83n.pdf"
        assert response.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("number", ["0", "x", "-1", "1.5", "999999999"])
async def test_impossible_attachment_numbers_are_not_found(server: Server, number: str) -> None:
    """A number that no attachment can have is not an error of its own."""
    async with (
        server.http(RECIPIENT_TOKEN) as session,
        session.get(f"/api/v1/inbox/x/attachments/{number}") as response,
    ):
        assert response.status == 404


async def test_lease_keeps_other_readers_away(server: Server) -> None:
    """Between two readers an item is seen by the one that leased it."""
    async with server.client() as sender, server.client(RECIPIENT_TOKEN) as reader:
        delivery = (await sender.submit(DOCUMENT)).deliveries[0].id
        assert len((await reader.inbox(lease=60, reader="one")).items) == 1
        assert (await reader.inbox(lease=60, reader="two")).items == []
        with pytest.raises(ProblemError) as caught:
            await reader.content(delivery, reader="two")
        assert (caught.value.status, caught.value.code) == (409, "item_leased")
        assert await reader.content(delivery, reader="one") == DOCUMENT
        await reader.ack(delivery, reader="one")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("wait=61", "wait"),
        ("wait=-1", "wait"),
        ("wait=nan", "wait"),
        ("wait=inf", "wait"),
        ("lease=60", "reader"),
        ("lease=3000&reader=a", "lease"),
        ("reader=" + "x" * 65, "reader"),
    ],
)
async def test_wrong_inbox_parameters_are_named(server: Server, query: str, name: str) -> None:
    """Bounds come from the declaration and the settings."""
    async with server.http(RECIPIENT_TOKEN) as session, session.get(f"/api/v1/inbox?{query}") as response:
        body = await response.json()
        assert (response.status, body["code"]) == (422, "parameter_invalid")
        assert body["detail"].startswith(f"{name}:")


async def test_inbox_of_an_agency_one_does_not_speak_for_does_not_exist(server: Server) -> None:
    """As with everything that belongs to somebody else."""
    async with server.http(RECIPIENT_TOKEN) as session, session.get("/api/v1/inbox?agency=H99") as response:
        assert (response.status, (await response.json())["code"]) == (404, "not_found")


async def test_waiting_reader_is_answered_when_something_comes(server: Server) -> None:
    """A long poll ends with the item, long before its time."""
    async with server.client() as sender, server.client(RECIPIENT_TOKEN) as reader:
        poll = asyncio.ensure_future(reader.inbox(wait=60))
        await server.gateway.waiting.wait()
        accepted = await sender.submit(DOCUMENT)
        page = await poll
    assert [item.id for item in page.items] == [accepted.deliveries[0].id]
    assert page.cursor == "1"


async def test_drain_ends_a_long_poll_with_what_is_there(server: Server) -> None:
    """A waiting reader gets its page, not an error, when the server stops."""
    async with server.client(RECIPIENT_TOKEN) as reader:
        poll = asyncio.ensure_future(reader.inbox(wait=60))
        await server.gateway.waiting.wait()
        assert await server.listener.drain(10)
        assert (await poll).items == []


async def test_reader_that_goes_away_is_noticed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long poll of a closed connection ends, so that nothing is leased to nobody."""
    monkeypatch.setattr("gateway.api.inbox._LOOK", 0.02)
    async with server.client(RECIPIENT_TOKEN) as reader:
        poll = asyncio.ensure_future(reader.inbox(wait=60, lease=60, reader="gone"))
        await server.gateway.waiting.wait()
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
    async with asyncio.timeout(60):
        await server.lifecycle.idle()


async def test_answer_builds_a_status_and_checks_it(server: Server) -> None:
    """03 is accepted, 02 needs a reason, unknown codes and naive instants are refused."""
    async with server.client() as sender, server.client(RECIPIENT_TOKEN) as reader:
        delivery = (await sender.submit(DOCUMENT)).deliveries[0].id
        status = NewStatus(code="03", reported_at=datetime(2018, 11, 1, tzinfo=UTC))
        assert (await reader.answer(delivery, status, idempotency_key="k")).kind == "status"
        with pytest.raises(ProblemError, match="status_reason_missing"):
            await reader.answer(delivery, NewStatus(code="02"))
    async with server.http(RECIPIENT_TOKEN) as session:
        for body in ({"code": "99"}, {"code": "03", "reportedAt": "2018-11-01T00:00:00"}, {}):
            async with session.post(f"/api/v1/inbox/{delivery}/status", json=body) as response:
                assert (response.status, (await response.json())["code"]) == (422, "parameter_invalid")
