"""The whole journey over real sockets: accepted, sealed, pulled or pushed, answered, taken back."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable

import pytest

from gateway.api import models
from gateway.client import GatewayClient
from gateway.directory.endpoint_changes import UpsertEndpoint, UpsertEndpointOperation
from gateway.edxml.envelope import BusinessType
from gateway.errors import ProblemError
from gateway.notices import Announcer
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, OWN, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, document_id, status
from tests.journeys.receiver import Receiver, Reply


async def until(question: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Ask again and again until the answer is yes; only for what has no signal of its own."""
    async with asyncio.timeout(seconds):
        while not await question():  # noqa: ASYNC110  # a row of the ledger has no event to wait for
            await asyncio.sleep(0.02)


async def state_of(client: GatewayClient, message_id: str, code: str) -> models.DeliveryOut:
    """One line of a message."""
    return next(line for line in await client.deliveries(message_id) if line.organ_id == code)


async def reaches(client: GatewayClient, message_id: str, code: str, state: str) -> models.DeliveryOut:
    """A line once it is in a state, as it was then: the next attempt may already be taking it out of it."""
    async with asyncio.timeout(60):
        while (line := await state_of(client, message_id, code)).state != state:  # noqa: ASYNC110  # a row of the ledger has no event to wait for
            await asyncio.sleep(0.02)
        return line


async def test_document_is_pulled_acknowledged_and_answered(installation: Installation) -> None:
    """Accepted bytes arrive unchanged, and the receiver's own status moves the sender's line."""
    sent = document(PROVINCE, [COMMUNE])
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(sent)
        item = (await commune.inbox(wait=5)).items[0]
        assert await commune.content(item.id) == sent
        assert (await state_of(province, accepted.id, COMMUNE)).state == "in_flight"
        await commune.ack(item.id)
        assert (await state_of(province, accepted.id, COMMUNE)).state == "delivered"
        await commune.answer(item.id, models.NewStatus(code="03"))
        line = await state_of(province, accepted.id, COMMUNE)
        assert (line.state, line.business_status, line.final) == ("acknowledged", "03", True)
        back = (await province.inbox(wait=5)).items[0]
        assert (back.kind, back.status_code, back.sender_organ_id) == ("status", "03", COMMUNE)


async def test_push_carries_the_bytes_the_ids_and_a_valid_hmac(
    installation: Installation, receiver: Receiver
) -> None:
    """A pushed receiver can check who sent what, and an empty 200 is a delivery."""
    sent = document(PROVINCE, [PUSHED])
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(sent)
        came = (await receiver.wait_for(1))[0]
        assert came.body == sent
        digest = hashlib.sha256(sent)
        assert came.headers["Content-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
        text = ".".join(
            (
                came.headers["Gateway-Timestamp"],
                came.headers["Gateway-Dispatch-Id"],
                came.headers["Gateway-Deliveries"],
                digest.hexdigest(),
            )
        )
        expected = hmac.new(b"secret-of-pushed-0123456789abcdef", text.encode(), "sha256").hexdigest()
        assert came.headers["Gateway-Signature"] == f"v1={expected}"
        assert came.deliveries == {accepted.deliveries[0].id: PUSHED}
        await reaches(province, accepted.id, PUSHED, "delivered")


async def test_temporary_failure_is_retried_with_the_same_ids(
    installation: Installation, receiver: Receiver
) -> None:
    """A receiver that was busy gets the same delivery again and can dedupe on its id."""
    receiver.script.extend([Reply(status=503), Reply(status=500, text="<html>oops</html>")])
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [PUSHED]))
        first, second, third = await receiver.wait_for(3)
        assert first.deliveries == second.deliveries == third.deliveries
        await reaches(province, accepted.id, PUSHED, "delivered")


async def test_permanent_refusal_is_final_and_says_why(installation: Installation, receiver: Receiver) -> None:
    """What the peer will never take is not sent again."""
    receiver.script.append(Reply(status=422, json={"title": "sai mẫu"}))
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [PUSHED]))
        line = await reaches(province, accepted.id, PUSHED, "refused")
        assert line.reason == "peer_refused"
        assert len(receiver.came) == 1


async def test_relay_gets_one_dispatch_and_is_not_counted_as_arrival(
    installation: Installation, receiver: Receiver
) -> None:
    """What the axis took is relayed; a status of the outside agency proves the arrival."""
    async with installation.client(PROVINCE) as province, installation.client(AXIS) as axis:
        accepted = await province.submit(document(PROVINCE, [MINISTRY, COMMUNE]))
        came = (await receiver.wait_for(1))[0]
        assert list(came.deliveries.values()) == [MINISTRY]
        line = await reaches(province, accepted.id, MINISTRY, "relayed")
        assert not line.final
        await axis.post_status(status(MINISTRY, "01", sender=PROVINCE))
        line = await reaches(province, accepted.id, MINISTRY, "acknowledged")
        assert line.business_status == "01"


