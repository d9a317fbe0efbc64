"""Queues of what needs a person, on a running server: what enters them, what they suggest, how it leaves them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.admin import mass, queues
from gateway.admin.directory import EndAgency, end_agency
from gateway.admin.queues import SettleProblem
from gateway.admin.statuses import MatchStatus, match_status
from gateway.api import models
from gateway.eligibility import ActName
from gateway.errors import RefusedError
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, PUSHED, Installation
from tests.journeys.messages import document, status
from tests.journeys.test_mass_acts import FIRST, WHY, asking, running, sent, states


async def test_parked_status_names_the_delivery_that_it_means(installation: Installation) -> None:
    """A zero in front is no other document; matched with one click, it waits no more."""
    app = running(installation)
    [key] = await sent(installation, 1, [MINISTRY])
    [other] = await sent(installation, 1, [COMMUNE])
    async with installation.client(AXIS) as axis:
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="0300"))
    [found] = await queues.parked(app.foundation)
    assert (found.why, found.about.number, found.reporter_code) == ("status_document_unknown", "0300", MINISTRY)
    lines = [line.id for _, line in found.candidates]
    assert lines[0] == key
    # what went to others shows what may have been meant, and is last
    assert lines[1:] == [other]
    assert ["recipient" in each.agrees for each, _ in found.candidates] == [True, False]
    assert {"number", "notation", "day", "sender", "recipient"} <= set(found.candidates[0][0].agrees)
    await match_status(app, MatchStatus(status=found.id, delivery=lines[0], reason=WHY), FIRST)
    assert await queues.parked(app.foundation) == []
    assert await states(app, [key]) == ["acknowledged"]


async def test_successor_is_matched_once_the_directory_has_it(installation: Installation) -> None:
    """Before, its word about the other's document moves nothing, by whatever id it is asked for."""
    app = running(installation)
    [key] = await sent(installation, 1)
    async with installation.client(AXIS) as axis:
        await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number="300"))
    [found] = await queues.parked(app.foundation)
    assert found.why == "reporter_not_recipient"
    request = MatchStatus(status=found.id, delivery=key, reason=WHY)
    with pytest.raises(RefusedError) as caught:
        await match_status(app, request, FIRST)
    assert (caught.value.code, await states(app, [key])) == ("reporter_not_authorised", ["queued"])
    await end_agency(app, EndAgency(organ_id=COMMUNE, successor=MINISTRY, reason=WHY), FIRST)
    [found] = await queues.parked(app.foundation)
    assert ["recipient" in each.agrees for each, _ in found.candidates] == [True]
    told = await match_status(app, request, FIRST)
    assert (told["from_recipient"], told["state"]) == (False, "acknowledged")


async def test_document_at_a_closed_office_is_forwarded_to_its_successor(installation: Installation) -> None:
    """The suggestion is who took over; forwarded, it waits no more. Who has closed in its turn is none."""
    app = running(installation)
    key, other = await sent(installation, 2)
    assert await queues.misrouted(app.foundation) == []
    await end_agency(app, EndAgency(organ_id=COMMUNE, successor=PUSHED, reason=WHY), FIRST)
    found, later = await queues.misrouted(app.foundation)
    assert (found.line.id, later.line.id, found.why) == (key, other, "closed")
    assert found.successor is not None
    assert found.successor.organ_id == PUSHED
    request = asking(ActName.FORWARD, [key], to=found.successor.organ_id)
    assert (await mass.act(app, request, FIRST))["moved"] == 1
    assert [each.line.id for each in await queues.misrouted(app.foundation)] == [other]
    await end_agency(app, EndAgency(organ_id=PUSHED, reason=WHY), FIRST)
    suggested = {each.line.id: each.successor for each in await queues.misrouted(app.foundation)}
    assert suggested[other] is None


