"""What the first list of a clerk brings about, behind the list: 01 for documents, one after the other.

Statuses about what the office has sent are taken over with the same list: the register of outgoing documents shows
them. An office whose own system reads its inbox says 01 by that system; the desk of such an office does none of
this, since a status takes an item out of the system's list. What could not be done (the disk is full, the server
stops) is done with the next list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from gateway.desk.clerk import Clerk
from gateway.desk.register import Registering
from gateway.errors import GatewayError
from gateway.facade import LocalGateway
from gateway.ledger.desk import DeskReads, Item
from gateway.mailbox import Asked
from gateway.model import AgencyId, Caller
from gateway.status import TAKE_BACK

#: Documents of one list.
_MOST: Final = 500

_log: Any = structlog.get_logger("gateway.desk")


class Arrivals:
    """One per process."""

    def __init__(self, registering: Registering, reads: DeskReads, gateway: LocalGateway) -> None:
        self._registering, self._reads, self._gateway = registering, reads, gateway
        self._clock = gateway.clock
        self._under_way: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def listed(self, clerk: Clerk, offices: frozenset[AgencyId], items: Sequence[Item]) -> None:
        """A clerk is shown these of some offices."""
        new = [item for item in items if not item.status and item.delivery_id not in self._under_way][:_MOST]
        self._under_way.update(item.delivery_id for item in new)
        task = asyncio.create_task(self._tell(clerk, offices, new), name="desk-arrivals")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let what is under way be sent."""
        await asyncio.gather(*self._tasks)

    async def _tell(self, clerk: Clerk, offices: frozenset[AgencyId], items: Sequence[Item]) -> None:
        now = self._clock.now()
        untold: list[GatewayError] = []  # one of them keeps back none of the others
        try:
            alone = {office for office in offices if not await self._reads.has_software(clerk.home(office), now)}
            for item in items:
                if item.recipient_id in alone:
                    try:
                        await self._registering.arrived(clerk, item.delivery_id)
                    except GatewayError as error:
                        untold.append(error)
            for office in alone & clerk.offices:
                await self._take_statuses(clerk.for_office(office))
        except GatewayError as error:
            untold.append(error)
        finally:
            if untold:
                _log.warning("desk.arrival_untold", error=str(untold[0]), count=len(untold))
            self._under_way.difference_update(item.delivery_id for item in items)

    async def _take_statuses(self, caller: Caller) -> None:
        """A take-back (13) is left: it is answered."""
        mailbox, office = self._gateway.mailbox, caller.agency_id
        found = await mailbox.listing(caller, Asked(limit=_MOST, kind="status"))
        for row in found.items:
            if row.recipient_id == office and row.status_code != TAKE_BACK:
                await mailbox.hand_out(caller, row.id, "")
                await mailbox.acknowledge(caller, row.id, "")
