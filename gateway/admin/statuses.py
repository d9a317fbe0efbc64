"""What operators do with parked statuses: match one with the delivery it is about, or dismiss it.

A match is a person's word for which document was meant, never for who may answer: nobody answers for an office but
itself and whoever speaks for it by the directory, as agent or successor, when the status came or now. What the
directory does not know yet an administrator enters there first, which is an event of its own. From then on the
status counts like any other: it is judged, moves its line, and goes to the sender of the document. A dismissed
status stays, marked. Neither can be undone; nothing is deleted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.addressing import Addressing
from gateway.admin.acts import Change, Desk, Reply, unknown_deliveries
from gateway.clock import instant
from gateway.edxml.envelope import BusinessType
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ids import uuid7
from gateway.ledger.parked import Resolve, ResolveOperation
from gateway.ledger.reads import Match
from gateway.ledger.rows import StatusEffect
from gateway.model import AgencyId, DeliveryId, EndpointId
from gateway.status import TAKE_BACK, exactly

_RESOLVE = ResolveOperation()
#: What a status can be about: documents, and take-backs, which are answered.
_REPORTED_ON = frozenset({*map(str, BusinessType), TAKE_BACK})


class MatchStatus(Change, kw_only=True):
    """A parked status is about this delivery."""

    #: Its id, or that of the message it came in.
    status: str
    delivery: str


class DismissStatus(Change, kw_only=True):
    """A parked status is about nothing here."""

    status: str


async def match_status(desk: Desk, request: MatchStatus, actor: str) -> Reply:
    """Judge it against the delivery, send it on, and tell what came of it."""
    base = desk.foundation
    parked = await _parked(base, request.status)
    line = await _line(base, request.delivery)
    now = base.clock.now()
    reporter = AgencyId(parked["reporter_id"])
    if line.recipient_id not in await spoken_for(base, reporter, parked["recorded_at"]):
        known = await base.directory.agencies([reporter, line.recipient_id])
        names = [known[key].name if key in known else key for key in (reporter, line.recipient_id)]
        raise RefusedError("reporter_not_authorised", " – ".join(names))
    effects = await _effects(base, parked, line)
    sent = await base.reads.sent_message(parked["message_id"], frozenset({reporter}))
    assert sent is not None, "it was parked, and messages are never deleted"
    addressing = Addressing(
        directory=base.directory, reads=base.reads, give_up_after=base.settings.delivery.give_up_after
    )
    arrived_by = EndpointId(parked["arrived_by"]) if parked["arrived_by"] else None
    plan = await addressing.to_sender(sent, line, arrived_by=arrived_by, at=now)
    [verdict, *_] = await base.pump.submit(
        _RESOLVE,
        Resolve(
            status_id=parked["id"],
            message_id=parked["message_id"],
            reporter_id=reporter,
            code=parked["code"],
            actor=actor,
            note=request.reason,
            now=now,
            effects=effects,
            dispatches=plan.dispatches,
            deliveries=plan.deliveries,
        ),
    )
    desk.requeued(plan.recipients)
    about = await base.reads.deliveries(line.message_id)
    after = next(each for each in about if each.id == line.delivery_id)
    return {
        "status": parked["id"],
        "code": parked["code"],
        "delivery": after.id,
        "document": after.message_id,
        "recipient": after.recipient_code,
        "from_recipient": reporter == after.recipient_id,
        "state": str(after.state),
        "business_status": after.business_status,
        "moved": verdict.moves,
        "flag": verdict.flag,
        "sent_to": [each.recipient_code for each in plan.deliveries],
    }


async def dismiss_status(desk: Desk, request: DismissStatus, actor: str) -> Reply:
    """Mark it; it waits for nobody any more."""
    base = desk.foundation
    parked = await _parked(base, request.status)
    await base.pump.submit(
        _RESOLVE,
        Resolve(
            status_id=parked["id"],
            message_id=parked["message_id"],
            reporter_id=parked["reporter_id"],
            code=parked["code"],
            actor=actor,
            note=request.reason,
            now=base.clock.now(),
        ),
    )
    return {"status": parked["id"], "code": parked["code"], "resolution": "dismissed"}


async def spoken_for(base: Foundation, reporter: AgencyId, reported_at: datetime) -> frozenset[AgencyId]:
    """Whose lines a status may be matched with: those of whom the reporter spoke for when it came, or does now."""
    now = await base.directory.represented_by(reporter, base.clock.now())
    return now | await base.directory.represented_by(reporter, reported_at)


async def _parked(base: Foundation, key: str) -> dict[str, Any]:
    row = await base.readers.fetch_one("status_get_parked", {"key": key})
    if row is None:
        raise RefusedError("parked_status_unknown", key)
    names = (
        "id", "message_id", "reporter_id", "code", "reported_at", "description", "resolution", "arrived_by",
        "recorded_at",
    )  # fmt: skip
    found = dict(zip(names, row, strict=True))
    found["recorded_at"] = instant(found["recorded_at"])
    if found["resolution"]:
        raise RefusedError("state_forbids", f"the status {found['id']} was {found['resolution']} before")
    return found


async def _line(base: Foundation, delivery_id: str) -> Match:
    line = await base.reads.match_delivery(DeliveryId(delivery_id))
    if line is None:
        raise await unknown_deliveries(base, [delivery_id])
    if line.business_type not in _REPORTED_ON:
        raise RefusedError("parameter_invalid", f"{delivery_id} is the delivery of a status, not of a document")
    return line


async def _effects(base: Foundation, parked: dict[str, Any], line: Match) -> tuple[StatusEffect, ...]:
    """The chosen line first; an answer to a request is about the other line of it too."""
    found = (await exactly(base.reads, line, parked["code"], matched_by="person")).matches
    asked = {match.request_id for match in found}
    return tuple(
        StatusEffect(
            id=uuid7(),
            delivery_id=match.delivery_id,
            reporter_id=parked["reporter_id"],
            code=parked["code"],
            reported_at=instant(parked["reported_at"]) if parked["reported_at"] is not None else None,
            description=parked["description"],
            matched_by="person",
            answers_request=match.message_id in asked,
        )
        for match in sorted(found, key=lambda match: match.delivery_id != line.delivery_id)
    )
