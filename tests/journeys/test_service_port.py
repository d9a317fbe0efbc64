"""One suite for everybody who implements `gateway.api.service.Gateway`: the fake keeps the real one's promises."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from gateway.api import models
from gateway.api.service import DocumentQuery
from gateway.errors import RefusedError
from gateway.ids import uuid7
from tests.journeys.installation import prepare
from tests.journeys.port_lab import PortLab, fake_lab, read, real_lab

WITHDRAWAL = models.Withdrawal(reason="nhầm")
SEEN = models.NewStatus(code="01")


@pytest.fixture(params=["fake", "real"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path, pki_folder: Path) -> AsyncIterator[PortLab]:
    """Each implementation in turn."""
    if request.param == "fake":
        async with fake_lab(tmp_path) as fake:
            yield fake
    else:
        folder = tmp_path / "site"
        folder.mkdir()
        async with real_lab(await prepare(folder, pki_folder)) as real:
            yield real


async def refused(act: Awaitable[object]) -> str:
    """The code of the refusal."""
    with pytest.raises(RefusedError) as caught:
        await act
    return caught.value.code


async def state_of(lab: PortLab, message_id: str) -> str:
    """Where the only delivery stands."""
    (line,) = await lab.gateway.deliveries(lab.sender, message_id)
    return line.state


async def events(lab: PortLab, since: int | None, count: int) -> list[models.EventOut]:
    """The next so many that the sender sees."""
    async with aclosing(lab.gateway.events(lab.sender, since)) as stream, asyncio.timeout(60):
        return [await anext(stream) for _ in range(count)]


async def test_acceptance_names_bytes_and_lines(lab: PortLab) -> None:
    """The 202 says what was taken and for whom."""
    body = lab.document()
    answer = await lab.accept(body)
    accepted = msgspec.json.decode(answer.body, type=models.Accepted)
    assert (answer.status, answer.replayed, accepted.kind) == (202, False, "document")
    assert (accepted.size, accepted.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert [(line.organ_id, line.state) for line in accepted.deliveries] == [(lab.recipient_code, "queued")]
    assert accepted.receipt.href == f"/api/v1/documents/{accepted.id}/receipt"


async def test_same_bytes_get_the_same_answer(lab: PortLab) -> None:
    """With a key, without one, or with one only the second time: it is the same request."""
    body = lab.document()
    first = await lab.accept(body)
    for key in (None, "k", "k", None):
        again = await lab.accept(body, key=key)
        assert (again.body, again.replayed) == (first.body, True)
    assert len((await lab.gateway.documents(lab.sender, DocumentQuery(limit=10))).items) == 1


async def test_key_means_one_request(lab: PortLab) -> None:
    """Another body under a key that was used is refused; what was refused did not use its key."""
    assert await refused(lab.accept(b"not xml", key="k")) == "xml_not_wellformed"
    first = await lab.accept(lab.document(), key="k")
    assert not first.replayed
    assert await refused(lab.accept(lab.document(), key="k")) == "idempotency_key_reused"


async def test_validation_stores_nothing(lab: PortLab) -> None:
    """It says what acceptance would."""
    good, bad = await lab.validate(lab.document()), await lab.validate(b"not xml")
    assert (good.ok, good.reason, good.kind) == (True, "", "document")
    assert (bad.ok, bad.reason, bad.kind, bad.dialect) == (False, "xml_not_wellformed", "", "")
    assert not (await lab.gateway.documents(lab.sender, DocumentQuery(limit=10))).items


async def test_statuses_come_by_both_doors_and_documents_by_one(lab: PortLab) -> None:
    """`accept` takes both kinds, `accept_status` statuses only; a status goes to the document's sender."""
    assert await refused(lab.accept(lab.document(), status_only=True)) == "edxml_invalid"
    await lab.accepted()
    answer = await lab.accept(lab.status(), caller=lab.recipient)
    accepted = msgspec.json.decode(answer.body, type=models.Accepted)
    assert (accepted.kind, [line.organ_id for line in accepted.deliveries]) == ("status", [lab.sender_code])
    (item,) = (await lab.inbox(lab.sender)).items
    assert (item.kind, item.message_id) == ("status", accepted.id)


async def test_documents_are_listed_newest_first_in_pages(lab: PortLab) -> None:
    """Every one once, none of others; an unreadable cursor is told."""
    ids = [(await lab.accepted()).id for _ in range(3)]
    first = await lab.gateway.documents(lab.sender, DocumentQuery(limit=2))
    assert first.next is not None
    second = await lab.gateway.documents(lab.sender, DocumentQuery(limit=2, cursor=first.next))
    assert [item.id for item in first.items + second.items] == ids[::-1]
    assert second.next is None
    for other in (lab.recipient, lab.stranger):
        assert not (await lab.gateway.documents(other, DocumentQuery(limit=2))).items
    for query in (DocumentQuery(limit=2, number="0"), DocumentQuery(limit=2, state="dead")):
        assert not (await lab.gateway.documents(lab.sender, query)).items
    wrong = DocumentQuery(limit=2, cursor="§")
    assert await refused(lab.gateway.documents(lab.sender, wrong)) == "parameter_invalid"


