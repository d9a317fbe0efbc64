"""No statement of a serving gateway goes through a table that grows with the ledger, or sorts one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.foundation import SQL_SOURCES, load_statements
from tests.unit.project.new_database import new_database

#: Tables with a row for every document, recipient, try, status or event.
GROWING = (
    "message",
    "receipt",
    "receipt_stamp",
    "rendition",
    "dispatch",
    "delivery",
    "attempt",
    "attempt_of_channel",
    "status",
    "event",
    "idempotency",
    "offer",
    "imported",
    "receiver_proof",
    "reading",
    "listing",
    "purge_document",
    "search",
    "desk_entry",
)
#: Indexes that hold only what is open, or rare; to go through one is to go through the backlog.
PARTIAL = (
    "dispatch_due",
    "dispatch_open",
    "dispatch_resent",
    "dispatch_leased",
    "delivery_open",
    "delivery_inbox_open",
    "attempt_open",
    "status_parked",
    "offer_listed",
    "event_of_archives",
    "event_of_conflicts",
    "event_of_channels",
    "status_flagged",
    "delivery_returned",
)
#: Statements that may go through all of a table, and why.
WHOLE = {
    "purge_list_answers": "who answered for orders, by an index of these alone",
    "purge_find_cancelled": "orders that were ended early, by an index of these alone",
    "ledger_count_all": "counts, for commands in a process of their own",
    "delivery_count_by_state": "counts, for commands in a process of their own",
    "delivery_list_waiting_all": "a restore holds all that waits, before the gateway serves",
    "delivery_list_held_after_restore": "for commands, after a restore",
    "offer_list_all": "for the report of a command",
    "event_read_end": "a restore, back to the last start of a server",
    "event_read_last": "the last row",
    "stamp_list_newest": "the last rows",
    "event_read_newest": "the last row",
    "receipt_stamp_read_last": "the last row",
    "event_newest_instant": "the last row",
    "event_oldest_instant": "the first row",
    "message_any": "the first row",
}
#: Statements that sort, and what bounds it.
SORTED = {
    "check_due_list_waiting": "CAs that one document waits for",
    "attempt_list_told": "one document",
    "status_list_told": "one document",
    "desk_list_newest": "so many of each office of a clerk",
    "desk_list_waiting": "a page of each office of a clerk",
    "draft_list": "drafts of some offices, of which each has no more than it may",
    "event_list_concerned": "200 events, and the recipients of their documents",
    "entry_find_twin": "lines of one document",
    "entry_list_receivers": "the last 500 lines of one office",
    "due_list_unanswered": "what one office has not answered of what was due on thirty days",
    "desk_list_asked": "requests that nobody has answered",
    "dispatch_list_next_of_channel": "the heads of the lanes of one channel",
    "dispatch_list_later_of_channel": "the heads of the lanes of one channel",
    "message_list_about": "messages about one document",
    "message_list_exported_by_number": "documents of one number",
    "message_list_exported_by_recipient": "documents for one recipient, for a command",
    "attempt_list_unknown": "tries of the transmissions of one claim that ended unknown",
    "message_find_sent": "a page of every agency and kind",
    "message_find_sent_by_number": "documents of one number",
    "message_find_sent_by_number_only": "documents of one number",
    "message_find_sent_by_document_ref": "messages about one document",
    "message_find_sent_by_open_state": "documents with an open delivery",
    "message_find_by_words": "documents of one number",
    "message_list_sent": "one page",
    "message_list_same_business": "messages about one document",
    "message_match_original": "documents of one number",
    "message_find_own_copy": "messages about one document",
    "delivery_match_by_document_ref": "messages about one document",
    "delivery_match_by_code": "documents of one number",
    "delivery_match_by_request": "the lines of one request",
    "delivery_list_of_message": "one document",
    "delivery_list_by_ids": "the ids asked for",
    "delivery_list_open_of_dispatches": "the transmissions asked for",
    "delivery_list_selected_of_message": "one document",
    "delivery_list_selected_open": "what is open",
    "delivery_list_untold": "outcomes of the last days",
    "attempt_list_of_message": "one document",
    "status_list_of_message": "one document",
    "status_list_parked_all": "what was ever parked",
    "event_list_shown": "one document",
    "event_list_told": "one document",
    "event_list_told_of_lines": "one document",
    "message_list_relations": "messages about one document",
    "message_list_answering": "the replies to one document",
    "message_list_answering_number": "the replies that name one number, issuer and day",
    "inbox_list_waiting": "what waits for some agencies",
    "dispatch_pick_due": "the heads of every lane",
    "delivery_list_open_of_agency": "all of one agency, when it is given back",
    "message_list_of_body": "messages of the same bytes",
    "delivery_list_of_body": "messages of the same bytes",
    "delivery_list_waiting": "what is open",
    "offer_list_unfetched": "what a peer lists now",
    "offer_list_waiting": "what peers list now",
    "offer_list_unacknowledged": "what peers list now",
    "offer_list_stuck": "what peers list now",
    "offer_list_lingering": "what peers list now",
    "message_find_sent_after": "the pages up to the one asked for, of every agency and kind",
    "delivery_list_of_sent": "the messages of one page",
    "listing_list_of_message": "one document",
    "reading_list_of_message": "one document",
    "reading_find_known": "the readings of one batch",
    "receiver_proof_list_of_messages": "the messages asked for",
    "delivery_group_troubled": "what is open, and outcomes of the last days",
    "purge_list_some": "orders, for a command",
    "retained_list_some": "what is retained, for a command",
    "delivery_list_candidates": "documents of one number",
    "delivery_list_urgent_of_channel": "what waits for one channel",
    "delivery_list_urgent": "what is open",
    "delivery_list_recipients_of_dispatches": "the transmissions asked for",
    "inquiry_list_lines": "the documents of one answer",
}
STATEMENTS = load_statements()
_SCAN = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
_PARAMETER = re.compile(r":([a-z_]\w*)")
_MOST_PARAMETERS = 64


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A new data folder's database; the gateway never lets SQLite gather statistics, so plans do not change."""
    with new_database(tmp_path_factory.mktemp("plans")) as connection:
        yield connection


