"""Large files and the pool: whoever sends or fetches them leaves the others a process."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import PoolError
from gateway.parsing.lane import FairLane
from gateway.parsing.pool import LARGE_BYTES, ParserPool
from tests.unit.parsing.tasks import add, hang


async def test_large_tasks_leave_a_process_free() -> None:
    """However many large files wait, a small one is read at once."""
    pool = ParserPool(processes=2)
    await pool.start()
    try:
        large = [asyncio.ensure_future(pool.run(hang, 60.0, timeout=90, size=LARGE_BYTES + 1)) for _ in range(5)]
        async with asyncio.timeout(60):
            assert await pool.run(add, 1, 2, timeout=60) == 3
        assert not any(task.done() for task in large)
        for task in large:
            task.cancel()
        await asyncio.gather(*large, return_exceptions=True)
    finally:
        await pool.close()


async def test_owners_take_turns_whoever_sends_the_most() -> None:
    """A hundred large files of one agency delay another's first by one, not by a hundred."""
    lane = FairLane(1)
    served: list[str] = []

    async def work(owner: str) -> None:
        await lane.acquire(owner)
        served.append(owner)
        await asyncio.sleep(0)
        lane.release()

    await asyncio.gather(*(work(owner) for owner in ("a",) * 5 + ("b",) * 3 + ("c",)))
    assert "".join(served) == "aabcababa"


async def test_places_are_never_lost_or_doubled_by_cancellation() -> None:
    """Whoever leaves while waiting, or in the moment its turn comes, passes the place on."""
    lane = FairLane(1)
    await lane.acquire("a")
    gone, granted, last = (asyncio.ensure_future(lane.acquire(owner)) for owner in "bcd")
    await asyncio.sleep(0)
    gone.cancel()
    lane.release()  # passes over b, to c
    granted.cancel()  # which leaves before it knows
    await asyncio.wait_for(last, 60)
    assert gone.cancelled()
    assert granted.cancelled()
    waiting = asyncio.ensure_future(lane.acquire("e"))
    await asyncio.sleep(0)
    assert not waiting.done()
    lane.release()
    await waiting
    lane.release()
    await lane.acquire("f")
    lane.release()


async def test_single_process_takes_one_large_task_and_then_the_rest() -> None:
    """With one process nothing is kept free, but nothing is stuck either; too long a wait is `busy`."""
    pool = ParserPool(processes=1, max_wait=0.2)
    await pool.start()
    try:
        blocking = asyncio.ensure_future(pool.run(hang, 60.0, timeout=90, size=LARGE_BYTES + 1, owner="a"))
        await asyncio.sleep(0)
        with pytest.raises(PoolError) as caught:
            await pool.run(add, 1, 2, timeout=60, size=LARGE_BYTES + 1, owner="b")
        assert caught.value.facts["kind"] == "busy"
        blocking.cancel()
        await asyncio.gather(blocking, return_exceptions=True)
    finally:
        await pool.close()
    pool = ParserPool(processes=1)
    await pool.start()
    try:
        assert await pool.run(add, 1, 2, timeout=60, size=LARGE_BYTES + 1) == 3
    finally:
        await pool.close()
