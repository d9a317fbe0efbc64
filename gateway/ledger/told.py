"""Which senders were told of our own outcomes by a status message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The notice about this delivery is accepted and on its way."""

    delivery_id: str
    now: datetime


class ToldOperation:
    """Marks them; doing it twice is harmless, since the notice's own fingerprint makes it one message."""

    name = "mark_told"

    async def apply(self, tx: Transaction, payloads: Sequence[Told]) -> Sequence[None]:
        """Nothing to give back."""
        await tx.execute_many("delivery_mark_told", [(micros(item.now), item.delivery_id) for item in payloads])
        return [None] * len(payloads)
