"""Bodies a second through the body store, plain and encrypted: written, hashed, synced, linked, directories synced.

    python -m benchmarks.bodies [--keeps 32] [--seconds 5] [--size 20000] [--large 1024] [--folder build/bench]

Each of the concurrent callers spools a body of its own, keeps it and takes the next. Then one large body, in MiB,
is spooled as it would come over a line, kept, and read again with a look at its digest. CPU is that of this
process.
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
from gateway.storage.body_keys import BodyKeys, DataKey

_PIECE = 256 * 1024
_MIB = 1024 * 1024


async def measure(folder: Path, keys: BodyKeys, keeps: int, seconds: float, size: int) -> tuple[float, ...]:
    """Bodies a second, CPU microseconds each, and latency in milliseconds at p50 and p99."""
    bodies = Bodies(folder, keys)
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


async def measure_large(folder: Path, keys: BodyKeys, mib: int) -> list[tuple[str, float, float]]:
    """What was done, wall and CPU seconds of it."""
    bodies = Bodies(folder, keys)
    piece, found = os.urandom(_PIECE), []

    async def spooled() -> str:
        async with bodies.open_spool() as spool:
            for number in range(mib * _MIB // _PIECE):
                await spool.write(number.to_bytes(8, "big") + piece[8:])
            body = await spool.finish()
        await bodies.keep(body)
        return body.sha256

    async def read() -> None:
        await bodies.open_sound(digest)

    async def ranges() -> None:
        with (await bodies.open(digest)).file.open() as stream:
            for number in range(1000):
                stream.seek(number * 997 * 1013 % (mib * _MIB - 1000))
                stream.read(1000)

    digest = ""
    for name, act in (("spooled and kept", spooled), ("read and hashed", read), ("1,000 ranges of 1 KB", ranges)):
        began, cpu = time.perf_counter(), time.process_time()
        digest = await act() or digest
        found.append((name, time.perf_counter() - began, time.process_time() - cpu))
    await bodies.close()
    return found


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keeps", type=int, nargs="*", default=[1, 8, 32, 128])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=1024, help="MiB of the large body; 0: none")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    arguments = parser.parse_args()
    for kind in ("plain", "encrypted"):
        for keeps in arguments.keeps:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                rate, cpu, middle, tail = run(
                    measure(Path(folder), _keys(kind), keeps, arguments.seconds, arguments.size)
                )
                print(
                    f"{kind:9} {keeps:4} keeps {rate:7.0f} bodies/s  {cpu:6.1f} us CPU each  "
                    f"p50 {middle:.2f} ms  p99 {tail:.2f} ms"
                )
        if arguments.large:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                for name, took, cpu in run(measure_large(Path(folder), _keys(kind), arguments.large)):
                    print(f"{kind:9} {arguments.large} MiB {name}: {took:.2f} s, {cpu:.2f} s CPU")


def _keys(kind: str) -> BodyKeys:
    return BodyKeys([DataKey.make()] if kind == "encrypted" else [])


if __name__ == "__main__":
    main()
