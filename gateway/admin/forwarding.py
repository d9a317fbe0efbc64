"""Bringing a document to an office that its sender did not name, on a person's word.

The bytes, the seal and the sender's list stay what they were; the office gets a line of its own, and the ledger
says who forwarded it, why, and in whose place. Its size counts against nobody's quota: the sender did not ask for
it. Routing decides as for any recipient; who cannot open what is encrypted end to end is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.addressing import Addressing
from gateway.admin.acts import Desk
from gateway.clock import VIETNAM
from gateway.edxml.envelope import Envelope
from gateway.eligibility import Line
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger.params import as_json
from gateway.ledger.readdress import Readdress, ReaddressOperation
from gateway.model import Agency
from gateway.openable import Openable

_ADD = ReaddressOperation()


async def target(base: Foundation, code: str) -> Agency:
    """The office of a code; RefusedError where it is closed, cannot be reached, or is nobody."""
    agency = await base.directory.require(code, base.clock.now())
    if agency.closed_at is not None and agency.closed_at <= base.clock.now():
        raise RefusedError("recipient_closed", code)
    if agency.endpoint is None:
        raise RefusedError("recipient_unreachable", code)
    return agency


async def among_recipients(base: Foundation, lines: Sequence[Line], office: Agency) -> frozenset[str]:
    """Those of the lines' messages that the office is a recipient of already."""
    pairs = as_json([[line.message_id, office.id] for line in lines])
    return frozenset(row[1] for row in await base.readers.fetch("delivery_list_of_originals", (pairs,)))


async def forward(
    desk: Desk, line: Line, code: str, *, actor: str, note: str, facts: dict[str, object] | None = None
) -> str:
    """Add the office in place of the line; the id of its delivery."""
    base = desk.foundation
    now = base.clock.now()
    sender_id = await base.reads.sender_of(line.message_id)
    sent = await base.reads.sent_message(line.message_id, frozenset({sender_id}))
    row: tuple[Any, ...] | None = await base.reads.summary(line.message_id)
    assert sent is not None, "its sender was just read"
    assert row is not None, "it was just read"
    addressing = Addressing(
        directory=base.directory, reads=base.reads, give_up_after=base.settings.delivery.give_up_after
    )
    plan = await addressing.more_recipients(sent, [code], now)
    envelope = msgspec.json.decode(row[12], type=Envelope)
    await Openable(base.readers, base.settings.end_to_end).judged(envelope, plan.deliveries, sender_id, now)
    ask = Readdress(
        message_id=line.message_id,
        dispatches=plan.dispatches,
        deliveries=plan.deliveries,
        usage=(sender_id, now.astimezone(VIETNAM).date().isoformat(), 0),
        actor=actor,
        now=now,
        instead_of=line.id,
        note=note,
        facts=facts or {},
    )
    await base.pump.submit(_ADD, ask)
    desk.requeued(plan.recipients)
    return plan.deliveries[0].id
