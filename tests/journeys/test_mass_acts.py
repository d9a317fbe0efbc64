"""People's acts on a choice of deliveries with the server running: rehearsed, alone, by two persons, forwarded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from gateway.admin import mass
from gateway.admin.mass import GiveAnswer, HandedOver, MassAct
from gateway.app import Application
from gateway.eligibility import FEW, ActName, Unfit
from gateway.errors import RefusedError
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document
from tests.journeys.test_journey import until

WHY = "thử nghiệm"
FIRST, SECOND = "user:hoa", "user:minh"


def running(installation: Installation) -> Application:
    """The server."""
    assert installation.app is not None
    return installation.app


async def sent(installation: Installation, count: int, recipients: Sequence[str] = (COMMUNE,)) -> list[str]:
    """Documents of the province; the ids of their deliveries."""
    ids = []
    async with installation.client(PROVINCE) as province:
        for number in range(count):
            accepted = await province.submit(document(PROVINCE, recipients, number=str(300 + number)))
            ids += [line.id for line in accepted.deliveries]
    return ids


def asking(act: ActName, ids: list[str], **more: object) -> MassAct:
    """As the console's form does."""
    return msgspec.convert({"act": act, "deliveries": ids, "reason": WHY, **more}, MassAct)


async def states(app: Application, ids: Sequence[str]) -> list[str]:
    """Where they stand."""
    found = [await app.foundation.reads.match_delivery(key) for key in ids]
    return [str(line.state) for line in found if line is not None]


async def carried(app: Application, key: str) -> None:
    """Wait until the duty has carried it out."""

    async def ended() -> bool:
        return (await mass.proposal(app.foundation, key)).ended_at is not None

    await until(ended, 60)


async def arrived(app: Application, key: str) -> None:
    """Wait until it was delivered."""

    async def there() -> bool:
        return await states(app, [key]) == ["delivered"]

    await until(there, 60)


async def test_few_are_done_at_once_and_the_others_are_told_why(installation: Installation) -> None:
    """The rehearsal changes nothing and says the same as the act."""
    app, ids = running(installation), await sent(installation, 2)
    request = asking(ActName.HOLD, [*ids, "nobody"])
    told = await mass.rehearse(app.foundation, request)
    assert ([line.id for line in told.fit], told.unfit, told.needs_second) == (
        ids,
        {Unfit.UNKNOWN: ("nobody",)},
        False,
    )
    assert (told.asked, told.documents, told.recipients) == (3, 2, ((COMMUNE, 2),))
    assert told.words() == [(1, "không tìm thấy", "is not there")]
    assert await states(app, ids) == ["queued", "queued"]
    done = await mass.act(app, request, FIRST)
    assert done["moved"] == 2
    assert done["items"][-1] == {"id": "nobody", "why": "unknown", "moved": False}
    assert await states(app, ids) == ["held", "held"]
    rows = await app.foundation.readers.fetch("event_list_shown", {"message": told.fit[0].message_id})
    assert [row[4] for row in rows if row[1] == "delivery.held"] == [FIRST]
    assert (await mass.act(app, asking(ActName.RELEASE, ids), FIRST))["moved"] == 2
    async with installation.client(COMMUNE) as commune:
        assert len((await commune.inbox(wait=5)).items) == 2


async def test_cancelling_takes_two_persons(installation: Installation) -> None:
    """Alone it is refused; proposed and consented to, it is carried out by the duty."""
    app, ids = running(installation), await sent(installation, 1)
    request = asking(ActName.CANCEL, ids)
    with pytest.raises(RefusedError) as caught:
        await mass.act(app, request, FIRST)
    assert caught.value.code == "second_person_needed"
    made = await mass.propose(app, request, FIRST)
    [waiting] = await mass.proposals(app.foundation, waiting=True)
    assert (waiting.id, waiting.made_by, waiting.reason) == (made["proposal"], FIRST, WHY)
    yes = GiveAnswer(proposal=waiting.id, answer="consented", reason=WHY)
    with pytest.raises(RefusedError, match=FIRST):
        await mass.answer(app, yes, FIRST)
    await mass.answer(app, yes, SECOND)
    await carried(app, waiting.id)
    assert await states(app, ids) == ["withdrawn"]
    assert await mass.proposals(app.foundation, waiting=True) == []
    done = await mass.proposal(app.foundation, waiting.id)
    assert (done.moved, done.unfit, done.ended_at is None) == (1, 0, False)
    [line] = await mass.proposed_lines(app.foundation, waiting.id)
    assert (line.delivery_id, line.result, str(line.state)) == (ids[0], "moved", "withdrawn")
    with pytest.raises(RefusedError):
        await mass.proposal(app.foundation, "nobody")


