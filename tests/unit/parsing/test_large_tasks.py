"""Large files and the pool: whoever sends or fetches them leaves the others a process."""

from __future__ import annotations

import asyncio

from gateway.parsing import LARGE_BYTES, ParserPool
from tests.unit.parsing.tasks import add, hang


async def test_large_tasks_leave_a_process_free() -> None:
    """However many large files wait, a small one is read at once."""
    pool = ParserPool(processes=2)
    await pool.start()
    try:
        large = [asyncio.ensure_future(pool.run(hang, 60.0, timeout=90, size=LARGE_BYTES + 1)) for _ in range(5)]
        async with asyncio.timeout(10):
            assert await pool.run(add, 1, 2, timeout=10) == 3
        assert not any(task.done() for task in large)
        for task in large:
            task.cancel()
        await asyncio.gather(*large, return_exceptions=True)
    finally:
        await pool.close()
