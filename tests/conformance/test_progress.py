"""Which steps are open, what a wrong answer means until it is right, and what the report says of all that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.conformance.evidence import Evidence, answered, fetched, recalled, sent_again, sent_together, taken
from gateway.conformance.exchange import without_untaken
from gateway.conformance.offices import BY_KEY, OFFICES, Performed
from gateway.conformance.papers import reference_of
from gateway.conformance.places import requests_of
from gateway.conformance.report import Report, as_html, as_json
from gateway.conformance.serving import Progress
from gateway.conformance.stepping import HOW
from gateway.conformance.steps import STEPS, steps_of
from gateway.conformance.verdicts import Grade, Result, Verdict, Words, failed, passed, tally
from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView

AT = datetime(2018, 11, 1, 8, tzinfo=UTC)
VENDOR, READY = "000.00.90.H33", BY_KEY["ready"].code
ABOUT = reference_of(READY, "1", AT)


def message(key: str, kind: str, sender: str, ref: str, business_type: str) -> LedgerMessage:
    return LedgerMessage(
        id=key, kind=kind, sender_code=sender, document_ref=ref, business_type=business_type, sha256=""
    )


def line(key: str, message_id: str, recipient: str, state: str) -> LedgerDelivery:
    return LedgerDelivery(
        id=key, message_id=message_id, recipient_code=recipient, dispatch_id="", state=state, business_status=""
    )


def evidence(
    *messages: LedgerMessage, lines: tuple[LedgerDelivery, ...] = (), requests: tuple[dict[str, Any], ...] = ()
) -> Evidence:
    performed = {"recall": Performed(reference=ABOUT, business_type="1", messages=["r"])}
    view = LedgerView(
        messages={one.id: one for one in messages}, deliveries={one.id: one for one in lines}, attempts={}
    )
    return Evidence(vendor=VENDOR, view=view, requests=requests, performed=performed)


def test_at_most_five_steps_wait_and_skipping_one_opens_the_next() -> None:
    """A step that stays behind holds up only those that need it."""
    progress = Progress(steps=steps_of("rest"))
    for step in progress.next_steps():
        progress.open[step.key] = step
    assert len(progress.open) == 5
    assert progress.next_steps() == []
    assert progress.skip("take")
    assert not progress.skip("take")
    assert [step.key for step in progress.next_steps()] == ["answer-01"]
    assert progress.over["take"].grade is Grade.SKIPPED


def test_wrong_answer_is_told_once_and_the_right_one_passes() -> None:
    """Failing is not the last word while the sandbox runs."""
    recall = next(step for step in STEPS if step.key == "recall")
    progress = Progress(steps=(recall,), open={"recall": recall})
    wrong = message("1", "status", VENDOR, ABOUT.document_id, "03")
    right = message("2", "status", VENDOR, ABOUT.document_id, "15")
    arrived = message("0", "status", VENDOR, ABOUT.document_id, "01")
    assert progress.judge(evidence(arrived)) == []
    assert [verdict.grade for _, verdict in progress.judge(evidence(arrived, wrong))] == [Grade.FAILED]
    assert progress.judge(evidence(arrived, wrong)) == []
    assert progress.results()[0].verdict.grade is Grade.FAILED
    assert [verdict.grade for _, verdict in progress.judge(evidence(arrived, wrong, right))] == [Grade.PASSED]
    assert progress.is_over
    assert progress.results()[0].verdict.grade is Grade.PASSED


def test_judges_look_at_the_vendor_alone() -> None:
    """Somebody else's status, another document, an office's own message: nothing of that counts."""
    judge = answered("15")
    others = message("1", "status", READY, ABOUT.document_id, "15")
    elsewhere = message("2", "status", VENDOR, "another", "15")
    assert judge(evidence(others, elsewhere), "recall") is None
    apart = (message("a", "document", VENDOR, "1", "0"), message("b", "document", VENDOR, "2", "0"))
    lines = (line("1", "a", READY, "delivered"), line("2", "b", BY_KEY["late"].code, "delivered"))
    assert sent_together("ready", "late")(evidence(*apart, lines=lines), "x") is None
    both = (line("1", "a", READY, "queued"), line("2", "a", BY_KEY["late"].code, "queued"))
    assert sent_together("ready", "late")(evidence(*apart, lines=both), "x") == passed()
    send = {"operation": "submitDocument", "reason": "", "replayed": False}
    assert sent_again(evidence(requests=(send, send)), "x") is None
    assert sent_again(evidence(requests=(send, send | {"replayed": True})), "x") == passed()


def test_recall_counts_where_it_arrives_and_where_nothing_had_left_yet() -> None:
    """Then the gateway draws both back; one that waits, or that an operator drew back, is none yet."""
    sent, waiting = message("r", "document", VENDOR, "1", "1"), line("1", "r", READY, "queued")
    drawn = replace(waiting, state="withdrawn", reason="recalled_before_leaving")
    for state, verdict in (
        (waiting, None),
        (replace(drawn, reason="cancelled_by_operator"), None),
        (replace(waiting, state="delivered"), passed()),
        (drawn, passed()),
    ):
        assert recalled("ready")(evidence(sent, lines=(state,)), "send-recall") == verdict


def test_what_lies_in_the_folder_is_not_taken() -> None:
    """The ledger calls it delivered as soon as it lies there; the system has it when it has moved it away."""
    came = message("r", "document", READY, ABOUT.document_id, "1")
    lying = replace(line("1", "r", VENDOR, "delivered"), dispatch_id="d")
    seen = evidence(came, lines=(lying,))
    written = replace(lying, state="in_flight")
    view = without_untaken(evidence(came, lines=(written,)).view, frozenset(), VENDOR)
    assert fetched(replace(seen, view=view), "recall") is None
    for waiting, verdict in ((frozenset({"d"}), None), (frozenset({"other"}), passed())):
        view = without_untaken(seen.view, waiting, VENDOR)
        assert fetched(replace(seen, view=view), "recall") == verdict
        assert taken(replace(seen, view=view), "recall") == verdict


def test_files_count_as_requests_once_it_is_clear_what_came_of_them() -> None:
    """Accepted, refused for good, the same message again; what is only late is none."""
    found = requests_of([
        ("1", "outbox/a.edxml|s", "document", 0, None, "m", 9),
        ("2", "outbox/b.edxml|s", "document", 0, "recipient_unknown", None, None),
        ("3", "outbox/c.edxml|s", "document", 0, "file_changing", None, None),
        ("4", "outbox/d.edxml|s", "document", 0, None, None, None),
        ("5", "outbox/e.edxml|s", "document", 0, None, "m", 9),
    ])  # fmt: skip
    assert [(each["traceId"], each["reason"], each["replayed"]) for each in found] == [
        ("1", "", False),
        ("2", "recipient_unknown", False),
        ("5", "", True),
    ]
    assert sent_again(evidence(requests=tuple(found)), "x") == passed()
    assert found[1]["detail"] == "outbox/b.edxml"


def test_steps_are_told_in_both_languages_and_know_their_calls() -> None:
    """Every step has a way in some protocol, names only offices and steps that exist, and says how to mend."""
    keys = {step.key for step in STEPS}
    assert len(keys) == len(STEPS)
    for step in STEPS:
        assert any(step.how in calls for calls in HOW.values()), step.key
        assert set(step.after) <= keys
        assert step.order is None or (step.order.office in BY_KEY and step.order.about in {"", *keys})
        told = step.told()
        assert all((told.vi, told.en, step.mend.vi, step.mend.en, step.title.vi))
        assert "{" not in told.vi + told.en
    for binding in HOW:
        mine = {step.key for step in steps_of(binding)}
        assert all(set(step.after) <= mine for step in steps_of(binding) if binding != "webhook")
    assert len({office.code for office in OFFICES}) == len(OFFICES)


def result(key: str, verdict: Verdict) -> Result:
    title, mend = Words(f"Bước {key}", f"Step {key}"), Words("Sửa <thế này>", "Mend <so>")
    return Result(key=key, title=title, asked=title, verdict=verdict, mend=mend)


def test_report_escapes_what_came_from_outside_and_puts_failures_first() -> None:
    """The page holds no markup of the system under test, no script and nothing from elsewhere."""
    nasty = failed("<script>alert(1)</script>", "<script>alert(1)</script>")
    results = (result("one", passed()), result("two", nasty))
    report = Report(
        subject="https://x/?<b>",
        binding="webhook",
        began_at=AT,
        ended_at=AT + timedelta(minutes=3),
        results=results,
    )
    page = as_html(report).decode()
    assert "<script" not in page
    assert "https://x/?<b>" not in page
    assert page.index("Bước two") < page.index("Bước one")
    assert "Sửa &lt;thế này&gt;" in page
    found = json.loads(as_json(report))
    assert (found["passed"], found["failed"], found["skipped"]) == (1, 1, 0)
    assert [step["mend"] is None for step in found["steps"]] == [True, False]
    assert tally(results).failed == 1
