"""Purges against those who would misuse them: an order that nobody made, traces that stay, bytes that come back."""

from __future__ import annotations

import asyncio
from contextlib import closing
from hashlib import sha256

import pytest

from gateway.foundation import database_of
from gateway.ledger.purged import Purge, Purged, PurgeOperation
from gateway.purging.listed import append_list, list_of, read_list
from gateway.storage.driver import choose_driver
from tests.backup.lab import query
from tests.journeys.installation import COMMUNE, PROVINCE, Installation
from tests.journeys.messages import document
from tests.journeys.purging import (
    ONE,
    TWO,
    arrived,
    bodies_below,
    confirmed,
    desk,
    destroyed,
    erased,
    examined,
    order_of,
    ordered,
)

SECRET = "Phương án tuyệt mật số chín mươi"
#: As the ledger has it for searches.
FOLDED = "phuong an tuyet mat so chin muoi"


def digest_of(made: Installation, message: str) -> str:
    ((found,),) = query(made.folder, f"SELECT sha256 FROM message WHERE id = '{message}'")
    return str(found)


def write(made: Installation, sql: str, *values: object) -> None:
    """Into the database, past the server; by its own library, since this process is the server."""
    module = choose_driver(allow_affected_sqlite=True).module
    with closing(module.connect(str(database_of(made.settings)), timeout=20)) as connection, connection:
        connection.execute(sql, values)


def put_in(made: Installation, order: str, message: str) -> None:
    """Write a document into an order."""
    sql = "INSERT INTO purge_document (purge_id, message_id, sha256) VALUES (?, ?, ?)"
    write(made, sql, order, message, digest_of(made, message))


def forged(made: Installation, message: str, *, kind: str = "person") -> None:
    """A confirmed order, written into the database itself."""
    sql = (
        "INSERT INTO purge (id, kind, ref, reason, with_envelope, sha256, documents, made_at, made_by,"
        " asked_at, asked_by, confirmed_at, confirmed_by) VALUES ('forged', ?, 'r', 'r', 0, ?, 1, 1, ?, 1, ?, 1, ?)"
    )
    write(made, sql, kind, sha256(f"{message}\n".encode()).hexdigest(), ONE, ONE, TWO)
    put_in(made, "forged", message)


@pytest.mark.parametrize("kind", ["person", "restore"])
async def test_order_that_only_the_database_has_destroys_nothing(installation: Installation, kind: str) -> None:
    """The log has no leaves of two persons: the body stays, and operators are told."""
    message = await arrived(installation)
    forged(installation, message, kind=kind)
    eraser = await erased(installation)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, message))
    assert query(installation.folder, "SELECT place FROM purge_remain") == [("log",)]
    assert eraser.condition.words.startswith("remains")


async def test_document_put_into_an_order_of_others_destroys_nothing(installation: Installation) -> None:
    """The two persons answered for another list."""
    first, other = await arrived(installation, number="1"), await arrived(installation, number="2")
    desk(installation).eraser._rest = (rest := _Never())
    order = await ordered(installation, [first])
    await confirmed(installation, order)
    put_in(installation, order, other)
    rest.never = False
    await erased(installation)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, other))
    assert (await order_of(installation, order))["destroyed"] == 0


class _Never(dict[str, float]):
    """No order's time has come."""

    never = True

    def get(self, key: str, default: object = None) -> float:
        return float("inf") if self.never else 0.0


async def test_fsck_names_what_was_destroyed_without_two_persons(installation: Installation) -> None:
    """An eraser that was made to believe the row: the leaf is there, those of the persons are not."""
    message = await arrived(installation)
    forged(installation, message)
    base = desk(installation).foundation
    assert await base.pump.submit(PurgeOperation(), Purge(order="forged", message_id=message, now=base.clock.now()))
    assert {each.code for each in (await examined(installation)).findings} == {"purge_unanswered"}


