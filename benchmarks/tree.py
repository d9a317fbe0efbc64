"""What the transparency log costs: python -m benchmarks.tree [--leaves 1000000] [--database FOLDER].

Leaves a second that the Merkle tree and its tiles take, in one thread and in portions, as the sequencer does it:
each begins with the tiles that the last one left partial. With `--database` the sequencer itself grows the tree
over that many events of a new ledger in that folder, as the first start with an older ledger does; meanwhile
something is submitted to the pump again and again, and the event loop's longest pause is watched.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from benchmarks.goals import Figure, aimed
from gateway import loop
from gateway.clock import SystemClock
from gateway.evidence.sequencer import Sequencer
from gateway.foundation import load_statements
from gateway.ledger.tree import Tree
from gateway.storage.migrations import migrate
from gateway.storage.pump import Pump, Transaction
from gateway.storage.readers import Readers
from gateway.storage.sqlite import connect_writer
from gateway.transparency.merkle import Frontier
from gateway.transparency.tiles import TileId, edge_of, grow

_LEAVES, _PORTION = 1_000_000, 2048
_LEAF = 300
_AT_ONCE = 10_000
_PAUSE = 0.005


def measure(count: int, portion: int) -> tuple[float, float]:
    """Leaves a second of CPU: the tree alone, and the tree with its tiles."""
    leaves = [sha256(number.to_bytes(8, "big")).digest() for number in range(count)]
    began = time.process_time()
    root = Frontier().extended(leaves).root()
    alone = time.process_time() - began
    began = time.process_time()
    frontier, rows = Frontier(), dict[TileId, bytes]()
    for at in range(0, count, portion):
        edge = {tile: rows[tile] for tile in edge_of(frontier.size)}
        growth = grow(frontier, edge, leaves[at : at + portion])
        frontier = growth.frontier
        rows = {tile: growth.tiles.get(tile) or edge[tile] for tile in edge_of(frontier.size)}
    tiled = time.process_time() - began
    assert frontier.root() == root
    return count / alone, count / tiled


def figures() -> list[Figure]:
    """For `benchmarks.run`: the tree with its tiles, as the sequencer grows it."""
    alone, tiled = measure(_LEAVES, _PORTION)
    return [
        aimed("tree_leaves_per_second", tiled),
        Figure(name="tree_alone_leaves_per_second", value=alone, unit="leaves/s of a core"),
    ]


class _Fill:
    """Events of a usual length; the payload is how many."""

    name = "fill"

    async def apply(self, tx: Transaction, payloads: Sequence[int]) -> Sequence[None]:
        """Insert them."""
        for count in payloads:
            leaf = bytes(_LEAF)
            row = ("server.started", 1, None, None, "gateway", leaf, sha256(b"\0" + leaf).digest(), None)
            await tx.execute_many("event_insert", [row] * count)
        return [None] * len(payloads)


async def grown(folder: Path, count: int) -> str:
    """Grow the tree over so many events; what it took."""
    writer = await connect_writer(folder / "tree.db")
    await migrate(writer)
    statements = load_statements()
    pump, readers = Pump(writer, statements, clock=SystemClock()), Readers(folder / "tree.db", statements, count=2)
    await pump.start()
    await readers.start()
    fill = _Fill()
    for at in range(0, count, _AT_ONCE):
        await pump.submit(fill, min(_AT_ONCE, count - at))
    before, peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    pauses, waits = [0.0], [0.0]
    done = False

    async def watch() -> None:
        while not done:
            began = time.perf_counter()
            await asyncio.sleep(_PAUSE)
            pauses.append(time.perf_counter() - began - _PAUSE)

    async def write() -> None:
        while not done:
            began = time.perf_counter()
            await pump.submit(fill, 1)
            waits.append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE)

    tasks = [asyncio.create_task(each()) for each in (watch, write)]
    began, cpu = time.perf_counter(), time.process_time()
    tree: Tree = await Sequencer(readers, pump).catch_up()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    done = True
    await asyncio.gather(*tasks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await pump.close()
    await readers.close()
    await writer.close()
    pauses.sort()
    waits.sort()
    return (
        f"{tree.size} events of a ledger: {took:.1f} s, {cpu / tree.size * 1e6:.1f} us of CPU each with all that "
        f"ran beside; memory +{(peak - before) >> 10} MB; event loop p99 {_at(pauses):.1f} ms, longest "
        f"{pauses[-1] * 1e3:.0f} ms; a commit beside it p50 {waits[len(waits) // 2] * 1e3:.1f} ms, "
        f"p99 {_at(waits):.1f} ms"
    )


def _at(values: Sequence[float]) -> float:
    return values[len(values) * 99 // 100] * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--leaves", type=int, default=_LEAVES)
    parser.add_argument("--portion", type=int, default=_PORTION, help="leaves at a time (default %(default)s)")
    parser.add_argument("--database", type=Path, metavar="FOLDER", help="grow a ledger's tree on that disk, too")
    arguments = parser.parse_args()
    alone, tiled = measure(arguments.leaves, arguments.portion)
    print(f"{arguments.leaves} leaves: tree {alone:.0f} a second, tree and tiles {tiled:.0f} a second")
    if arguments.database is not None:
        with tempfile.TemporaryDirectory(dir=arguments.database) as folder:
            print(loop.run(grown(Path(folder), arguments.leaves)))


if __name__ == "__main__":
    main()
