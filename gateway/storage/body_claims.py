"""Who needs a body, while it has no row yet that says so: nobody erases what an acceptance is about to promise.

An acceptance claims a digest before it keeps the body, until its row is committed; the eraser has a digest to
itself while it asks the ledger whether a row needs it and removes the file. Whoever comes while a digest is being
erased waits, so a body that comes anew is kept after its file is gone, never before. What ends badly keeps its
claim for a while: a cancelled commit may yet succeed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

#: Longer than a commit waits for its turn.
_LINGER_SECONDS: Final = 300.0


class BodyClaims:
    """Those of one store; used from the event loop only."""

    def __init__(self) -> None:
        self._claimed: Counter[str] = Counter()
        self._erasing: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def claimed(self, sha256: str) -> AsyncIterator[None]:
        """It is not erased in this context."""
        while (erasing := self._erasing.get(sha256)) is not None:
            await erasing.wait()
        self._claimed[sha256] += 1
        try:
            yield
        except BaseException:
            asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._let_go, sha256)
            raise
        self._let_go(sha256)

    @contextmanager
    def alone(self, sha256: str) -> Iterator[bool]:
        """Whether nobody claims it, in which case nobody will in this context."""
        if self._claimed[sha256] or sha256 in self._erasing:
            yield False
            return
        self._erasing[sha256] = asyncio.Event()
        try:
            yield True
        finally:
            self._erasing.pop(sha256).set()

    def _let_go(self, sha256: str) -> None:
        self._claimed[sha256] -= 1
        if self._claimed[sha256] <= 0:
            del self._claimed[sha256]
