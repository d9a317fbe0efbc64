"""Idempotency keys have a term, unlike anything else in the ledger: they are about requests, not documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetExpiredKeys:
    """Delete a portion of the keys past their time."""

    now: datetime


class ForgetExpiredKeysOperation:
    """Gives the number deleted; zero when none is left."""

    name = "forget_expired_keys"

    async def apply(self, tx: Transaction, payloads: Sequence[ForgetExpiredKeys]) -> Sequence[int]:
        """One count per payload."""
        return [len(await tx.fetch("idempotency_delete_expired", {"now": micros(ask.now)})) for ask in payloads]
