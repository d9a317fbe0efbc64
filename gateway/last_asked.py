"""When offices last asked what waits for them, so that an idle one that is well is told from one that is gone.

What an office takes or confirms is noted in the transaction of that. A list that holds nothing new writes nothing,
and is asked for every few seconds: so the channels are remembered here, and written together from time to time.
A server that is killed loses the last such span; the next list makes up for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from gateway.clock import Clock, micros
from gateway.directory.directory import Directory
from gateway.errors import StorageError
from gateway.ledger.inbox import NoteAsked, NoteAskedOperation
from gateway.model import AgencyId, EndpointId
from gateway.storage.pump import Pump

#: Different askers within one span; more are not remembered.
_MOST: Final = 20_000

_log: Any = structlog.get_logger("gateway.last_asked")


class LastAsked:
    """Remembers who asked, and writes it for their inboxes."""

    name = "last-asked"
    every = timedelta(seconds=30)

    def __init__(self, directory: Directory, pump: Pump, clock: Clock) -> None:
        self._directory, self._pump, self._clock = directory, pump, clock
        self._note = NoteAskedOperation()
        self._askers: dict[frozenset[AgencyId], datetime] = {}

    def note(self, agencies: frozenset[AgencyId]) -> None:
        """Somebody who speaks for these was shown what waits for them."""
        if len(self._askers) < _MOST or agencies in self._askers:
            self._askers[agencies] = self._clock.now()

    async def run_once(self) -> None:
        """Write what was noted since the last time."""
        askers, self._askers = self._askers, {}
        if not askers:
            return
        found = await self._directory.agencies({each for agencies in askers for each in agencies})
        latest: dict[EndpointId, int] = {}
        for agencies, at in askers.items():
            for agency in agencies & found.keys():
                endpoint = found[agency].endpoint
                if endpoint is not None and endpoint.kind == "inbox":
                    latest[endpoint.id] = max(latest.get(endpoint.id, 0), micros(at))
        if not latest:
            return
        try:
            await self._pump.submit(self._note, NoteAsked(latest=tuple(latest.items())))
        except StorageError as error:
            _log.warning("last_asked.unwritten", error=str(error), channels=len(latest))
