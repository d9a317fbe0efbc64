"""A recall or replacement that names several documents is found at each of them, and names each of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.clock import SystemClock
from gateway.console.document_links import Links
from gateway.console.document_story import read_story
from gateway.directory.directory import Directory
from gateway.ledger.inquiries import InquiryReads
from gateway.storage.migrations import MIGRATIONS
from tests.ledger.lab import HOUR, START, Lab, message, request, status

_RECALL, _REPLACEMENT = "1", "3"


async def asked(lab: Lab, business_type: str) -> str:
    """Two documents, and the request that names both; its id."""
    await lab.record(message("a1", "a2", name="first"))
    await lab.record(message("a1", name="second", at=START + HOUR))
    naming = [{"document_id": "ref first"}, {"document_id": "ref second"}]
    envelope = (
        {"business": {"replacements": naming}} if business_type == _REPLACEMENT else {"responses_for": naming}
    )
    item = request("first", "a1", withdraws=False, at=START + 2 * HOUR, also=("second",))
    row = replace(item.message, business_type=business_type, original_id="first", envelope=json.dumps(envelope))
    await lab.record(replace(item, message=row))
    return row.id


async def links(lab: Lab, key: str) -> Links:
    """What the page of a document says of others."""
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    return (await read_story(lab.readers, directory, key, None)).links


async def told(lab: Lab, key: str) -> None:
    """Each place that is asked knows the request at both documents."""
    later = await InquiryReads(lab.readers).later(["first", "second"])
    assert [(each.original_id, each.id) for each in later] == [("first", key), ("second", key)]
    for name in ("first", "second"):
        assert [each.id for each in (await links(lab, name)).changed_by] == [key]
        assert await lab.readers.fetch("message_list_about", (name,)) == [(key,)]
    assert [each.id for each in (await links(lab, key)).originals] == ["first", "second"]


@pytest.mark.parametrize("business_type", [_RECALL, _REPLACEMENT])
async def test_request_is_found_at_every_document_that_it_names(lab: Lab, business_type: str) -> None:
    """Also once it was answered; a recalled document is struck through at the desk, a replaced one is not."""
    key = await asked(lab, business_type)
    await told(lab, key)
    await lab.record(status("15", "second/a1", at=START + 3 * HOUR, answers_request=True))
    await told(lab, key)
    recalled = {"first", "second"} if business_type == _RECALL else set()
    assert {row[0] for row in await lab.rows("SELECT message_id FROM recalled")} == recalled


@pytest.mark.parametrize("business_type", [_RECALL, _REPLACEMENT])
@pytest.mark.parametrize("is_answered", [True, False])
async def test_upgrade_finds_what_earlier_requests_named(
    lab: Lab, business_type: str, *, is_answered: bool
) -> None:
    """By the DocumentIds in the message, else by the lines that still await an answer."""
    key = await asked(lab, business_type)
    if is_answered:
        await lab.rows("UPDATE delivery SET request_id = NULL")
    else:
        await lab.rows("UPDATE message SET envelope = '{}' WHERE id = ?", key)
    await lab.rows("DELETE FROM request_original")
    (file,) = MIGRATIONS.glob("*_all_that_a_request_names.sql")
    text = file.read_text(encoding="utf-8")
    statements = [each for each in text.split(";") if "INSERT OR IGNORE" in each]
    assert len(statements) == 2
    for each in statements:
        await lab.rows(each)
    await told(lab, key)
