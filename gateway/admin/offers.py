"""What operators do about peers' lists: decide about an entry that nobody could accept, have a list read now.

A decision (`done`: it is dealt with; `fail`: we do not take it) is kept, and told to the peer at the next look,
which begins at once. The entry's bytes, where they could be had, stay. An entry that became a message is no matter
for a decision: the peer hears `done` of it by itself. Of one without an id it cannot be told: that is set aside.
"""

from __future__ import annotations

from typing import Literal

from gateway.admin.acts import Change, Desk, Reply
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger.history import EventRow, RecordEvents
from gateway.ledger.relisted import UNREADABLE
from gateway.ledger.sources import Decide, DecideOperation

_DECIDE = DecideOperation()


class DecideOffer(Change, kw_only=True):
    """About one entry of a peer's list."""

    #: Its id here, or the peer's where the channel is named.
    offer: str
    decision: Literal["done", "fail"]
    channel: str = ""


class PollSources(Change, kw_only=True):
    """Read lists now."""

    #: Name of the channel; "": all.
    channel: str = ""


async def decide_offer(desk: Desk, request: DecideOffer, actor: str) -> Reply:
    """Keep it; the peer is told soon."""
    base = desk.foundation
    rows = await base.readers.fetch("offer_find", {"key": request.offer, "endpoint": request.channel})
    if not rows:
        raise RefusedError("offer_unknown", request.offer)
    offer_id, endpoint_id, channel, ref, gone_at, acknowledged_at, message_id, sha256, failure = rows[0]
    if gone_at is not None:
        raise RefusedError("state_forbids", f"{ref} is listed no more")
    if message_id:
        raise RefusedError("state_forbids", f"{ref} became the message {message_id}")
    if acknowledged_at is not None:
        raise RefusedError("state_forbids", f"{channel} was told of {ref}, and is told again while it lists it")
    decided = Decide(
        offer_id=offer_id,
        endpoint_id=endpoint_id,
        sha256=sha256,
        decision=request.decision,
        actor=actor,
        why=request.reason,
        now=base.clock.now(),
    )
    await base.pump.submit(_DECIDE, decided)
    desk.poll(endpoint_id)
    told = failure != UNREADABLE
    return {"offer": offer_id, "channel": channel, "ref": ref, "decision": request.decision, "told": told}


async def poll_sources(desk: Desk, request: PollSources, actor: str) -> Reply:
    """How many lists are being read; who asked is recorded where there is one."""
    base = desk.foundation
    found = await base.directory.endpoints() if request.channel else []
    names = {each.name: each.id for each in found}
    if request.channel and request.channel not in names:
        raise RefusedError("channel_unknown", request.channel)
    key = names.get(request.channel, "")
    if count := desk.poll(key):
        facts: dict[str, object] = {"endpoint": key, "lists": count}
        event = EventRow(
            kind=Event.SOURCE_ASKED, at=base.clock.now(), actor=actor, facts=facts, note=request.reason
        )
        await base.pump.submit(RecordEvents(), event)
    return {"channels": count}
