"""Turning the keys of bodies: a new key is in the file or on the token; the data keys are encrypted under it."""

from __future__ import annotations

from gateway.admin.acts import Change, Desk, Reply
from gateway.encrypting import Turn, turn_body_keys
from gateway.errors import KeyFileError, RefusedError
from gateway.ledger.body_keys import known_keys
from gateway.storage.body_token import body_key_place


class TurnBodyKeys(Change, kw_only=True):
    """Encrypt every data key under the newest key."""

    #: Id of the key that is taken for the newest; "": whichever is.
    wanted: str = ""
    #: Under the key file's newest although there is a token.
    into_file: bool = False


async def turn(desk: Desk, request: TurnBodyKeys, actor: str) -> Reply:
    """Which key serves new bodies now, and what all of them are encrypted under."""
    base = desk.foundation
    if not await known_keys(base.readers):
        raise RefusedError("body_key_unfit", "nothing is encrypted here yet: there is no data key")
    turned = Turn(wanted=request.wanted, into_file=request.into_file)
    place, now = body_key_place(base.settings), base.clock.now()
    try:
        fresh = await turn_body_keys(base, place, turned, now=now, actor=actor, note=request.reason)
    except KeyFileError as error:
        raise RefusedError("body_key_unfit", str(error)) from error
    rows = await known_keys(base.readers)
    return {"key": fresh.id, "wrapper": rows[-1].key.wrapper, "keys": len(rows)}
