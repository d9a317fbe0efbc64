"""Messages that another system handled before: where they come from, and that what it sent is not sent again.

A document that another system has sent has its lines from the beginning, so that later statuses find them; each
is closed as `handed_over` in the transaction that makes it, so no worker ever sees it. That says that the gateway
did not deliver it, and on whose word it left. What the other system's files claim (its time, its id) lies in a row
of its own; our `accepted_at` and our seal are of the instant of the import.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clock import micros, rfc3339
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.ledger.rows import Imported, NewMessage
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


async def apply_imports(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    """For each new message that was brought over."""
    for item in fresh:
        if item.imported is not None:
            await _import(tx, item, item.imported)


async def _import(tx: Transaction, item: NewMessage, told: Imported) -> None:
    at, claimed = item.message.accepted_at, told.claimed_at
    claimed_at = None if claimed is None else micros(claimed)
    row = (item.message.id, told.direction, told.ref, claimed_at, micros(at))
    await tx.execute_many("imported_insert", [row])
    event = history.EventRow(
        kind=Event.DOCUMENT_IMPORTED,
        at=at,
        actor=told.actor,
        facts={"direction": told.direction, "claimed_at": claimed_at},
        message_id=item.message.id,
        note=told.why,
    )
    await history.append(tx, [event])
    if told.direction != "sent":
        return
    moves = [
        Move(
            delivery_id=line.id,
            message_id=item.message.id,
            state=State.QUEUED,
            trigger=Trigger.HANDED_OVER,
            at=at,
            actor=told.actor,
            peer_ref=told.ref,
        )
        for line in item.deliveries
    ]
    await move(tx, moves)
    by = {"channel": "scripts", "number": told.ref, "by": told.actor, "at": rfc3339(claimed) if claimed else ""}
    facts = as_json(by)
    await tx.fetch("delivery_set_handed_over", (as_json([[line.id, facts] for line in item.deliveries]),))
    await settle(tx, [dispatch.id for dispatch in item.dispatches])
