"""Tiles of height 8: how the tree is stored and served, after C2SP tlog-tiles.

Tile `(level, index)` holds up to 256 hashes of 32 bytes: those of level 0 are leaf hashes, those above are the
roots of the full tiles one level below. A tile with fewer is *partial*; only the last of a level is. The hashes of
a partial tile are the first of the full one, so one row per tile that grows serves every width that ever was.

`grow` appends leaves and answers with the tiles that changed; `TileHashes` is the `Get` that proofs are made from;
`needed` says which tiles that takes, so that they can be read first. Does no I/O.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import ProofError
from gateway.transparency.merkle import HASH_BYTES, MAX_SIZE, Frontier, Get, root_of

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
TILE_BYTES: Final = WIDTH * HASH_BYTES
#: Above it no tree of MAX_SIZE has a tile.
MAX_LEVEL: Final = 63
#: What the 16-bit length prefix of an entry bundle allows.
MAX_ENTRY_BYTES: Final = 65_535

_PATH = re.compile(
    r"(?:tile/)?(?P<level>0|[1-9][0-9]?|entries)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """Where a tile is: its level, counted in tiles from the leaves, and its index in the level."""

    level: int
    index: int


@dataclass(frozen=True, slots=True)
class TilePath:
    """A path that asks for a tile or an entry bundle."""

    #: None asks for the entry bundle beside the tile of level 0.
    level: int | None
    index: int
    #: 1 to 256; 256 is the full tile, which has no suffix.
    width: int = WIDTH

    def __str__(self) -> str:
        """The path below the log's prefix, `tile/0/x001/234.p/17`."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        level = "entries" if self.level is None else str(self.level)
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @classmethod
    def parse(cls, path: str) -> TilePath:
        """Read `tile/<L>/<N>[.p/<W>]`, with or without `tile/`; raises ProofError."""
        found = _PATH.fullmatch(path)
        if found is None:
            raise ProofError("that is not the path of a tile")
        level = None if found["level"] == "entries" else int(found["level"])
        index = int(found["index"].replace("x", "").replace("/", ""))
        width = WIDTH if found["width"] is None else int(found["width"])
        parsed = cls(level, index, width)
        if (level or 0) > MAX_LEVEL or index > MAX_SIZE or (found["width"] is not None and width >= WIDTH):
            raise ProofError("that is not the path of a tile")
        if str(parsed).removeprefix("tile/") != path.removeprefix("tile/"):  # x000/123 is 123 in disguise
            raise ProofError("that is not the path of a tile as it is written")
        return parsed


def width_at(tile: TileId, size: int) -> int:
    """How many hashes the tile has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> (HEIGHT * tile.level)) - tile.index * WIDTH))


def edge_of(size: int) -> list[TileId]:
    """The partial tiles of a tree, which appending to it must know; leaves first."""
    found = []
    level, count = 0, size
    while count:
        if count % WIDTH:
            found.append(TileId(level, count // WIDTH))
        level, count = level + 1, count >> HEIGHT
    return found


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree after leaves were appended."""

    frontier: Frontier
    #: The tiles that are new or longer than before, with all of their hashes.
    tiles: dict[TileId, bytes]


def grow(frontier: Frontier, edge: Mapping[TileId, bytes], leaf_hashes: Sequence[bytes]) -> Growth:
    """Append leaves. `edge` holds the hashes of the tiles that `edge_of` names; ProofError when it does not."""
    for tile in edge_of(frontier.size):
        if len(edge.get(tile, b"")) != width_at(tile, frontier.size) * HASH_BYTES:
            raise ProofError(f"tile {tile.level}/{tile.index} is not that of a tree of {frontier.size} leaves")
    changed: dict[TileId, bytes] = {}
    level, count, new = 0, frontier.size, list(leaf_hashes)
    while new:
        full_from, index = count, count // WIDTH
        hashes = edge.get(TileId(level, index), b"") if count % WIDTH else b""
        row = hashes + b"".join(new)
        for at in range(0, len(row), TILE_BYTES):
            changed[TileId(level, index + at // TILE_BYTES)] = row[at : at + TILE_BYTES]
        new = [
            root_of(split(row[at : at + TILE_BYTES]))
            for at in range(0, len(row) // TILE_BYTES * TILE_BYTES, TILE_BYTES)
        ]
        level, count = level + 1, full_from >> HEIGHT
    return Growth(frontier.extended(leaf_hashes), changed)


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile; ProofError when it is not made of hashes."""
    if len(hashes) % HASH_BYTES:
        raise ProofError(f"a tile of {len(hashes)} bytes is not made of hashes")
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


class TileHashes:
    """Roots of complete subtrees, out of tiles that were read: the `Get` of `gateway.transparency.merkle`."""

    def __init__(self, tiles: Mapping[TileId, bytes]) -> None:
        self._tiles = tiles

    def __call__(self, level: int, index: int) -> bytes:
        """ProofError when the tile is not there, or too short."""
        tile, first, count = _place(level, index)
        hashes = self._tiles.get(tile, b"")[first * HASH_BYTES : (first + count) * HASH_BYTES]
        if len(hashes) != count * HASH_BYTES:
            raise ProofError(f"tile {tile.level}/{tile.index} lacks hashes from {first} on")
        return root_of(split(hashes))


def needed(proof: Callable[[Get], object]) -> set[TileId]:
    """The tiles that making a proof takes: `needed(lambda get: inclusion_proof(5, 9, get))`."""
    found: set[TileId] = set()

    def note(level: int, index: int) -> bytes:
        found.add(_place(level, index)[0])
        return bytes(HASH_BYTES)

    proof(note)
    return found


def _place(level: int, index: int) -> tuple[TileId, int, int]:
    """The tile that holds a complete subtree, and which hashes of it: the first, and how many."""
    above, within = divmod(level, HEIGHT)
    first = index << within
    return TileId(above, first // WIDTH), first % WIDTH, 1 << within


def bundle(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry after its length in two bytes, big-endian."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise ProofError(f"an entry of {len(entry)} bytes is over {MAX_ENTRY_BYTES}")
        parts += [struct.pack(">H", len(entry)), entry]
    return b"".join(parts)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle, at most 256; raises ProofError."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        if len(entries) == WIDTH:
            raise ProofError(f"an entry bundle holds more than {WIDTH} entries")
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise ProofError("an entry bundle is cut short")
        entries.append(data[at + 2 : end])
        at = end
    return entries
