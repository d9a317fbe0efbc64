"""The worker: claims what is due, lets `deliver` try it, commits what came of it, sleeps until more is due.

1. `start` rescues what earlier boots left in flight, restores breakers that were open, then looks round.
2. A round asks `gateway.windows` how much may go where, claims that much (the attempts are committed with the
   claim, before anybody dials) and starts one task per dispatch.
3. A task tries once, learns for the windows, lets `gateway.retry` plan, and commits the outcome; the pump
   commits many outcomes together.
4. Between rounds it sleeps until it is woken (a commit, an outcome), or something comes due, or a breaker
   may be probed. Every `LOOK_EVERY` it looks by itself, in case a signal was missed; it never polls faster.

Guarantees: an outcome is committed while its attempt still owns the dispatch, else it is only logged as late;
leases of work under way are renewed, and no jump of the clock ends them; an outcome the store will not take for now
is offered again until it does. `stop` claims nothing more, waits for what is under way, then interrupts the rest,
which is committed as unknown and due at once; what even that does not reach is left to the next start's rescue.

It does NOT decide about retries, age, windows or lanes, and knows no adapter by name.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from gateway.clock import Clock, Steady
from gateway.config.settings import DeliverySettings
from gateway.deliver import Bodies, deliver
from gateway.errors import StorageError
from gateway.failpoints import failpoint
from gateway.model import AttemptId, Endpoint, EndpointId, OutcomeKind, Outgoing, SendReport
from gateway.observe import Metrics
from gateway.ports import Adapter
from gateway.retry import Draw, RetryPlan, plan_retry
from gateway.windows import LineView, Share, Turn, Windows

#: At the latest after this time the queue is looked at without a reason.
LOOK_EVERY = timedelta(seconds=10)

_PAUSE_AFTER_TROUBLE_SECONDS = 1.0
_SHORTEST_SLEEP_SECONDS = 0.02
#: Between two rounds, so that one claim takes what has gathered: a claim of one costs nearly what one of ten does.
_BREATH_SECONDS = 0.01
_SETTLE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Queue(Protocol):
    """The dispatches."""

    async def claim(self, shares: Sequence[Share], *, now: datetime, lease_until: datetime) -> list[Outgoing]:
        """What is due, at most so much per endpoint; the attempts are committed with it."""
        ...

    async def finish(self, outgoing: Outgoing, report: SendReport, plan: RetryPlan, *, now: datetime) -> bool:
        """Commit an outcome; False when the attempt no longer owned its dispatch."""
        ...

    async def renew(self, attempt_ids: Sequence[AttemptId], *, lease_until: datetime) -> None:
        """Hold on to work under way."""
        ...

    async def rescue(self, *, now: datetime, steady_now: datetime) -> int:
        """Make ready what other boots, or leases that ran out, left in flight."""
        ...


class Outlook(Protocol):
    """What the queue holds for later."""

    async def due_endpoints(self, now: datetime) -> Sequence[EndpointId]:
        """The endpoints for which something is due."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next dispatch after `now` comes due."""
        ...


class EndpointRecord(Protocol):
    """Where it is kept since when an endpoint is down."""

    async def went_down(self, endpoint_id: EndpointId, *, since: datetime, reason: str) -> None:
        """Nothing gets through since then, and why; keeps an earlier instant if there is one."""
        ...

    async def came_up(self, endpoint_id: EndpointId, *, since: datetime, until: datetime) -> None:
        """Something got through; what waited for it does not age by that time."""
        ...


class Endpoints(Protocol):
    """The part of the directory that the worker reads."""

    async def endpoint(self, endpoint_id: EndpointId, /) -> Endpoint | None:
        """One, from a cache."""
        ...

    async def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerPorts:
    """What the worker works on."""

    queue: Queue
    outlook: Outlook
    record: EndpointRecord
    directory: Endpoints
    bodies: Bodies
    #: By `Endpoint.kind`.
    adapters: Mapping[str, Adapter]


