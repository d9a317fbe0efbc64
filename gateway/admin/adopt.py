"""Adopting an intermediary's id by hand: which of several transmissions there a delivery of ours is.

Where the peer keeps books that can be read, the id must be in its list of what we sent, for that recipient and
that document. Where it keeps none, or the operator vouches for the id (`unchecked`), the reply says that nobody
was asked. A peer that cannot be asked now is a refusal with its reason, and nothing is adopted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply, unknown_deliveries
from gateway.admin.peers import peer_client
from gateway.channels import has_counterpart, make_counterpart
from gateway.clock import VIETNAM, instant
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger.adoptions import Adopt, AdoptOperation
from gateway.model import Endpoint, EndpointId
from gateway.ports import SentRecord
from gateway.states import State, Trigger, sources

_ADOPT = AdoptOperation()


class AdoptDelivery(Change, kw_only=True):
    """One delivery."""

    delivery: str
    #: The id that the intermediary gave.
    peer_id: Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,200}$")]
    #: Ask nobody whether it is there.
    unchecked: bool = False


async def adopt_delivery(desk: Desk, request: AdoptDelivery, actor: str) -> Reply:
    """The delivery is relayed under that id."""
    base = desk.foundation
    row = await base.readers.fetch_one("delivery_read_adoptable", (request.delivery,))
    if row is None:
        raise await unknown_deliveries(base, [request.delivery])
    message_id, endpoint_id, state, _, recipient, number, notation, created_at = row
    endpoint = await base.directory.endpoint(EndpointId(endpoint_id))
    assert endpoint is not None, "a delivery's channel is never deleted"
    if not endpoint.is_relay:
        raise RefusedError(
            "state_forbids", f"{endpoint.name} is no intermediary: what arrived there is told by gateway confirm"
        )
    if State(state) not in sources(Trigger.ADOPTED):
        raise RefusedError("state_forbids", f"{request.delivery} is {state}")
    checked: Literal["listed", "not_asked"] = "not_asked"
    if has_counterpart(endpoint) and not request.unchecked:
        first = instant(created_at)
        listed = await _sent(base, endpoint, first)
        records = [each for each in listed if each.ref == request.peer_id and not each.unreadable]
        unreadable = sum(1 for each in listed if each.unreadable)
        if not records and unreadable:
            words = f"{unreadable} lines of {endpoint.name}'s list cannot be read and may be {request.peer_id}"
            raise RefusedError("peer_ref_unknown", f"{words}; --unchecked asks nobody")
        _require(records, request.peer_id, recipient, f"{number}/{notation}")
        checked = "listed"
    ask = Adopt(
        delivery_id=request.delivery,
        peer_ref=request.peer_id,
        actor=actor,
        note=request.reason,
        now=base.clock.now(),
    )
    adopted = await base.pump.submit(_ADOPT, ask)
    if adopted.other:
        raise RefusedError("peer_ref_taken", f"{request.peer_id} is that of the delivery {adopted.other}")
    if not adopted.moved:  # somebody else moved it meanwhile
        raise RefusedError("state_forbids", f"{request.delivery} is {adopted.state}")
    return {
        "delivery": request.delivery,
        "message": message_id,
        "channel": endpoint.name,
        "recipient": recipient,
        "state": str(adopted.state),
        "peer_id": request.peer_id,
        "checked": checked,
    }


async def _sent(base: Foundation, endpoint: Endpoint, since: datetime) -> Sequence[SentRecord]:
    """What the peer says that we sent since the line was made; its clock may be off, so a day more."""
    day = timedelta(days=1)
    first, last = (at.astimezone(VIETNAM).date() for at in (since - day, base.clock.now() + day))
    before, after = f"{endpoint.name} cannot be asked: ", "; --unchecked asks nobody"
    async with peer_client(base, endpoint, make_counterpart, before=before, after=after) as counterpart:
        return await counterpart.sent(first, last)


def _require(records: Sequence[SentRecord], peer_id: str, recipient: str, code: str) -> None:
    """The peer lists it, for this recipient and with this number."""
    if not records:
        raise RefusedError("peer_ref_unknown", peer_id)
    named = {record.recipient_code for record in records}
    if recipient not in named and "" not in named:
        raise RefusedError(
            "peer_ref_differs", f"{peer_id} went to {', '.join(sorted(named)[:5])}, not to {recipient}"
        )
    codes = {record.notation for record in records} - {""}
    if codes and code.casefold() not in {each.strip().casefold() for each in codes}:
        raise RefusedError("peer_ref_differs", f"{peer_id} is {', '.join(sorted(codes)[:5])}, not {code}")
