"""Further recipients of a message accepted before: the same bytes and seal, new lines, one event.

The acceptance seal covers the recipients of that day; who was added later, by whom and when is the event's. Where
a person brings it to another office instead of the one that it cannot go to, the old line ends in the same
transaction, as having gone another way; one that has ended by itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.clock import rfc3339
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.params import as_json
from gateway.ledger.record import insert_lines
from gateway.ledger.rows import DeliveryRow, DispatchRow
from gateway.ledger.settled import Settle, settle
from gateway.states import Trigger
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
    #: The line in whose place they are added.
    instead_of: str = ""
    #: Why a person does it; beside the leaf.
    note: str = ""
    #: More for the leaves.
    facts: dict[str, object] = field(default_factory=dict)


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
        facts: dict[str, object] = {
            "deliveries": [line.id for line in ask.deliveries][:500],
            "count": len(ask.deliveries),
        }
        if ask.instead_of:
            facts["instead_of"] = ask.instead_of
        event = history.EventRow(
            kind=Event.DOCUMENT_READDRESSED,
            at=ask.now,
            actor=ask.actor,
            facts=facts | ask.facts,
            message_id=ask.message_id,
            note=ask.note,
        )
        await history.append(tx, [event])
        if ask.instead_of:
            await self._end_old(tx, ask)
        return None

    @staticmethod
    async def _end_old(tx: Transaction, ask: Readdress) -> None:
        other_way = {
            "channel": "forwarded",
            "number": ask.deliveries[0].id,
            "by": ask.actor,
            "at": rfc3339(ask.now),
        }
        act = Act(
            trigger=Trigger.HANDED_OVER,
            delivery_ids=(ask.instead_of,),
            actor=ask.actor,
            note=ask.note,
            now=ask.now,
            give_up_at=ask.now,
            handed_over=other_way,
            facts=ask.facts,
        )
        await ActOperation().apply(tx, [act])
        dealt = Settle(
            kind="misrouted",
            subject=ask.instead_of,
            message_id=ask.message_id,
            why=ask.note,
            actor=ask.actor,
            now=ask.now,
        )
        await settle(tx, dealt)