async def test_sender_sees_its_document_and_nobody_else_does(lab: PortLab) -> None:
    """What belongs to somebody else does not exist; the receipt is the recipient's, too."""
    body = lab.document()
    accepted = await lab.accepted(body)
    gateway = lab.gateway
    assert (await gateway.document(lab.sender, accepted.id)).states == {"queued": 1}
    content = await gateway.content(lab.sender, accepted.id)
    assert (read(content), content.sha256) == (body, accepted.sha256)
    assert await gateway.findings(lab.sender, accepted.id) == accepted.findings
    for caller in (lab.sender, lab.recipient):
        assert msgspec.json.decode((await gateway.receipt(caller, accepted.id)).transfer)
    assert await refused(gateway.receipt(lab.stranger, accepted.id)) == "not_found"
    for caller, key in ((lab.recipient, accepted.id), (lab.stranger, accepted.id), (lab.sender, uuid7())):
        for act in (
            gateway.document(caller, key),
            gateway.content(caller, key),
            gateway.findings(caller, key),
            gateway.deliveries(caller, key),
            gateway.withdraw(caller, key, WITHDRAWAL),
            gateway.redeliver(caller, key, models.Redelivery(reason="lại", recipients=[])),
        ):
            assert await refused(act) == "not_found"


async def test_withdrawal_takes_back_what_nobody_has(lab: PortLab) -> None:
    """Once; the item is gone for its recipient, and a strange recipient is named."""
    accepted = await lab.accepted()
    delivery = accepted.deliveries[0].id
    unknown = models.Withdrawal(reason="nhầm", recipients=["009.09.09.H33"])
    assert await refused(lab.gateway.withdraw(lab.sender, accepted.id, unknown)) == "recipient_unknown"
    done = await lab.gateway.withdraw(lab.sender, accepted.id, WITHDRAWAL)
    assert ([line.id for line in done.withdrawn], done.left) == ([delivery], [])
    assert await state_of(lab, accepted.id) == "withdrawn"
    assert not (await lab.inbox()).items
    assert await refused(lab.gateway.withdraw(lab.sender, accepted.id, WITHDRAWAL)) == "already_left"
    for act in (
        lab.gateway.inbox_detail(lab.recipient, delivery),
        lab.gateway.inbox_content(lab.recipient, delivery, ""),
        lab.gateway.acknowledge(lab.recipient, delivery, ""),
        lab.gateway.answer(lab.arrival(lab.recipient), delivery, SEEN, ""),
    ):
        assert await refused(act) == "state_forbids"


async def test_what_was_handed_out_cannot_be_withdrawn(lab: PortLab) -> None:
    """The first byte decides."""
    accepted = await lab.accepted()
    await lab.gateway.inbox_content(lab.recipient, accepted.deliveries[0].id, "")
    assert await refused(lab.gateway.withdraw(lab.sender, accepted.id, WITHDRAWAL)) == "already_left"


async def test_only_what_failed_is_sent_again(lab: PortLab) -> None:
    """What waits, is under way or was taken back is not; a strange recipient is named."""
    accepted = await lab.accepted()
    again = models.Redelivery(reason="lại", recipients=[lab.recipient_code])
    unknown = models.Redelivery(reason="lại", recipients=["009.09.09.H33"])
    assert await refused(lab.gateway.redeliver(lab.sender, accepted.id, unknown)) == "recipient_unknown"
    assert await refused(lab.gateway.redeliver(lab.sender, accepted.id, again)) == "state_forbids"
    await lab.gateway.withdraw(lab.sender, accepted.id, WITHDRAWAL)
    assert await refused(lab.gateway.redeliver(lab.sender, accepted.id, again)) == "state_forbids"


async def test_listing_pages_and_never_consumes(lab: PortLab) -> None:
    """A cursor goes on after the last item; without it everything comes again."""
    sent = [(await lab.accepted()).deliveries[0].id for _ in range(3)]
    first = await lab.inbox(limit=2)
    assert ([item.id for item in first.items], first.more) == (sent[:2], True)
    second = await lab.inbox(limit=2, cursor=first.cursor)
    assert ([item.id for item in second.items], second.more) == (sent[2:], False)
    last = await lab.inbox(limit=2, cursor=second.cursor)
    assert (last.items, last.cursor, last.more) == ([], second.cursor, False)
    assert [item.id for item in (await lab.inbox()).items] == sent
    assert not any(item.fetched for item in first.items)
    assert {item.organ_id for item in first.items} == {lab.recipient_code}
    assert {item.sender_organ_id for item in first.items} == {lab.sender_code}