async def test_line_in_the_list_is_no_order(installation: Installation) -> None:
    """Nothing was restored, so the ledger has forgotten nothing; the line is told, and its document stays."""
    message = await arrived(installation)
    line = Purged(message=message, sha256=digest_of(installation, message), order="x", at=1)
    append_list(list_of(installation.settings.log), [line])
    eraser = desk(installation).eraser
    eraser._is_begun = False
    await erased(installation)
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, message))
    assert query(installation.folder, "SELECT id FROM purge") == []
    assert "1 lines of log.purged" in eraser.condition.words


async def test_list_that_cannot_be_read_is_told(installation: Installation) -> None:
    """Nothing is carried out without it, and operators are told why."""
    eraser = desk(installation).eraser
    list_of(installation.settings.log).write_text("{}\n")
    eraser._is_begun = False
    with pytest.raises(Exception, match=r"log\.purged"):
        await erased(installation)
    assert eraser.condition.words.startswith("remains")


async def test_list_that_was_taken_away_is_written_again(installation: Installation) -> None:
    """By what the ledger knows: else an older copy would bring back what it lacks."""
    message = await arrived(installation)
    await destroyed(installation, message)
    path = list_of(installation.settings.log)
    told = read_list(path)
    path.unlink()
    await erased(installation)
    assert read_list(path) == told != []


def _quote(made: Installation, message: str) -> None:
    """A title in the words of tries, deliveries and alerts."""
    with closing(
        choose_driver(allow_affected_sqlite=True).module.connect(database_of(made.settings))
    ) as connection:
        ((delivery, agency),) = connection.execute(
            "UPDATE delivery SET detail = ? WHERE message_id = ? RETURNING id, recipient_id", (SECRET, message)
        ).fetchall()
        connection.execute("UPDATE attempt SET detail = ?", (SECRET,))
        connection.execute(
            "INSERT INTO alert_attempt (id, boot_id, way, target, alerts, started_at, ended_at, outcome, detail)"
            " SELECT 'a', id, 'mail', 'x@example.vn', 1, 1, 1, 'failed', ? FROM boot LIMIT 1",
            (SECRET,),
        )
        connection.execute(
            "INSERT INTO alert (id, way, agency_id, delivery_id, target, state, created_at, due_at, attempt_id,"
            " ended_at) VALUES ('b', 'mail', ?, ?, 'x@example.vn', 'failed', 1, 1, 'a', 1)",
            (agency, delivery),
        )
        connection.commit()


async def test_no_file_holds_a_title_that_went(installation: Installation) -> None:
    """Neither the database nor its write-ahead log, whatever row quoted it."""
    message = await arrived(installation, subject=SECRET)
    await asyncio.to_thread(_quote, installation, message)
    files = [path for path in installation.settings.storage.folder.rglob("*") if path.is_file()]
    assert any(SECRET.encode() in path.read_bytes() for path in files)
    order = await destroyed(installation, message, with_envelope=True)
    assert (await order_of(installation, order))["outcome"] == "completed"
    found = [
        (form, path.name)
        for form in (SECRET, FOLDED)
        for path in installation.settings.storage.folder.rglob("*")
        if path.is_file() and form.encode() in path.read_bytes()
    ]
    assert found == []


async def test_repetition_with_its_key_brings_nothing_back(installation: Installation) -> None:
    """The same answer, and no bytes: fsck has nothing to say about what a sender repeats."""
    body = document(PROVINCE, [COMMUNE], content=b"%PDF-1.4\n" + bytes(600_000))
    message = await arrived(installation, body=body)
    async with installation.client(PROVINCE) as province:
        await province.submit(body, idempotency_key="k1")
        await destroyed(installation, message)
        assert (await province.submit(body, idempotency_key="k1")).id == message
    assert bodies_below(installation.settings.storage.folder, digest_of(installation, message)) == []
    assert (await examined(installation)).ok