async def test_returned_document_waits_until_it_is_forwarded_or_settled(installation: Installation) -> None:
    """A 02 ends the line, yet somebody must look where the document belongs; who did is on its timeline."""
    app = running(installation)
    first, second = await sent(installation, 2)
    async with installation.client(COMMUNE) as commune:
        for item in (await commune.inbox(wait=5)).items:
            await commune.content(item.id)
            await commune.ack(item.id)
            await commune.answer(item.id, models.NewStatus(code="02", description="nhầm nơi nhận"))
    found = await queues.misrouted(app.foundation)
    assert {(each.line.id, each.why, each.successor, each.said) for each in found} == {
        (first, "returned", None, "nhầm nơi nhận"),
        (second, "returned", None, "nhầm nơi nhận"),
    }
    await mass.act(app, asking(ActName.FORWARD, [first], to=PUSHED), FIRST)
    settling = SettleProblem(kind="misrouted", subject=second, reason=WHY)
    await queues.settle(app, settling, FIRST)
    assert await queues.misrouted(app.foundation) == []
    assert [each.named for each in await queues.suggested(app.foundation, found)] == [None, None]
    for said, office in (
        ("Không thuộc UBND xã Một; đề nghị chuyển Uỷ ban nhân dân XÃ HAI xử lý", PUSHED),
        (f"chuyen {PUSHED} giai quyet", PUSHED),
        ("của xã khác", None),
    ):
        [told] = await queues.suggested(app.foundation, [replace(found[0], said=said)])
        assert (told.named and told.named.organ_id) == office, said
    with pytest.raises(RefusedError, match="dealt with before"):
        await queues.settle(app, settling, FIRST)
    rows = await app.foundation.readers.fetch("event_list_shown", {"message": found[0].line.message_id})
    assert [row[4] for row in rows if row[1] == "problem.settled"] == [FIRST]


async def test_conflict_and_contradiction_wait_until_they_are_settled(installation: Installation) -> None:
    """Both documents are kept, and both reports; a person says that it has been dealt with."""
    app = running(installation)
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        older = await province.submit(document(PROVINCE, [COMMUNE]))
        newer = await province.submit(document(PROVINCE, [COMMUNE], content=b"%PDF-1.4\nkhac\n%%EOF\n"))
        item = (await commune.inbox(wait=5)).items[0]
        await commune.content(item.id)
        await commune.ack(item.id)
        for code in ("05", "03"):
            await commune.answer(item.id, models.NewStatus(code=code))
    [conflict] = await queues.conflicts(app.foundation)
    assert (conflict.newer, conflict.older) == (newer.id, older.id)
    assert (conflict.code, conflict.sender) == ("125/UBND-VP", "UBND tỉnh Kiên Giang")
    [flag] = await queues.flagged(app.foundation)
    assert (flag.line.id, flag.code, flag.flag) == (item.id, "03", "status_backwards")
    for kind, subject in (("conflict", conflict.newer), ("flag", flag.id)):
        request = SettleProblem(kind=kind, subject=subject, reason=WHY)  # type: ignore[arg-type]
        await queues.settle(app, request, FIRST)
        with pytest.raises(RefusedError) as caught:
            await queues.settle(app, request, FIRST)
        assert caught.value.code == "not_found"
    assert await queues.conflicts(app.foundation) == []
    assert await queues.flagged(app.foundation) == []


async def test_quarantined_line_is_listed_until_it_is_released(installation: Installation) -> None:
    """A person puts it there, and a person lets it go."""
    app = running(installation)
    ids = await sent(installation, 2)
    await mass.act(app, asking(ActName.QUARANTINE, ids[:1]), FIRST)
    [line] = await queues.quarantined(app.foundation)
    assert (line.id, line.reason, line.detail, line.code) == (ids[0], "quarantined_by_operator", WHY, "300/UBND-VP")
    async with installation.client(COMMUNE) as commune:
        assert [item.id for item in (await commune.inbox()).items] == ids[1:]
    await mass.act(app, asking(ActName.REQUEUE, ids[:1]), FIRST)
    assert await queues.quarantined(app.foundation) == []
