"""A system that pulls: it polls its inbox, fetches what is new, and acknowledges what its journal holds.

One long poll at a time and a few items at once. An item is acknowledged only after the desk has noted it; one
that can no longer be had (withdrawn meanwhile) is left alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.simulate.desk import Arrival, Desk
from gateway.simulate.journal import Accepted
from gateway.simulate.rest import Rest
from gateway.simulate.spec import Faults


class Puller:
    """The polling side of one system."""

    def __init__(self, *, rest: Rest, desk: Desk, faults: Faults, tasks: asyncio.TaskGroup) -> None:
        self._rest = rest
        self._desk = desk
        self._faults = faults
        self._tasks = tasks
        self._unanswered = faults.unanswered
        self._at_once = asyncio.Semaphore(rest.connections)

    async def run(self) -> None:
        """Poll for ever."""
        if self._faults.away_seconds and not self._faults.offices_away:
            await asyncio.sleep(self._faults.away_seconds)
        cursor = ""
        while True:
            items, cursor = await self._rest.inbox(cursor)
            waits = [self._one(item) for item in items if not self._is_away(item)]
            for item in items:
                if self._is_away(item):
                    self._tasks.create_task(self._later(item))
            await asyncio.gather(*waits)

    def _is_away(self, item: dict[str, Any]) -> bool:
        return item["organId"] in self._faults.offices_away

    async def _later(self, item: dict[str, Any]) -> None:
        await asyncio.sleep(self._faults.away_seconds)
        await self._one(item)

    async def _one(self, item: dict[str, Any]) -> None:
        async with self._at_once:
            if not await self._fetch(item):
                return
            if self._unanswered > 0:
                self._unanswered -= 1
                await asyncio.sleep(self._faults.stall_seconds)
                await self._fetch(item)
            await self._rest.acknowledge(item["id"])

    async def _fetch(self, item: dict[str, Any]) -> bool:
        data = await self._rest.content(item["id"])
        if data is None:
            return False
        deliveries = (Accepted(item["id"], item["organId"]),)
        await self._desk.take(Arrival(data=data, message=item["messageId"], deliveries=deliveries))
        return True
