"""`gateway statuses`: what matched nothing is listed, matched or dismissed by a person, and fsck agrees."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from gateway.audit.fsck import examine
from gateway.foundation import database_of
from tests.journeys.installation import AXIS, COMMUNE, MINISTRY, PROVINCE, Installation
from tests.journeys.messages import document, status
from tests.unit.operate.test_commands import ACTOR, WHY, Terminal, events, server, terminal

__all__ = ["server", "terminal"]


async def parked(installation: Installation, *numbers: str) -> tuple[str, str]:
    """A document of the province to the ministry, whose axis reports on documents that nobody knows."""
    async with installation.running(), installation.client(PROVINCE) as province, installation.client(AXIS) as axis:
        accepted = await province.submit(document(PROVINCE, [MINISTRY, COMMUNE]))
        for number in numbers:
            await axis.post_status(status(MINISTRY, "03", sender=PROVINCE, number=number))
    lines = {line.organ_id: line.id for line in accepted.deliveries}
    return accepted.id, lines[MINISTRY]


async def found_by_fsck(installation: Installation) -> set[str]:
    """The codes of its findings."""
    report = await examine(installation.settings, database_of(installation.settings))
    return {finding.code for finding in report.findings}


async def test_parked_status_is_listed_matched_and_told_to_the_sender(
    installation: Installation, terminal: Terminal, server: Callable[[], Any]
) -> None:
    """The operator's word takes the place of the match: the line moves, and the sender gets the message."""
    document_id, line = await parked(installation, "404")
    async with server():
        [item] = await terminal.json("statuses", "parked")
        assert (item["code"], item["reporter"], item["number"]) == ("03", MINISTRY, "404")
        assert (item["parked"], item["about_organ_id"]) == ("status_document_unknown", PROVINCE)
        assert item["about_date"] == "2018-11-05"
        reply = await terminal.json("statuses", "match", item["id"], line, "--reason", WHY)
        assert (reply["state"], reply["business_status"], reply["moved"]) == ("acknowledged", "03", True)
        assert (reply["from_recipient"], reply["sent_to"], reply["flag"]) == (True, [PROVINCE], "")
        assert await terminal.json("statuses", "parked") == []
        [item] = await terminal.json("statuses", "parked", "--all")
        assert (item["resolution"], item["resolved_by"], item["resolved_why"]) == ("matched", ACTOR, WHY)
        code, _, err = await terminal.run("statuses", "dismiss", item["message"], "--reason", WHY)
        assert code == 1
        assert "matched before" in err
    told = await terminal.json("show", document_id)
    assert [(each["code"], each["delivery"], each["moved"]) for each in told["statuses"]] == [("03", line, True)]
    async with installation.running(), installation.client(PROVINCE) as province:
        [waiting] = (await province.inbox(wait=5)).items
        assert (waiting.kind, waiting.status_code) == ("status", "03")
    assert await found_by_fsck(installation) == set()
    kinds = [kind for kind, actor in await events(installation) if actor == ACTOR]
    assert kinds == ["status.matched", "document.readdressed", "status.recorded", "delivery.acknowledged"]


async def test_dismissed_status_stays_marked(
    installation: Installation, terminal: Terminal, server: Callable[[], Any]
) -> None:
    """It is listed no more unless asked for, and its message can still be shown."""
    await parked(installation, "404", "405")
    async with server():
        first, second = await terminal.json("statuses", "parked")
        reply = await terminal.json("statuses", "dismiss", first["message"], "--reason", WHY)
        assert reply == {"status": first["id"], "code": "03", "resolution": "dismissed"}
        assert [item["id"] for item in await terminal.json("statuses", "parked")] == [second["id"]]
        code, out, _ = await terminal.run("statuses", "parked", "--all")
        assert code == 0
        assert f"dismissed by {ACTOR}: {WHY}" in out
        told = await terminal.json("show", first["message"])
        assert [event["event"] for event in told["events"]][-1] == "status.dismissed"
    assert await found_by_fsck(installation) == set()


