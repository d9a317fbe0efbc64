"""Alerts, alarms and webhook replays have a term once they have ended: events know of them for ever.

An alert goes with all that was told about its delivery, since an open one looks at the others. Ids are UUIDv7, so
the oldest rows are found by the primary key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.clock import micros
from gateway.ids import uuid7_floor
from gateway.storage.pump import Transaction

#: Rows of one kind that one transaction deletes.
PORTION: Final = 500
_KINDS: Final = (
    "alert_delete_ended",
    "alert_attempt_delete_ended",
    "replay_delete_ended",
    "alarm_notice_delete_ended",
    "alarm_delete_closed",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetEnded:
    """Delete a portion of what ended before then."""

    before: datetime


class ForgetEndedOperation:
    """Gives the number deleted; zero when none is left."""

    name = "forget_ended"

    async def apply(self, tx: Transaction, payloads: Sequence[ForgetEnded]) -> Sequence[int]:
        """One count per payload."""
        counts = []
        for ask in payloads:
            params = {"floor": uuid7_floor(ask.before), "before": micros(ask.before), "limit": PORTION}
            counts.append(sum([len(await tx.fetch(kind, params)) for kind in _KINDS]))
        return counts
