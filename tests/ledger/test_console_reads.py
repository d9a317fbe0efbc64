"""What pages read of the ledger: groups of recipients, a day's hours, candidates of a status, last tries."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from gateway.clock import SystemClock, micros
from gateway.console.document_story import read_story
from gateway.directory.directory import Directory
from gateway.ledger.rows import NewMessage
from gateway.model import AgencyId, OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, request, status


def changed(item: NewMessage, **fields: Any) -> NewMessage:
    """A message with other columns."""
    return replace(item, message=replace(item.message, **fields))


async def test_recipients_are_grouped_by_what_became_of_them(lab: Lab) -> None:
    """Fetched is not unopened, refused is not returned, and who registered it has it in the book for good."""
    await lab.record(message("a1", "a2", "a3", "i1", "i2", "b1", name="d"))
    kinds = {"a1": OutcomeKind.REFUSED, "a2": OutcomeKind.DELIVERED, "a3": OutcomeKind.DELIVERED}
    for out in await lab.claim(START + MINUTE, room=50):
        await lab.finish(out, kinds.get(str(out.deliveries[0].recipient_id), OutcomeKind.DEFERRED))
    await lab.fetch("d/i1")
    await lab.record(status("03", "d/a2", at=START + HOUR))
    await lab.record(request("d", "a2", withdraws=False, at=START + 2 * HOUR))
    await lab.record(status("15", "d/a2", at=START + 3 * HOUR, answers_request=True))
    await lab.record(status("02", "d/a3", at=START + HOUR))
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    story = await read_story(lab.readers, directory, "d", None)
    groups = {str(each.agency_id): each.group for each in story.recipients}
    assert groups == {
        "a1": "refused", "a2": "booked", "a3": "returned", "b1": "under_way", "i1": "fetched", "i2": "unopened",
    }  # fmt: skip
    assert next(each for each in story.recipients if each.agency_id == "a2").business_status == "15"


async def test_try_that_did_not_work_is_told_once(lab: Lab) -> None:
    """By itself, with what was answered: that it is tried again is not told beside it, nor for several."""
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    await lab.record(message("a1", name="d"))
    for tries in (1, 2):
        for out in await lab.claim(START + tries * DAY, room=50):
            await lab.finish(out, OutcomeKind.DEFERRED, now=START + tries * DAY + MINUTE)
    whole = await read_story(lab.readers, directory, "d", None)
    assert [(each.kind, each.what, each.times) for each in whole.told] == [
        ("try", "deferred", 2),
        ("document.accepted", "", 1),
    ]
    line = await read_story(lab.readers, directory, "d", None, line="d/a1")
    assert [each.kind for each in line.told] == ["try", "try", "document.accepted"]


async def test_of_very_many_tries_and_statuses_the_newest_are_told(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many are left out is told; one office's are its own; who registered it stays in the book."""
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    await lab.record(message("a1", "a2", name="d"))
    for tries in range(1, 5):
        for out in await lab.claim(START + tries * DAY, room=50):
            kind = OutcomeKind.DELIVERED if tries == 4 else OutcomeKind.DEFERRED
            await lab.finish(out, kind, now=START + tries * DAY)
    for place, code in enumerate(("03", "04", "05")):
        for line in ("d/a1", "d/a2"):
            await lab.record(status(code, line, at=START + (10 + place) * DAY))
    monkeypatch.setattr("gateway.console.document_story.MOST_TRIES", 2)
    monkeypatch.setattr("gateway.console.document_story.MOST_STATUSES", 2)
    whole = await read_story(lab.readers, directory, "d", None)
    told = [(each.kind, each.what, each.times) for each in whole.told if each.kind in {"try", "status"}]
    assert told == [("status", "05", 2), ("try", "delivered", 2)]
    assert (whole.untold_tries, whole.untold_statuses, {each.group for each in whole.recipients}) == (
        6,
        4,
        {"booked"},
    )
    for scope, line in ((None, "d/a1"), (frozenset({AgencyId("a1")}), "")):
        own = await read_story(lab.readers, directory, "d", scope, line=line)
        assert (own.untold_tries, own.untold_statuses) == (2, 1)
        kept = [(each.kind, each.what) for each in own.told if each.kind in {"try", "status"}]
        assert kept == [("status", "05"), ("status", "04"), ("try", "delivered"), ("try", "deferred")]