def _plan(database: Any, text: str) -> list[str]:
    named = set(_PARAMETER.findall(re.sub(r"--.*", "", text)))
    tries: list[object] = [dict.fromkeys(named)] if named else [(None,) * n for n in range(_MOST_PARAMETERS)]
    for parameters in tries:
        try:
            rows = database.execute(f"EXPLAIN QUERY PLAN {text}", parameters).fetchall()
        except database.ProgrammingError:  # another number of parameters
            continue
        return [row[3] for row in rows]
    raise AssertionError("it takes more parameters than any statement should")


def _goes_through(plan: list[str], text: str) -> list[str]:
    """Growing tables that the plan goes through, by their names."""
    names = {alias: table for table, alias in re.findall(r"\b([a-z_]+) AS (\w+)", text)}
    found = []
    for step in plan:
        scan = _SCAN.match(step)
        if scan and names.get(scan[1], scan[1]) in GROWING and scan[2] not in PARTIAL:
            found.append(step)
    return found


def _sorts(plan: list[str]) -> bool:
    # of equal instants, the ids: the page ends long before
    return any("TEMP B-TREE FOR ORDER BY" in step or "TEMP B-TREE FOR DISTINCT" in step for step in plan)


@pytest.mark.parametrize("name", sorted(STATEMENTS.names))
def test_statement_costs_what_it_gives(database: Any, name: str) -> None:
    """Each finds its rows by an index; what sorts has a bound that is not the ledger."""
    text = STATEMENTS.get(name)
    plan = _plan(database, text)
    touched = [table for table in GROWING if re.search(rf"\b{table}\b", text)]
    assert bool(_goes_through(plan, text)) == (name in WHOLE), plan
    if name not in WHOLE:
        assert (_sorts(plan) and bool(touched)) == (name in SORTED), plan
    assert not any("AUTOMATIC" in step for step in plan if touched), plan


@pytest.mark.parametrize(
    "text",
    ["SELECT id FROM message WHERE subject = 'x'", "SELECT d.id FROM delivery AS d WHERE d.reason = 'x'"],
)
def test_plan_without_an_index_is_seen(database: Any, text: str) -> None:
    """The test above can fail."""
    assert _goes_through(_plan(database, text), text)


