"""A store that dies at its nth act, as the whole process may: nothing after it happens, not even tidying up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from adapters.folder.store import Entry, FileStore, Place


class KilledError(BaseException):
    """The process is gone."""


class KilledStore:
    """Passes on so many acts that change something; the next one and all calls after it die."""

    def __init__(self, inner: FileStore, acts: int) -> None:
        self._inner, self._left = inner, acts
        self.is_dead = False

    def _act(self) -> None:
        if self.is_dead or not self._left:
            self.is_dead = True
            raise KilledError
        self._left -= 1

    def _look(self) -> None:
        if self.is_dead:
            raise KilledError

    async def entries(self, place: Place, most: int) -> Sequence[Entry]:
        self._look()
        return await self._inner.entries(place, most)

    async def entry(self, place: Place) -> Entry | None:
        self._look()
        return await self._inner.entry(place)

    async def read(self, place: Place, stamp: str) -> AsyncIterator[bytes]:
        self._look()
        async for chunk in self._inner.read(place, stamp):
            yield chunk

    async def write(self, place: Place, content: AsyncIterator[bytes]) -> None:
        self._act()
        await self._inner.write(place, content)

    async def make(self, place: Place) -> None:
        self._act()
        await self._inner.make(place)

    async def move(self, old: Place, new: Place) -> bool:
        self._act()
        return await self._inner.move(old, new)

    async def take(self, old: Place, new: Place) -> None:
        self._act()
        await self._inner.take(old, new)

    async def remove(self, place: Place) -> None:
        self._act()
        await self._inner.remove(place)

    async def free_bytes(self) -> int | None:
        self._look()
        return await self._inner.free_bytes()

    async def close(self) -> None:
        await self._inner.close()
