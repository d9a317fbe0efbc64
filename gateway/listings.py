"""What lists have shown to whom: recorded when a list shows a reader something new, never in its way.

Systems ask every few seconds what waits, and mostly see what they saw before. So what a credential has been shown
is remembered here, and a row is written for what is new: one a recipient and list, behind the answer. A row that
cannot be written (the disk is full, the queue is long) is tried with the next list. After a restart everything
counts as new once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.directory.lru import Lru
from gateway.errors import StorageError
from gateway.ledger.readings import Listed, RecordListings
from gateway.model import AgencyId, Caller
from gateway.storage.pump import Pump

#: Credentials whose lists are remembered, and lines of each.
_CREDENTIALS: Final = 2_000
_LINES: Final = 50_000

_log: Any = structlog.get_logger("gateway.listings")


class Shown(Protocol):
    """A line of a list."""

    @property
    def seq(self) -> int:
        """Its number."""
        ...

    @property
    def recipient_id(self) -> AgencyId:
        """Whose it is."""
        ...


class Listings:
    """Remembers what was shown, and writes what is new."""

    def __init__(self, pump: Pump, clock: Clock) -> None:
        self._pump, self._clock = pump, clock
        self._record = RecordListings()
        self._shown: Lru[str, set[int]] = Lru(_CREDENTIALS)
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, caller: Caller, rows: Sequence[Shown]) -> None:
        """These lines are about to be shown."""
        shown = self._shown.get(caller.credential_id)
        if shown is None:
            shown = set()
            self._shown.put(caller.credential_id, shown)
        new = [row for row in rows if row.seq not in shown]
        if not new:
            return
        shown.update(row.seq for row in new)
        if len(shown) > _LINES:
            shown.intersection_update(sorted(shown)[-_LINES // 2 :])
        by_recipient: dict[str, list[int]] = defaultdict(list)
        for row in new:
            by_recipient[row.recipient_id].append(row.seq)
        for recipient, seqs in by_recipient.items():
            listed = Listed(
                recipient_id=recipient,
                seqs=tuple(seqs),
                actor=caller.actor,
                channel=caller.channel,
                at=self._clock.now(),
            )
            task = asyncio.create_task(self._write(shown, listed))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Let what was shown be written."""
        await asyncio.gather(*self._writing)

    async def _write(self, shown: set[int], listed: Listed) -> None:
        try:
            await self._pump.submit(self._record, listed)
        except StorageError as error:
            shown.difference_update(listed.seqs)
            _log.warning("listing.unwritten", error=str(error), lines=len(listed.seqs))
