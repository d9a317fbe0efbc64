"""One dead office never holds up the others: counted in simulated time."""

from __future__ import annotations

import asyncio
from datetime import datetime

from gateway.model import Endpoint, EndpointId, Outcome, OutcomeKind, Outgoing
from tests.unit.deliver.fakes import DELIVERED, Entry, Stand, deferred, endpoint, outgoing, stand
from tests.unit.deliver.simulated import START, SimulatedClock, simulate

_clock = SimulatedClock()
_SECONDS = 120
_UNKNOWN = Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown")


def _waits(rows: list[Entry]) -> list[float]:
    return sorted(
        ((row.done_at or datetime.max.replace(tzinfo=START.tzinfo)) - row.created_at).total_seconds()
        for row in rows
    )


async def _province(it: Stand, dead: set[str]) -> list[Entry]:
    """Two minutes of work: 60 % of it for one endpoint, the rest for the other 144; the rows of healthy ones."""
    healthy = []
    for tick in range(_SECONDS * 10):
        now = _clock.now()
        names = ["e0"] * 6 + [f"e{1 + (4 * tick + place) % 144}" for place in range(4)]
        for name in names:
            row = it.queue.put(outgoing(name, f"r-{name}"), now)
            if name not in dead and name != "e0":
                healthy.append(row)
        it.worker.wake(EndpointId(name) for name in names)
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)
    return healthy


def _run_province(dead: set[str], *, silent: bool) -> tuple[list[float], int]:
    async def receive(to: Endpoint, _outgoing: Outgoing) -> Outcome:
        if to.id not in dead:
            await asyncio.sleep(0.02)
            return DELIVERED
        if silent:
            await asyncio.sleep(60)
            return _UNKNOWN
        return deferred("connect_failed")

    async def scenario() -> tuple[list[float], int]:
        it = stand(receive, [endpoint(f"e{number}") for number in range(145)])
        await it.worker.start()
        healthy = await _province(it, dead)
        tried = sum(1 for call, _ in it.adapter.calls if call.endpoint_id in dead)
        await it.worker.stop(0)
        return _waits(healthy), tried

    return simulate(scenario())


def test_healthy_endpoints_do_not_notice_twenty_that_refuse() -> None:
    """145 endpoints, 20 dead, one with 60 % of the load: the 99th percentile of the others stays as it was."""
    usual, _ = _run_province(set(), silent=False)
    waits, tried = _run_province({f"e{number}" for number in range(100, 120)}, silent=False)
    assert waits[int(len(waits) * 0.99)] <= usual[int(len(usual) * 0.99)] * 1.1
    assert tried < 20 * 12


def test_healthy_endpoints_do_not_notice_twenty_that_fall_silent() -> None:
    """Peers that accept and never answer cannot use up the places of those that do."""
    usual, _ = _run_province(set(), silent=True)
    waits, tried = _run_province({f"e{number}" for number in range(100, 120)}, silent=True)
    assert waits[int(len(waits) * 0.99)] <= usual[int(len(usual) * 0.99)] * 1.1
    assert tried < 20 * 8


def _run_hundred(outcome: Outcome, seconds: float) -> tuple[list[float], int]:
    """A hundred communes behind one endpoint, r13 of them dead, with a long queue for it."""

    async def receive(_endpoint: Endpoint, item: Outgoing) -> Outcome:
        if item.deliveries[0].recipient_id == "r13":
            await asyncio.sleep(seconds)
            return outcome
        await asyncio.sleep(0.02)
        return DELIVERED

    async def scenario() -> tuple[list[float], int]:
        it = stand(receive, [endpoint("big")])
        for _ in range(200):
            it.queue.put(outgoing("big", "r13"), START)
        await it.worker.start()
        rows = []
        for tick in range(1200):
            if (number := tick % 100) != 13:
                rows.append(it.queue.put(outgoing("big", f"r{number}"), _clock.now()))
                it.worker.wake([EndpointId("big")])
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        tried = sum(1 for call, _ in it.adapter.calls if call.deliveries[0].recipient_id == "r13")
        await it.worker.stop(0)
        return _waits(rows), tried

    return simulate(scenario())


def test_one_dead_office_costs_the_other_ninety_nine_nothing_when_it_answers_with_errors() -> None:
    """An error for one recipient touches that recipient alone, though 200 documents wait for it first."""
    waits, tried = _run_hundred(deferred("peer_error"), 0.01)
    assert waits[-1] < 0.5
    assert tried < 15


def test_one_dead_office_costs_the_other_ninety_nine_nothing_when_it_is_silent() -> None:
    """Silence for one recipient touches that recipient alone once it is overdue."""
    waits, tried = _run_hundred(_UNKNOWN, 60)
    assert waits[int(len(waits) * 0.9)] < 0.5
    assert waits[-1] < 6
    assert tried < 10
