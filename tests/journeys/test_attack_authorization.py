"""What the owner of one office's credential, or a hostile relay, tries on what belongs to others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.api import models
from gateway.client import GatewayClient
from gateway.config.values import Size
from gateway.directory.changes import SetEndpoint, SetEndpointOperation
from gateway.edxml.envelope import BusinessType
from gateway.errors import ProblemError
from gateway.ledger.acts import Act, ActOperation
from gateway.states import Trigger
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, OWN, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, document_id, status
from tests.journeys.receiver import Came, Receiver, Reply
from tests.journeys.test_journey import reaches


async def refusal(asked: Awaitable[object]) -> str:
    """The reason code of a request that must be refused."""
    with pytest.raises(ProblemError) as caught:
        await asked
    return caught.value.code


async def waiting_item(client: GatewayClient) -> str:
    """The one item of an inbox."""
    return (await client.inbox(wait=5)).items[0].id


@pytest.mark.parametrize("attacker", [PUSHED, AXIS])
async def test_document_of_others_does_not_exist_for_anybody_else(
    installation: Installation, attacker: str
) -> None:
    """Reads and acts on foreign ids answer as for ids that were never given out."""
    async with (
        installation.client(PROVINCE) as province,
        installation.client(COMMUNE) as commune,
        installation.client(attacker) as other,
    ):
        message = (await province.submit(document(PROVINCE, [COMMUNE]))).id
        item = await waiting_item(commune)
        for asked in (
            other.document(message),
            other.original(message),
            other.receipt(message),
            other.findings(message),
            other.deliveries(message),
            other.withdraw(message, "x"),
            other.redeliver(message, "x", [COMMUNE]),
            other.item(item),
            other.content(item),
            other.attachment(item, 1),
            other.ack(item),
            other.answer(item, models.NewStatus(code="03")),
        ):
            assert await refusal(asked) == "not_found"
        assert not (await other.documents()).items
        assert not (await other.inbox()).items


@pytest.mark.parametrize("business", [BusinessType.RECALL, BusinessType.UPDATE, BusinessType.REPLACEMENT])
@pytest.mark.parametrize("attacker", [COMMUNE, MINISTRY])
async def test_request_about_a_document_of_others_moves_nothing(
    installation: Installation, attacker: str, business: BusinessType
) -> None:
    """Neither a recipient nor what a relay brings can withdraw a document by naming its DocumentId."""
    carrier = AXIS if attacker == MINISTRY else attacker
    async with installation.client(PROVINCE) as province, installation.client(carrier) as other:
        message = (await province.submit(document(PROVINCE, [COMMUNE]))).id
        attack = document(attacker, [COMMUNE], number="9", business=business, about=document_id(PROVINCE))
        await other.submit(attack)
        assert await refusal(other.post_status(status(attacker, "13", sender=PROVINCE))) == (
            "status_document_unknown"
        )
        assert [line.state for line in await province.deliveries(message)] == ["queued"]


async def test_relay_that_guesses_a_document_id_learns_nothing(installation: Installation) -> None:
    """Only who brings the very bytes, or was given the document, is told of its receipt and recipients."""
    guess = document(PROVINCE, [COMMUNE], subject="đoán mò")
    async with installation.client(PROVINCE) as province, installation.client(AXIS) as axis:
        await province.submit(document(PROVINCE, [COMMUNE]))
        assert await refusal(axis.submit(guess)) == "sender_not_permitted"


async def test_changed_copy_of_what_the_relay_was_given_is_linked(
    installation: Installation, receiver: Receiver
) -> None:
    """An axis that writes the envelope anew still gets the first receipt for what we gave it."""
    async with installation.client(PROVINCE) as province, installation.client(AXIS) as axis:
        accepted = await province.submit(document(PROVINCE, [MINISTRY, COMMUNE]))
        await receiver.wait_for(1)
        again = await axis.submit(document(PROVINCE, [MINISTRY, COMMUNE], subject="ghi lại"))
        assert again.id == accepted.id


async def test_relay_may_not_speak_as_the_gateway_or_as_an_office_that_connects_here(
    installation: Installation,
) -> None:
    """An agency without a channel is no outside agency while it is ourselves or has a credential here."""
    assert installation.app is not None
    base = installation.app.foundation
    found = await base.directory.resolve([COMMUNE], base.clock.now())
    async with installation.client(AXIS) as axis:
        assert await refusal(axis.submit(document(OWN, [COMMUNE]))) == "sender_not_permitted"
        assert await refusal(axis.post_status(status(OWN, "02", sender=PROVINCE, description="x"))) == (
            "sender_not_permitted"
        )
        change = SetEndpoint(
            agency_id=found[COMMUNE].id, endpoint_id=None, actor="operator:test", now=base.clock.now()
        )
        await base.directory.apply(base.pump, SetEndpointOperation(), change)
        assert await refusal(axis.submit(document(COMMUNE, [PROVINCE]))) == "sender_not_permitted"


async def test_item_taken_back_shows_its_recipient_nothing_more(installation: Installation) -> None:
    """An id noted before the withdrawal opens neither envelope, content, receipt nor an answer."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        message = (await province.submit(document(PROVINCE, [COMMUNE]))).id
        item = await waiting_item(commune)
        await province.withdraw(message, "nhầm")
        for asked in (
            commune.item(item),
            commune.content(item),
            commune.attachment(item, 1),
            commune.ack(item),
            commune.answer(item, models.NewStatus(code="03")),
        ):
            assert await refusal(asked) == "state_forbids"
        assert await refusal(commune.receipt(message)) == "not_found"