async def test_own_document_brought_back_by_the_axis_is_linked(installation: Installation) -> None:
    """Our document coming back is acknowledged with its first receipt and not delivered again."""
    sent = document(PROVINCE, [COMMUNE])
    async with installation.client(PROVINCE) as province, installation.client(AXIS) as axis:
        accepted = await province.submit(sent)
        again = await axis.submit(sent)
        assert again.id == accepted.id
        assert len((await province.documents()).items) == 1


async def test_axis_may_not_speak_for_an_agency_we_host(installation: Installation) -> None:
    """A relay peer speaks for any agency except those that connect here themselves."""
    async with installation.client(AXIS) as axis:
        with pytest.raises(ProblemError) as caught:
            await axis.submit(document(PROVINCE, [COMMUNE]))
        assert caught.value.code == "sender_not_permitted"


async def test_same_request_gives_the_same_answer(installation: Installation) -> None:
    """The same bytes, with or without a key, are accepted once."""
    sent = document(PROVINCE, [COMMUNE])
    async with installation.client(PROVINCE) as province:
        first = await province.submit(sent, idempotency_key="k1")
        assert await province.submit(sent, idempotency_key="k1") == first
        assert await province.submit(sent) == first
        with pytest.raises(ProblemError) as caught:
            await province.submit(document(PROVINCE, [COMMUNE], number="126"), idempotency_key="k1")
        assert caught.value.code == "idempotency_key_reused"


async def test_withdrawn_before_fetch_never_leaves(installation: Installation) -> None:
    """A document is taken back while nobody fetched it; afterwards the receiver cannot get it."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5)).items[0]
        result = await province.withdraw(accepted.id, "gửi nhầm")
        assert [line.state for line in result.withdrawn] == ["withdrawn"]
        assert (await commune.inbox()).items == []
        with pytest.raises(ProblemError) as caught:
            await commune.content(item.id)
        assert caught.value.code == "state_forbids"
        with pytest.raises(ProblemError) as caught:
            await province.withdraw(accepted.id, "lần nữa")
        assert caught.value.code == "already_left"


async def test_recall_withdraws_what_nobody_fetched(installation: Installation) -> None:
    """A recall of an unfetched document ends here: neither of the two is handed out."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        recall = document(
            PROVINCE, [COMMUNE], business=BusinessType.RECALL, about=document_id(PROVINCE), number="9"
        )
        asked = await province.submit(recall)
        assert (await state_of(province, accepted.id, COMMUNE)).state == "withdrawn"
        assert (await state_of(province, asked.id, COMMUNE)).reason == "recalled_before_leaving"
        assert (await commune.inbox()).items == []


async def test_recall_after_delivery_is_a_task_answered_15(installation: Installation) -> None:
    """A recall of what left waits for 15, which closes the request and finishes both lines."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5)).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
        await commune.answer(item.id, models.NewStatus(code="03"))
        recall = document(
            PROVINCE, [COMMUNE], business=BusinessType.RECALL, about=document_id(PROVINCE), number="9"
        )
        asked = await province.submit(recall)
        task = (await commune.inbox(wait=5)).items[0]
        assert task.business_type == "1"
        await commune.content(task.id)
        await commune.ack(task.id)
        await commune.answer(task.id, models.NewStatus(code="15"))
        assert (await state_of(province, accepted.id, COMMUNE)).business_status == "15"
        answered = await state_of(province, asked.id, COMMUNE)
        assert (answered.state, answered.business_status) == ("acknowledged", "15")


async def test_status_about_the_original_does_not_settle_a_recall_nobody_has_seen(
    installation: Installation,
) -> None:
    """Both carry one id; an answer that crosses the recall is about what its office has read."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5)).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
        recall = document(PROVINCE, [COMMUNE], business=BusinessType.RECALL, about=document_id(PROVINCE))
        asked = await province.submit(recall)
        await commune.post_status(status(COMMUNE, "03", sender=PROVINCE))
        assert (await state_of(province, accepted.id, COMMUNE)).business_status == "03"
        assert (await state_of(province, asked.id, COMMUNE)).business_status == ""
        assert [each.message_id for each in (await commune.inbox(wait=5)).items] == [asked.id]


