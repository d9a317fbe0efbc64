"""A relay brings back a document of ours: linked to the original by an event, not delivered again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """One returned copy."""

    original_id: str
    actor: str
    sha256: str
    now: datetime


class LinkReturned:
    """Gives the id of the original."""

    name = "link_returned"

    async def apply(self, tx: Transaction, payloads: Sequence[Returned]) -> Sequence[str]:
        """One event per payload."""
        await history.append(
            tx,
            [
                history.EventRow(
                    kind=Event.DOCUMENT_LINKED,
                    at=item.now,
                    actor=item.actor,
                    facts={"returned": True, "sha256": item.sha256},
                    message_id=item.original_id,
                )
                for item in payloads
            ],
        )
        return [item.original_id for item in payloads]
