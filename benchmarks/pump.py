"""Accepts a second through the pump: a document row and its event row, synced, by N clients at once.

    python -m benchmarks.pump [--clients 64] [--seconds 5] [--folder build/bench]

Each client submits, waits for the synced result and submits again. `synchronous=FULL`, checkpoints included.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gateway import loop
from gateway.clock import SystemClock
from gateway.storage.pump import Pump, Transaction
from gateway.storage.sqlite import Writer, connect_writer
from gateway.storage.statements import Statements

_SCHEMA = (
    "CREATE TABLE document (id TEXT PRIMARY KEY, sha256 BLOB NOT NULL, head TEXT NOT NULL) STRICT",
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, document TEXT NOT NULL, leaf BLOB NOT NULL) STRICT",
)
_STATEMENTS = Statements(
    {
        "document_insert": "INSERT INTO document VALUES (?, ?, ?)",
        "event_insert": "INSERT INTO event (document, leaf) VALUES (?, ?)",
    }
)


class Accept:
    """One document row and one event row per payload."""

    name = "accept"

    async def apply(self, tx: Transaction, payloads: Sequence[str]) -> Sequence[str | Exception]:
        """Insert both, set-based."""
        await tx.execute_many("document_insert", [(each, b"\0" * 32, "x" * 300) for each in payloads])
        await tx.execute_many("event_insert", [(each, b"y" * 300) for each in payloads])
        return payloads


async def measure(writer: Writer, clients: int, seconds: float) -> tuple[float, float, float, float]:
    """Accepts a second, CPU microseconds each, and latency in milliseconds at p50 and p99."""
    for statement in _SCHEMA:
        await writer.fetch(statement)
    pump = Pump(writer, _STATEMENTS, clock=SystemClock())
    await pump.start()
    accept = Accept()
    numbers = itertools.count()
    latencies: list[float] = []
    started, cpu = time.perf_counter(), time.process_time()

    async def client() -> None:
        while time.perf_counter() - started < seconds:
            began = time.perf_counter()
            await pump.submit(accept, f"{next(numbers):032}")
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    await pump.close()
    latencies.sort()
    count = len(latencies)
    at = (latencies[count // 2], latencies[count * 99 // 100])
    return count / took, cpu / count * 1e6, at[0] * 1000, at[1] * 1000


async def run(clients: int, seconds: float, folder: Path) -> None:
    """Print one line."""
    writer = await connect_writer(folder / "bench.db")
    try:
        rate, cpu, middle, tail = await measure(writer, clients, seconds)
        print(
            f"{clients:4} clients {rate:9.0f} accepts/s  {cpu:6.1f} us CPU each  "
            f"p50 {middle:.2f} ms  p99 {tail:.2f} ms  WAL {writer.wal_bytes() >> 20} MB  "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB"
        )
    finally:
        await writer.close()


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 16, 64, 256])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure")
    arguments = parser.parse_args()
    for clients in arguments.clients:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            loop.run(run(clients, arguments.seconds, Path(folder)))


if __name__ == "__main__":
    main()
