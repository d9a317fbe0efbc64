"""What offices were told in their own folders, so that no fact is told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Papered:
    """The office has a paper about these."""

    #: (delivery or offer, what was true of it).
    facts: tuple[tuple[str, str], ...]
    #: Deliveries whose end was told: no status says the same again.
    ended: tuple[str, ...]
    now: datetime


class PaperedOperation:
    """Remembers it; doing it twice is harmless."""

    name = "paper_note"

    async def apply(self, tx: Transaction, payloads: Sequence[Papered]) -> Sequence[None]:
        """Nothing to give back."""
        for ask in payloads:
            at = micros(ask.now)
            await tx.execute_many("paper_insert", [(about, fact, at) for about, fact in ask.facts])
            await tx.execute_many("delivery_mark_told", [(at, delivery_id) for delivery_id in ask.ended])
        return [None] * len(payloads)
