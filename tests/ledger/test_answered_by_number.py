"""Who answers by number alone has answered: figures, terms and alarms have it as the document's page has it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.console.document_story import read_story
from gateway.directory.directory import Directory
from gateway.ledger.figures import due_of, unanswered
from gateway.ledger.rows import NewMessage
from gateway.reports.making import make_report
from gateway.reports.periods import Period
from tests.ledger.lab import DAY, HOUR, START, Lab, message

SENDER, OTHER = "000.00.00.H33", "000.28.23.H33"
#: That of START in Vietnam; and the day before.
TODAY, BEFORE = "2026-11-22", "2026-11-21"
FULL: dict[str, str | None] = {"code": "12/UBND-VP", "organ_id": SENDER, "promulgation_date": TODAY}


def changed(item: NewMessage, **more: Any) -> NewMessage:
    """With other columns."""
    return replace(item, message=replace(item.message, **more))


def asked(name: str = "d1", **more: Any) -> NewMessage:
    """A document to which an answer is due, to one of an office that is pushed to and one that fetches."""
    told = {"code_number": "12", "code_notation": "UBND-VP", "envelope": json.dumps({"due_date": TODAY})}
    return changed(message("a1", "i1", name=name), **told | more)


def reply(**naming: str | None) -> NewMessage:
    """An answer of the office that fetches, a number of its own."""
    envelope = json.dumps({"responses_for": [naming]})
    own = {"sender_id": "i1", "sender_code": "code of i1", "code_number": "7", "envelope": envelope}
    return changed(message("a2", name="reply", at=START + HOUR), **own)


async def is_answered(lab: Lab) -> bool:
    """Whether the report, the term, the alarm and the page agree that the office has answered the first one."""
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    links = (await read_story(lab.readers, directory, "d1", None)).links
    shown = [each.id for each in links.answered_by] == ["reply"]
    answers = {each.recipient: each.answered_at for each in await due_of(lab.readers, "d1")}
    assert answers == {"a1": None, "i1": START + HOUR if shown else None}
    today = date.fromisoformat(TODAY)
    late = (await unanswered(lab.readers, [today], limit=9))[today]
    others = [row[0] for row in await lab.rows("SELECT id FROM message WHERE id LIKE 'd_' AND id <> 'd1'")]
    owed = [each for other in others for each in await due_of(lab.readers, other) if each.answered_at is None]
    assert sum(late.values()) == (1 if shown else 2) + len(owed)
    told = await make_report(lab.readers, directory, Period(first=today, last=today), now=START + 3 * DAY)
    assert (told.total.due.overdue, told.total.due.missed) == (sum(late.values()), sum(late.values()))
    return shown


@pytest.mark.parametrize(
    ("naming", "answers"),
    [
        (FULL, True),
        (FULL | {"organ_id": ""}, True),
        (FULL | {"promulgation_date": None}, True),
        ({"code": "12/UBND-VP"}, True),
        ({"code": " 12 / UBND-VP"}, True),
        ({"code": "12/UBND - VP"}, False),
        ({"code": "12"}, False),
        ({"code": "12/UBND"}, False),
        (FULL | {"promulgation_date": BEFORE}, False),
        (FULL | {"organ_id": OTHER}, False),
    ],
)
async def test_number_issuer_and_day_are_taken_as_the_page_takes_them(
    lab: Lab, naming: dict[str, str | None], *, answers: bool
) -> None:
    """What is left away counts, what is wrong does not."""
    await lab.record(asked())
    for out in await lab.claim():
        await lab.finish(out)
    await lab.record(reply(**naming))
    assert await is_answered(lab) is answers


@pytest.mark.parametrize(
    ("other", "naming", "answers"),
    [
        ({}, FULL, False),
        ({"business_type": "2"}, FULL, True),
        ({"promulgated_on": BEFORE}, FULL, True),
        ({"promulgated_on": BEFORE}, FULL | {"promulgation_date": None}, False),
        ({"promulgated_on": None}, FULL, True),
        ({"promulgated_on": None}, FULL | {"promulgation_date": None}, False),
        ({"sender_code": OTHER}, FULL, True),
        ({"sender_code": OTHER}, FULL | {"organ_id": ""}, False),
        ({"code_notation": "UBND-TH"}, FULL, True),
    ],
)
async def test_answer_that_may_mean_another_document_answers_none(
    lab: Lab, other: dict[str, Any], naming: dict[str, str | None], *, answers: bool
) -> None:
    """Of the same number, unless issuer or day tells the two apart, or the other is only an update."""
    await lab.record(asked())
    await lab.record(asked("d2", **other))
    for out in await lab.claim(room=9):
        await lab.finish(out)
    await lab.record(reply(**naming))
    assert await is_answered(lab) is answers


@pytest.mark.parametrize(
    ("row", "code"),
    [({"code_notation": ""}, "12"), ({"code_notation": ""}, "12/"), ({"promulgated_on": None}, "12/UBND-VP")],
)
async def test_document_without_notation_or_day_is_named_without_them(
    lab: Lab, row: dict[str, Any], code: str
) -> None:
    """With a stroke or without."""
    await lab.record(asked(**row))
    for out in await lab.claim():
        await lab.finish(out)
    await lab.record(reply(code=code))
    assert await is_answered(lab)