async def test_inbox_is_filtered_by_agencies_one_speaks_for(lab: PortLab) -> None:
    """One's own code filters, another's does not exist; a cursor of somebody else's making is told."""
    await lab.accepted()
    assert len((await lab.inbox(agency=lab.recipient_code)).items) == 1
    assert await refused(lab.inbox(agency=lab.sender_code)) == "not_found"
    assert await refused(lab.inbox(cursor="§")) == "parameter_invalid"
    for other in (lab.sender, lab.stranger):
        assert not (await lab.inbox(other)).items


async def test_waiting_reader_is_woken(lab: PortLab) -> None:
    """By what comes for it, long before its time; with nothing, it gets an empty page."""
    assert not (await lab.inbox(wait=0.05)).items
    poll = asyncio.ensure_future(lab.inbox(wait=60))
    await asyncio.sleep(0)
    accepted = await lab.accepted()
    async with asyncio.timeout(60):
        assert [item.id for item in (await poll).items] == [accepted.deliveries[0].id]


async def test_waiting_reader_may_leave(lab: PortLab) -> None:
    """Cancelled while it waits, it has leased nothing."""
    poll = asyncio.ensure_future(lab.inbox(wait=60, lease=60, reader="gone"))
    await asyncio.sleep(0.05)
    poll.cancel()
    await asyncio.wait([poll])
    await lab.accepted()
    assert len((await lab.inbox(reader="other")).items) == 1


async def test_leased_item_is_one_readers(lab: PortLab) -> None:
    """Others neither see it nor get it; the envelope may be looked at."""
    delivery = (await lab.accepted()).deliveries[0].id
    (item,) = (await lab.inbox(lease=60, reader="one")).items
    assert item.id == delivery
    assert not (await lab.inbox(lease=60, reader="two")).items
    assert not (await lab.inbox()).items
    gateway, caller = lab.gateway, lab.recipient
    for act in (
        gateway.inbox_content(caller, delivery, "two"),
        gateway.answer(lab.arrival(caller), delivery, SEEN, "two"),
    ):
        assert await refused(act) == "item_leased"
    assert (await gateway.inbox_detail(caller, delivery)).item.id == delivery
    assert len((await lab.inbox(reader="one")).items) == 1
    await gateway.inbox_content(caller, delivery, "one")
    assert await refused(gateway.acknowledge(caller, delivery, "two")) == "item_leased"
    assert (await gateway.acknowledge(caller, delivery, "one")).state == "delivered"


async def test_item_is_fetched_acknowledged_and_gone(lab: PortLab) -> None:
    """In this order; repeating the acknowledgement changes nothing, and the content stays readable."""
    body = lab.document()
    accepted = await lab.accepted(body)
    delivery = accepted.deliveries[0].id
    gateway, caller = lab.gateway, lab.recipient
    assert await refused(gateway.acknowledge(caller, delivery, "")) == "item_not_fetched"
    assert await state_of(lab, accepted.id) == "queued"
    content = await gateway.inbox_content(caller, delivery, "")
    assert (read(content), content.sha256) == (body, accepted.sha256)
    assert await state_of(lab, accepted.id) == "in_flight"
    (item,) = (await lab.inbox()).items
    assert item.fetched
    for _ in range(2):
        assert (await gateway.acknowledge(caller, delivery, "")).state == "delivered"
    assert await state_of(lab, accepted.id) == "delivered"
    assert not (await lab.inbox()).items
    assert read(await gateway.inbox_content(caller, delivery, "")) == body
    assert await state_of(lab, accepted.id) == "delivered"


async def test_attachment_is_decoded_and_counts_as_fetched(lab: PortLab) -> None:
    """One that does not exist hands nothing out."""
    accepted = await lab.accepted()
    delivery = accepted.deliveries[0].id
    (told,) = (await lab.gateway.inbox_detail(lab.recipient, delivery)).attachments
    for number in (0, 2):
        with pytest.raises(RefusedError, match="not_found"):
            async with lab.gateway.attachment(lab.recipient, delivery, number, ""):
                pytest.fail("there is no such attachment")
    assert await state_of(lab, accepted.id) == "queued"
    async with lab.gateway.attachment(lab.recipient, delivery, 1, "") as content:
        data = read(content)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (content.sha256, content.size)
        assert (told.sha256, told.size, told.content_type) == (content.sha256, content.size, content.content_type)
    assert await state_of(lab, accepted.id) == "in_flight"


