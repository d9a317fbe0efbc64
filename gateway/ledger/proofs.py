"""What receivers of documents have proved about themselves, and the events of it.

One row per endpoint holds the newest answer. An event is recorded where something changes: another mark, or the
other answer. A receiver that fails the same question again and again fills no history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction

How = Literal["challenge", "in_use"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What is known of the receiver at one endpoint."""

    #: For which address and key; "" until a channel that was in use is used again.
    mark: str
    how: How
    asked_at: datetime
    proved_at: datetime | None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One answer to be recorded; an empty reason means that it is proved."""

    endpoint_id: str
    mark: str
    how: How
    now: datetime
    reason: str = ""
    detail: str = ""
    actor: str = "gateway"


def proof_of(row: Sequence[Any]) -> Proof:
    """A row of `proof_find`."""
    mark, how, asked, proved, reason, detail = row
    at = None if proved is None else instant(proved)
    return Proof(
        mark=mark, how=how, asked_at=instant(asked), proved_at=at, reason=reason or "", detail=detail or ""
    )


class AskedOperation:
    """Keeps the answer."""

    name = "record_proof"

    async def apply(self, tx: Transaction, payloads: Sequence[Asked]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            known = await tx.fetch("proof_find", (item.endpoint_id,))
            at, is_proved = micros(item.now), not item.reason
            row = (
                item.endpoint_id, item.mark, item.how, at, at if is_proved else None, item.reason or None,
                item.detail or None,
            )  # fmt: skip
            await tx.execute_many("proof_upsert", [row])
            if known and known[0][0] == item.mark and (known[0][3] is not None) is is_proved:
                continue
            facts: dict[str, object] = {"endpoint": item.endpoint_id, "mark": item.mark}
            facts |= {"how": item.how} if is_proved else {"reason": item.reason}
            kind = Event.ENDPOINT_VERIFIED if is_proved else Event.ENDPOINT_DOUBTED
            await history.append(tx, [history.EventRow(kind=kind, at=item.now, actor=item.actor, facts=facts)])
        return [None] * len(payloads)
