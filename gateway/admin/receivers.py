"""What operators do to the keys with which offices sign what they say of documents. See `gateway.admin.acts`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.accounts.receiver_keys import AddKey, AddKeyOperation, EndKey, EndKeyOperation, keys_of, read_key
from gateway.admin.acts import Change, Desk, Reply
from gateway.errors import RefusedError
from gateway.message_signatures import algorithms_of

_LEAST_OF_ID = 8


class AddReceiverKey(Change, kw_only=True):
    """An office signs with this key from now on."""

    organ_id: Annotated[str, Meta(min_length=1, max_length=50)]
    #: PEM of a public key or a certificate.
    key: Annotated[str, Meta(max_length=20_000)]
    label: Annotated[str, Meta(max_length=100)] = ""


class EndReceiverKey(Change, kw_only=True):
    """It does not any more."""

    organ_id: Annotated[str, Meta(min_length=1, max_length=50)]
    #: The key's id, or a beginning of it that only one key of the office has.
    key: Annotated[str, Meta(min_length=_LEAST_OF_ID, max_length=64)]


async def add_receiver_key(desk: Desk, request: AddReceiverKey, actor: str) -> Reply:
    """It counts for the next request."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    key = read_key(request.key.encode())
    added = AddKey(agency_id=agency.id, key=key, label=request.label, actor=actor, now=now, why=request.reason)
    done = await base.pump.submit(AddKeyOperation(), added)
    return {"organ_id": agency.organ_id, "key": done, "algorithms": list(algorithms_of(key))}


async def end_receiver_key(desk: Desk, request: EndReceiverKey, actor: str) -> Reply:
    """The next request signed with it is refused; what it signed before stays what it is."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    found = [each.id for each in await keys_of(base.readers, agency.id) if each.id.startswith(request.key.lower())]
    if len(found) != 1:
        raise RefusedError("parameter_invalid", f"{request.key}: {len(found)} keys of {agency.organ_id} begin so")
    ended = EndKey(agency_id=agency.id, key_id=found[0], actor=actor, now=now, why=request.reason)
    return {"organ_id": agency.organ_id, "key": await base.pump.submit(EndKeyOperation(), ended)}
