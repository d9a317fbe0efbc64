"""Entering agencies of ours in a peer's catalogue, and taking them out: what operators ask for.

What is said of an agency is what our directory knows of it, unless the operator says otherwise. A dry run says it
and dials nobody. Every request that was made leaves an event with what came of it, also where no answer came: then
the peer may have done it, and asking again does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply, endpoint_named
from gateway.admin.peers import as_refusals, peer_client
from gateway.channels import make_catalogue_editor
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.foundation import Foundation
from gateway.ledger.history import EventRow, RecordEvents
from gateway.model import Endpoint
from gateway.ports import CatalogueEditor, Registration

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


async def change_registry(desk: Desk, request: ChangeRegistry, actor: str) -> Reply:
    """What is said, and the peer's answer in words."""
    base = desk.foundation
    endpoint = await endpoint_named(base, request.channel)
    async with peer_client(base, endpoint, make_catalogue_editor) as editor:
        registration = await _registration(base, request)
        told = editor.told(registration) if request.act == "register" else {"code": request.organ_id}
        reply: Reply = {
            "act": request.act,
            "channel": endpoint.name,
            "dry_run": request.dry_run,
            "told": dict(told),
        }
        if request.dry_run:
            return reply
        return reply | {"answer": await _ask(base, endpoint, editor, registration, request, actor)}


async def _registration(base: Foundation, request: ChangeRegistry) -> Registration:
    if request.act == "deregister":  # it may be gone from our directory, too
        return Registration(code=request.organ_id, name="")
    agency = await base.directory.require(request.organ_id, base.clock.now())
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
    editor: CatalogueEditor,
    registration: Registration,
    request: ChangeRegistry,
    actor: str,
) -> str:
    outcome = "internal_error"  # unless it comes to an end
    try:
        with as_refusals(before=f"{endpoint.name} answers: "):
            if request.act == "register":
                answer = await editor.register(registration)
            else:
                answer = await editor.deregister(request.organ_id)
        outcome = "done"
    except RefusedError as error:
        outcome = error.code
        raise
    finally:
        event = EventRow(
            kind=_KINDS[request.act],
            at=base.clock.now(),
            actor=actor,
            facts={"endpoint": endpoint.id, "code": request.organ_id, "outcome": outcome},
            note=request.reason,
        )
        await base.pump.submit(RecordEvents(), event)
    return answer
