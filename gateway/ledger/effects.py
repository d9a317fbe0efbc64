"""What a new message does to the lines of an older one: requests (13, types 1 to 3) and reported statuses.

Runs inside the recording transaction, so that a recall and the hand-out of an inbox item can never both win:
whichever commits first decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.judgement import Judgement, judge
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.ledger.rows import NewMessage, RequestEffect, StatusEffect
from gateway.states import State, Trigger, sources
from gateway.storage.pump import Transaction

_WITHDRAWABLE = sources(Trigger.WITHDRAWN)
_ACKNOWLEDGEABLE = sources(Trigger.ACKNOWLEDGED)


async def apply_requests(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    """Withdraw what has not left; where it has, open the request."""
    for item in fresh:
        for request in item.requests:
            await _apply_request(tx, item, request)


async def _apply_request(tx: Transaction, item: NewMessage, request: RequestEffect) -> None:
    original = await _lines(tx, request.original_id, request.recipient_ids)
    own = await _lines(tx, item.message.id, request.recipient_ids)
    at, facts = item.message.accepted_at, {"request": item.message.id}
    moves: list[Move] = []
    opened: list[list[str]] = []
    touched: list[str] = []
    for recipient_id, (delivery_id, state, dispatch_id) in original.items():
        if request.withdraws and state in _WITHDRAWABLE:
            moves.append(_withdrawal(request.original_id, delivery_id, state, at, "withdrawn_by_sender", facts))
            touched.append(dispatch_id)
            if recipient_id in own:
                answer_id, answer_state, answer_dispatch = own[recipient_id]
                reason = "recalled_before_leaving"
                moves.append(_withdrawal(item.message.id, answer_id, answer_state, at, reason, {}))
                touched.append(answer_dispatch)
        elif state is not State.WITHDRAWN:
            opened.append([delivery_id, item.message.id])
    await move(tx, moves)
    await settle(tx, touched)
    if opened:
        await tx.fetch("delivery_open_request", (as_json(opened),))


def _withdrawal(
    message_id: str,
    delivery_id: str,
    state: State,
    at: datetime,
    reason: str,
    facts: dict[str, object] | dict[str, str],
) -> Move:
    return Move(
        delivery_id=delivery_id,
        message_id=message_id,
        state=state,
        trigger=Trigger.WITHDRAWN,
        at=at,
        reason=reason,
        facts=dict(facts),
    )


async def _lines(tx: Transaction, message_id: str, recipients: Sequence[str]) -> dict[str, tuple[str, State, str]]:
    pairs = as_json([[message_id, recipient] for recipient in recipients])
    rows = await tx.fetch("delivery_list_of_originals", (pairs,))
    return {row[2]: (row[0], State(row[3]), row[4]) for row in rows}


async def apply_statuses(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    """Append every reported status, judge it against the line as it is now, and move what it moves.

    In the order of the batch, so that two reports about one line (03 and 05 sent together) are judged in turn.
    """
    reports = [(item, effect) for item in fresh for effect in item.statuses]
    if not reports:
        return
    wanted = sorted({effect.delivery_id for _, effect in reports if effect.delivery_id is not None})
    lines = {row[0]: row for row in await tx.fetch("delivery_get_for_status", (as_json(wanted),))}
    current = {line_id: row[3] for line_id, row in lines.items()}
    waiting = {line_id for line_id, row in lines.items() if row[4] is not None}
    state = {line_id: State(row[2]) for line_id, row in lines.items()}
    rows: list[tuple[object, ...]] = []
    business: dict[str, list[object]] = {}
    moves: list[Move] = []
    events: list[history.EventRow] = []
    for item, effect in reports:
        line = effect.delivery_id
        if line is None:
            rows.append(_status_row(item, effect, Judgement(moves=False)))
            events.append(_status_event(Event.STATUS_PARKED, item, effect, {"reason": effect.parked}))
            continue
        verdict = judge(
            current=current[line], code=effect.code, has_request=line in waiting or effect.answers_request
        )
        rows.append(_status_row(item, effect, verdict))
        events.append(_status_event(Event.STATUS_RECORDED, item, effect, {"moved": verdict.moves}))
        if verdict.flag:
            events.append(_status_event(Event.STATUS_FLAGGED, item, effect, {"flag": verdict.flag}))
        if verdict.moves:
            current[line] = effect.code
            business[line] = [line, effect.code, int(verdict.answers)]
            if verdict.answers:
                waiting.discard(line)
        if state[line] in _ACKNOWLEDGEABLE and lines[line][6]:
            moves.append(_acknowledgement(item, effect, lines[line][1], state[line]))
            state[line] = State.ACKNOWLEDGED
    await tx.execute_many("status_insert", rows)
    if business:
        await tx.fetch("delivery_set_business_status", (as_json(list(business.values())),))
    await history.append(tx, events)
    await move(tx, moves)
    if moves:
        # A status instead of an acknowledgement ends a hand-out too.
        dispatches = [lines[item.delivery_id][5] for item in moves]
        await tx.fetch("attempt_close_of_dispatches", {"now": micros(moves[0].at), "ids": as_json(dispatches)})
        await settle(tx, dispatches)


def _acknowledgement(item: NewMessage, effect: StatusEffect, message_id: str, state: State) -> Move:
    assert effect.delivery_id is not None
    return Move(
        delivery_id=effect.delivery_id,
        message_id=message_id,
        state=state,
        trigger=Trigger.ACKNOWLEDGED,
        at=item.message.accepted_at,
        actor=item.actor,
        facts={"status": item.message.id, "code": effect.code},
    )


def _status_row(item: NewMessage, effect: StatusEffect, verdict: Judgement) -> tuple[object, ...]:
    return (
        effect.id,
        item.message.id,
        effect.delivery_id,
        effect.reporter_id,
        effect.code,
        micros(effect.reported_at) if effect.reported_at is not None else None,
        micros(item.message.accepted_at),
        effect.description,
        effect.matched_by or None,
        int(verdict.moves),
        verdict.flag or None,
        effect.parked or None,
    )


def _status_event(
    kind: Event, item: NewMessage, effect: StatusEffect, facts: dict[str, object]
) -> history.EventRow:
    return history.EventRow(
        kind=kind,
        at=item.message.accepted_at,
        actor=item.actor,
        facts={"code": effect.code, "reporter": effect.reporter_id} | facts,
        message_id=item.message.id,
        delivery_id=effect.delivery_id,
    )
