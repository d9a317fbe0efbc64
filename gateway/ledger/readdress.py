"""Further recipients of a message accepted before: the same bytes and seal, new lines, one event.

The acceptance seal covers the recipients of that day; who was added later, by whom and when is the event's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.ledger.record import insert_lines
from gateway.ledger.rows import DeliveryRow, DispatchRow
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Readdress:
    """The lines to add."""

    message_id: str
    dispatches: tuple[DispatchRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    usage: tuple[str, str, int]
    actor: str
    now: datetime


class ReaddressOperation:
    """Adds lines; a recipient that has one already refuses the whole payload."""

    name = "readdress"

    async def apply(self, tx: Transaction, payloads: Sequence[Readdress]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._add(tx, payload) for payload in payloads]

    async def _add(self, tx: Transaction, ask: Readdress) -> RefusedError | None:
        pairs = as_json([[ask.message_id, line.recipient_id] for line in ask.deliveries])
        if await tx.fetch("delivery_list_of_originals", (pairs,)):
            return RefusedError("state_forbids", "one of them is a recipient already")
        if await tx.fetch("purge_find_of_messages", (as_json([ask.message_id]),)):
            return RefusedError("body_purged", ask.message_id)
        await insert_lines(tx, ask.dispatches, ask.deliveries)
        await tx.execute_many("usage_add", [ask.usage])
        event = history.EventRow(
            kind=Event.DOCUMENT_READDRESSED,
            at=ask.now,
            actor=ask.actor,
            facts={"deliveries": [line.id for line in ask.deliveries][:500], "count": len(ask.deliveries)},
            message_id=ask.message_id,
        )
        await history.append(tx, [event])
        return None