@pytest.mark.parametrize(
    ("name", "found_by"),
    [
        ("delivery_find_of_peer_ref", "delivery_by_peer_ref (endpoint_id=? AND peer_ref=?)"),
        ("delivery_list_relayed_between", "delivery_relayed (endpoint_id=? AND created_at>? AND created_at<?)"),
        ("delivery_list_flash_refused", "delivery_flash_failed (state_at>?)"),
        ("delivery_list_flash_quarantined", "delivery_open (state=?)"),
        ("delivery_list_flash_held", "delivery_open (state=? AND state_at<?)"),
        ("delivery_group_refused", "delivery_open (state=? AND state_at>?)"),
        ("delivery_find_unfetched", "delivery_inbox_open (recipient_id=?)"),
        ("delivery_count_through", "delivery_by_recipient_state (recipient_id=? AND state=?)"),
    ],
)
def test_lines_at_one_peer_are_found_without_going_through_all_of_them(
    database: Any, name: str, found_by: str
) -> None:
    """The channel alone is not enough: everything that ever went to the axis has the same."""
    plan = _plan(database, STATEMENTS.get(name))
    assert any(step.endswith(f" INDEX {found_by}") for step in plan), plan


@pytest.mark.parametrize(
    ("name", "found_by"),
    [
        ("message_list_exported", "message_by_acceptance (accepted_at>? AND accepted_at<?)"),
        (
            "message_list_exported_by_sender",
            "message_by_sender (sender_id=? AND kind=? AND accepted_at>? AND accepted_at<?)",
        ),
        ("message_list_exported_by_number", "message_by_number (code_number=?)"),
        ("message_list_exported_by_recipient", "delivery_by_recipient_state (recipient_id=?)"),
    ],
)
def test_documents_to_export_are_found_by_what_was_asked_for(database: Any, name: str, found_by: str) -> None:
    """The newest one, or those of a day, cost what they are, however long the ledger is."""
    plan = _plan(database, STATEMENTS.get(name))
    assert any(step.endswith(f" INDEX {found_by}") for step in plan), plan
    assert not any(step.startswith("SCAN m") for step in plan), plan


@pytest.mark.parametrize("name", ["desk_list_waiting", "desk_list_newest"])
def test_list_of_a_desk_looks_at_a_page_of_each_office(database: Any, name: str) -> None:
    """However many wait there: each office's come in the order of the index, and no more than a page of them."""
    plan = _plan(database, STATEMENTS.get(name))
    start = plan.index(next(step for step in plan if step.startswith("CORRELATED LIST SUBQUERY")))
    assert plan[start + 1].endswith(
        "INDEX delivery_of_desk (recipient_id=? AND in_inbox=? AND priority=? AND seq>?)"
    ), plan
    assert plan.index("USE TEMP B-TREE FOR ORDER BY") > plan.index("SCAN w") - 2 > start, plan


@pytest.mark.parametrize(
    ("name", "found_by"),
    [
        ("attempt_list_between", "(endpoint_id=? AND attempt_id>? AND attempt_id<?)"),
        ("attempt_last_through", "(endpoint_id=? AND attempt_id>? AND attempt_id<?)"),
        ("attempt_last_of_endpoint", "(endpoint_id=? AND attempt_id>?)"),
    ],
)
def test_tries_of_a_channel_are_found_without_going_through_those_of_others(
    database: Any, name: str, found_by: str
) -> None:
    """A quiet channel's report and page cost what it did, however much went over all others meanwhile."""
    plan = _plan(database, STATEMENTS.get(name))
    assert plan[0] == f"SEARCH c USING PRIMARY KEY {found_by}", plan
    assert not any("id>" in step for step in plan[1:]), plan


@pytest.mark.parametrize("name", ["dispatch_pick_due", "dispatch_list_next_of_channel"])
def test_heads_of_a_channel_are_found_in_its_order(database: Any, name: str) -> None:
    """By lane and when they became due, or by age and first age; none sorts what waits, nor goes through it."""
    plan = _plan(database, STATEMENTS.get(name))
    assert [step for step in plan if step.startswith("SEARCH x")] == [
        "SEARCH x USING INDEX dispatch_due (endpoint_id=? AND lane=? AND due_at<?)",
        "SEARCH x USING INDEX dispatch_open (endpoint_id=? AND state=?)",
        "SEARCH x USING INDEX dispatch_resent (endpoint_id=? AND first_at>?)",
    ], plan


def test_what_waits_for_its_next_try_is_found_in_the_order_of_its_lane(database: Any) -> None:
    """However much backs off there."""
    plan = _plan(database, STATEMENTS.get("dispatch_list_later_of_channel"))
    assert [step for step in plan if step.startswith("SEARCH x")] == [
        "SEARCH x USING INDEX dispatch_due (endpoint_id=? AND lane=? AND due_at>?)"
    ], plan


def test_names_of_exceptions_exist() -> None:
    """An exception whose statement is gone goes too."""
    assert set(WHOLE) | set(SORTED) <= STATEMENTS.names, SQL_SOURCES
