"""Tiles: paths, growing, and proofs made from them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.errors import ProofError
from gateway.transparency.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from gateway.transparency.tiles import (
    Growth,
    TileHashes,
    TileId,
    TilePath,
    bundle,
    edge_of,
    grow,
    needed,
    unbundle,
    width_at,
)
from tests.transparency.growing import leaves, root_by_the_book, subtrees


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (TilePath(0, 0), "tile/0/000"),
        (TilePath(0, 5, 17), "tile/0/005.p/17"),
        (TilePath(1, 999), "tile/1/999"),
        (TilePath(0, 1000), "tile/0/x001/000"),
        (TilePath(0, 1_234_067), "tile/0/x001/x234/067"),
        (TilePath(None, 1_234_067, 1), "tile/entries/x001/x234/067.p/1"),
        (TilePath(63, 0, 255), "tile/63/000.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(path: TilePath, text: str) -> None:
    """There and back."""
    assert str(path) == text
    assert TilePath.parse(text) == TilePath.parse(text.removeprefix("tile/")) == path


@pytest.mark.parametrize(
    "text",
    [
        "", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
        "tile/0/x000",
        "tile/0/x000/001", "tile/0/001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p", "tile/0/\u0660\u0660\u0660", "tile/entry/000", "../tile/0/000", "tile/0/000\n", "tile//000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)  # fmt: skip
def test_other_paths_are_refused(text: str) -> None:
    """One spelling for each tile."""
    with pytest.raises(ProofError):
        TilePath.parse(text)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="tile/0123456789xp.entrs", max_size=40))
def test_any_text_is_a_path_in_its_one_spelling_or_refused(text: str) -> None:
    """Never another exception."""
    try:
        path = TilePath.parse(text)
    except ProofError:
        return
    assert str(path).removeprefix("tile/") == text.removeprefix("tile/")


def test_the_tiles_of_a_tree_of_70000_are_those_of_the_specification() -> None:
    """273 full and one of 112; one full and one of 17; one of 1."""
    size = 70_000
    assert edge_of(size) == [TileId(0, 273), TileId(1, 1), TileId(2, 0)]
    assert [width_at(tile, size) for tile in edge_of(size)] == [112, 17, 1]
    assert width_at(TileId(0, 272), size) == 256
    assert width_at(TileId(0, 274), size) == 0
    assert edge_of(256) == [TileId(1, 0)]
    assert edge_of(0) == []


def _grown(sizes: list[int]) -> tuple[dict[TileId, bytes], Frontier]:
    """Tiles of a tree that went through these sizes, as a table of rows would hold them."""
    hashes = leaves(sizes[-1] if sizes else 0)
    rows: dict[TileId, bytes] = {}
    frontier = Frontier()
    for begin, end in pairwise([0, *sizes]):
        edge = {tile: rows[tile] for tile in edge_of(begin)}
        growth: Growth = grow(frontier, edge, hashes[begin:end])
        rows |= growth.tiles
        frontier = growth.frontier
    return rows, frontier


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 66_500), min_size=1, max_size=5).map(sorted))
@example([255, 256, 257])
@example([65_535, 65_536, 65_537])
def test_tiles_grown_in_portions_are_those_of_the_whole(sizes: list[int]) -> None:
    """Same rows, whatever the portions; each has the width that the size asks for, and the root is the tree's."""
    rows, frontier = _grown(sizes)
    at_once, same = _grown([sizes[-1]])
    assert rows == at_once
    assert frontier == same
    assert {tile: len(hashes) // 32 for tile, hashes in rows.items()} == {
        tile: width_at(tile, sizes[-1]) for tile in rows
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1500), st.data())
def test_proofs_come_out_of_the_tiles_that_they_are_said_to_need(size: int, data: st.DataObject) -> None:
    """For every earlier size, too, as the rows of a longer tree hold it."""
    rows, _ = _grown([size])
    seen = data.draw(st.integers(1, size))
    index, old = data.draw(st.integers(0, seen - 1)), data.draw(st.integers(1, seen))
    hashes = leaves(seen)
    tiles = needed(lambda get: inclusion_proof(index, seen, get))
    path = inclusion_proof(index, seen, TileHashes({tile: rows[tile] for tile in tiles}))
    assert path == inclusion_proof(index, seen, subtrees(hashes))
    verify_inclusion(index, seen, hashes[index], path, root_by_the_book(hashes))
    tiles = needed(lambda get: consistency_proof(old, seen, get))
    proof = consistency_proof(old, seen, TileHashes({tile: rows[tile] for tile in tiles}))
    verify_consistency(old, seen, root_by_the_book(hashes[:old]), root_by_the_book(hashes), proof)


def test_growing_refuses_an_edge_that_is_not_the_trees() -> None:
    """A tile that lacks a hash would make a tree that forgets."""
    rows, frontier = _grown([300])
    with pytest.raises(ProofError):
        grow(frontier, {}, leaves(1))
    short = {tile: rows[tile][:-32] for tile in edge_of(300)}
    with pytest.raises(ProofError):
        grow(frontier, short, leaves(1))
    with pytest.raises(ProofError):
        TileHashes({TileId(0, 0): b"\x00" * 31})(0, 0)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_entry_bundles_come_back(entries: list[bytes]) -> None:
    """There and back."""
    assert unbundle(bundle(entries)) == entries


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    """Cut short is refused; what is read is written the same."""
    try:
        entries = unbundle(data)
    except ProofError:
        return
    assert bundle(entries) == data


def test_a_bundle_has_at_most_256_entries_of_at_most_65535_bytes() -> None:
    """The limits of the format."""
    assert len(bundle([bytes(65_535)])) == 65_537
    with pytest.raises(ProofError):
        bundle([bytes(65_536)])
    with pytest.raises(ProofError):
        unbundle(bytes(2 * 257))
