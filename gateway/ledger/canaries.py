"""A test document of ours came back by its channel: its line is delivered, and the silence for its sake is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.ledger.moves import Move, move
from gateway.ledger.params import as_json
from gateway.ledger.sources import end_silence
from gateway.model import EndpointId
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class CanaryReturned:
    """One entry that is one of ours."""

    delivery_id: str
    message_id: str
    offer_id: str
    endpoint_id: EndpointId
    #: Whether the channel was silent because it was missing.
    ends_silence: bool
    at: datetime


class CanaryReturnedOperation:
    """Whether its line says that it is back; an outcome under way comes first."""

    name = "canary_returned"

    async def apply(self, tx: Transaction, payloads: Sequence[CanaryReturned]) -> Sequence[bool]:
        """Each for itself; the same one twice is the same."""
        return [await self._note(tx, payload) for payload in payloads]

    async def _note(self, tx: Transaction, back: CanaryReturned) -> bool:
        state = State((await tx.fetch("delivery_list_by_ids", (as_json([back.delivery_id]),)))[0][3])
        if state not in {State.RELAYED, State.DELIVERED, State.ACKNOWLEDGED}:
            return False
        await tx.fetch("offer_set_message", (back.message_id, back.offer_id))
        if state is State.RELAYED:
            delivered = Move(
                delivery_id=back.delivery_id,
                message_id=back.message_id,
                state=state,
                trigger=Trigger.DELIVERED,
                at=back.at,
                facts={"offer": back.offer_id},
            )
            await move(tx, [delivered])
            if back.ends_silence:
                await end_silence(tx, back.endpoint_id, back.at)
        return True
