"""Bodies a second through the body store: written, hashed, synced, linked, directories synced.

    python -m benchmarks.bodies [--keeps 32] [--seconds 5] [--size 20000] [--folder build/bench]

Each of the concurrent callers spools a body of its own, keeps it and takes the next.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import tempfile
import time
from pathlib import Path

from gateway.loop import run
from gateway.storage.bodies import Bodies


async def measure(folder: Path, keeps: int, seconds: float, size: int) -> tuple[float, float, float, float]:
    """Bodies a second, CPU microseconds each, and latency in milliseconds at p50 and p99."""
    bodies = Bodies(folder)
    filler = os.urandom(size)
    numbers = itertools.count()
    latencies: list[float] = []
    started, cpu = time.perf_counter(), time.process_time()

    async def caller() -> None:
        while time.perf_counter() - started < seconds:
            began = time.perf_counter()
            spool = bodies.open_spool()
            await spool.write(next(numbers).to_bytes(8, "big") + filler[8:])
            await bodies.keep(await spool.finish())
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(caller() for _ in range(keeps)))
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    await bodies.close()
    latencies.sort()
    count = len(latencies)
    return count / took, cpu / count * 1e6, latencies[count // 2] * 1e3, latencies[count * 99 // 100] * 1e3


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keeps", type=int, nargs="*", default=[1, 8, 32, 128])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    arguments = parser.parse_args()
    for keeps in arguments.keeps:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            rate, cpu, middle, tail = run(measure(Path(folder), keeps, arguments.seconds, arguments.size))
            print(
                f"{keeps:4} keeps {rate:7.0f} bodies/s  {cpu:6.1f} us CPU each  "
                f"p50 {middle:.2f} ms  p99 {tail:.2f} ms"
            )


if __name__ == "__main__":
    main()