class Worker:
    """One per process."""

    def __init__(
        self,
        ports: WorkerPorts,
        *,
        settings: DeliverySettings,
        clock: Clock,
        steady: Steady,
        draw: Draw,
        metrics: Metrics,
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._clock, self._steady = clock, steady
        self._draw = draw
        # bound once: the lazy proxy would build a logger for every line
        self._log: Any = structlog.get_logger(__name__).bind()
        self._peer_clock_offset = metrics.peer_clock_offset
        self._counted = {kind: metrics.attempts.labels(outcome=str(kind)) for kind in OutcomeKind}
        self._turns: asyncio.Queue[Turn | None] = asyncio.Queue()
        self._windows = Windows(settings=settings, draw=draw, on_turn=self._turns.put_nowait)
        self._woken = asyncio.Event()
        #: Endpoints that may have something due; those served longest ago first.
        self._active: dict[EndpointId, None] = {}
        self._look_at = clock.now()
        self._stopping = False
        self._under_way: dict[AttemptId, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._duties: list[asyncio.Task[None]] = []

    @property
    def ports(self) -> WorkerPorts:
        """For duties that send what is in no queue of its."""
        return self._ports

    @property
    def in_flight(self) -> int:
        """Transmissions under way."""
        return len(self._under_way)

    def line_view(self, endpoint_id: EndpointId) -> LineView | None:
        """How the line to an endpoint is; None where nothing was sent to it since the start."""
        return self._windows.line_view(endpoint_id, self._clock.now())

    async def start(self) -> None:
        """Rescue, restore, begin."""
        now = self._clock.now()
        failpoint("rescue.before")
        rescued = await self._ports.queue.rescue(now=now, steady_now=self._steady.now())
        failpoint("rescue.after")
        if rescued:
            _log.warning("worker.rescued", dispatches=rescued)
        for endpoint in await self._ports.directory.endpoints():
            self._windows.restore(endpoint, now)
        self._duties = [
            asyncio.create_task(self._run(), name="worker"),
            asyncio.create_task(self._renew(), name="worker-leases"),
            asyncio.create_task(self._record_turns(), name="worker-turns"),
        ]

    def wake(self, endpoint_ids: Iterable[EndpointId] = ()) -> None:
        """Something may be due: for these endpoints, or, when none is named, for any."""
        named = dict.fromkeys(endpoint_ids)
        self._active.update(named)
        if not named:
            self._look_at = self._clock.now()
        self._woken.set()

    def shift(self, jump: timedelta) -> None:
        """The wall clock has jumped: what is waited for keeps its distance."""
        self._windows.shift(jump)
        self.wake()

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109  # a promise to the caller, not a cancellation
        """Claim nothing more; wait for work under way, interrupt what takes longer, commit, end."""
        failpoint("stop.worker.before")
        self._stopping = True
        self._woken.set()
        if not self._duties:
            return
        loop, leases, turns = self._duties
        await loop
        await self._wait_for_tasks(timeout)
        for task in self._sending:
            task.cancel()
        await self._wait_for_tasks(_SETTLE_SECONDS)
        self._turns.put_nowait(None)
        _, late = await asyncio.wait([turns], timeout=_SETTLE_SECONDS)
        for task in (leases, *late, *self._tasks):
            task.cancel()
        await asyncio.gather(leases, turns, *self._tasks, return_exceptions=True)
        self._duties = []
        failpoint("stop.worker.after")

    async def _wait_for_tasks(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            now = self._clock.now()
            try:
                if await self._round(now):
                    await asyncio.sleep(_BREATH_SECONDS)
                else:
                    await self._sleep(now)
            except Exception as error:  # noqa: BLE001  # the task's boundary: the queue outlives any trouble
                _log.exception("worker.round_failed", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_AFTER_TROUBLE_SECONDS)

    async def _round(self, now: datetime) -> int:
        """Claim once what is due at `now`; the number of dispatches that began."""
        if now >= self._look_at:
            await self._look(now)
        endpoints = await self._usable(now)
        shares = self._windows.shares(list(endpoints.values()), now)
        if not shares:
            return 0
        # What is woken while the claim runs is put back, so nothing falls between two rounds.
        for share in shares:
            del self._active[share.endpoint_id]
        lease_until = self._steady.now() + self._settings.lease
        try:
            failpoint("attempt.claim.before")
            claimed = await self._ports.queue.claim(shares, now=now, lease_until=lease_until)
            failpoint("attempt.claim.after")
        except BaseException:
            self._active.update(dict.fromkeys(share.endpoint_id for share in shares))
            raise
        got = Counter(outgoing.endpoint_id for outgoing in claimed)
        self._active.update(
            dict.fromkeys(share.endpoint_id for share in shares if got[share.endpoint_id] >= share.places)
        )
        began = self._clock.now()
        for outgoing in claimed:
            self._begin(outgoing, endpoints[outgoing.endpoint_id], began)
        return len(claimed)

    async def _look(self, now: datetime) -> None:
        self._look_at = now + LOOK_EVERY
        self._active.update(dict.fromkeys(await self._ports.outlook.due_endpoints(now)))
        next_due = await self._ports.outlook.next_due(now)
        if next_due is not None:
            self._look_at = min(self._look_at, next_due)

    async def _usable(self, now: datetime) -> dict[EndpointId, Endpoint]:
        usable = {}
        for endpoint_id in list(self._active):
            endpoint = await self._ports.directory.endpoint(endpoint_id)
            if endpoint is None or endpoint.kind not in self._ports.adapters:
                del self._active[endpoint_id]
            elif endpoint.paused_until is None or endpoint.paused_until <= now:
                usable[endpoint_id] = endpoint
            else:
                del self._active[endpoint_id]
        return usable

    async def _sleep(self, round_at: datetime) -> None:
        """Until something may be different from what it was at `round_at`: a probe may have come due meanwhile."""
        change = self._windows.next_change(round_at)
        until = self._look_at if change is None else min(self._look_at, change)
        left = (until - self._clock.now()).total_seconds()
        try:
            async with asyncio.timeout(max(_SHORTEST_SLEEP_SECONDS, left)):
                await self._woken.wait()
        except TimeoutError:
            self._look_at = self._clock.now()

    def _begin(self, outgoing: Outgoing, endpoint: Endpoint, now: datetime) -> None:
        self._windows.begin(outgoing, now)
        self._under_way[outgoing.attempt_id] = self._steady.now()
        task = asyncio.create_task(self._carry(outgoing, endpoint))
        self._tasks.add(task)
        self._sending.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(self._sending.discard)

    async def _carry(self, outgoing: Outgoing, endpoint: Endpoint) -> None:
        try:
            report = await self._attempt(outgoing, endpoint)
            await self._settle(outgoing, report)
        except Exception as error:  # noqa: BLE001  # the task's boundary: the lease runs out and is rescued
            _log.exception("delivery.not_settled", error=type(error).__name__, attempt=outgoing.attempt_id)
        finally:
            del self._under_way[outgoing.attempt_id]
            self.wake([outgoing.endpoint_id])

    async def _attempt(self, outgoing: Outgoing, endpoint: Endpoint) -> SendReport:
        if not outgoing.deliveries:
            return SendReport(outcomes={})
        adapter = self._ports.adapters[endpoint.kind]
        default = self._settings.timeout.total_seconds()
        failpoint("attempt.dial.before")
        report = await deliver(outgoing, endpoint, adapter, self._ports.bodies, default_seconds=default)
        failpoint("attempt.dial.after")
        if isinstance(offset := report.peer.get("clock_offset_seconds"), int):
            self._peer_clock_offset.labels(endpoint.name).set(offset)
        return report

    async def _settle(self, outgoing: Outgoing, report: SendReport) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sending.discard(task)  # from here on an interruption would lose the outcome
        now = self._clock.now()
        probe_at = self._windows.end(outgoing, report, now)
        plan = plan_retry(
            report.outcomes.values(),
            failures=outgoing.failures,
            now=now,
            settings=self._settings,
            draw=self._draw,
            probe_at=probe_at,
        )
        failpoint("attempt.outcome.before")
        applied = await self._commit(outgoing, report, plan)
        failpoint("attempt.outcome.after")
        self._tell(outgoing, report, plan, applied=applied)
        if plan.due_at > now:
            self._look_at = min(self._look_at, plan.due_at)

    async def _commit(self, outgoing: Outgoing, report: SendReport, plan: RetryPlan) -> bool:
        while True:
            try:
                return await self._ports.queue.finish(outgoing, report, plan, now=self._clock.now())
            except StorageError as error:
                _log.warning("delivery.outcome_waits", error=type(error).__name__, trace_id=outgoing.trace_id)
                await asyncio.sleep(_PAUSE_AFTER_TROUBLE_SECONDS)

    def _tell(self, outgoing: Outgoing, report: SendReport, plan: RetryPlan, *, applied: bool) -> None:
        for outcome in report.outcomes.values():
            self._counted[outcome.kind].inc()
        facts = {
            "trace_id": outgoing.trace_id,
            "dispatch": outgoing.dispatch_id,
            "attempt": outgoing.attempt_id,
            "endpoint": outgoing.endpoint_id,
        }
        if not applied:
            _log.warning("delivery.outcome_late", **facts)
        worst = next((one for one in report.outcomes.values() if one.reason), None)
        if worst is None:
            self._log.debug("delivery.sent", **facts)
        else:
            _log.info("delivery.failed", reason=worst.reason, due_at=plan.due_at.isoformat(), **facts)

    async def _renew(self) -> None:
        third = self._settings.lease / 3
        while True:
            await asyncio.sleep(third.total_seconds())
            now = self._steady.now()
            old = [attempt_id for attempt_id, began in self._under_way.items() if now - began >= third]
            if not old:
                continue
            try:
                await self._ports.queue.renew(old, lease_until=now + self._settings.lease)
            except StorageError as error:
                _log.warning("worker.leases_not_renewed", error=type(error).__name__)

    async def _record_turns(self) -> None:
        while (turn := await self._turns.get()) is not None:
            _log.warning(
                "endpoint.came_up" if turn.is_up else "endpoint.went_down",
                endpoint=turn.endpoint_id,
                recipient=turn.recipient_id,
                since=turn.since.isoformat(),
            )
            if turn.recipient_id is None:
                await self._record_turn(turn)

    async def _record_turn(self, turn: Turn) -> None:
        record = self._ports.record
        while True:
            try:
                if turn.is_up:
                    await record.came_up(turn.endpoint_id, since=turn.since, until=turn.at)
                else:
                    await record.went_down(turn.endpoint_id, since=turn.since, reason=turn.reason)
            except StorageError as error:
                _log.warning("endpoint.turn_waits", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_AFTER_TROUBLE_SECONDS)
            else:
                return
