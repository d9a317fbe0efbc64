"""Planned outages: what operators announce, and call off. See `gateway.admin.acts`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Instant, Reply, endpoint_named
from gateway.clock import rfc3339
from gateway.errors import RefusedError
from gateway.ledger.outages import AnnounceOutageOperation, EndedOutage, EndOutageOperation, NewOutage

_LONGEST: Final = timedelta(days=30)
_ANNOUNCE, _END = AnnounceOutageOperation(), EndOutageOperation()


class AnnounceOutage(Change, kw_only=True):
    """A channel, or the whole gateway, is not in service for a while; the reason is told to everybody."""

    #: Name or id; "" for the whole gateway.
    channel: Annotated[str, Meta(max_length=64)] = ""
    starts_at: Instant
    ends_at: Instant


class EndOutage(Change, kw_only=True):
    """It does not come, or is over earlier."""

    outage: Annotated[str, Meta(min_length=1, max_length=40)]


async def announce_outage(desk: Desk, request: AnnounceOutage, actor: str) -> Reply:
    """Its id."""
    base = desk.foundation
    now = base.clock.now()
    if not now < request.ends_at or not timedelta() < request.ends_at - request.starts_at <= _LONGEST:
        raise RefusedError(
            "parameter_invalid", f"it ends in the future, after its begin, within {_LONGEST.days} days"
        )
    endpoint = (await endpoint_named(base, request.channel)).id if request.channel else ""
    new = NewOutage(
        endpoint_id=endpoint,
        starts_at=request.starts_at,
        ends_at=request.ends_at,
        why=request.reason,
        actor=actor,
        now=now,
    )
    key = await base.pump.submit(_ANNOUNCE, new)
    await base.outages.reload()
    return {"outage": key, "from": rfc3339(request.starts_at), "until": rfc3339(request.ends_at)}


async def end_outage(desk: Desk, request: EndOutage, actor: str) -> Reply:
    """Its id."""
    base = desk.foundation
    ask = EndedOutage(outage_id=request.outage, why=request.reason, actor=actor, now=base.clock.now())
    await base.pump.submit(_END, ask)
    await base.outages.reload()
    return {"outage": request.outage}