async def test_item_belongs_to_its_recipient(lab: PortLab) -> None:
    """Not to its sender, not to a stranger."""
    delivery = (await lab.accepted()).deliveries[0].id
    for caller in (lab.sender, lab.stranger):
        for act in (
            lab.gateway.inbox_detail(caller, delivery),
            lab.gateway.inbox_content(caller, delivery, ""),
            lab.gateway.acknowledge(caller, delivery, ""),
            lab.gateway.answer(lab.arrival(caller), delivery, SEEN, ""),
        ):
            assert await refused(act) == "not_found"


async def test_answer_reaches_the_sender_and_moves_the_line(lab: PortLab) -> None:
    """The same answer again is the same; a refusal needs a reason; the item leaves the inbox."""
    accepted = await lab.accepted()
    delivery = accepted.deliveries[0].id
    caller = lab.recipient
    await lab.gateway.inbox_content(caller, delivery, "")
    nameless = models.NewStatus(code="02")
    assert await refused(lab.gateway.answer(lab.arrival(caller), delivery, nameless, "")) == "status_reason_missing"
    first = await lab.gateway.answer(lab.arrival(caller), delivery, SEEN, "")
    again = await lab.gateway.answer(lab.arrival(caller), delivery, SEEN, "")
    assert (again.body, first.replayed, again.replayed) == (first.body, False, True)
    told = msgspec.json.decode(first.body, type=models.Accepted)
    assert (told.kind, [line.organ_id for line in told.deliveries]) == ("status", [lab.sender_code])
    assert await state_of(lab, accepted.id) == "acknowledged"
    assert not (await lab.inbox()).items
    (item,) = (await lab.inbox(lab.sender)).items
    assert (item.kind, item.status_code) == ("status", "01")


async def test_events_are_numbered_and_resumable(lab: PortLab) -> None:
    """After a number come exactly the later ones."""
    accepted = await lab.accepted()
    await lab.gateway.inbox_content(lab.recipient, accepted.deliveries[0].id, "")
    await lab.gateway.acknowledge(lab.recipient, accepted.deliveries[0].id, "")
    seen = await events(lab, 0, 3)
    assert [event.kind for event in seen] == SEEN_EVENTS
    numbers = [event.seq for event in seen]
    assert numbers == sorted(set(numbers))
    assert {event.message_id for event in seen} == {accepted.id}
    assert await events(lab, numbers[0], 2) == seen[1:]


SEEN_EVENTS = ["document.accepted", "delivery.fetched", "delivery.delivered"]


@pytest.mark.parametrize("since", [None, 10**12])
async def test_stream_without_a_number_or_with_one_to_come_begins_now(lab: PortLab, since: int | None) -> None:
    """A number that was never given, as after a restored backup, hides nothing that comes."""
    await lab.accepted()
    async with aclosing(lab.gateway.events(lab.sender, since)) as stream, asyncio.timeout(60):
        upcoming = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.2)
        assert not upcoming.done()
        accepted = await lab.accepted()
        assert (await upcoming).message_id == accepted.id


async def test_events_of_others_are_not_seen(lab: PortLab) -> None:
    """A stranger waits for ever."""
    await lab.accepted()
    async with aclosing(lab.gateway.events(lab.stranger, 0)) as stream:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(stream)


async def test_directory_is_searched_by_code_and_id(lab: PortLab) -> None:
    """An unknown id does not exist; an unknown code finds nothing."""
    (found,) = (await lab.gateway.agencies("", lab.sender_code, 10, "")).items
    assert (found.organ_id, found.id) == (lab.sender_code, lab.sender.agency_id)
    assert (await lab.gateway.agency(found.id)).id == found.id
    assert not (await lab.gateway.agencies("", "009.09.09.H33", 10, "")).items
    page = await lab.gateway.agencies("", "", 1, "")
    assert page.next is not None
    assert page.items != (await lab.gateway.agencies("", "", 1, page.next)).items
    assert await refused(lab.gateway.agency(uuid7())) == "not_found"
    assert await lab.gateway.daily_quota(lab.sender) > 0
    assert await lab.gateway.channels(lab.sender)


async def test_keys_are_certified_for_those_who_may(lab: PortLab) -> None:
    """A wrong code is told; a token cannot renew."""
    request = models.EnrolmentRequest(code="WRONG", signing_request="csr")
    assert await refused(lab.gateway.enrol(request, "127.0.0.1")) == "enrolment_code_invalid"
    renewal = models.RenewalRequest(signing_request="csr")
    assert await refused(lab.gateway.renew(lab.sender, renewal)) == "not_permitted"
