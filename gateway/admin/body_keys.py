"""Turning the keys of bodies: a new key is in the key file, and the server encrypts the data keys under it."""

from __future__ import annotations

from gateway.admin.acts import Change, Desk, Reply
from gateway.encrypting import turn_body_keys
from gateway.errors import KeyFileError, RefusedError
from gateway.ledger.body_keys import known_keys


class TurnBodyKeys(Change, kw_only=True):
    """Encrypt every data key under the file's newest key."""


async def turn(desk: Desk, request: TurnBodyKeys, actor: str) -> Reply:
    """Which key serves new bodies now, and what all of them are encrypted under."""
    base = desk.foundation
    if not await known_keys(base.readers):
        raise RefusedError("body_key_unfit", "nothing is encrypted here yet: there is no data key")
    storage = base.settings.storage
    try:
        fresh = await turn_body_keys(base, storage, now=base.clock.now(), actor=actor, note=request.reason)
    except KeyFileError as error:
        raise RefusedError("body_key_unfit", str(error)) from error
    rows = await known_keys(base.readers)
    return {"key": fresh.id, "wrapper": rows[-1].key.wrapper, "keys": len(rows)}
