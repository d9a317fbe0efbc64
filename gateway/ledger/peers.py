"""What bindings ask of the ledger: the lines of what was sent, and counts of what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.clock import instant
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.states import State
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class LineOfSent:
    """One recipient of a message."""

    message_id: str
    id: str
    recipient_code: str
    state: State
    reason: str
    detail: str
    business_status: str
    state_at: datetime


class PeerReads:
    """Questions that bindings ask."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def count(self, agencies: frozenset[AgencyId], kind: str) -> int:
        """Open items of one kind."""
        params = {"agencies": as_json(sorted(agencies)), "kind": kind}
        return int((await self._readers.fetch("inbox_count_waiting", params))[0][0])

    async def messages(self, agencies: frozenset[AgencyId], *, kind: str, limit: int, skip: int) -> list[str]:
        """Ids of what agencies sent, newest first."""
        kinds = [kind] if kind else ["document", "status"]
        params = {"agencies": as_json(sorted(agencies)), "kinds": as_json(kinds), "limit": limit, "skip": skip}
        return [row[0] for row in await self._readers.fetch("message_find_sent_after", params)]

    async def lines(self, message_ids: list[str]) -> list[LineOfSent]:
        """All lines of some messages."""
        return [_line(row) for row in await self._readers.fetch("delivery_list_of_sent", (as_json(message_ids),))]


def _line(row: tuple[Any, ...]) -> LineOfSent:
    return LineOfSent(
        message_id=row[0],
        id=row[1],
        recipient_code=row[2],
        state=State(row[3]),
        reason=row[4],
        detail=row[5],
        business_status=row[6],
        state_at=instant(row[7]),
    )