async def test_take_back_after_delivery_is_answered_16(installation: Installation) -> None:
    """A 13 goes to the recipient as a message; its 16 reaches the sender and the original's line."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5)).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
        await province.post_status(status(PROVINCE, "13", sender=PROVINCE, description="xin lấy lại"))
        task = (await commune.inbox(wait=5)).items[0]
        assert (task.kind, task.status_code) == ("status", "13")
        await commune.content(task.id)
        await commune.ack(task.id)
        await commune.answer(task.id, models.NewStatus(code="16", description="đã xử lý"))
        line = await state_of(province, accepted.id, COMMUNE)
        assert line.business_status == "16"


async def test_status_going_backwards_is_kept_and_flagged(installation: Installation) -> None:
    """A 01 or 04 after 06 is appended to the history and moves nothing."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        await commune.post_status(status(COMMUNE, "06", sender=PROVINCE))
        await commune.post_status(status(COMMUNE, "04", sender=PROVINCE))
        assert (await state_of(province, accepted.id, COMMUNE)).business_status == "06"


@pytest.mark.parametrize(
    ("reporter", "number", "code"),
    [(COMMUNE, "404", "status_document_unknown"), (PUSHED, "125", "reporter_not_recipient")],
)
async def test_status_that_fits_nothing_is_refused_with_its_reason(
    installation: Installation, reporter: str, number: str, code: str
) -> None:
    """A reporter that connects here is told at once what is wrong."""
    async with installation.client(PROVINCE) as province, installation.client(reporter) as office:
        await province.submit(document(PROVINCE, [COMMUNE]))
        with pytest.raises(ProblemError) as caught:
            await office.post_status(status(reporter, "03", sender=PROVINCE, number=number))
        assert caught.value.code == code


async def test_status_from_the_axis_that_fits_nothing_is_parked(installation: Installation) -> None:
    """What a relay brings cannot be sent back: it waits for a person, with its bytes."""
    async with installation.client(AXIS) as axis:
        accepted = await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="404"))
        assert [finding.rule for finding in accepted.findings] == ["GW-STS-01"]
    assert installation.app is not None
    assert await installation.app.foundation.reads.parked() == 1


async def test_sender_that_reads_edxml_only_is_told_of_a_refusal(
    installation: Installation, receiver: Receiver
) -> None:
    """Our own outcome goes back as a status from the gateway's organ id and moves no line."""
    assert installation.app is not None
    base = installation.app.foundation
    endpoint = next(item for item in await base.directory.endpoints() if item.name == "province")
    change = UpsertEndpoint(
        name=endpoint.name,
        kind="inbox",
        capabilities={"outcomes": True},
        actor="operator:test",
        now=base.clock.now(),
    )
    await base.directory.apply(base.pump, UpsertEndpointOperation(), change)
    receiver.script.append(Reply(status=422))
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [PUSHED]))
        await reaches(province, accepted.id, PUSHED, "refused")
        announcer = Announcer(
            readers=base.readers,
            pump=base.pump,
            bodies=base.bodies,
            directory=base.directory,
            journey=installation.app.gateway.journey,
            clock=base.clock,
            organ_id=OWN,
        )
        await announcer.run_once()
        await announcer.run_once()
        notices = (await province.inbox(wait=5)).items
        assert [(item.status_code, item.sender_organ_id) for item in notices] == [("02", OWN)]
        line = await state_of(province, accepted.id, PUSHED)
        assert (line.state, line.business_status) == ("refused", "")


async def test_peer_that_reads_only_dialect_b_gets_a_rendition(
    installation: Installation, receiver: Receiver
) -> None:
    """The copy has its own digest, holds the same file, and is linked by an event; the original is untouched."""
    assert installation.app is not None
    base = installation.app.foundation
    await installation.reads_dialect("pushed", "B")
    sent = document(PROVINCE, [PUSHED])
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(sent)
        came = (await receiver.wait_for(1))[0]
        await reaches(province, accepted.id, PUSHED, "delivered")
        assert await province.original(accepted.id) == sent
    assert came.body != sent
    assert base64.b64encode(b"%PDF-1.4\nmot trang\n%%EOF\n") in came.body
    made = hashlib.sha256(came.body).hexdigest()
    rows = await base.readers.fetch("rendition_find", ("B", accepted.id))
    assert rows[0][:2] == ("A", made)
    assert await base.bodies.verify(made)


async def test_redeliver_brings_the_same_document_to_a_further_office(
    installation: Installation, receiver: Receiver
) -> None:
    """The same bytes and seal get a new line; who is a recipient already is not served twice."""
    sent = document(PROVINCE, [COMMUNE])
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(sent)
        added = await province.redeliver(accepted.id, "gửi bổ sung", [PUSHED])
        assert [line.organ_id for line in added] == [PUSHED]
        assert (await receiver.wait_for(1))[0].body == sent
        await reaches(province, accepted.id, PUSHED, "delivered")
        assert (await state_of(province, accepted.id, COMMUNE)).state == "queued"
        with pytest.raises(ProblemError) as caught:
            await province.redeliver(accepted.id, "lần nữa", [PUSHED])
        assert caught.value.code == "state_forbids"
