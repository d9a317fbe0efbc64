"""The worker, in simulated time, on a queue in memory."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import timedelta

from gateway.config.settings import DeliverySettings
from gateway.model import AttemptId, Endpoint, Outcome, Outgoing
from tests.unit.deliver.fakes import DELIVERED, Stand, deferred, endpoint, outgoing, stand
from tests.unit.deliver.simulated import START, SimulatedClock, simulate

_clock = SimulatedClock()


async def _at_once(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
    return DELIVERED


async def _until_done(it: Stand, seconds: int = 3600) -> None:
    """Wait until the queue holds nothing more."""
    for _ in range(seconds * 20):
        if all(row.state == "done" for row in it.queue.rows.values()):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not everything was delivered in time")


def test_what_waits_at_the_start_is_delivered() -> None:
    """A start looks at the whole queue without being woken."""

    async def scenario() -> None:
        it = stand(_at_once, [endpoint("e1")])
        rows = [it.queue.put(outgoing("e1"), START) for _ in range(20)]
        await it.worker.start()
        await _until_done(it, 5)
        await it.worker.stop(1)
        assert {tuple(row.outcomes) for row in rows} == {("delivered:",)}

    simulate(scenario())


def test_wake_delivers_at_once() -> None:
    """A commit wakes the worker; nothing waits for a poll."""

    async def scenario() -> None:
        it = stand(_at_once, [endpoint("e1")])
        await it.worker.start()
        await asyncio.sleep(3.3)
        row = it.queue.put(outgoing("e1"), _clock.now())
        it.worker.wake([row.item.endpoint_id])
        await asyncio.sleep(0.001)
        assert row.state == "done"
        await it.worker.stop(1)

    simulate(scenario())


def test_an_idle_worker_hardly_looks() -> None:
    """Without work the queue is looked at no more often than every ten seconds."""

    async def scenario() -> None:
        it = stand(_at_once, [endpoint("e1")])
        await it.worker.start()
        await asyncio.sleep(600)
        assert it.queue.claims == 0
        await it.worker.stop(1)

    simulate(scenario())


def test_a_missed_signal_is_made_good() -> None:
    """What was queued without waking anybody leaves within ten seconds."""

    async def scenario() -> None:
        it = stand(_at_once, [endpoint("e1")])
        await it.worker.start()
        await asyncio.sleep(1)
        row = it.queue.put(outgoing("e1"), _clock.now())
        await asyncio.sleep(10)
        assert row.state == "done"
        await it.worker.stop(1)

    simulate(scenario())


def test_a_temporary_failure_is_tried_again_after_its_wait() -> None:
    """Full jitter at 0.5 gives three quarters of 15, then of 30 seconds."""
    tries: list[float] = []

    async def twice(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        tries.append((_clock.now() - START).total_seconds())
        return deferred() if len(tries) < 3 else DELIVERED

    async def scenario() -> None:
        it = stand(twice, [endpoint("e1")])
        row = it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await _until_done(it)
        await it.worker.stop(1)
        assert row.failures == 2
        assert tries[0] < 0.1
        assert 11.2 < tries[1] - tries[0] < 11.4
        assert 22.4 < tries[2] - tries[1] < 22.6

    simulate(scenario())


def test_ten_thousand_for_a_dead_endpoint_cost_probes_only() -> None:
    """A breaker keeps a long queue from being tried one by one, and recovery lets all of it go at once."""
    down_until = START + timedelta(minutes=10)

    async def refuses(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        return DELIVERED if _clock.now() >= down_until else deferred("connect_failed")

    async def scenario() -> None:
        it = stand(refuses, [endpoint("e1")])
        for _ in range(500):
            it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await asyncio.sleep(595)
        assert len(it.adapter.calls) < 16
        await asyncio.sleep(600)
        assert all(row.state == "done" for row in it.queue.rows.values())
        assert [(turn, name) for turn, name, _ in it.record.turns] == [("down", "e1"), ("up", "e1")]
        assert it.record.turns[0][2] == it.record.turns[1][2]
        await it.worker.stop(1)

    simulate(scenario())


def test_a_probe_that_comes_due_while_a_claim_runs_is_not_overslept() -> None:
    """The message's own wait ends 1.5 ms before the breaker's; the claim between them takes 5 ms."""
    tries: list[float] = []

    async def twice(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        tries.append((_clock.now() - START).total_seconds())
        return deferred() if len(tries) < 2 else DELIVERED

    async def scenario() -> None:
        settings = DeliverySettings(
            base=timedelta(seconds=1), breaker_failures=1, breaker_probe=timedelta(seconds=1.002)
        )
        it = stand(twice, [endpoint("e1")], settings)
        it.queue.claim_seconds = 0.005
        it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await _until_done(it)
        await it.worker.stop(1)
        assert 0.7 < tries[1] - tries[0] < 0.8

    simulate(scenario())


def test_an_outcome_the_store_refuses_is_offered_again() -> None:
    """An outcome known is not lost because the disk was busy."""

    async def scenario() -> None:
        it = stand(_at_once, [endpoint("e1")])
        it.queue.fail_finishing = 3
        row = it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await _until_done(it, 10)
        assert (row.attempts, row.outcomes) == (1, ["delivered:"])
        await it.worker.stop(1)

    simulate(scenario())


def test_stop_waits_for_what_is_under_way_and_claims_nothing_more() -> None:
    """A drain ends work, it does not begin any."""

    async def slow(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        await asyncio.sleep(3)
        return DELIVERED

    async def scenario() -> None:
        it = stand(slow, [endpoint("e1")])
        rows = [it.queue.put(outgoing("e1"), START) for _ in range(10)]
        await it.worker.start()
        await asyncio.sleep(1)
        await it.worker.stop(10)
        assert sorted(row.state for row in rows) == ["done"] * 4 + ["ready"] * 6
        assert it.worker.in_flight == 0

    simulate(scenario())


def test_stop_interrupts_what_takes_too_long_without_counting_it() -> None:
    """After the drain the rest is unknown, due at once, and no error."""

    async def never(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        await asyncio.sleep(50)
        return DELIVERED

    async def scenario() -> None:
        it = stand(never, [endpoint("e1")])
        row = it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await asyncio.sleep(1)
        await it.worker.stop(2)
        assert (row.state, row.failures, row.outcomes) == ("ready", 0, ["unknown:server_stopping"])
        assert row.due_at <= _clock.now()

    simulate(scenario())


def test_stop_ends_even_if_the_store_takes_nothing() -> None:
    """What cannot be committed is left to the next start's rescue."""

    async def scenario() -> None:
        it = stand(_at_once, [endpoint("e1")])
        it.queue.fail_finishing = 10_000
        row = it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await asyncio.sleep(1)
        async with asyncio.timeout(60):
            await it.worker.stop(2)
        again = stand(_at_once, [endpoint("e1")], queue=it.queue)
        it.queue.fail_finishing = 0
        await again.worker.start()
        await _until_done(again, 5)
        await again.worker.stop(1)
        assert (it.queue.rescued, row.attempts) == (1, 2)

    simulate(scenario())


