"""Documents whose verdict hangs on what CAs have not said about revocation: a list for people, the oldest first.

They are examined again by themselves (`gateway.ledger.checks`); nobody has to act on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.clock import instant
from gateway.model import whole_code
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    """One of them."""

    message_id: str
    sender_code: str
    #: `number/notation`.
    code: str
    subject: str
    accepted_at: datetime
    since: datetime
    #: Names of the CAs.
    authorities: str
    #: When the grace ended and policies decided without them; None before.
    decided_at: datetime | None
    #: Deliveries that are held for it.
    held: int


async def unanswered(readers: Readers, limit: int) -> list[Unanswered]:
    """At most so many."""
    return [
        Unanswered(
            message_id=row[0],
            sender_code=row[1],
            code=whole_code(row[2], row[3]),
            subject=row[4],
            accepted_at=instant(row[5]),
            since=instant(row[6]),
            authorities=row[10] or "",
            decided_at=instant(row[8]) if row[8] is not None else None,
            held=len(msgspec.json.decode(row[9], type=dict[str, str])),
        )
        for row in await readers.fetch("check_due_list_waiting", (limit,))
    ]
