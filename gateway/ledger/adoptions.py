"""A person gives a delivery the id that an intermediary has for it, since the answer that named it was lost.

From then on it is *relayed* under that id, as if the answer had come: it is not sent again, the recipient's
statuses move it, and comparing with the intermediary's books finds it. An id is one transmission's, so no other
message may have it at that channel; deliveries of the same message may, since one transmission carries several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.ledger.moves import Move, move, settle
from gateway.states import State, Trigger, after, sources
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopt:
    """One delivery and the intermediary's id."""

    delivery_id: str
    peer_ref: str
    actor: str
    #: Free text for people; kept on the delivery, never in a leaf.
    note: str
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopted:
    """What came of it."""

    state: State
    #: Whether it moved; else its state forbade it, or `other`.
    moved: bool
    #: The delivery of another message that has the id.
    other: str = ""


class AdoptOperation:
    """Checks and moves in one transaction."""

    name = "adopt_delivery"

    async def apply(self, tx: Transaction, payloads: Sequence[Adopt]) -> Sequence[Adopted]:
        """One after the other, since two may name the same id."""
        return [await self._adopt(tx, payload) for payload in payloads]

    async def _adopt(self, tx: Transaction, ask: Adopt) -> Adopted:
        message_id, _, told, dispatch_id, *_ = (await tx.fetch("delivery_read_adoptable", (ask.delivery_id,)))[0]
        state = State(told)
        if state not in sources(Trigger.ADOPTED):
            return Adopted(state=state, moved=False)
        others = await tx.fetch("delivery_find_of_peer_ref", {"delivery": ask.delivery_id, "ref": ask.peer_ref})
        if others:
            return Adopted(state=state, moved=False, other=others[0][0])
        adoption = Move(
            delivery_id=ask.delivery_id,
            message_id=message_id,
            state=state,
            trigger=Trigger.ADOPTED,
            at=ask.now,
            actor=ask.actor,
            reason="adopted_by_operator",
            detail=ask.note,
            peer_ref=ask.peer_ref,
            facts={"peer_ref": ask.peer_ref},
        )
        await move(tx, [adoption])
        await settle(tx, [dispatch_id])
        return Adopted(state=after(state, Trigger.ADOPTED), moved=True)
