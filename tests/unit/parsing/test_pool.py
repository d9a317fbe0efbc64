"""A task may do its worst; the others and the pool go on."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.edxml.envelope import ParseReport
from gateway.edxml.limits import ParseLimits
from gateway.edxml.packed import packed, unpack_report
from gateway.edxml.parser import parse_file
from gateway.errors import PoolError
from gateway.parsing.pool import ParserPool
from tests.unit.parsing import tasks
from tools.vectors import FOLDER, vector_folders


@pytest_asyncio.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParserPool]:
    """Two workers with 300 MB each, started while the environment holds a secret."""
    monkeypatch.setenv("GATEWAY_SECRET", "hidden")
    parsers = ParserPool(processes=2, memory=300 * 1024**2)
    await parsers.start()
    yield parsers
    await parsers.close()


@pytest.mark.parametrize("folder", vector_folders(), ids=lambda folder: folder.name)
def test_packed_report_unpacks_to_the_same(folder: Path) -> None:
    """Nothing is lost on the way between processes."""
    path = str(folder / "input.edxml")
    assert unpack_report(packed(_report, path)) == _report(path)


async def test_message_is_parsed_in_a_worker(pool: ParserPool) -> None:
    """The report travels back; the skeleton stays behind."""
    report = unpack_report(
        await pool.run(packed, _report, str(FOLDER / "dialect-a-document" / "input.edxml"), timeout=60)
    )
    assert report.envelope is not None
    assert report.envelope.code == "125/UBND-VP"


def _report(path: str) -> ParseReport:
    return parse_file(path, limits=ParseLimits()).report


async def test_killed_worker_is_reported_and_spares_the_others(pool: ParserPool) -> None:
    """One task dies, six beside it answer."""
    results = await asyncio.gather(
        pool.run(tasks.die, 0, timeout=60),
        *(pool.run(tasks.add, number, 1, timeout=60) for number in range(6)),
        return_exceptions=True,
    )
    assert isinstance(results[0], PoolError)
    assert results[0].facts["kind"] == "died"
    assert results[1:] == [1, 2, 3, 4, 5, 6]


async def test_memory_beyond_the_limit_is_reported(pool: ParserPool) -> None:
    """A worker cannot take the machine's memory, and lives on."""
    with pytest.raises(PoolError) as caught:
        await pool.run(tasks.eat, 400 * 1024**2, timeout=60)
    assert caught.value.facts["kind"] == "memory"
    assert await pool.run(tasks.eat, 1000, timeout=60) == 1000


async def test_task_over_its_time_is_ended(pool: ParserPool) -> None:
    """The worker is replaced and the other one was free all the while."""
    slow = asyncio.ensure_future(pool.run(tasks.hang, 60.0, timeout=0.2))
    assert await pool.run(tasks.add, 1, 2, timeout=60) == 3
    with pytest.raises(PoolError) as caught:
        await slow
    assert caught.value.facts["kind"] == "timeout"


async def test_exception_of_the_task_comes_through(pool: ParserPool) -> None:
    """It is no failure of the pool."""
    with pytest.raises(LookupError, match="x"):
        await pool.run(tasks.fail, "x", timeout=60)


async def test_idle_workers_killed_from_outside_are_replaced(pool: ParserPool) -> None:
    """As when the kernel is short of memory: later tasks do not notice."""
    for pid in {await pool.run(os.getpid, timeout=60) for _ in range(8)}:
        os.kill(pid, signal.SIGKILL)
    results = await asyncio.gather(*(pool.run(tasks.add, number, 1, timeout=60) for number in range(20)))
    assert results == list(range(1, 21))


async def test_worker_has_no_secret_and_few_means(pool: ParserPool) -> None:
    """Neither the gateway's environment nor a core dump."""
    names, core, files = await pool.run(tasks.surroundings, timeout=60)
    assert "GATEWAY_SECRET" not in names
    assert (core, files) == (0, 64)


async def test_cancelled_caller_frees_the_worker(pool: ParserPool) -> None:
    """Nobody waits for an answer any more, so the task is ended."""
    waiting = [asyncio.ensure_future(pool.run(tasks.hang, 60.0, timeout=60)) for _ in range(2)]
    assert await asyncio.wait(waiting, timeout=0.3) == (set(), set(waiting))
    for one in waiting:
        one.cancel()
    assert await pool.run(tasks.add, 1, 2, timeout=60) == 3
    assert all(
        isinstance(one, asyncio.CancelledError) for one in await asyncio.gather(*waiting, return_exceptions=True)
    )


async def test_worker_that_sends_code_is_ended(pool: ParserPool) -> None:
    """Only data and exceptions are taken from a process that read foreign bytes."""
    with pytest.raises(PoolError) as caught:
        await pool.run(tasks.betray, timeout=60)
    assert caught.value.facts["kind"] == "died"
    assert await pool.run(tasks.add, 1, 2, timeout=60) == 3


async def test_many_tasks_at_once_all_answer(pool: ParserPool) -> None:
    """More than the socket to the workers holds."""
    answers = await asyncio.gather(*(pool.run(tasks.add, number, 1, timeout=60) for number in range(2000)))
    assert answers == list(range(1, 2001))


async def test_old_worker_is_replaced_without_loss() -> None:
    """A process ends after so many tasks; what it has not taken goes to the next."""
    pool = ParserPool(processes=1, recycle_after=3)
    await pool.start()
    pids = {await pool.run(os.getpid, timeout=60) for _ in range(7)}
    await pool.close()
    assert len(pids) == 3


async def test_idle_process_ends_and_the_next_task_starts_another() -> None:
    """Nothing runs before the first task; none that is at work is ended."""
    pool = ParserPool(processes=1, idle=0.05)
    first = await pool.run(os.getpid, timeout=60)
    await pool.run(tasks.hang, 0.2, timeout=10)
    await asyncio.to_thread(_wait_for_its_end, first)
    assert await pool.run(os.getpid, timeout=60) != first
    await pool.close()


def _wait_for_its_end(pid: int) -> None:
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)


async def test_worker_that_cannot_start_is_reported() -> None:
    """A pool that lacks what it needs says so instead of trying for ever."""
    pool = ParserPool(processes=1, preload=("gateway.nothing_of_that_name",))
    with pytest.raises(PoolError) as caught:
        await pool.start()
    assert caught.value.facts["kind"] == "broken"
    await pool.close()


async def test_closing_ends_waiting_tasks_with_an_error(pool: ParserPool) -> None:
    """A caller that waits hears that the pool is closed."""
    waiting = asyncio.ensure_future(pool.run(tasks.hang, 60.0, timeout=60))
    assert await asyncio.wait([waiting], timeout=0.2) == (set(), {waiting})
    await pool.close()
    with pytest.raises(PoolError) as caught:
        await waiting
    assert caught.value.facts["kind"] == "closed"
