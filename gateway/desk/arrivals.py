"""01 for documents that a clerk has listed first: sent behind the list, one after the other.

An office whose own system reads its inbox says 01 by that system; the desk of such an office says nothing, since a
status takes an item out of the system's list. What could not be sent (the disk is full, the server stops) is sent
with the next list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from gateway.clock import Clock
from gateway.desk.clerk import Clerk
from gateway.desk.register import Registering
from gateway.errors import GatewayError
from gateway.ledger.desk import DeskReads, Item

#: Documents of one list.
_MOST: Final = 500

_log: Any = structlog.get_logger("gateway.desk")


class Arrivals:
    """One per process."""

    def __init__(self, registering: Registering, reads: DeskReads, clock: Clock) -> None:
        self._registering, self._reads, self._clock = registering, reads, clock
        self._under_way: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def listed(self, clerk: Clerk, items: Sequence[Item]) -> None:
        """A clerk is shown these."""
        new = [item for item in items if not item.status and item.delivery_id not in self._under_way][:_MOST]
        if not new:
            return
        self._under_way.update(item.delivery_id for item in new)
        task = asyncio.create_task(self._tell(clerk, new), name="desk-arrivals")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way be sent."""
        await asyncio.gather(*self._tasks)

    async def _tell(self, clerk: Clerk, items: Sequence[Item]) -> None:
        now = self._clock.now()
        try:
            silent = {
                office: await self._reads.has_software(office, now)
                for office in {item.recipient_id for item in items}
            }
            for item in items:
                if not silent[item.recipient_id]:
                    await self._registering.arrived(clerk, item.delivery_id)
        except GatewayError as error:
            _log.warning("desk.arrival_untold", error=str(error))
        finally:
            self._under_way.difference_update(item.delivery_id for item in items)