async def test_reader_cannot_close_what_another_reader_holds(installation: Installation) -> None:
    """While one reader works on an item, a second with the same credential neither reads, answers nor ends it."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        await province.submit(document(PROVINCE, [COMMUNE]))
        item = (await commune.inbox(wait=5, lease=600, reader="a")).items[0].id
        await commune.content(item, reader="a")
        assert await refusal(commune.content(item, reader="b")) == "item_leased"
        assert await refusal(commune.ack(item, reader="b")) == "item_leased"
        assert await refusal(commune.answer(item, models.NewStatus(code="03"), reader="b")) == "item_leased"
        assert (await commune.ack(item, reader="a")).state == "delivered"


async def test_sender_cannot_end_a_quarantine_or_pass_it_by(installation: Installation) -> None:
    """What was set aside as dangerous waits for a person: neither a new series nor new recipients bring it out."""
    assert installation.app is not None
    base = installation.app.foundation
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        now = base.clock.now()
        act = Act(
            trigger=Trigger.QUARANTINED,
            delivery_ids=(accepted.deliveries[0].id,),
            actor="operator:test",
            note="",
            now=now,
            give_up_at=now,
        )
        await base.pump.submit(ActOperation(), act)
        for recipient in (COMMUNE, PUSHED):
            assert await refusal(province.redeliver(accepted.id, "x", [recipient])) == "state_forbids"


async def test_status_cannot_be_sent_on_to_others(installation: Installation) -> None:
    """Redelivery of a status to somebody it is not about is refused."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        await province.submit(document(PROVINCE, [COMMUNE]))
        sent = await commune.answer(await waiting_item(commune), models.NewStatus(code="03"))
        assert await refusal(commune.redeliver(sent.id, "x", [PUSHED])) == "state_forbids"


async def test_relay_claims_no_arrival(installation: Installation, receiver: Receiver) -> None:
    """Only the recipient can confirm: a relay that answers `delivered` has relayed its own at most."""
    async with installation.client(PROVINCE) as province:
        accepted = await province.submit(document(PROVINCE, [COMMUNE]))
        local = accepted.deliveries[0].id

        def claims(came: Came) -> Reply:
            lines = [{"id": key, "outcome": "delivered"} for key in (*came.deliveries, local)]
            return Reply(json={"deliveries": lines})

        receiver.answer = claims
        second = await province.submit(document(PROVINCE, [MINISTRY], number="2"))
        await reaches(province, second.id, MINISTRY, "relayed")
        assert [line.state for line in await province.deliveries(accepted.id)] == ["queued"]


async def test_idempotency_key_of_another_office_means_nothing(installation: Installation) -> None:
    """Two offices may use the same key; neither sees the other's answer."""
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        first = await province.submit(document(PROVINCE, [COMMUNE]), idempotency_key="k")
        second = await commune.submit(document(COMMUNE, [PROVINCE]), idempotency_key="k")
        assert first.id != second.id


async def test_quota_holds_against_many_requests_at_once(installation: Installation) -> None:
    """Submissions that are under way count already."""
    assert installation.app is not None
    bodies = [document(PROVINCE, [COMMUNE], number=str(100 + number)) for number in range(12)]
    installation.app.gateway.intake._default_quota = Size(3 * len(bodies[0]))
    async with installation.client(PROVINCE) as province:
        answers = await asyncio.gather(*map(province.submit, bodies), return_exceptions=True)
    refused = [answer.code for answer in answers if isinstance(answer, ProblemError)]
    assert refused == ["quota_exceeded"] * 9
