"""What a request (13, types 1 to 3) does to the lines of the older messages that it is about.

Runs inside the recording transaction, so that a recall and the hand-out of an inbox item can never both win:
whichever commits first decides. What has not left is withdrawn; whoever has nothing to give back is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.ledger.rows import NewMessage
from gateway.states import State, Trigger, sources
from gateway.storage.pump import Transaction

#: What is quarantined an operator ends.
_WITHDRAWABLE = sources(Trigger.WITHDRAWN) - {State.QUARANTINED}


async def apply_requests(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    """Withdraw what has not left; where it has, open the request."""
    for item in fresh:
        if item.requests:
            await _apply_requests_of(tx, item)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """A delivery as a request finds it."""

    id: str
    message_id: str
    recipient_id: str
    state: State
    dispatch_id: str
    business_status: str

    @property
    def never_left(self) -> bool:
        """Withdrawn, and its receiver has never said that it has it all the same."""
        return self.state is State.WITHDRAWN and not self.business_status


async def _apply_requests_of(tx: Transaction, item: NewMessage) -> None:
    at = item.message.accepted_at
    besides = [each.original_id for each in item.requests if each.original_id != item.message.original_id]
    await tx.execute_many("request_original_insert", [(each, item.message.id) for each in besides])
    withdrawn: list[tuple[_Line, Move]] = []
    opened: list[list[str]] = []
    spared: set[str] = set()
    asked: set[str] = set()
    for request in item.requests:
        for line in await _lines(tx, request.original_id, request.recipient_ids):
            if request.withdraws and line.state in _WITHDRAWABLE:
                facts: dict[str, object] = {"request": item.message.id}
                withdrawn.append((line, _withdrawal(line, at, "withdrawn_by_sender", facts)))
                spared.add(line.recipient_id)
            elif not line.never_left:
                opened.append([line.id, item.message.id])
                asked.add(line.recipient_id)
            elif request.withdraws:
                spared.add(line.recipient_id)
    # Whoever has none of the originals is not asked to give one back; who has one of several is.
    own = await _lines(tx, item.message.id, sorted(spared - asked))
    withdrawn += [(line, _withdrawal(line, at, "recalled_before_leaving", {})) for line in own]
    await move(tx, [step for _, step in withdrawn])
    await settle(tx, [line.dispatch_id for line, _ in withdrawn])
    if opened:
        await tx.fetch("delivery_open_request", (as_json(opened),))


def _withdrawal(line: _Line, at: datetime, reason: str, facts: dict[str, object]) -> Move:
    return Move(
        delivery_id=line.id,
        message_id=line.message_id,
        state=line.state,
        trigger=Trigger.WITHDRAWN,
        at=at,
        reason=reason,
        facts=facts,
    )


async def _lines(tx: Transaction, message_id: str, recipients: Sequence[str]) -> list[_Line]:
    pairs = as_json([[message_id, recipient] for recipient in recipients])
    return [
        _Line(
            id=row[0],
            message_id=row[1],
            recipient_id=row[2],
            state=State(row[3]),
            dispatch_id=row[4],
            business_status=row[5],
        )
        for row in await tx.fetch("delivery_list_of_originals", (pairs,))
    ]
