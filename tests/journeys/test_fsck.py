"""Fsck finds each kind of damage in a ledger filled through the real server, and nothing in a sound one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.faults import FAULTS
from gateway.audit.findings import Severity
from gateway.audit.fsck import FsckReport, examine
from gateway.cli import main
from gateway.config import settings as config
from gateway.foundation import database_of
from tests.journeys.filled import filled
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.journeys.tampering import (
    Tamper,
    cut_body,
    damage_page,
    drop_guard,
    edit_leaf,
    edit_transfer,
    exchange_body,
    flip_body,
    nothing,
    remove_body,
    remove_rendition,
    set_fact,
    spoil_header,
    sql,
    swap_receipts,
)

#: The first document of the ledger below.
FIRST = "(SELECT id FROM message WHERE kind = 'document' ORDER BY id LIMIT 1)"
COMMUNE_ID = f"(SELECT agency_id FROM agency_code WHERE code = '{COMMUNE}')"
#: What keeps fsck from examining anything.
UNOPENED = {
    "body_key_unfit",
    "database_missing",
    "database_unreadable",
    "database_foreign",
    "database_version",
    "bodies_unusable",
    "anchors_unfit",
}
PUSHED_DISPATCH = (
    "(SELECT dispatch_id FROM delivery WHERE in_inbox = 0 AND state = 'delivered' ORDER BY seq LIMIT 1)"
)


def examined(folder: Path) -> FsckReport:
    """What fsck finds, without parsing the bodies again (`test_fsck_contents` does)."""
    settings = config.load(folder / "config.toml")
    return asyncio.run(examine(settings, database_of(settings), quick=True))


def codes(report: FsckReport) -> set[str]:
    """The codes found."""
    return {finding.code for finding in report.findings}


def test_sound_ledger_has_no_findings(folder: Path) -> None:
    """Whatever the server wrote holds when it is recomputed from the bytes."""
    report = examined(folder)
    assert report.findings == []
    assert report.ok
    counts = report.counts
    assert (counts.documents, counts.deliveries, counts.statuses, counts.notices) == (7, 8, 3, 0)
    assert counts.status_deliveries == 2
    assert counts.events > 20


CASES: dict[str, tuple[Tamper, set[str]]] = {
    "bit of a body flipped": (flip_body, {"body_changed"}),
    "body cut short": (cut_body, {"body_changed"}),
    "another body in its place": (exchange_body, {"body_changed", "receipt_invalid"}),
    "body removed": (remove_body, {"body_missing"}),
    "body's header spoilt": (spoil_header, {"body_unreadable"}),
    "receipts of two documents exchanged": (
        swap_receipts,
        {"receipt_invalid", "transfer_differs", "answer_differs", "accepted_event"},
    ),
    "receipt removed": (sql(f"DELETE FROM receipt WHERE message_id = {FIRST}"), {"receipt_missing"}),
    "receipt's digest edited": (
        sql(f"UPDATE receipt SET sha256 = '{'0' * 64}' WHERE message_id = {FIRST}"),
        {"receipt_digest", "answer_differs", "accepted_event"},
    ),
    "sealed record edited": (edit_transfer, {"receipt_invalid", "transfer_differs"}),
    "stored answer edited": (
        sql(f"UPDATE receipt SET answer = CAST('{{}}' AS BLOB) WHERE message_id = {FIRST}"),
        {"answer_differs"},
    ),
    "subject edited": (sql(f"UPDATE message SET subject = 'khác' WHERE id = {FIRST}"), {"message_differs"}),
    "sender edited": (
        sql(f"UPDATE message SET sender_id = {COMMUNE_ID} WHERE id = {FIRST}"),
        {"message_differs", "transfer_differs", "accepted_event"},
    ),
    "size edited": (
        sql(f"UPDATE message SET size = size + 1 WHERE id = {FIRST}"),
        {"body_changed", "transfer_differs", "answer_differs", "accepted_event"},
    ),
    "envelope spoilt": (sql(f"UPDATE message SET envelope = '{{}}' WHERE id = {FIRST}"), {"row_unreadable"}),
    "instant beyond time": (
        sql(f"UPDATE message SET accepted_at = {2**62} WHERE id = {FIRST}"),
        {"row_unreadable"},
    ),
    "leaf edited": (
        edit_leaf(set_fact("receipt", "0" * 64), kind="document.accepted", rehash=False),
        {"leaf_hash", "accepted_event", "log_leaf_changed"},
    ),
    "leaf and its hash edited": (
        edit_leaf(set_fact("receipt", "0" * 64), kind="document.accepted"),
        {"accepted_event", "log_leaf_changed"},
    ),
    "leaf written otherwise": (
        edit_leaf(nothing, kind="server.started", tidy=False),
        {"leaf_form", "log_leaf_changed"},
    ),
    "event's column edited": (
        sql("UPDATE event SET actor = 'operator:0' WHERE kind = 'document.accepted'"),
        {"leaf_differs"},
    ),
    "event of another name": (
        sql("UPDATE event SET kind = 'document.burnt' WHERE kind = 'endpoint.configured'"),
        {"event_unknown", "leaf_differs"},
    ),
    "event removed from the middle": (
        sql("DELETE FROM event WHERE kind = 'delivery.deferred'"),
        {"event_gap", "history_impossible", "log_leaf_missing"},
    ),
    "step of a history edited": (
        edit_leaf(set_fact("to", "held"), kind="delivery.deferred"),
        {"history_impossible", "log_leaf_changed"},
    ),
    "state edited": (
        sql("UPDATE delivery SET state = 'delivered' WHERE state = 'relayed'"),
        {"state_differs"},
    ),
    "reason edited": (
        sql("UPDATE delivery SET reason = 'poison' WHERE state = 'refused'"),
        {"state_differs"},
    ),
    "priority of a delivery edited": (
        sql("UPDATE delivery SET priority = priority + 1 WHERE state = 'refused'"),
        {"delivery_differs"},
    ),
    "business status edited": (
        sql("UPDATE delivery SET business_status = '06' WHERE business_status = '03'"),
        {"status_differs"},
    ),
    "reported status edited": (
        sql("UPDATE status SET code = '06' WHERE code = '03'"),
        {"status_differs", "status_event"},
    ),
    "reported status removed": (
        sql("DELETE FROM status WHERE code = '03'"),
        {"status_differs", "status_event"},
    ),
    "flag of a status about what was withdrawn removed": (
        sql("UPDATE status SET flag = NULL WHERE flag = 'status_after_withdrawal'"),
        {"status_differs"},
    ),
    "parked status removed": (sql("DELETE FROM status WHERE parked IS NOT NULL"), {"status_event"}),
    "attempt's outcome edited": (
        sql("UPDATE attempt SET outcome = 'delivered' WHERE outcome = 'refused'"),
        {"attempt_differs"},
    ),
    "attempt's start edited": (
        sql("UPDATE attempt SET started_at = started_at - 1 WHERE outcome = 'refused'"),
        {"attempt_differs"},
    ),
    "attempt removed": (sql("DELETE FROM attempt WHERE outcome = 'refused'"), {"attempt_missing"}),
    "attempt invented": (
        sql(
            "INSERT INTO attempt (id, dispatch_id, boot_id, series, started_at, ended_at, outcome) "
            "SELECT 'made-up', dispatch_id, boot_id, 1, 1, 2, 'refused' FROM attempt WHERE outcome = 'refused'"
        ),
        {"attempt_untold"},
    ),
    "delivery no dispatch carries": (
        sql("UPDATE dispatch SET state = 'done' WHERE state = 'inbox'"),
        {"delivery_stranded"},
    ),
    "dispatch that waits for nothing": (
        sql(f"UPDATE dispatch SET state = 'ready' WHERE id = {PUSHED_DISPATCH}"),
        {"dispatch_differs"},
    ),
    "dispatch turned another way": (
        sql(
            "UPDATE dispatch SET endpoint_id = (SELECT id FROM endpoint WHERE name = 'axis') WHERE state = 'inbox'"
        ),
        {"dispatch_differs"},
    ),
    "recipient removed": (
        sql(f"DELETE FROM delivery WHERE message_id = {FIRST}"),
        {"transfer_differs", "accepted_event", "dispatch_differs", "reference_broken", "attempt_untold"},
    ),
    "recipient added": (
        sql(
            "INSERT INTO delivery (id, message_id, recipient_id, recipient_code, endpoint_id, dispatch_id, state, "
            "expects_status, created_at, state_at, in_inbox) SELECT 'made-up', message_id, (SELECT agency_id FROM "
            "agency_code WHERE code = '000.00.99.H33'), '000.00.99.H33', endpoint_id, dispatch_id, 'queued', 1, "
            "created_at, created_at, 1 FROM delivery WHERE state = 'queued' LIMIT 1"
        ),
        {"transfer_differs", "accepted_event", "dispatch_differs"},
    ),
    "rendition edited": (
        sql("UPDATE rendition SET size = size + 1"),
        {"body_changed", "rendition_differs"},
    ),
    "receiver's proof edited": (
        sql("UPDATE receiver_proof SET file = CAST(replace(CAST(file AS TEXT), 'token', 'other') AS BLOB)"),
        {"receiver_proof_differs"},
    ),
    "receiver's proof removed": (
        sql("DELETE FROM receiver_proof WHERE act = 'acknowledgement'"),
        {"receiver_proof_differs"},
    ),
    "rendition's bytes removed": (remove_rendition, {"body_missing"}),
    "added recipient untold": (
        edit_leaf(set_fact("count", 0), kind="document.readdressed"),
        {"transfer_differs", "accepted_event", "log_leaf_changed"},
    ),
    "guard of the history removed": (drop_guard, {"schema_changed"}),
    "page of the database damaged": (damage_page, {"database_damaged"}),
}


@pytest.mark.parametrize("name", CASES)
def test_damage_is_found(folder: Path, name: str) -> None:
    """Each kind of damage has its codes, and no others are blamed."""
    tamper, due = CASES[name]
    tamper(folder / "data")
    report = examined(folder)
    assert codes(report) == due
    errors = {code for code in due if FAULTS[code].severity is Severity.ERROR}
    assert report.ok is (not errors)


def test_last_event_removed_is_found_by_the_state_it_led_to(folder: Path) -> None:
    """A history cut off at its end leaves no gap, but a state that nothing leads to."""
    with closing(sqlite3.connect(folder / "data" / "gateway.sqlite")) as connection:
        (seq,) = connection.execute("SELECT MAX(seq) FROM event WHERE kind = 'delivery.withdrawn'").fetchone()
    sql(f"DELETE FROM event WHERE seq >= {seq}")(folder / "data")
    found = codes(examined(folder))
    assert "event_gap" not in found
    assert {"state_differs", "accepted_event"} <= found


def test_receipt_of_an_unknown_ca_is_unproven(folder: Path, tmp_path: Path) -> None:
    """Without an anchor that the seal leads to, nobody can say that a receipt is ours."""
    anchors = tmp_path / "anchors"
    anchors.mkdir(mode=0o700)
    shutil.copy(folder / "certs" / "anchors" / "tsa" / "root.pem", anchors / "root.pem")
    settings = config.load(folder / "config.toml")
    settings = replace(settings, seal=replace(settings.seal, anchors=anchors))
    report = asyncio.run(examine(settings, database_of(settings)))
    assert codes(report) == {"receipt_unproven"}
    assert not report.ok


def test_body_of_no_message_is_no_error(folder: Path) -> None:
    """A crash between body and row leaves an orphan, which loses nothing; a fresh one may still get its row."""
    source = next((folder / "data" / "bodies").glob("??/*"))
    old, fresh = source.with_name("a" * 64), source.with_name("b" * 64)
    for path in (old, fresh):
        target = folder / "data" / "bodies" / path.name[:2] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    yesterday = time.time() - 86_400
    os.utime(folder / "data" / "bodies" / "aa" / old.name, (yesterday, yesterday))
    report = examined(folder)
    assert [(finding.code, finding.subject) for finding in report.findings] == [("body_orphan", "a" * 64)]
    assert report.ok


def test_command_prints_counts_and_findings_and_exits_1_on_errors(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts rely on the shape of `fsck --json` and on its exit code."""
    arguments = ["--config", str(folder / "config.toml"), "fsck", "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    counted = {"documents": 7, "deliveries": 8, "statuses": 3, "notices": 0, "status_deliveries": 2}
    rest = {name: told[name] for name in ("events", "leaves", "checkpoints")}
    assert told == {
        "ok": True,
        **counted,
        **rest,
        "registers": 0,
        "foreign_ledgers": 0,
        "contents": 10,
        "findings": [],
    }
    assert 0 < told["checkpoints"] <= told["leaves"] <= told["events"]
    flip_body(folder / "data")
    assert main(arguments) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["documents"] == 7
    assert told["ok"] is False
    assert {"severity", "code", "subject", "detail", "detail_vi", "vi", "en", "do"} == set(told["findings"][0])
    assert main(arguments[:-1]) == 1
    shown = capsys.readouterr().out
    assert "body_changed" in shown
    assert "messages/s" in shown


async def test_running_server_is_examined_too(tmp_path: Path, pki_folder: Path) -> None:
    """Fsck reads beside the server, and what is accepted meanwhile disturbs it as little as it the server."""
    folder = tmp_path / "site"
    folder.mkdir()
    async with filled(folder, pki_folder) as made, made.client(PROVINCE) as province:

        async def send() -> None:
            for number in range(20, 40):
                await province.submit(document(PROVINCE, [COMMUNE], number=str(number)))

        sending = asyncio.create_task(send())
        reports = [await examine(made.settings, database_of(made.settings)) for _ in range(3)]
        await sending
    assert all(report.findings == [] for report in reports)


def test_every_fault_can_be_found_and_says_what_to_do() -> None:
    """The list of faults has no entry that nobody raises, and none without advice in both languages."""
    covered = {code for _, due in CASES.values() for code in due}
    covered |= {"receipt_unproven", "body_orphan"}  # by the tests above
    covered |= UNOPENED  # by tests/journeys/test_fsck_opening.py
    covered |= {"content_differs", "content_unread"}  # by tests/journeys/test_fsck_contents.py
    covered |= {"event_time", "attempt_open"}  # by tests/unit/operate/test_examiners.py
    covered.add("receipt_not_ours")  # by test_rotation.py
    covered |= {code for code in FAULTS if code.startswith(("log_", "checkpoint_"))}  # by test_log_tampering.py
    covered |= {code for code in FAULTS if code.startswith("register_")}  # by test_registers.py
    covered |= {"body_purged_there", "purge_differs"}  # by test_purge.py
    covered |= {"purge_unanswered"}  # by test_purge_hostile.py
    covered |= {code for code in FAULTS if code.startswith("foreign_")}  # by test_handover.py
    covered |= {"renewal_missing", "renewal_differs"}  # by test_restamping.py
    assert set(FAULTS) == covered
    for kind in FAULTS.values():
        assert all((kind.vi, kind.en, kind.do_vi, kind.do_en))


def test_progress_counts_every_part_to_its_end(folder: Path) -> None:
    """Whoever waits sees how far it is."""
    seen: dict[str, tuple[int, int]] = {}
    settings = config.load(folder / "config.toml")
    report = asyncio.run(
        examine(
            settings, database_of(settings), progress=lambda part, done, total: seen.update({part: (done, total)})
        )
    )
    assert seen["messages"] == (report.counts.messages,) * 2
    assert seen["contents"] == (report.counts.messages,) * 2
    assert seen["events"] == (report.counts.events,) * 2
