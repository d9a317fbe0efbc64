"""Leaves a second that the Merkle tree and its tiles take: python -m benchmarks.tree [--leaves 1000000].

In one thread, and in portions, as the sequencer does it: each begins with the tiles that the last one left partial.
"""

from __future__ import annotations

import argparse
import time
from hashlib import sha256

from gateway.transparency.merkle import Frontier
from gateway.transparency.tiles import TileId, edge_of, grow


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--portion", type=int, default=4096, help="leaves at a time (default %(default)s)")
    arguments = parser.parse_args()
    alone, tiled = measure(arguments.leaves, arguments.portion)
    print(f"{arguments.leaves} leaves: tree {alone:.0f} a second, tree and tiles {tiled:.0f} a second")


if __name__ == "__main__":
    main()
