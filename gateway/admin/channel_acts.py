"""What people do to a channel beside pausing it: its pace, its order, and a test document by it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply, endpoint_named
from gateway.compose import Composer
from gateway.directory.endpoint_changes import (
    SetEndpointOrder,
    SetEndpointOrderOperation,
    SetEndpointPace,
    SetEndpointPaceOperation,
)
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.journey import Journey
from gateway.ledger.history import EventRow, RecordEvents
from gateway.maintenance.canaries import send_test


class SetPace(Change, kw_only=True):
    """How many transmissions may be under way to a channel at once."""

    channel: str
    most: Annotated[int, Meta(ge=1, le=256)]


class SetOrder(Change, kw_only=True):
    """In which order what waits for a channel goes; hỏa tốc goes first in either."""

    channel: str
    order: Literal["urgency", "oldest"]


class SendTest(Change, kw_only=True):
    """A test document to an office."""

    organ_id: Annotated[str, Meta(min_length=1, max_length=50)]


async def set_pace(desk: Desk, request: SetPace, actor: str) -> Reply:
    """Counts from the next transmission on."""
    base = desk.foundation
    endpoint = await endpoint_named(base, request.channel)
    change = SetEndpointPace(
        endpoint_id=endpoint.id, most=request.most, actor=actor, now=base.clock.now(), why=request.reason
    )
    await base.directory.apply(base.pump, SetEndpointPaceOperation(), change)
    desk.requeued(())
    return {"channel": endpoint.name, "max_in_flight": request.most}


async def set_order(desk: Desk, request: SetOrder, actor: str) -> Reply:
    """Counts from the next transmission on."""
    base = desk.foundation
    endpoint = await endpoint_named(base, request.channel)
    change = SetEndpointOrder(
        endpoint_id=endpoint.id,
        oldest_first=request.order == "oldest",
        actor=actor,
        now=base.clock.now(),
        why=request.reason,
    )
    await base.directory.apply(base.pump, SetEndpointOrderOperation(), change)
    return {"channel": endpoint.name, "order": request.order}


async def send_test_document(desk: Desk, journey: Journey, request: SendTest, actor: str) -> Reply:
    """It is a document like any other, and says in its title that it is none; who had it sent is recorded."""
    base = desk.foundation
    now, own = base.clock.now(), base.settings.seal.organ_id
    known = await base.directory.resolve([code for code in (own, request.organ_id) if code], now)
    sender, office = known.get(own), known.get(request.organ_id)
    if sender is None:
        raise RefusedError("sender_unknown", "seal.organ_id names no agency, so there is nobody to send")
    if office is None:
        raise RefusedError("agency_unknown", request.organ_id)
    composer = Composer(bodies=base.bodies, directory=base.directory, clock=base.clock)
    message_id = await send_test(base, journey, composer, sender, request.organ_id, now)
    event = EventRow(
        kind=Event.TEST_SENT,
        at=now,
        actor=actor,
        facts={"agency": office.id, "endpoint": office.endpoint.id if office.endpoint else ""},
        message_id=message_id,
        note=request.reason,
    )
    await base.pump.submit(RecordEvents(), event)
    desk.requeued({office.id})
    return {"document": message_id, "recipient": request.organ_id}
