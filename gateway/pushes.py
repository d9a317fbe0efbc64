"""What webhooks confirmed, for receivers that lost it: listed in the order of the confirmations, or pushed again.

The cursor is the number of the event that confirmed a delivery, so what was confirmed late (after retries) comes
late and no reader misses it. A page looks at a bounded part of the history: it may be empty although more follows.

A caller sees and asks for deliveries to the agencies that it speaks for, and nothing else exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.api import models
from gateway.clock import Clock, instant
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.ledger.replays import Ask, AskOperation
from gateway.model import Caller
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: Events that one statement looks at, and statements for one page.
_SPAN, _LOOKS = 5000, 20
#: Deliveries that one request queues, and that may wait for one caller.
_AT_ONCE, _WAITING_MOST = 500, 5000
_NEVER = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """What a delivery brought."""

    message_id: str
    sha256: str
    #: For a file.
    name: str


class Pushes:
    """Reads the history; writes what is asked for again."""

    def __init__(self, readers: Readers, pump: Pump, clock: Clock) -> None:
        self._readers, self._pump, self._clock = readers, pump, clock
        self._ask = AskOperation()

    async def page(self, caller: Caller, since: int, limit: int) -> models.PushedPage:
        """Confirmed deliveries after a cursor."""
        rows, cursor, more = await self._found(caller, since, _NEVER, limit)
        return models.PushedPage(items=[_item(row) for row in rows], cursor=cursor, more=more)

    async def content(self, caller: Caller, delivery_id: str) -> Brought:
        """What a delivery brought; `not_found` for what is not one's own."""
        params = {"id": delivery_id, "agencies": as_json(sorted(caller.speaks_for))}
        row = await self._readers.fetch_one("pushed_find_content", params)
        if row is None:
            raise RefusedError("not_found")
        return Brought(sha256=row[0], name=f"{row[1]}-{row[2]}", message_id=row[3])

    async def replay(self, caller: Caller, request: models.ReplayRequest) -> models.Replays:
        """Queue what is asked for; a range is taken as far as one request goes."""
        if bool(request.deliveries) == (request.after is not None):
            raise RefusedError("parameter_invalid", "give either deliveries, or after (and upto)")
        agencies = as_json(sorted(caller.speaks_for))
        waiting = await self._readers.fetch_one("replay_count_waiting", (agencies,))
        if waiting and waiting[0] + _AT_ONCE > _WAITING_MOST:
            raise RefusedError("quota_exceeded", f"{waiting[0]} deliveries wait to be pushed again")
        if request.deliveries:
            found, cursor, more = await self._named(request.deliveries, agencies), 0, False
        else:
            upto = _NEVER if request.upto is None else request.upto
            rows, cursor, more = await self._found(caller, request.after or 0, upto, _AT_ONCE)
            found = tuple((row[2], row[3]) for row in rows)
        ask = Ask(deliveries=found, actor=caller.actor, now=self._clock.now())
        queued = await self._pump.submit(self._ask, ask) if found else 0
        return models.Replays(queued=queued, cursor=cursor, more=more)

    async def _named(self, ids: list[str], agencies: str) -> tuple[tuple[str, str], ...]:
        wanted = list(dict.fromkeys(ids))
        rows = await self._readers.fetch("pushed_filter_ids", {"ids": as_json(wanted), "agencies": agencies})
        if len(rows) < len(wanted):
            raise RefusedError("not_found", "not all of these are deliveries that a webhook of yours confirmed")
        return tuple((row[0], row[1]) for row in rows)

    async def _found(
        self, caller: Caller, after: int, most: int, limit: int
    ) -> tuple[list[tuple[Any, ...]], int, bool]:
        """Rows, where to go on, and whether anything may follow there."""
        agencies = as_json(sorted(caller.speaks_for))
        rows: list[tuple[Any, ...]] = []
        for _ in range(_LOOKS):
            span = await self._readers.fetch_one("event_read_span", {"after": after, "span": _SPAN})
            if span is None or span[0] is None:
                return rows, after, False
            upto = min(span[0], most)
            params = {"after": after, "upto": upto, "agencies": agencies, "limit": limit - len(rows)}
            rows += await self._readers.fetch("pushed_list_since", params)
            if len(rows) >= limit:
                return rows, rows[-1][0], True
            if upto == most:
                return rows, most, False
            after = upto
        return rows, after, True


def _item(row: tuple[Any, ...]) -> models.PushedItem:
    return models.PushedItem(
        seq=row[0],
        delivered_at=instant(row[1]),
        id=row[2],
        message_id=row[3],
        dispatch_id=row[4],
        kind=row[5],
        organ_id=row[6],
        sender_organ_id=row[7],
        document_id=row[8],
        sha256=row[9],
        size=row[10],
        content=f"/api/v1/pushed/{row[2]}/content",
    )
