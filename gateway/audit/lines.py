"""Whether deliveries, dispatches, attempts and statuses agree with the history and each other. Pure code.

1. Replay: a delivery begins queued; each of its events must leave the state it was in, by the table of
   `gateway.states`; what comes out is the state it should have.
2. Attempts: what the history names exists, belongs to the dispatch, and ended as the history says.
3. Dispatches: whatever waits is carried by a dispatch that is not done; a done one carries nothing.
4. Statuses: the business status is what the reports, judged in order, lead to.
5. Priority: it is its message's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gateway.audit.findings import Findings
from gateway.audit.leaves import facts_of
from gateway.audit.rows import Attempt, Delivery, Dispatch, HistoryRow, Message, Page, Status
from gateway.events import Event
from gateway.ledger.judgement import HANDLED, judge
from gateway.states import TRANSITIONS, State, Trigger

_TRIGGERS = {f"delivery.{trigger}": trigger for trigger in Trigger}
_WAITING = frozenset({State.QUEUED, State.DEFERRED})
_OPEN = _WAITING | {State.IN_FLIGHT}
_ANSWERS = frozenset({"15", "16"})
#: How an attempt may have ended, by the event of one of its deliveries.
_ENDED_BY = {
    Trigger.DELIVERED: frozenset({"delivered", "mixed"}),
    Trigger.RELAYED: frozenset({"relayed", "mixed"}),
    Trigger.DEFERRED: frozenset({"deferred", "unknown", "mixed"}),
    Trigger.REFUSED: frozenset({"refused", "mixed"}),
    Trigger.RESCUED: frozenset({"unknown"}),
}


def examine_lines(page: Page, message: Message, findings: Findings) -> None:
    """All five parts for one message."""
    deliveries = page.deliveries.get(message.id, [])
    dispatches = {dispatch.id: dispatch for dispatch in page.dispatches.get(message.id, [])}
    named: set[str] = set()
    for delivery in deliveries:
        moves = page.moves.get(delivery.id, [])
        _replay(delivery, moves, findings)
        attempts = {attempt.id: attempt for attempt in page.attempts.get(delivery.dispatch_id, [])}
        named |= _examine_moves(delivery, moves, attempts, findings)
        _examine_statuses(delivery, page.reported.get(delivery.id, []), moves, findings)
    for dispatch in dispatches.values():
        carried = [delivery for delivery in deliveries if delivery.dispatch_id == dispatch.id]
        attempts_here = page.attempts.get(dispatch.id, [])
        _examine_dispatch(dispatch, carried, findings)
        _examine_attempts(dispatch, carried, attempts_here, named, findings)
    for delivery in deliveries:
        if delivery.dispatch_id not in dispatches:
            findings.add("dispatch_differs", delivery.id, "its dispatch is another message's")
        if delivery.priority != message.priority:
            told = f"priority {delivery.priority}, its message {message.priority}"
            findings.add("delivery_differs", delivery.id, told)


def _replay(delivery: Delivery, moves: Sequence[HistoryRow], findings: Findings) -> None:
    state, at, reason = State.QUEUED, delivery.created_at, ""
    for move in moves:
        trigger = _TRIGGERS.get(move.kind)
        if trigger is None:
            continue
        facts = facts_of(move.leaf)
        after = TRANSITIONS.get((state, trigger))
        if after is None or facts.get("from") != state or facts.get("to") != after:
            findings.add(
                "history_impossible",
                delivery.id,
                f"event {move.seq} {move.kind}: from {facts.get('from')} to {facts.get('to')}, in {state}",
            )
            return
        state, at, reason = after, move.at, str(facts.get("reason", ""))
    wrong = []
    if delivery.state != state:
        wrong.append(f"state {delivery.state}, history {state}")
    if delivery.state_at != at:
        wrong.append(f"state_at {delivery.state_at}, history {at}")
    if delivery.reason != reason:
        wrong.append(f"reason {delivery.reason!r}, history {reason!r}")
    if wrong:
        findings.add("state_differs", delivery.id, "; ".join(wrong))


def _examine_moves(
    delivery: Delivery, moves: Sequence[HistoryRow], attempts: Mapping[str, Attempt], findings: Findings
) -> set[str]:
    """The attempts that the delivery's history names."""
    named: set[str] = set()
    for move in moves:
        facts = facts_of(move.leaf)
        attempt_id = facts.get("attempt")
        if not isinstance(attempt_id, str):
            continue
        named.add(attempt_id)
        attempt = attempts.get(attempt_id)
        if attempt is None:
            findings.add("attempt_missing", delivery.id, f"event {move.seq} {move.kind}: attempt {attempt_id}")
            continue
        trigger = _TRIGGERS.get(move.kind)
        # the peer said nothing about this one: whatever the others came to, it waits as unknown
        unsaid = trigger is Trigger.DEFERRED and facts.get("reason") == "outcome_unknown"
        due = _ENDED_BY.get(trigger) if trigger else None
        if due is not None and not unsaid and attempt.outcome not in due:
            findings.add("attempt_differs", attempt_id, f"outcome {attempt.outcome or 'none'}, history {trigger}")
        if trigger is Trigger.CLAIMED and attempt.started_at != move.at:
            findings.add("attempt_differs", attempt_id, f"started {attempt.started_at}, history {move.at}")
    return named


