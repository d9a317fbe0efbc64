"""Moving deliveries: the one place where a delivery's state is written, always with its event.

Every operation that moves deliveries builds `Move`s and calls `move`. The expected state is part of the
UPDATE, so a delivery that somebody else moved in the same batch stays as it is and yields no event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.clock import micros
from gateway.events import of_delivery
from gateway.failpoints import failpoint
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.said import shortened
from gateway.states import State, Trigger, after
from gateway.storage.pump import Transaction

_ARRIVED = frozenset({State.DELIVERED, State.ACKNOWLEDGED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One delivery, from the state it is in now, by a trigger."""

    delivery_id: str
    message_id: str
    state: State
    trigger: Trigger
    at: datetime
    actor: str = "gateway"
    #: A code of `gateway.reasons`; "" clears the last one.
    reason: str = ""
    detail: str = ""
    peer_ref: str = ""
    #: More facts for the leaf: attempt, status, credential …
    facts: dict[str, object] = field(default_factory=dict)
    #: Why a person did it; beside the leaf, never in it.
    note: str = ""


async def move(tx: Transaction, moves: Sequence[Move]) -> set[str]:
    """Apply the moves and record their events; returns the ids of the deliveries that did move.

    Of several moves of one delivery the first counts, and leaves the one event.
    """
    first: dict[str, Move] = {}
    for item in moves:
        first.setdefault(item.delivery_id, item)
    moves = list(first.values())
    if not moves:
        return set()
    rows = [
        {
            "id": item.delivery_id,
            "from": str(item.state),
            "to": str(after(item.state, item.trigger)),
            "at": micros(item.at),
            "reason": item.reason or None,
            "detail": shortened(item.detail) or None,
            "peer_ref": item.peer_ref or None,
            "arrived_at": micros(item.at) if is_arrival(item.state, after(item.state, item.trigger)) else None,
        }
        for item in moves
    ]
    failpoint("delivery.move.before")
    moved = {row[0] for row in await tx.fetch("delivery_move_expected", (as_json(rows),))}
    failpoint("delivery.move.after")
    events = []
    for item in moves:
        if item.delivery_id not in moved:
            continue
        facts: dict[str, object] = {"from": str(item.state), "to": str(after(item.state, item.trigger))}
        if item.reason:
            facts["reason"] = item.reason
        events.append(
            history.EventRow(
                kind=of_delivery(item.trigger),
                at=item.at,
                actor=item.actor,
                facts=facts | item.facts,
                message_id=item.message_id,
                delivery_id=item.delivery_id,
                note=item.note[:500],
            )
        )
    await history.append(tx, events)
    return moved


def is_arrival(before: State, now: State) -> bool:
    """Whether a line arrived by our channel; a status for what went by post says it of the post."""
    return now in _ARRIVED and before is not State.HANDED_OVER


async def settle(tx: Transaction, dispatch_ids: Sequence[str]) -> None:
    """Close the waiting dispatches that have no open delivery left; those left with held ones wait with them."""
    if dispatch_ids:
        ids = as_json(list(dispatch_ids))
        await tx.fetch("dispatch_finish_if_settled", (ids,))
        await tx.fetch("dispatch_hold_if_all_held", (ids,))
