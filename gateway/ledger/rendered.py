"""Recording renditions: which copy of a message in another dialect was made for peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """One rendition, its bytes already synced."""

    message_id: str
    dialect: str
    sha256: str
    size: int
    now: datetime


class RenderedOperation:
    """Links renditions to their originals; the first of a dialect stays."""

    name = "record_rendition"

    async def apply(self, tx: Transaction, payloads: Sequence[Rendered]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            row = (item.message_id, item.dialect, item.sha256, item.size, micros(item.now))
            if await tx.fetch("rendition_insert_new", row):
                event = history.EventRow(
                    kind=Event.DOCUMENT_RENDERED,
                    at=item.now,
                    actor="gateway",
                    facts={"dialect": item.dialect, "sha256": item.sha256, "size": item.size},
                    message_id=item.message_id,
                )
                await history.append(tx, [event])
        return [None] * len(payloads)
