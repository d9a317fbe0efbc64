"""One suite for both queues: what the worker relies on holds for the ledger's and for its fake."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

from gateway.config.settings import DeliverySettings
from gateway.model import AgencyId, BootId, EndpointId, OutcomeKind, Outgoing, SendReport
from gateway.outgoing import LedgerOutlook, LedgerQueue
from gateway.retry import RetryPlan
from gateway.windows import Share
from gateway.worker import Queue
from tests.ledger.lab import HOUR, MINUTE, START, Lab, message, open_lab, outcome
from tests.unit.deliver.fakes import FakeQueue, outgoing

PUSH = EndpointId("push")
DEFERRED, DELIVERED = OutcomeKind.DEFERRED, OutcomeKind.DELIVERED


class Bench(Protocol):
    """A queue, what it holds for later, and the ways to fill and restart it."""

    @property
    def queue(self) -> Queue:
        """The queue of this boot."""
        ...

    async def put(self, *recipients: str, lane: int = 2, at: datetime = START) -> str:
        """Queue a dispatch; gives its message."""
        ...

    async def restart(self) -> None:
        """A new boot."""
        ...

    async def due(self, now: datetime) -> Sequence[EndpointId]:
        """Where something is due."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When more comes due."""
        ...


class FakeBench:
    """The fake in memory."""

    def __init__(self) -> None:
        self.queue = FakeQueue()

    async def put(self, *recipients: str, lane: int = 2, at: datetime = START) -> str:
        item = outgoing("push", *recipients)
        self.queue.put(item, at, lane=lane)
        return item.message_id

    async def restart(self) -> None:
        self.queue.restart()

    async def due(self, now: datetime) -> Sequence[EndpointId]:
        return await self.queue.due_endpoints(now)

    async def next_due(self, now: datetime) -> datetime | None:
        return await self.queue.next_due(now)


