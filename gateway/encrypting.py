"""The keys of bodies for one data folder: opened at each start, made at the first one, changed by an operator.

1. Data keys are in the ledger: the key file, or the token, must open all of them, or nobody could read what was
   promised.
2. None are, and there is a key file or a token: the first data key is made under it. From then on new bodies are
   encrypted.
3. Neither, and nothing was ever accepted here: the key file is made as well, so that a new gateway encrypts.
   A folder that has plain bodies is left as it is until an operator makes the key (`gateway keys bodies init`),
   since a key that nobody knows of is in nobody's safe.

It does NOT write the key file otherwise, nor make a key on a token: whoever may do that is the operator, not the
server.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import EnvironmentRefusedError, KeyFileError, StorageError, TokenError
from gateway.fsio import require_owner
from gateway.ledger.body_keys import PutBodyKeys, PutBodyKeysOperation, known_keys
from gateway.storage.bodies import Bodies
from gateway.storage.body_keys import BodyKeys, DataKey, KeyFile, WrappedKey
from gateway.storage.body_token import BodyKeyPlace, body_key_place
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers


class Parts(Protocol):
    """What of an open data folder is needed."""

    @property
    def pump(self) -> Pump:
        """Its writer."""
        ...

    @property
    def readers(self) -> Readers:
        """Its readers."""
        ...

    @property
    def bodies(self) -> Bodies:
        """Its bodies, whose store shall know a new key."""
        ...


async def open_body_keys(
    pump: Pump, readers: Readers, settings: Settings, clock: Clock, *, make: bool = True
) -> BodyKeys:
    """Steps 1 to 3; EnvironmentRefusedError where bodies could not be read, or a key not be made."""
    storage, place = settings.storage, body_key_place(settings)
    rows = [known.key for known in await known_keys(readers)]
    try:
        if not rows and make and storage.encrypt_bodies:
            rows = await _made(pump, readers, place, storage.folder, clock)
        return await asyncio.to_thread(BodyKeys.opened, rows, place, encrypting=storage.encrypt_bodies)
    except TokenError as error:
        raise EnvironmentRefusedError(
            f"bodies are encrypted, and the token with their key does not serve: {error.code}: {error} "
            "(docs/encryption.md)",
            path=str(place),
        ) from error
    except KeyFileError as error:
        if place.token is not None:
            raise EnvironmentRefusedError(
                f"the key that bodies are encrypted with cannot be used: {error} (docs/encryption.md)",
                path=str(place),
            ) from error
        raise EnvironmentRefusedError(
            f"bodies are encrypted and cannot be read: {error}. Put the file back, from where its copy is kept "
            "(docs/encryption.md)",
            path=str(storage.body_key),
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """How data keys are to be encrypted anew."""

    #: Id of the key that whoever asks takes for the newest; "": whichever is.
    wanted: str = ""
    #: Under the key file's newest key although there is a token.
    into_file: bool = False


async def turn_body_keys(
    base: Parts, place: BodyKeyPlace, turn: Turn, *, now: datetime, actor: str, note: str
) -> DataKey:
    """Encrypt every data key under the newest key, and add one for new bodies; no body is touched.

    KeyFileError where file and token do not open what there is.
    """
    rows = [known.key for known in await known_keys(base.readers)]
    fresh = DataKey.make()

    def wrapped() -> list[WrappedKey]:
        with place.opened(into_file=turn.into_file) as wrapper:
            if turn.wanted not in {"", wrapper.newest}:
                raise KeyFileError(
                    f"the server takes the key from {place}, where {turn.wanted} is not the newest: restart it "
                    "with the settings of now, then rotate again"
                )
            keys = [*(DataKey.unwrapped(row, wrapper) for row in rows), fresh]
            return [key.wrapped(wrapper) for key in keys]

    put = PutBodyKeys(keys=await asyncio.to_thread(wrapped), now=now, actor=actor, note=note)
    await base.pump.submit(PutBodyKeysOperation(), put)
    base.bodies.keys.admit(fresh)
    return fresh


async def _made(pump: Pump, readers: Readers, place: BodyKeyPlace, folder: Path, clock: Clock) -> list[WrappedKey]:
    """Steps 2 and 3."""
    if not place.is_there:
        if (await readers.fetch("message_any"))[0][0]:
            return []
        await asyncio.to_thread(_make_file, place.file, folder)
    key = DataKey.make()

    def wrapped() -> WrappedKey:
        with place.opened() as wrapper:
            return key.wrapped(wrapper)

    row = await asyncio.to_thread(wrapped)
    await pump.submit(PutBodyKeysOperation(), PutBodyKeys(keys=[row], now=clock.now(), actor="gateway"))
    return [row]


def _make_file(path: Path, folder: Path) -> None:
    require_owner(folder)  # an offline command as root would make a key that the service cannot read
    require_owner(path)
    try:
        KeyFile.make(path)
    except StorageError as error:
        raise EnvironmentRefusedError(
            f"the key that bodies are encrypted with cannot be made: {error}. Make it as a user who may: gateway "
            "keys bodies init; or set [storage] encrypt_bodies = false",
            path=str(path),
        ) from error
