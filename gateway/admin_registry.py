"""Entering agencies of ours in a peer's catalogue, and taking them out: what operators ask for.

What is said of an agency is what our directory knows of it, unless the operator says otherwise. A dry run says it
and dials nobody. Every request that was made leaves an event with what came of it, also where no answer came: then
the peer may have done it, and asking again does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin_acts import Change, Desk, Reply, agency_of, endpoint_named
from gateway.admin_peers import as_refusals, peer_client
from gateway.channels import make_registrar
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.foundation import Foundation
from gateway.ledger import history
from gateway.model import Endpoint, EndpointId
from gateway.ports import Registrar, Registration
from gateway.storage.pump import Transaction

_Code = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,50}$")]
_Text = Annotated[str, Meta(max_length=500)]
_KINDS: Mapping[str, Event] = {"register": Event.AGENCY_REGISTERED, "deregister": Event.AGENCY_DEREGISTERED}


class ChangeRegistry(Change, kw_only=True):
    """One agency in one peer's catalogue; empty fields are those of our directory."""

    act: Literal["register", "deregister"]
    channel: Annotated[str, Meta(max_length=64)]
    organ_id: _Code
    parent: Annotated[str, Meta(max_length=50)] = ""
    name: _Text = ""
    email: _Text = ""
    phone: _Text = ""
    fax: _Text = ""
    #: The peer's own id of it.
    ref: Annotated[str, Meta(max_length=100)] = ""
    #: Tell what would be said, dial nobody.
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    kind: Event
    endpoint_id: EndpointId
    code: str
    #: "done", or the reason code of what went wrong.
    outcome: str
    actor: str
    why: str
    at: datetime


class NoteRegistry:
    """Records what a peer was asked and what came of it."""

    name = "note_registry"

    async def apply(self, tx: Transaction, payloads: Sequence[_Asked]) -> Sequence[None]:
        """One event each."""
        await history.append(
            tx,
            [
                history.EventRow(
                    kind=each.kind,
                    at=each.at,
                    actor=each.actor,
                    facts={"endpoint": each.endpoint_id, "code": each.code, "outcome": each.outcome},
                    note=each.why,
                )
                for each in payloads
            ],
        )
        return [None] * len(payloads)


async def change_registry(desk: Desk, request: ChangeRegistry, actor: str) -> Reply:
    """What is said, and the peer's answer in words."""
    base = desk.foundation
    endpoint = await endpoint_named(base, request.channel)
    async with peer_client(base, endpoint, make_registrar) as registrar:
        registration = await _registration(base, request)
        told = registrar.told(registration) if request.act == "register" else {"code": request.organ_id}
        reply: Reply = {
            "act": request.act,
            "channel": endpoint.name,
            "dry_run": request.dry_run,
            "told": dict(told),
        }
        if request.dry_run:
            return reply
        return reply | {"answer": await _ask(base, endpoint, registrar, registration, request, actor)}


async def _registration(base: Foundation, request: ChangeRegistry) -> Registration:
    if request.act == "deregister":  # it may be gone from our directory, too
        return Registration(code=request.organ_id, name="")
    agency = await agency_of(base, request.organ_id, base.clock.now())
    record = (await base.directory.records([agency.id]))[agency.id]
    above = await base.directory.agencies([agency.parent_id]) if agency.parent_id else {}
    parent = next((each.organ_id for each in above.values()), "")
    return Registration(
        code=request.organ_id,
        name=request.name or agency.name,
        parent_code=request.parent or parent,
        email=request.email or record.contact.get("email", ""),
        phone=request.phone or record.contact.get("phone", ""),
        fax=request.fax or record.contact.get("fax", ""),
        ref=request.ref,
    )


async def _ask(
    base: Foundation,
    endpoint: Endpoint,
    registrar: Registrar,
    registration: Registration,
    request: ChangeRegistry,
    actor: str,
) -> str:
    outcome = "done"
    try:
        with as_refusals(before=f"{endpoint.name} answers: "):
            if request.act == "register":
                return await registrar.register(registration)
            return await registrar.deregister(request.organ_id)
    except RefusedError as error:
        outcome = error.code
        raise
    finally:
        asked = _Asked(
            kind=_KINDS[request.act],
            endpoint_id=endpoint.id,
            code=request.organ_id,
            outcome=outcome,
            actor=actor,
            why=request.reason,
            at=base.clock.now(),
        )
        await base.pump.submit(NoteRegistry(), asked)
