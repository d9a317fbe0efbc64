"""What one process of simulators has seen so far, and waiting for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gateway.simulate.acts import Fact


class Facts:
    """Grows only; offices of one system see the same facts, those of different systems do not."""

    def __init__(self) -> None:
        self._known: set[Fact] = set()
        self._waiting: list[tuple[set[Fact], asyncio.Future[None]]] = []

    def __contains__(self, fact: Fact) -> bool:
        return fact in self._known

    def add(self, fact: Fact) -> None:
        """Something became known; wakes whoever waited for this last."""
        self._known.add(fact)
        for missing, known in self._waiting:
            missing.discard(fact)
            if not missing and not known.done():
                known.set_result(None)
        self._waiting = [each for each in self._waiting if each[0]]

    async def wait_for(self, facts: Iterable[Fact]) -> None:
        """Return when all of them are known."""
        missing = set(facts) - self._known
        if missing:
            known: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((missing, known))
            await known
