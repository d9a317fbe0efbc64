"""Planned outages, announced and called off: each with its event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOutage:
    """One to be announced; "" is the whole gateway."""

    endpoint_id: str
    starts_at: datetime
    ends_at: datetime
    why: str
    actor: str
    now: datetime


class AnnounceOutageOperation:
    """Announces."""

    name = "announce_outage"

    async def apply(self, tx: Transaction, payloads: Sequence[NewOutage]) -> Sequence[str]:
        """Their ids."""
        keys = []
        for new in payloads:
            key, starts, ends = uuid7(), micros(new.starts_at), micros(new.ends_at)
            row = (key, new.endpoint_id or None, starts, ends, new.why, micros(new.now), new.actor)
            await tx.execute_many("outage_insert", [row])
            facts: dict[str, object] = {"outage": key, "endpoint": new.endpoint_id, "from": starts, "until": ends}
            event = history.EventRow(
                kind=Event.OUTAGE_ANNOUNCED, at=new.now, actor=new.actor, facts=facts, note=new.why
            )
            await history.append(tx, [event])
            keys.append(key)
        return keys


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedOutage:
    """One that is called off, or over earlier than was said."""

    outage_id: str
    why: str
    actor: str
    now: datetime


class EndOutageOperation:
    """Calls off."""

    name = "end_outage"

    async def apply(self, tx: Transaction, payloads: Sequence[EndedOutage]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._end(tx, each) for each in payloads]

    async def _end(self, tx: Transaction, ask: EndedOutage) -> RefusedError | None:
        row = {"id": ask.outage_id, "at": micros(ask.now), "by": ask.actor}
        found = await tx.fetch("outage_end_open", row)
        if not found:
            return RefusedError("not_found", ask.outage_id)
        facts: dict[str, object] = {"outage": ask.outage_id, "endpoint": found[0][0]}
        event = history.EventRow(kind=Event.OUTAGE_ENDED, at=ask.now, actor=ask.actor, facts=facts, note=ask.why)
        await history.append(tx, [event])
        return None
