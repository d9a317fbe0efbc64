"""The worker's ports over the ledger, the directory and the bodies: thin, one call each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from gateway.clock import Clock, instant, micros
from gateway.config.settings import DeliverySettings
from gateway.damage import SoundBodies
from gateway.directory.directory import Directory
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.ledger.ages import Rescue, RescueOperation
from gateway.ledger.claims import ClaimDue, ClaimOperation, Finish, FinishOperation, Renew, RenewOperation
from gateway.model import AttemptId, BootId, DispatchId, EndpointId, Outgoing, SendReport, Sha256Hex
from gateway.retry import RetryPlan
from gateway.storage.bodies import Bodies
from gateway.storage.body_reading import BodyReader
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.windows import Share


class LedgerQueue:
    """The dispatches of the ledger, for one boot."""

    def __init__(self, *, pump: Pump, boot_id: BootId, settings: DeliverySettings) -> None:
        self._pump, self._boot_id, self._settings = pump, boot_id, settings
        self._claim, self._finish = ClaimOperation(), FinishOperation()
        self._renew, self._rescue = RenewOperation(), RescueOperation()

    async def claim(self, shares: Sequence[Share], *, now: datetime, lease_until: datetime) -> list[Outgoing]:
        """What is due, at most so much per endpoint."""
        return await self._pump.submit(
            self._claim,
            ClaimDue(
                boot_id=self._boot_id,
                now=now,
                lease_until=lease_until,
                capacity=tuple((share.endpoint_id, share.places) for share in shares),
                limit=self._settings.max_in_flight,
                ageing=self._settings.ageing,
                blocked=tuple((share.endpoint_id, recipient) for share in shares for recipient in share.blocked),
            ),
        )

    async def finish(self, outgoing: Outgoing, report: SendReport, plan: RetryPlan, *, now: datetime) -> bool:
        """Commit an outcome."""
        result = await self._pump.submit(
            self._finish,
            Finish(
                attempt_id=outgoing.attempt_id,
                dispatch_id=outgoing.dispatch_id,
                now=now,
                report=report,
                retry=plan,
                bytes_sent=outgoing.size,
            ),
        )
        return result.applied

    async def renew(self, attempt_ids: Sequence[AttemptId], *, lease_until: datetime) -> None:
        """Hold on to work under way."""
        await self._pump.submit(self._renew, Renew(attempt_ids=tuple(attempt_ids), lease_until=lease_until))

    async def rescue(self, *, now: datetime, steady_now: datetime) -> int:
        """Make ready what other boots, or leases that ran out, left in flight."""
        total = 0
        ask = Rescue(
            boot_id=self._boot_id,
            now=now,
            steady_now=steady_now,
            poison_crashes=self._settings.poison_crashes,
        )
        while found := await self._pump.submit(self._rescue, ask):
            total += found
        return total


class LedgerOutlook:
    """What the queue holds for later."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def due_endpoints(self, now: datetime) -> Sequence[EndpointId]:
        """Endpoints for which something is due."""
        rows = await self._readers.fetch("endpoint_list_due", {"now": micros(now)})
        return [EndpointId(row[0]) for row in rows]

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next dispatch comes due."""
        row = await self._readers.fetch_one("dispatch_next_due", {"now": micros(now)})
        return instant(row[0]) if row and row[0] is not None else None


class EndpointJournal:
    """Keeps since when an endpoint is down, and gives that time back to what waited."""

    def __init__(self, *, pump: Pump, directory: Directory, clock: Clock) -> None:
        self._pump, self._directory, self._clock = pump, directory, clock
        self._mark = MarkEndpointOperation()

    async def went_down(self, endpoint_id: EndpointId, *, since: datetime, reason: str) -> None:
        """Nothing gets through since then, and why."""
        mark = MarkEndpoint(endpoint_id=endpoint_id, up=False, reason=reason or "connect_failed", now=since)
        await self._pump.submit(self._mark, mark)
        await self._directory.reload_endpoints()

    async def came_up(self, endpoint_id: EndpointId, *, since: datetime, until: datetime) -> None:  # noqa: ARG002
        """Something got through; the row itself knows since when nothing did."""
        await self._pump.submit(self._mark, MarkEndpoint(endpoint_id=endpoint_id, up=True, now=until))
        await self._directory.reload_endpoints()


class _StoredBody:
    """A stored body as adapters read it."""

    def __init__(self, reader: BodyReader, sha256: Sha256Hex) -> None:
        self._reader = reader
        self.size = reader.size
        self.sha256 = str(sha256)

    def chunks(self) -> AsyncIterator[bytes]:
        """From the start, in pieces."""
        return aiter(self._reader)

    async def read(self) -> bytes:
        """All of it."""
        return await self._reader.read()


class _RecentBody:
    """A body that is still in memory."""

    def __init__(self, content: bytes, sha256: Sha256Hex) -> None:
        self._content = content
        self.size = len(content)
        self.sha256 = str(sha256)

    async def chunks(self) -> AsyncIterator[bytes]:
        """In one piece."""
        yield self._content

    async def read(self) -> bytes:
        """All of it."""
        return self._content


class StoredBodies:
    """Opens bodies for adapters."""

    def __init__(self, bodies: Bodies, sound: SoundBodies) -> None:
        self._bodies, self._sound = bodies, sound

    async def open(self, sha256: Sha256Hex, dispatch_id: DispatchId) -> _StoredBody | _RecentBody:
        """The body with this digest."""
        recent = self._bodies.recent(sha256)
        if recent is not None:
            return _RecentBody(recent, sha256)
        return _StoredBody(await self._sound.open(sha256, dispatch_id=dispatch_id), sha256)

    async def handed_out(self, sha256: Sha256Hex) -> _StoredBody | _RecentBody:
        """The same for a receiver that fetches it."""
        recent = self._bodies.recent(sha256)
        return (
            _RecentBody(recent, sha256)
            if recent is not None
            else _StoredBody(await self._sound.open(sha256), sha256)
        )
