"""Examines the signatures of accepted documents, one after the other, and records the verdicts.

What holds a delivery back comes first. A document that cannot be examined now (the disk fails, its bytes are
damaged, the process cannot start) waits longer each time, up to an hour, and never keeps the others waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import BodyDamagedError, PoolError, StorageError
from gateway.examining import Examiner
from gateway.ledger.checks import RecordVerdict, Verdict
from gateway.model import AgencyId
from gateway.observe import Metrics
from gateway.storage.bodies import BodyReader
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_log = structlog.get_logger(__name__)

_PORTION: Final = 100
#: Revocation lists whose bytes the process need not send again.
_KNOWN: Final = 500
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(hours=1)


class Bodies(Protocol):
    """Where the bytes are."""

    async def open_sound(self, sha256: str) -> BodyReader:
        """A kept body that has its digest; BodyDamagedError, StorageError."""
        ...


class Checker:
    """The duty."""

    name = "checker"
    every = timedelta(seconds=1)

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        bodies: Bodies,
        examiner: Examiner,
        *,
        names: Callable[[str], Awaitable[tuple[str, ...]]],
        wake: Callable[[Iterable[AgencyId]], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`names` are those of the agency that sends; `wake` tells that something may go to some agencies."""
        self._readers, self._pump, self._bodies, self._examiner = readers, pump, bodies, examiner
        self._names, self._wake, self._clock, self._metrics = names, wake, clock, metrics
        self._record = RecordVerdict()
        #: Message -> (not before, the next wait).
        self._later: dict[str, tuple[datetime, timedelta]] = {}

    async def run_once(self) -> None:
        """Examine what waits, as long as there is something."""
        while rows := await self._due():
            known = frozenset(
                row[0] for row in await self._readers.fetch("revocation_answer_list_newest", (_KNOWN,))
            )
            for row in rows:
                await self._examine(row, known)
        counted = await self._readers.fetch_one("check_due_count")
        self._metrics.checks_waiting.set(counted[0] if counted else 0)

    async def _due(self) -> list[tuple[Any, ...]]:
        now = self._clock.now()
        rows = await self._readers.fetch("check_due_list", (_PORTION + len(self._later),))
        return [row for row in rows if row[0] not in self._later or self._later[row[0]][0] <= now]

    async def _examine(self, row: tuple[Any, ...], known: frozenset[str]) -> None:
        message_id, sha256, sender_id, _, written = row[:5]
        started = self._clock.monotonic()
        names = (*await self._names(sender_id), *([written] if written else []))
        try:
            body = await self._bodies.open_sound(sha256)
            now = self._clock.now()
            report = await self._examiner.examined(body, at=now, agencies=names, known=known, owner=sender_id)
        except (BodyDamagedError, StorageError, PoolError) as error:
            wait = self._later[message_id][1] if message_id in self._later else _FIRST_WAIT
            self._later[message_id] = self._clock.now() + wait, min(wait * 2, _LONGEST_WAIT)
            _log.warning("check.postponed", message=message_id, error=str(error))
            return
        self._later.pop(message_id, None)
        free = await self._pump.submit(self._record, Verdict(message_id=message_id, report=report, now=now))
        if free:
            self._wake([AgencyId(each) for each in free])
        self._metrics.check_seconds.observe(self._clock.monotonic() - started)
