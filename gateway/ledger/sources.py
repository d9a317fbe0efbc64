"""What becomes of a peer's list as a whole: its silence, and what people decide about its entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ledger import history
from gateway.model import EndpointId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """A list was read, and held so many new entries."""

    endpoint_id: EndpointId
    entries: int
    at: datetime
    hour: int
    #: Hours before this one say nothing any more.
    oldest_hour: int
    #: Whether entries end a silence; they do not while a test document is missing.
    ends: bool = True


async def note_pulse(tx: Transaction, pulse: Pulse) -> None:
    """Count what came; an event where that ends a silence."""
    row = await tx.fetch("silence_read", (pulse.endpoint_id,))
    ends = pulse.entries > 0 and pulse.ends
    params = {
        "endpoint": pulse.endpoint_id,
        "at": micros(pulse.at),
        "came": int(pulse.entries > 0),
        "ends": int(ends),
    }
    await tx.fetch("silence_note_list", params)
    if not pulse.entries:
        return
    counted = {"endpoint": pulse.endpoint_id, "hour": pulse.hour, "entries": pulse.entries}
    await tx.fetch("arrival_add", counted)
    await tx.fetch("arrival_forget", {"endpoint": pulse.endpoint_id, "hour": pulse.oldest_hour})
    if ends and row and row[0][1] is not None:
        await _heard(tx, pulse.endpoint_id, instant(row[0][1]), pulse.at)


async def end_silence(tx: Transaction, endpoint_id: EndpointId, at: datetime) -> None:
    """What was missing came back; an event where the source was silent."""
    row = await tx.fetch("silence_read", (endpoint_id,))
    if row and row[0][1] is not None:
        await tx.fetch("silence_end", (endpoint_id,))
        await _heard(tx, endpoint_id, instant(row[0][1]), at)


async def _heard(tx: Transaction, endpoint_id: EndpointId, silent_since: datetime, at: datetime) -> None:
    facts: dict[str, object] = {"endpoint": endpoint_id, "seconds": int((at - silent_since).total_seconds())}
    event = history.EventRow(kind=Event.SOURCE_HEARD, at=at, actor="gateway", facts=facts)
    await history.append(tx, [event])


@dataclass(frozen=True, kw_only=True, slots=True)
class Silent:
    """Nothing has come for longer than is usual."""

    endpoint_id: EndpointId
    arrived_at: datetime
    at: datetime


class SilentOperation:
    """Notes it once; whether it did."""

    name = "source_silent"

    async def apply(self, tx: Transaction, payloads: Sequence[Silent]) -> Sequence[bool]:
        """Each for itself."""
        results = []
        for ask in payloads:
            begun = await tx.fetch("silence_begin_if_none", (micros(ask.at), ask.endpoint_id))
            if begun:
                seconds = int((ask.at - ask.arrived_at).total_seconds())
                facts: dict[str, object] = {"endpoint": ask.endpoint_id, "seconds": seconds}
                event = history.EventRow(kind=Event.SOURCE_SILENCED, at=ask.at, actor="gateway", facts=facts)
                await history.append(tx, [event])
            results.append(bool(begun))
        return results


@dataclass(frozen=True, kw_only=True, slots=True)
class Decide:
    """A person's decision about one entry."""

    offer_id: str
    endpoint_id: str
    sha256: str
    decision: Literal["done", "fail"]
    actor: str
    #: Free text; kept in the row and beside the leaf, never in it.
    why: str
    now: datetime


class DecideOperation:
    """Keeps it until the peer was told."""

    name = "offer_decide"

    async def apply(self, tx: Transaction, payloads: Sequence[Decide]) -> Sequence[None]:
        """Each with its event."""
        for ask in payloads:
            params = {"id": ask.offer_id, "decision": ask.decision, "at": micros(ask.now), "by": ask.actor}
            await tx.fetch("offer_decide", params | {"why": ask.why})
            facts: dict[str, object] = {
                "offer": ask.offer_id,
                "endpoint": ask.endpoint_id,
                "decision": ask.decision,
            }
            if ask.sha256:
                facts["sha256"] = ask.sha256
            event = history.EventRow(
                kind=Event.OFFER_DECIDED, at=ask.now, actor=ask.actor, facts=facts, note=ask.why
            )
            await history.append(tx, [event])
        return [None] * len(payloads)
