"""Calls over a channel that have ended, as its worker writes them down; nothing waits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import micros
from gateway.ids import uuid7, uuid7_floor
from gateway.model import BootId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What came of each, the newest first, a minute ago and before; seconds from one to the next."""

    channel: str
    message_id: str
    boot_id: BootId
    now: datetime
    how: Sequence[str]
    apart: int


class Called:
    """Writes them."""

    name = "test_called"

    async def apply(self, tx: Transaction, payloads: Sequence[Calls]) -> Sequence[None]:
        """One result per payload."""
        for calls in payloads:
            for number, how in enumerate(calls.how):
                began = calls.now - timedelta(seconds=calls.apart * number + 60)
                at, key = micros(began), f"{calls.message_id}>{number}"
                attempt = uuid7_floor(began)[:14] + uuid7()[14:]  # made then
                row = (key, calls.message_id, calls.channel, None, "done", 2, None, at, at, at)
                await tx.execute_many("dispatch_insert", [row])
                await tx.execute_many("attempt_insert", [(attempt, key, calls.boot_id, 1, at)])
                await tx.execute_many("attempt_close", [(at + 1, how, None, None, None, 9, attempt)])
        return [None for _ in payloads]