def _examine_attempts(
    dispatch: Dispatch,
    carried: Sequence[Delivery],
    attempts: Sequence[Attempt],
    named: set[str],
    findings: Findings,
) -> None:
    ids = {attempt.id for attempt in attempts}
    if dispatch.attempt_id is not None and dispatch.attempt_id not in ids:
        findings.add("attempt_missing", dispatch.id, f"it is held by attempt {dispatch.attempt_id}")
    handed_out = any(line.in_inbox and line.state == State.IN_FLIGHT for line in carried)
    for attempt in attempts:
        if attempt.series > dispatch.series:
            findings.add("attempt_differs", attempt.id, f"series {attempt.series}, dispatch {dispatch.series}")
        if attempt.id not in named:
            findings.add("attempt_untold", attempt.id, f"dispatch {dispatch.id}")
        if attempt.ended_at is None and attempt.id != dispatch.attempt_id and not handed_out:
            findings.add("attempt_open", attempt.id, f"dispatch {dispatch.id} is {dispatch.state}")
        if attempt.ended_at is not None and attempt.id == dispatch.attempt_id:
            findings.add("attempt_differs", attempt.id, "it has ended and still holds its dispatch")


def _examine_dispatch(dispatch: Dispatch, carried: Sequence[Delivery], findings: Findings) -> None:
    if not carried:
        findings.add("dispatch_differs", dispatch.id, "it carries nothing")
        return
    for line in carried:
        if line.endpoint_id != dispatch.endpoint_id or dispatch.recipient_id not in (None, line.recipient_id):
            findings.add("dispatch_differs", dispatch.id, f"it goes another way than delivery {line.id}")
        if line.state in _OPEN and dispatch.state == "done":
            findings.add("delivery_stranded", line.id, f"it is {line.state}, its dispatch is done")
        if line.state == State.IN_FLIGHT and dispatch.state not in {"in_flight", "inbox", "done"}:
            findings.add("delivery_stranded", line.id, f"it is in_flight, its dispatch is {dispatch.state}")
    waits = _OPEN | {State.HELD, State.QUARANTINED}
    if dispatch.state in {"ready", "inbox", "held"} and not any(line.state in waits for line in carried):
        findings.add("dispatch_differs", dispatch.id, f"it is {dispatch.state}, and none of its deliveries waits")


def _examine_statuses(
    delivery: Delivery, reports: Sequence[Status], moves: Sequence[HistoryRow], findings: Findings
) -> None:
    current, untouched = "", True
    in_time = _reports_before_withdrawal(moves)
    for place, report in enumerate(reports):
        try:
            # Whether a request was open is told by the row itself: opening leaves no event of its own. So is
            # whether 02 to 06 could follow an answer: programs before migration 36 kept and flagged them.
            verdict = judge(
                current=current,
                code=report.code,
                has_request=bool(report.moved),
                untouched=untouched and bool(report.moved),
                withdrawn=place >= in_time,
            )
        except KeyError:
            findings.add("status_differs", delivery.id, f"status {report.id} has the code {report.code[:10]!r}")
            continue
        if verdict.moves != bool(report.moved) or verdict.flag != report.flag:
            findings.add("status_differs", delivery.id, f"status {report.id} was judged otherwise")
        if report.moved:
            current = report.code
        untouched = untouched and report.code not in HANDLED
    if delivery.business_status != current:
        told = f"business status {delivery.business_status!r}, reports {current!r}"
        findings.add("status_differs", delivery.id, told)


def _reports_before_withdrawal(moves: Sequence[HistoryRow]) -> float:
    """How many reports were recorded before the delivery was withdrawn; all, where it never was."""
    count = 0
    for row in moves:
        if row.kind == Event.DELIVERY_WITHDRAWN:
            return count
        count += row.kind == Event.STATUS_RECORDED
    return math.inf


def examine_told(page: Page, message_id: str, findings: Findings) -> None:
    """Whether what a status message told, and what people made of it, is in the history, report by report."""
    rows = sorted(key for row in page.told.get(message_id, []) for key in _keys_of_status(row))
    events = sorted(key for row in page.history.get(message_id, []) if (key := _key_of_event(row)) is not None)
    if rows != events:
        findings.add("status_event", message_id, f"{len(rows)} reports and decisions, {len(events)} events")


def _keys_of_status(row: Status) -> list[tuple[str, ...]]:
    if not row.parked:
        return [("recorded", row.delivery_id or "", row.code, row.reporter_id, str(bool(row.moved)))]
    keys: list[tuple[str, ...]] = [("parked", row.delivery_id or "", row.code, row.reporter_id, row.parked)]
    if row.resolution:
        keys.append((row.resolution, row.id, row.code, row.reporter_id, str(row.resolved_at)))
    return keys


def _key_of_event(row: HistoryRow) -> tuple[str, ...] | None:
    if not row.kind.startswith("status."):
        return None
    facts = facts_of(row.leaf)
    said = (str(facts.get("code", "")), str(facts.get("reporter", "")))
    keys: dict[str, tuple[str, ...]] = {
        Event.STATUS_PARKED: ("parked", row.delivery_id or "", *said, str(facts.get("reason", ""))),
        Event.STATUS_RECORDED: ("recorded", row.delivery_id or "", *said, str(bool(facts.get("moved")))),
        Event.STATUS_MATCHED: ("matched", str(facts.get("status", "")), *said, str(row.at)),
        Event.STATUS_DISMISSED: ("dismissed", str(facts.get("status", "")), *said, str(row.at)),
    }
    return keys.get(row.kind)
