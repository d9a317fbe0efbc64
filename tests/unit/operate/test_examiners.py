"""The pure examiners of fsck, on rows that no tampering of a whole ledger makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.audit.faults import FAULTS
from gateway.audit.findings import MANY, Findings, Severity
from gateway.audit.leaves import LeafExaminer, facts_of
from gateway.audit.lines import examine_lines
from gateway.audit.rows import Attempt, Delivery, Dispatch, EventRecord, Message, Page, Status
from gateway.events import canonical, leaf_hash


def event(seq: int, at: int, **changed: bytes) -> EventRecord:
    """A sound event."""
    leaf = canonical({"v": 1, "kind": "server.started", "at": at, "actor": "gateway", "facts": {}})
    row = EventRecord(seq, "server.started", at, None, None, "gateway", leaf, leaf_hash(leaf))
    return row._replace(**changed)  # type: ignore[arg-type]  # only leaf and leaf_hash are given


def codes_of(*events: EventRecord) -> list[str]:
    """What the examiner finds in them."""
    findings = Findings(FAULTS)
    examiner = LeafExaminer(findings)
    for one in events:
        examiner.examine(one)
    return [finding.code for finding in findings.listed()]


def test_sound_events_have_no_findings() -> None:
    """Numbers without gaps, canonical leaves, hashes that fit."""
    assert codes_of(event(1, 10), event(2, 20)) == []


def test_clock_that_jumped_back_is_a_warning() -> None:
    """An event that is minutes older than the one before it says that the clock was wrong."""
    minutes = 60 * 1_000_000
    assert codes_of(event(1, 20 * minutes), event(2, 16 * minutes)) == []
    assert codes_of(event(1, 20 * minutes), event(2, 14 * minutes)) == ["event_time"]


@pytest.mark.parametrize("leaf", [b"", b"[]", b"\xff", b"{", b'{"v":1}'])
def test_leaf_that_is_no_leaf_is_told_not_raised(leaf: bytes) -> None:
    """Whatever stands there, the examination goes on."""
    found = codes_of(event(1, 10, leaf=leaf, leaf_hash=leaf_hash(leaf)))
    assert found in (["leaf_form"], ["leaf_differs"])
    assert facts_of(leaf) == {}


def test_gap_names_the_missing_numbers() -> None:
    """So that a backup can be searched for them."""
    findings = Findings(FAULTS)
    examiner = LeafExaminer(findings)
    for seq in (2, 5):
        examiner.examine(event(seq, 10))
    assert [finding.subject for finding in findings.listed()] == ["event 1", "event 3-4"]


def page(dispatch: Dispatch, delivery: Delivery, attempts: list[Attempt]) -> Page:
    """A page with one line and no history."""
    return Page(
        messages=[],
        receipts={},
        renditions={},
        deliveries={"m": [delivery]},
        dispatches={"m": [dispatch]},
        attempts={"p": attempts},
        reported={},
        told={},
        proofs={},
        purges={},
        history={},
        moves={},
    )


MESSAGE = Message("m", "document", "", 0, "s", "", "", "", "", "", None, "", "", 0, "", "", "", "", 1, "", 1, 1, 1)
LINE = Delivery("d", "m", "a", "005.02.01.H33", "e", "p", "queued", 1, "", "", 1, 1, 0, None, 0)
READY = Dispatch("p", "m", "e", "a", "ready", 1, None, None)


def lines_of(found: Page) -> set[str]:
    """What is found of the one message."""
    findings = Findings(FAULTS)
    examine_lines(found, MESSAGE, findings)
    return {finding.code for finding in findings.listed()}


def test_open_attempt_that_nobody_holds_is_a_warning() -> None:
    """The rescuer closes what a crash left; until then it is not an error."""
    attempt = Attempt("t", "p", "b", 1, 1, None, "")
    assert lines_of(page(READY, LINE, [attempt])) == {"attempt_untold", "attempt_open"}
    assert FAULTS["attempt_open"].severity is Severity.WARNING


def test_dispatch_held_by_a_closed_or_missing_attempt_is_found() -> None:
    """The fencing token must be an open attempt of that dispatch."""
    held = READY._replace(state="in_flight", attempt_id="t", boot_id="b")
    assert lines_of(page(held, LINE, [])) == {"attempt_missing"}
    closed = Attempt("t", "p", "b", 1, 1, 2, "delivered")
    assert "attempt_differs" in lines_of(page(held, LINE, [closed]))


def test_attempt_of_a_series_that_never_began_is_found() -> None:
    """A series is opened by a requeue, which counts it on the dispatch."""
    attempt = Attempt("t", "p", "b", 2, 1, 2, "refused")
    assert "attempt_differs" in lines_of(page(READY, LINE, [attempt]))


def test_line_in_flight_under_a_waiting_dispatch_is_found() -> None:
    """Its outcome would never come."""
    assert "delivery_stranded" in lines_of(page(READY, LINE._replace(state="in_flight"), []))


def test_line_of_another_messages_dispatch_is_found() -> None:
    """A delivery travels with its own message."""
    assert "dispatch_differs" in lines_of(page(READY, LINE._replace(dispatch_id="q"), []))


@pytest.mark.parametrize(
    ("reports", "business_status", "found"),
    [
        ([("15", 1, ""), ("03", 1, ""), ("05", 1, "")], "05", set()),
        # as programs before migration 36 judged
        ([("15", 1, ""), ("03", 0, "status_backwards")], "15", set()),
        ([("03", 1, ""), ("15", 1, ""), ("04", 1, "")], "04", {"status_differs"}),
    ],
)
def test_reports_after_an_answer_are_judged_as_they_were(
    reports: list[tuple[str, int, str]], business_status: str, found: set[str]
) -> None:
    """02 to 06 may follow 15 or 16 where none of them had come; older ledgers hold them as flagged."""
    told = [Status(code, "n", "d", "a", code, moved, flag, "", "", None) for code, moved, flag in reports]
    line = LINE._replace(business_status=business_status)
    seen = replace(page(READY, line, []), reported={"d": told})
    assert lines_of(seen) == found


def test_findings_beyond_the_bound_are_counted_not_kept() -> None:
    """A wholly damaged ledger does not fill the memory."""
    findings = Findings(FAULTS)
    for number in range(MANY + 5):
        findings.add("body_orphan", str(number))
    findings.add("body_missing", "m")
    listed = findings.listed()
    assert len(listed) == MANY + 2
    assert listed[0].code == "body_missing"
    assert listed[-1].detail == "5 more of these"
    assert findings.counts["body_orphan"] == MANY + 5
    assert not findings.ok
