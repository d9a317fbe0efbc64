"""Examines the signatures of accepted documents, one after the other, and records the verdicts.

What holds a delivery back comes first. Certificates are judged as of the acceptance: then the signature was there.
Where a CA has not said yet whether one was revoked, the document waits for that, at most for `[revocation] grace`;
then its recipients' policies decide by the verdict as it is, and it is examined once more when the CA has answered.
A start examines anew what waits. A document that cannot be examined now (the disk fails, its bytes are
damaged, the process cannot start) waits longer each time, up to an hour, and never keeps the others waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Clock, instant, micros
from gateway.errors import BodyDamagedError, PoolError, StorageError
from gateway.examining import Examiner
from gateway.failpoints import failpoint
from gateway.ledger.checks import RecordVerdict, Wait, WaitForAnswers
from gateway.ledger.checks import Verdict as NewVerdict
from gateway.ledger.revocations import WakeOverdueChecks
from gateway.model import AgencyId
from gateway.observe import Metrics
from gateway.seal.report import Verdict
from gateway.signatures.belonging import Bound, with_belonging
from gateway.signatures.model import Examined, Lookup
from gateway.storage.bodies import BodyReader
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_log = structlog.get_logger(__name__)

_PORTION: Final = 100
#: Revocation lists whose bytes the process need not send again.
_KNOWN: Final = 500
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(hours=1)
#: What waits for a CA is woken by its answer; this is for what nobody thought of.
_LOOK_AGAIN: Final = timedelta(hours=1)
_LONG: Final = timedelta(days=3650)


class Bodies(Protocol):
    """Where the bytes are."""

    async def open_sound(self, sha256: str) -> BodyReader:
        """A kept body that has its digest; BodyDamagedError, StorageError."""
        ...


class Senders(Protocol):
    """What the directory knows of the agency that sends."""

    async def names(self, agency_id: str) -> tuple[str, ...]:
        """Its names."""
        ...

    async def bound(self, agency_id: str, report: Examined) -> Sequence[Bound]:
        """The certificates that it and its people sign with, and whose those of a report are."""
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
        senders: Senders,
        wake: Callable[[Iterable[AgencyId]], None],
        want: Callable[[Sequence[Lookup]], None],
        grace: timedelta,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`wake` tells that something may go to some agencies.

        `want` is told where CAs tell about what was examined; for `grace` a document waits for them.
        """
        self._readers, self._pump, self._bodies, self._examiner = readers, pump, bodies, examiner
        self._senders, self._wake, self._clock, self._metrics = senders, wake, clock, metrics
        self._want, self._grace = want, grace
        self._record, self._wait, self._wake_overdue = RecordVerdict(), WaitForAnswers(), WakeOverdueChecks()
        self._started = False
        #: Message -> (not before, the next wait).
        self._later: dict[str, tuple[datetime, timedelta]] = {}

    async def run_once(self) -> None:
        """Examine what is due, as long as there is something."""
        await self._wake_what_is_due()
        while rows := await self._due():
            known = frozenset(
                row[0] for row in await self._readers.fetch("revocation_answer_list_newest", (_KNOWN,))
            )
            for row in rows:
                await self._examine(row, known)
        counted = await self._readers.fetch_one("check_due_count")
        self._metrics.checks_waiting.set(counted[0] if counted else 0)

    async def _wake_what_is_due(self) -> None:
        now = self._clock.now()
        if not self._started:  # what waited may have come while nobody ran
            await self._pump.submit(self._wake_overdue, now + _LONG)
            self._started = True
        elif await self._readers.fetch("check_due_find_overdue", (micros(now),)):
            await self._pump.submit(self._wake_overdue, now)

    async def _due(self) -> list[tuple[Any, ...]]:
        now = self._clock.now()
        rows = await self._readers.fetch("check_due_list", (_PORTION + len(self._later),))
        return [row for row in rows if row[0] not in self._later or self._later[row[0]][0] <= now]

    async def _examine(self, row: tuple[Any, ...], known: frozenset[str]) -> None:
        message_id, sha256, sender_id, _, written = row[:5]
        started, accepted_at = self._clock.monotonic(), instant(row[5])
        names = (*await self._senders.names(sender_id), *([written] if written else []))
        try:
            body, begun_at = await self._bodies.open_sound(sha256), self._clock.now()
            report = await self._examiner.examined(
                body, at=accepted_at, agencies=names, known=known, owner=sender_id
            )
        except (BodyDamagedError, StorageError, PoolError) as error:
            wait = self._later[message_id][1] if message_id in self._later else _FIRST_WAIT
            self._later[message_id] = self._clock.now() + wait, min(wait * 2, _LONGEST_WAIT)
            _log.warning("check.postponed", message=message_id, error=str(error))
            return
        self._later.pop(message_id, None)
        report = with_belonging(report, await self._senders.bound(sender_id, report))
        failpoint("check.examined.before")
        await self._decide(message_id, report, begun_at, since=row[6])
        self._want(report.lookups)  # afterwards: who waits is counted then
        failpoint("check.examined.after")
        self._metrics.check_seconds.observe(self._clock.monotonic() - started)

    async def _decide(self, message_id: str, report: Examined, begun_at: datetime, *, since: int | None) -> None:
        now = self._clock.now()
        # what has failed already does not get better by what a CA says
        missing = report.missing if report.verdict is Verdict.INDETERMINATE else ()
        ends_at = (now if since is None else instant(since)) + self._grace
        wait = Wait(
            message_id=message_id,
            subjects={subject: each.authority for each in missing for subject in each.subjects},
            now=now,
            due_at=min(ends_at, now + _LOOK_AGAIN) if now < ends_at else now + _LOOK_AGAIN,
            begun_at=begun_at,
        )
        if missing and now < ends_at:
            await self._pump.submit(self._wait, wait)
            return
        verdict = NewVerdict(message_id=message_id, report=report, now=now, open=wait if missing else None)
        free = await self._pump.submit(self._record, verdict)
        if free:
            self._wake([AgencyId(each) for each in free])