async def test_very_long_story_keeps_its_beginning_and_what_people_did(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the gateway did long ago is left out, and how much of it is told; one office's story is its own."""
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    await lab.record(message("a1", "a2", "a3", "b1", name="d"))
    await lab.act(Trigger.HELD, "d/a1")
    await lab.act(Trigger.RELEASED, "d/a1")
    for tries in range(1, 5):
        for out in await lab.claim(START + tries * DAY, room=50):
            await lab.finish(out, OutcomeKind.UNKNOWN, now=START + tries * DAY)
    whole = await read_story(lab.readers, directory, "d", None)
    assert (whole.untold, "delivery.claimed" in {each.kind for each in whole.told}) == (0, False)
    monkeypatch.setattr("gateway.console.document_story.MOST_EVENTS", 5)
    story = await read_story(lab.readers, directory, "d", None)
    assert story.untold == sum(each.times for each in whole.told if each.kind not in {"try", "status"}) - 5 > 0
    kinds = [each.kind for each in story.told if each.kind != "try"]
    assert (kinds[-1], {"delivery.held", "delivery.released"} < set(kinds)) == ("document.accepted", True)
    monkeypatch.setattr("gateway.console.document_story.MOST_EVENTS", 7)
    for scope, line in ((None, "d/a1"), (frozenset({AgencyId("a1")}), "")):
        own = await read_story(lab.readers, directory, "d", scope, line=line)
        told = [each for each in own.told if each.kind != "try"]
        assert (own.untold, sum(each.times for each in told)) == (0, 7)
        assert {name for each in told for name in each.recipients} == {own.recipients[0].name}


async def test_documents_of_tests_are_in_no_hour(lab: Lab) -> None:
    """As in the figures beside."""
    await lab.record(message("a1"))
    await lab.record(changed(message("a1"), sandbox=True))
    span = {"start": micros(START), "end": micros(START + HOUR)}
    assert await lab.readers.fetch("message_count_by_hour", span) == [(0, 1)]
    assert await lab.readers.fetch("delivery_count_between", span) == [(1,)]


async def candidates(lab: Lab, since: datetime, limit: int = 100) -> set[str]:
    """Lines that a status of a1 on number 9 of the office i1 may be about."""
    asked = {
        "numbers": json.dumps(["9", "09"]), "reporters": json.dumps(["a1"]), "sender": "i1", "since": micros(since),
        "limit": limit,
    }  # fmt: skip
    return {row[0] for row in await lab.readers.fetch("delivery_list_candidates", asked)}


async def test_candidates_are_lines_of_the_sender_or_to_the_reporter(lab: Lab) -> None:
    """Each once, of late documents alone."""
    await lab.record(changed(message("a1", "a2", name="old"), code_number="9"))
    late = START + DAY
    await lab.record(changed(message("a1", "a2", name="to", at=late), code_number="09"))
    await lab.record(changed(message("a1", "a2", name="of", at=late), code_number="9", sender_id="i1"))
    await lab.record(changed(message("a2", name="no", at=late), code_number="9"))
    await lab.record(changed(message("a1", name="other", at=late), code_number="99"))
    assert await candidates(lab, late) == {"to/a1", "of/a1", "of/a2"}
    assert await candidates(lab, START) == {"old/a1", "to/a1", "of/a1", "of/a2"}
    # a circular to many does not push out what went to the reporter
    assert await candidates(lab, START, limit=3) == {"old/a1", "to/a1", "of/a1"}


async def test_urgent_that_a_system_took_and_nobody_confirmed_is_found(lab: Lab) -> None:
    """By office and urgency; not what waits in an inbox, nor what was answered, nor what went to a relay."""
    await lab.rows("UPDATE endpoint SET is_relay = 1 WHERE id = 'other'")
    for name, priority in (("flash", 3), ("urgent", 1), ("plain", 0)):
        await lab.record(changed(message("a1", "a2", "i1", "b1", name=name), priority=priority))
    for out in await lab.claim(START + MINUTE, room=50):
        await lab.finish(out, OutcomeKind.DELIVERED, now=START + MINUTE)
    await lab.record(status("01", "flash/a1", at=START + HOUR))

    async def found(*, flash: datetime, urgent: datetime, arrived: datetime = START) -> list[tuple[Any, ...]]:
        asked = {"since": micros(START - DAY), "flash": micros(flash), "urgent": micros(urgent)}
        asked |= {"flash_since": micros(START), "urgent_since": micros(arrived)}
        rows = await lab.readers.fetch("delivery_list_unconfirmed_urgent", asked)
        return sorted(row[:3] for row in rows)

    assert await found(flash=START, urgent=START) == []
    assert await found(flash=START + HOUR, urgent=START) == [("a2", 0, 1)]
    assert await found(flash=START + HOUR, urgent=START + HOUR) == [("a1", 1, 1), ("a2", 0, 1), ("a2", 1, 1)]
    late = START + MINUTE
    assert await found(flash=START + HOUR, urgent=START + HOUR, arrived=late) == [("a2", 0, 1)], "hỏa tốc stays"
    assert await lab.state("flash/b1") is State.DELIVERED
    await lab.rows("UPDATE endpoint SET is_relay = 0 WHERE id = 'other'")
    assert ("b1", 0, 1) in await found(flash=START + HOUR, urgent=START), "an office's own system would be in it"