class LedgerBench:
    """The ledger's, on SQLite."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.boots = lab, itertools.count(2)
        self.queue, self.outlook = self._open(), LedgerOutlook(lab.readers)

    def _open(self) -> LedgerQueue:
        return LedgerQueue(pump=self.lab.pump, boot_id=BootId(self.lab.boot), settings=DeliverySettings())

    async def put(self, *recipients: str, lane: int = 2, at: datetime = START) -> str:
        item = message(*recipients, lane=lane, at=at, fans_out=len(recipients) > 1)
        await self.lab.record(item)
        return item.message.id

    async def restart(self) -> None:
        await self.lab.start_boot(f"boot-{next(self.boots)}")
        self.queue = self._open()

    async def due(self, now: datetime) -> Sequence[EndpointId]:
        return await self.outlook.due_endpoints(now)

    async def next_due(self, now: datetime) -> datetime | None:
        return await self.outlook.next_due(now)


@asynccontextmanager
async def open_bench(kind: str, folder: Path) -> AsyncIterator[Bench]:
    if kind == "fake":
        yield FakeBench()
    else:
        async with open_lab(folder) as lab:
            yield LedgerBench(lab)


@pytest.fixture(params=["fake", "ledger"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(request.param, tmp_path) as opened:
        yield opened


async def claim(bench: Bench, now: datetime = START, *, places: int = 16, blocked: str = "") -> list[Outgoing]:
    share = Share(endpoint_id=PUSH, places=places, blocked=(AgencyId(blocked),) if blocked else ())
    return await bench.queue.claim([share], now=now, lease_until=now + HOUR)


async def finish(
    bench: Bench, item: Outgoing, *kinds: OutcomeKind, now: datetime = START, counts: bool = True
) -> bool:
    found = {line.id: outcome(kind) for line, kind in zip(item.deliveries, kinds, strict=True)}
    plan = RetryPlan(due_at=now + MINUTE, counts=counts)
    return await bench.queue.finish(item, SendReport(outcomes=found), plan, now=now)


async def test_claim_gives_no_more_than_the_places_and_nothing_twice(bench: Bench) -> None:
    """What one claim took, the next does not."""
    for _ in range(3):
        await bench.put("a1")
    first, second = await claim(bench, places=2), await claim(bench, places=2)
    assert (len(first), len(second)) == (2, 1)
    assert len({item.dispatch_id for item in first + second}) == 3
    assert await bench.due(START) == []


async def test_claim_prefers_lanes_and_lifts_what_waited(bench: Bench) -> None:
    """Lanes first, but an hour of waiting lifts by two of them."""
    old = await bench.put("a1", lane=3)
    now = START + HOUR + MINUTE
    normal, flash = await bench.put("a1", lane=2, at=now), await bench.put("a1", lane=0, at=now)
    assert [item.message_id for item in await claim(bench, now)] == [flash, old, normal]


async def test_blocked_recipient_is_passed_over(bench: Bench) -> None:
    """The others behind the channel go on."""
    await bench.put("a1")
    free = await bench.put("a2", at=START + MINUTE)
    assert [item.message_id for item in await claim(bench, START + HOUR, blocked="a1")] == [free]


async def test_deferred_comes_back_when_due_with_its_failures_and_another_attempt(bench: Bench) -> None:
    """A failure that counts is counted, one that does not is not."""
    await bench.put("a1")
    seen = set()
    for step, (counts, failures) in enumerate([(False, 0), (True, 0), (True, 1)]):
        now = START + step * MINUTE
        [item] = await claim(bench, now)
        assert (item.failures, item.number) == (failures, failures + 1)
        seen.add(item.attempt_id)
        assert await finish(bench, item, DEFERRED, now=now, counts=counts)
        assert await claim(bench, now) == []
        assert await bench.next_due(now) == now + MINUTE
    assert len(seen) == 3


async def test_only_what_must_go_again_is_carried_again(bench: Bench) -> None:
    """Lines that are done leave the dispatch."""
    lines = [await bench.put("a1", "a2")]
    [item] = await claim(bench)
    by_name = {line.recipient_id: line.id for line in item.deliveries}
    await finish(bench, item, DELIVERED, DEFERRED)
    [again] = await claim(bench, START + MINUTE)
    assert ([again.message_id], [line.id for line in again.deliveries]) == (lines, [by_name[AgencyId("a2")]])
    assert await finish(bench, again, DELIVERED, now=START + MINUTE)
    assert await claim(bench, START + HOUR) == []
    assert await bench.next_due(START) is None


async def test_outcome_of_an_attempt_that_lost_its_dispatch_is_not_applied(bench: Bench) -> None:
    """Neither after a rescue nor a second time."""
    await bench.put("a1")
    [late] = await claim(bench)
    assert await bench.queue.rescue(now=START + 2 * HOUR, steady_now=START + 2 * HOUR) == 1
    assert not await finish(bench, late, DELIVERED, now=START + 2 * HOUR)
    [owner] = await claim(bench, START + 2 * HOUR)
    assert not await finish(bench, late, DELIVERED, now=START + 2 * HOUR)
    assert await finish(bench, owner, DELIVERED, now=START + 2 * HOUR)
    assert not await finish(bench, owner, DELIVERED, now=START + 2 * HOUR)


async def test_rescue_leaves_live_leases_alone_and_renewing_keeps_them_alive(bench: Bench) -> None:
    """Only what nobody holds any more is freed."""
    await bench.put("a1")
    [item] = await claim(bench)
    assert await bench.queue.rescue(now=START, steady_now=START) == 0
    await bench.queue.renew([item.attempt_id], lease_until=START + 3 * HOUR)
    assert await bench.queue.rescue(now=START + 2 * HOUR, steady_now=START + 2 * HOUR) == 0
    assert await bench.queue.rescue(now=START + 4 * HOUR, steady_now=START + 4 * HOUR) == 1


async def test_rescue_after_a_restart_frees_everything_at_once_without_a_failure(bench: Bench) -> None:
    """What an earlier boot left in flight is due again under the same ids."""
    await bench.put("a1")
    [item] = await claim(bench)
    await bench.restart()
    assert await bench.queue.rescue(now=START, steady_now=START) == 1
    assert list(await bench.due(START)) == [PUSH]
    [again] = await claim(bench)
    assert (again.dispatch_id, again.deliveries, again.failures) == (item.dispatch_id, item.deliveries, 0)
    assert again.attempt_id != item.attempt_id
