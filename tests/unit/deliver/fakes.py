"""Fakes at the worker's ports: a queue in memory that keeps the ledger's promises, and receivers by script."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.clock import Steady
from gateway.config.settings import DeliverySettings
from gateway.errors import StorageError
from gateway.model import (
    AgencyId,
    AttemptId,
    Capabilities,
    DeliveryId,
    DispatchId,
    Endpoint,
    EndpointId,
    MessageId,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    SendReport,
    Sha256Hex,
)
from gateway.observe import Metrics
from gateway.ports import Body
from gateway.retry import RetryPlan
from gateway.windows import Share
from gateway.worker import Worker, WorkerPorts
from tests.unit.deliver.simulated import SimulatedClock

_ids = itertools.count(1)
_AGAIN = {OutcomeKind.DEFERRED, OutcomeKind.UNKNOWN}


def outgoing(
    endpoint_id: str = "e1", *recipients: str, size: int = 100, failures: int = 0, attempt: str = ""
) -> Outgoing:
    """A claimed dispatch for these recipients (one, when none is named)."""
    number = next(_ids)
    return Outgoing(
        dispatch_id=DispatchId(f"dispatch-{number}"),
        attempt_id=AttemptId(attempt or f"attempt-{number}"),
        message_id=MessageId(f"message-{number}"),
        kind="document",
        endpoint_id=EndpointId(endpoint_id),
        sha256=Sha256Hex("ab" * 32),
        size=size,
        sender_code="000.00.10.H32",
        document_ref="ref",
        business_type="0",
        priority=0,
        trace_id="0af7651916cd43dd8448eb211c80319c",
        number=failures + 1,
        failures=failures,
        deliveries=tuple(
            OutgoingDelivery(
                id=DeliveryId(f"delivery-{number}-{place}"),
                recipient_id=AgencyId(name),
                recipient_code=f"code {name}",
            )
            for place, name in enumerate(recipients or ("r1",))
        ),
    )


def endpoint(name: str = "e1", **capabilities: object) -> Endpoint:
    """A loopback endpoint."""
    return Endpoint(
        id=EndpointId(name),
        name=name,
        kind="loopback",
        capabilities=Capabilities(**capabilities),  # type: ignore[arg-type]
    )


@dataclass
class Entry:
    """One row of the queue."""

    item: Outgoing
    created_at: datetime
    due_at: datetime
    lane: int = 2
    state: str = "ready"
    failures: int = 0
    attempts: int = 0
    attempt_id: AttemptId | None = None
    lease_until: datetime | None = None
    boot: int = 0
    done_at: datetime | None = None
    outcomes: list[str] = field(default_factory=list)


class FakeQueue:
    """Claims by lane with ageing, then by due time; an outcome counts only from the attempt that owns the row."""

    def __init__(self, *, ageing: timedelta = timedelta(minutes=30)) -> None:
        self.rows: dict[DispatchId, Entry] = {}
        #: Of each endpoint, as they came: ties are decided by that, as by the row numbers of the ledger.
        self.waiting: dict[EndpointId, dict[DispatchId, None]] = {}
        self.ageing = ageing
        self.claims = 0
        self.renewed: list[AttemptId] = []
        self.fail_finishing = 0
        self.claim_seconds = 0.0
        self.rescued = 0
        self.boot = 1

    def restart(self) -> None:
        """From now on what is in flight belongs to an earlier boot."""
        self.boot += 1

    def put(self, item: Outgoing, now: datetime, *, lane: int = 2) -> Entry:
        entry = Entry(item=item, created_at=now, due_at=now, lane=lane)
        self.rows[item.dispatch_id] = entry
        self.waiting.setdefault(item.endpoint_id, {})[item.dispatch_id] = None
        return entry

    async def claim(self, shares: Sequence[Share], *, now: datetime, lease_until: datetime) -> list[Outgoing]:
        await asyncio.sleep(self.claim_seconds)
        self.claims += 1
        return [
            self._take(entry, lease_until) for share in shares for entry in self._best(share, now)[: share.places]
        ]

    def _best(self, share: Share, now: datetime) -> list[Entry]:
        rows = [self.rows[name] for name in self.waiting.get(share.endpoint_id, ())]
        due = [
            row
            for row in rows
            if row.due_at <= now
            and not (len(row.item.deliveries) == 1 and row.item.deliveries[0].recipient_id in share.blocked)
        ]
        return sorted(due, key=lambda row: (row.lane - (now - row.created_at) // self.ageing, row.due_at))

    def _take(self, entry: Entry, lease_until: datetime) -> Outgoing:
        entry.attempts += 1
        entry.state, entry.lease_until, entry.boot = "in_flight", lease_until, self.boot
        entry.attempt_id = AttemptId(f"{entry.item.dispatch_id}/{entry.attempts}")
        self.waiting[entry.item.endpoint_id].pop(entry.item.dispatch_id, None)
        return dataclasses.replace(
            entry.item, attempt_id=entry.attempt_id, failures=entry.failures, number=entry.failures + 1
        )

    async def finish(self, item: Outgoing, report: SendReport, plan: RetryPlan, *, now: datetime) -> bool:
        await asyncio.sleep(0)
        if self.fail_finishing:
            self.fail_finishing -= 1
            raise StorageError
        entry = self.rows[item.dispatch_id]
        if entry.attempt_id != item.attempt_id or entry.state != "in_flight":
            return False
        entry.outcomes += [f"{one.kind}:{one.reason}" for one in report.outcomes.values()]
        entry.attempt_id = None
        unknown = Outcome(kind=OutcomeKind.UNKNOWN)
        again = tuple(one for one in item.deliveries if report.outcomes.get(one.id, unknown).kind in _AGAIN)
        if again:
            entry.item = dataclasses.replace(entry.item, deliveries=again)
            entry.state, entry.due_at = "ready", plan.due_at
            entry.failures += plan.counts
            self.waiting[item.endpoint_id][item.dispatch_id] = None
        else:
            entry.state, entry.done_at = "done", now
        return True

    async def renew(self, attempt_ids: Sequence[AttemptId], *, lease_until: datetime) -> None:
        self.renewed += attempt_ids
        for entry in self.rows.values():
            if entry.attempt_id in attempt_ids:
                entry.lease_until = lease_until

    async def rescue(self, *, now: datetime, steady_now: datetime) -> int:
        stale = [
            row
            for row in self.rows.values()
            if row.state == "in_flight"
            and (row.boot != self.boot or (row.lease_until is not None and row.lease_until < now))
        ]
        for row in stale:
            row.state, row.attempt_id, row.due_at = "ready", None, now
            self.waiting[row.item.endpoint_id][row.item.dispatch_id] = None
        self.rescued += len(stale)
        return len(stale)

    async def due_endpoints(self, now: datetime) -> list[EndpointId]:
        return [name for name, rows in self.waiting.items() if any(self.rows[one].due_at <= now for one in rows)]

    async def next_due(self, now: datetime) -> datetime | None:
        later = (self.rows[one].due_at for rows in self.waiting.values() for one in rows)
        return min((due_at for due_at in later if due_at > now), default=None)


class FakeRecord:
    """Remembers turns of endpoints."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, EndpointId, datetime]] = []

    async def went_down(self, endpoint_id: EndpointId, *, since: datetime, reason: str) -> None:
        assert reason, "why is told"
        self.turns.append(("down", endpoint_id, since))

    async def came_up(self, endpoint_id: EndpointId, *, since: datetime, until: datetime) -> None:
        self.turns.append(("up", endpoint_id, since))