async def test_nobody_answers_for_an_office_but_who_speaks_for_it(
    installation: Installation, terminal: Terminal
) -> None:
    """Refused and still parked; once the directory has the agent, the operator sees that it was no recipient."""
    document_id, _ = await parked(installation, "404")
    told = await terminal.json("show", document_id)
    commune = next(line["id"] for line in told["deliveries"] if line["recipient"] == COMMUNE)
    [item] = await terminal.json("statuses", "parked")
    match = ("statuses", "match", item["id"], commune, "--reason", WHY)
    code, out, err = await terminal.run(*match)
    assert (code, out) == (1, "")
    assert "reporter_not_authorised: Văn phòng Chính phủ – UBND xã Một" in err
    told = await terminal.json("show", document_id)
    assert (told["statuses"], len(await terminal.json("statuses", "parked"))) == ([], 1)
    await terminal.json("agencies", "represent", MINISTRY, COMMUNE, "--reason", WHY)
    code, out, err = await terminal.run(*match)
    assert code == 0, err
    assert "acknowledged" in out
    assert "not the recipient" in err


async def test_what_cannot_be_matched_is_named(installation: Installation, terminal: Terminal) -> None:
    """Unknown status, unknown delivery, and the delivery of a status: each has its sentence, nothing changes."""
    await parked(installation, "404", "405")
    first, second = await terminal.json("statuses", "parked")
    _, line = await parked(installation)
    await terminal.json("statuses", "match", first["id"], line, "--reason", WHY)
    [own] = (await terminal.json("show", first["message"]))["deliveries"]
    for status_id, delivery_id, words in (
        ("nope", line, "parked_status_unknown: nope"),
        (second["id"], "nope", "delivery_unknown: no such delivery: nope"),
        (second["id"], own["id"], "is the delivery of a status"),
    ):
        code, _, err = await terminal.run("statuses", "match", status_id, delivery_id, "--reason", WHY)
        assert code == 1
        assert words in err
    assert len(await terminal.json("statuses", "parked")) == 1
    code, _, err = await terminal.run("statuses", "dismiss", "nope", "--reason", WHY)
    assert code == 1
    assert "gateway statuses parked --all" in err


async def test_statuses_are_listed_for_people(installation: Installation, terminal: Terminal) -> None:
    """Why it was parked is said in both languages; an empty list is said too."""
    await parked(installation)
    assert "Nothing is parked" in (await terminal.run("statuses", "parked"))[1]
    await parked(installation, "404")
    out = (await terminal.run("statuses", "parked"))[1]
    assert "Không tìm thấy văn bản của trạng thái này" in out
    assert "404/UBND-VP" in out


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE status SET resolution = NULL, resolved_at = NULL WHERE resolution = 'matched'",
        "UPDATE status SET resolution = 'dismissed' WHERE resolution = 'matched'",
        "UPDATE status SET resolved_at = 1 WHERE resolution = 'dismissed'",
        "UPDATE status SET resolution = 'dismissed', resolved_at = 1 WHERE parked <> '' AND resolution IS NULL",
        "DELETE FROM status WHERE matched_by = 'person'",
    ],
)
async def test_fsck_finds_decisions_that_the_history_does_not_tell(
    installation: Installation, terminal: Terminal, damage: str
) -> None:
    """A decision is proved by its event; one without, or an event without its decision, is damage."""
    _, line = await parked(installation, "404", "405", "406")
    first, second, _ = await terminal.json("statuses", "parked")
    await terminal.json("statuses", "match", first["id"], line, "--reason", WHY)
    await terminal.json("statuses", "dismiss", second["id"], "--reason", WHY)
    assert await found_by_fsck(installation) == set()

    def spoil() -> None:
        with closing(sqlite3.connect(database_of(installation.settings))) as connection, connection:
            assert connection.execute(damage).rowcount == 1

    await asyncio.to_thread(spoil)
    assert "status_event" in await found_by_fsck(installation)