def test_a_lost_lease_changes_nothing() -> None:
    """The outcome of an attempt that no longer owns its dispatch is only logged."""

    async def slow(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        await asyncio.sleep(2)
        return DELIVERED

    async def scenario() -> None:
        it = stand(slow, [endpoint("e1")])
        row = it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await asyncio.sleep(1)
        row.attempt_id = AttemptId("of somebody else")
        await asyncio.sleep(2)
        assert (row.state, row.outcomes) == ("in_flight", [])
        await it.worker.stop(1)

    simulate(scenario())


def test_leases_of_long_transmissions_are_renewed() -> None:
    """300 MB over a slow line outlast any lease; the owner holds on."""

    async def slow(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        await asyncio.sleep(600)
        return DELIVERED

    async def scenario() -> None:
        it = stand(slow, [endpoint("e1")])
        row = it.queue.put(outgoing("e1", size=290_000_000), START)
        await it.worker.start()
        while row.state != "done":
            await asyncio.sleep(7)
            assert row.state == "done" or (row.lease_until is not None and row.lease_until > _clock.now())
        await it.worker.stop(1)

    simulate(scenario())


def test_an_endpoint_recorded_as_down_begins_with_a_probe() -> None:
    """A restart does not let a whole queue loose on a dead peer."""

    async def refuses(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        await asyncio.sleep(1)
        return deferred("connect_failed")

    async def scenario() -> None:
        down = dataclasses.replace(endpoint("e1"), down_since=START - timedelta(days=1))
        it = stand(refuses, [down])
        for _ in range(50):
            it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await asyncio.sleep(2)
        assert len(it.adapter.calls) == 1
        await it.worker.stop(1)

    simulate(scenario())


def test_a_paused_endpoint_is_left_alone_until_its_pause_ends() -> None:
    """A pause holds everything for the endpoint and costs no attempt."""

    async def scenario() -> None:
        paused = dataclasses.replace(endpoint("e1"), paused_until=START + timedelta(seconds=95))
        it = stand(_at_once, [paused])
        row = it.queue.put(outgoing("e1"), START)
        await it.worker.start()
        await asyncio.sleep(94)
        assert row.attempts == 0
        await asyncio.sleep(12)
        assert row.state == "done"
        await it.worker.stop(1)

    simulate(scenario())


def test_a_bulk_item_gets_through_a_steady_flash_load() -> None:
    """Ageing lifts a bulk item above fresh express traffic after three periods at most."""
    settings = DeliverySettings(ageing=timedelta(minutes=30))

    async def busy(_endpoint: Endpoint, _outgoing: Outgoing) -> Outcome:
        await asyncio.sleep(20)
        return DELIVERED

    async def scenario() -> None:
        it = stand(busy, [endpoint("e1", max_in_flight=1)], settings)
        for _ in range(3):
            it.queue.put(outgoing("e1"), START, lane=0)
        bulk = it.queue.put(outgoing("e1"), START, lane=3)
        await it.worker.start()
        while bulk.attempts == 0:
            await asyncio.sleep(19)
            it.queue.put(outgoing("e1"), _clock.now(), lane=0)
            it.worker.wake([bulk.item.endpoint_id])
        waited = _clock.now() - START
        await it.worker.stop(30)
        assert timedelta(minutes=60) < waited < timedelta(minutes=95)

    simulate(scenario())