class FakeDirectory:
    """Endpoints by id."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.known = {one.id: one for one in endpoints}

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint | None:
        return self.known.get(endpoint_id)

    async def endpoints(self) -> list[Endpoint]:
        return list(self.known.values())


@dataclass(frozen=True)
class FakeBody:
    """Bytes in memory."""

    content: bytes = b"<edXML/>"

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def sha256(self) -> str:
        return "ab" * 32

    async def read(self) -> bytes:
        return self.content

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 262_144):
            yield self.content[start : start + 262_144]


class FakeBodies:
    """The same body for every digest."""

    async def open(self, sha256: Sha256Hex, dispatch_id: DispatchId) -> Body:
        return FakeBody()


Script = Callable[[Endpoint, Outgoing], Awaitable[Outcome]]


class ScriptedAdapter:
    """Answers every delivery of a dispatch by the same script; counts what is under way."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.calls: list[tuple[Outgoing, datetime]] = []
        self.under_way: dict[EndpointId, int] = {}
        self.most: dict[EndpointId, int] = {}

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        self.calls.append((outgoing, SimulatedClock().now()))
        busy = self.under_way[endpoint.id] = self.under_way.get(endpoint.id, 0) + 1
        self.most[endpoint.id] = max(self.most.get(endpoint.id, 0), busy)
        try:
            outcome = await self.script(endpoint, outgoing)
        finally:
            self.under_way[endpoint.id] -= 1
        return SendReport(outcomes={one.id: outcome for one in outgoing.deliveries})

    async def close(self) -> None:
        pass


DELIVERED = Outcome(kind=OutcomeKind.DELIVERED)


def deferred(reason: str = "peer_error", retry_after: float | None = None) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, retry_after=retry_after)


@dataclass
class Stand:
    """A worker with fakes all round."""

    worker: Worker
    queue: FakeQueue
    record: FakeRecord
    adapter: ScriptedAdapter


def stand(
    script: Script,
    endpoints: Iterable[Endpoint],
    settings: DeliverySettings | None = None,
    queue: FakeQueue | None = None,
) -> Stand:
    """Build it; to be called inside the simulated loop."""
    if queue is not None:
        queue.restart()
    queue, record, adapter = queue or FakeQueue(), FakeRecord(), ScriptedAdapter(script)
    ports = WorkerPorts(
        queue=queue,
        outlook=queue,
        record=record,
        directory=FakeDirectory(endpoints),
        bodies=FakeBodies(),
        adapters={"loopback": adapter},
    )
    clock = SimulatedClock()
    worker = Worker(
        ports,
        settings=settings or DeliverySettings(),
        clock=clock,
        steady=Steady(clock),
        draw=lambda: 0.5,
        metrics=Metrics(),
    )
    return Stand(worker=worker, queue=queue, record=record, adapter=adapter)
