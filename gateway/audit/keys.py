"""The data keys that bodies are encrypted under, for an examination beside a server whose keys may be turned.

A data key is in the ledger before any row that names a body under it: so whoever asks anew after having read rows
has the keys of all their bodies.
"""

from __future__ import annotations

import asyncio

from gateway.errors import KeyFileError
from gateway.storage.body_keys import BodyKeys, Place, WrappedKey
from gateway.storage.readers import Readers


class DataKeys:
    """Those of one ledger; a StorageError of reading it goes to the caller."""

    def __init__(self, readers: Readers, place: Place) -> None:
        self._readers, self._place = readers, place
        self._rows: list[WrappedKey] = []
        #: What bodies are read with.
        self.keys = BodyKeys()

    async def refresh(self) -> None:
        """Take what was added; KeyFileError where the key file, or the token, does not open them."""
        rows = await self._read()
        while {each.id for each in rows} != {each.id for each in self._rows}:
            try:
                fresh = await asyncio.to_thread(BodyKeys.opened, rows, self._place)
            except KeyFileError:
                before, rows = rows, await self._read()
                if rows == before:  # else they were turned, and the old key taken out, in between
                    raise
                continue
            self.keys.learn(fresh)
            self._rows = rows

    async def _read(self) -> list[WrappedKey]:
        found = await self._readers.fetch("fsck_body_keys")
        return [WrappedKey(id=row[0], wrapper=row[1], wrapped=bytes(row[2])) for row in found]
