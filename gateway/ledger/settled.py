"""What a person has dealt with: it leaves the queues of problems, with who, when and why; nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction

Problem = Literal["conflict", "flag", "misrouted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settle:
    """One problem: a document that conflicts, a status that is flagged, a delivery that went wrong."""

    kind: Problem
    subject: str
    #: The document that it is about, for its timeline.
    message_id: str
    why: str
    actor: str
    now: datetime


class SettleOperation:
    """Settles once."""

    name = "settle"

    async def apply(self, tx: Transaction, payloads: Sequence[Settle]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [None if await settle(tx, ask) else _before(ask) for ask in payloads]


def _before(ask: Settle) -> RefusedError:
    return RefusedError("state_forbids", f"{ask.subject} was dealt with before")


async def settle(tx: Transaction, ask: Settle) -> bool:
    """Whether nobody had."""
    params = {"kind": ask.kind, "subject": ask.subject, "at": micros(ask.now), "by": ask.actor, "why": ask.why}
    if not await tx.fetch("settled_insert_new", params):
        return False
    event = history.EventRow(
        kind=Event.PROBLEM_SETTLED,
        at=ask.now,
        actor=ask.actor,
        facts={"kind": ask.kind, "subject": ask.subject},
        message_id=ask.message_id,
        note=ask.why,
    )
    await history.append(tx, [event])
    return True
