"""An item that its receiver says it cannot use.

It was fetched, perhaps more than once, and its receiver's software refuses it: handing it out again would go round
for ever, and taking it for delivered would be a lie. So it is held for a person, who talks to the receiver, mends
or releases it, or tells the sender. The receiver's words stay on the delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.ledger.inbox import is_held_by_another, lines_of_readers
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction

#: What it leaves on the delivery.
REASON: Final = "receiver_cannot_use"
_MOST_CHARACTERS: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """The receiver's word; its right to the item was checked."""

    delivery_id: str
    reader: str
    actor: str
    now: datetime
    #: What it says, free text of a stranger's.
    why: str


class UnusableOperation:
    """Holds items; the same word twice is fine, one about an item that was acknowledged is not."""

    name = "inbox_unusable"

    async def apply(self, tx: Transaction, payloads: Sequence[Unusable]) -> Sequence[State | RefusedError]:
        """The state after it, or why not."""
        lines = await lines_of_readers(tx, [ask.delivery_id for ask in payloads])
        results: list[State | RefusedError] = []
        held: dict[str, Unusable] = {}
        for ask in payloads:
            line = lines.get(ask.delivery_id)
            if line is None or not line[7]:
                results.append(RefusedError("not_found"))
            elif line[2] in {State.QUEUED, State.IN_FLIGHT} and is_held_by_another(line, ask.reader, ask.now):
                results.append(RefusedError("item_leased"))
            elif line[2] == State.QUEUED:
                results.append(RefusedError("item_not_fetched", "nobody fetched it, so nobody can say so of it"))
            elif line[2] == State.IN_FLIGHT:
                held.setdefault(ask.delivery_id, ask)
                results.append(State.HELD)
            elif line[2] == State.HELD:
                results.append(State.HELD)
            else:
                results.append(RefusedError("state_forbids", f"the item is {line[2]}"))
        for key, ask in held.items():
            await self._hold(tx, ask, lines[key][1], lines[key][3])
        return results

    async def _hold(self, tx: Transaction, ask: Unusable, message_id: str, dispatch_id: str) -> None:
        why = "".join(character if character.isprintable() else " " for character in ask.why)[:_MOST_CHARACTERS]
        await move(
            tx,
            [
                Move(
                    delivery_id=ask.delivery_id,
                    message_id=message_id,
                    state=State.IN_FLIGHT,
                    trigger=Trigger.HELD,
                    at=ask.now,
                    actor=ask.actor,
                    reason=REASON,
                    detail=why,
                )
            ],
        )
        closed = {"now": micros(ask.now), "reason": REASON, "detail": why or None, "ids": as_json([dispatch_id])}
        await tx.fetch("attempt_close_of_reader", closed)
        await settle(tx, [dispatch_id])