async def test_many_are_proposed_and_only_what_is_fit(installation: Installation) -> None:
    """Eleven lines of one act wait for a second person; a choice without a fit one is not proposed."""
    app, ids = running(installation), await sent(installation, FEW + 1)
    with pytest.raises(RefusedError, match="more than 10"):
        await mass.act(app, asking(ActName.HOLD, ids), FIRST)
    made = await mass.propose(app, asking(ActName.HOLD, [*ids, "nobody"]), FIRST)
    assert (made["deliveries"], made["unfit"]) == (FEW + 1, 1)
    await mass.answer(app, GiveAnswer(proposal=made["proposal"], answer="consented", reason=WHY), SECOND)
    await carried(app, made["proposal"])
    assert set(await states(app, ids)) == {"held"}
    with pytest.raises(RefusedError, match="is held"):
        await mass.propose(app, asking(ActName.HOLD, ids), FIRST)


async def test_forwarded_document_goes_to_the_other_office_in_place_of_the_first(
    installation: Installation,
) -> None:
    """The new line is delivered like any other; the old one has gone another way; a second time is told."""
    app = running(installation)
    [key] = await sent(installation, 1, [PUSHED])
    await arrived(app, key)
    [held] = await sent(installation, 1, [MINISTRY])
    request = asking(ActName.FORWARD, [key], to=COMMUNE)
    done = await mass.act(app, request, FIRST)
    assert done["items"] == [{"id": key, "state": "delivered", "moved": True}]
    async with installation.client(COMMUNE) as commune:
        [item] = (await commune.inbox(wait=5)).items
    assert item.sender_organ_id == PROVINCE
    again = await mass.rehearse(app.foundation, request)
    assert again.unfit == {Unfit.IS_RECIPIENT: (key,)}
    with pytest.raises(RefusedError):
        await mass.rehearse(app.foundation, asking(ActName.FORWARD, [held], to="no such office"))


async def test_forwarding_ends_a_line_that_still_waits(installation: Installation) -> None:
    """It is not sent to both; who forwarded it is kept with the line."""
    app = running(installation)
    [key] = await sent(installation, 1)
    await mass.act(app, asking(ActName.FORWARD, [key], to=PUSHED), FIRST)
    assert await states(app, [key]) == ["handed_over"]
    async with installation.client(COMMUNE) as commune:
        assert (await commune.inbox()).items == []


async def test_forwarding_many_is_carried_out_one_by_one_and_told_each(installation: Installation) -> None:
    """What was made a recipient meanwhile, as by a run that was killed, is marked and not sent twice."""
    app, ids = running(installation), await sent(installation, FEW + 1)
    request = asking(ActName.FORWARD, ids, to=PUSHED)
    made = await mass.propose(app, request, FIRST)
    await mass.act(app, asking(ActName.FORWARD, ids[:1], to=PUSHED), FIRST)
    await mass.answer(app, GiveAnswer(proposal=made["proposal"], answer="consented", reason=WHY), SECOND)
    await carried(app, made["proposal"])
    done = await mass.proposal(app.foundation, made["proposal"])
    assert (done.moved, done.unfit) == (FEW, 1)
    results = [line.result for line in await mass.proposed_lines(app.foundation, done.id)]
    assert results == ["is_recipient", *["moved"] * FEW]
    assert set(await states(app, ids)) == {"handed_over"}


async def test_handing_over_needs_how_and_keeps_it(installation: Installation) -> None:
    """Channel, number, who and when."""
    app, ids = running(installation), await sent(installation, 1)
    with pytest.raises(RefusedError, match="by whom"):
        await mass.act(app, asking(ActName.HAND_OVER, ids), FIRST)
    request = asking(ActName.HAND_OVER, ids)
    request.handed_over = HandedOver(
        channel="post", number="EMS 1", by="Lan", at=datetime(2026, 11, 22, tzinfo=UTC)
    )
    assert (await mass.act(app, request, FIRST))["moved"] == 1
    assert await states(app, ids) == ["handed_over"]


async def test_what_was_pushed_is_pushed_again(installation: Installation) -> None:
    """It had arrived, so its state stays; what is fetched cannot be pushed."""
    app = running(installation)
    [pushed, fetched] = await sent(installation, 1, [PUSHED, COMMUNE])
    await arrived(app, pushed)
    done = await mass.act(app, asking(ActName.REDELIVER, [pushed, fetched]), FIRST)
    assert done["items"] == [
        {"id": pushed, "state": "delivered", "moved": True},
        {"id": fetched, "why": "not_arrived", "moved": False},
    ]
