"""The Merkle tree: against vectors written out, against pymerkle, and against what strangers hand in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from gateway.errors import ProofError
from gateway.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.transparency.growing import leaves, root_by_the_book, subtrees

#: The leaves of the test of Certificate Transparency's first implementation, and the roots over the first 1 to 8.
_LEAVES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#: Audit paths: (leaf, size) and the hashes from the leaf up.
_PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparencys_vectors(size: int) -> None:
    """Root of list, root of frontier and the vector agree."""
    hashes = [leaf_hash(leaf) for leaf in _LEAVES[:size]]
    assert root_of(hashes).hex() == Frontier().extended(hashes).root().hex() == _ROOTS[size - 1]


def test_the_root_of_no_leaf_is_the_hash_of_nothing() -> None:
    """The empty tree has a root."""
    assert root_of([]).hex() == Frontier().root().hex() == EMPTY_ROOT.hex() == _EMPTY


@pytest.mark.parametrize(("index", "size"), _PATHS)
def test_audit_paths_are_those_of_the_vectors(index: int, size: int) -> None:
    """Making and verifying."""
    hashes = [leaf_hash(leaf) for leaf in _LEAVES[:size]]
    path = inclusion_proof(index, size, subtrees(hashes))
    assert [each.hex() for each in path] == _PATHS[index, size]
    verify_inclusion(index, size, hashes[index], path, bytes.fromhex(_ROOTS[size - 1]))


def test_a_tree_of_three_and_its_proofs_written_out() -> None:
    """Three leaves by hand: ((a b) c)."""
    a, b, c = (leaf_hash(each) for each in (b"a", b"b", b"c"))
    ab = node_hash(a, b)
    root = node_hash(ab, c)
    get = subtrees([a, b, c])
    assert root_of([a, b, c]) == root
    assert inclusion_proof(0, 3, get) == [b, c]
    assert inclusion_proof(1, 3, get) == [a, c]
    assert inclusion_proof(2, 3, get) == [ab]
    assert consistency_proof(1, 3, get) == [b, c]
    assert consistency_proof(2, 3, get) == [c]
    verify_consistency(1, 3, a, root, [b, c])
    verify_consistency(2, 3, ab, root, [c])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 130), st.data())
def test_pymerkle_has_the_same_roots_and_proofs(size: int, data: st.DataObject) -> None:
    """A tree of another make as oracle."""
    entries = [number.to_bytes(2, "big") for number in range(size)]
    other = InmemoryTree.init_from_entries(entries, algorithm="sha256")
    hashes = [leaf_hash(entry) for entry in entries]
    get = subtrees(hashes)
    assert root_of(hashes) == other.get_root()
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    path = inclusion_proof(index, size, get)
    assert path == _audit_path(other.prove_inclusion(index + 1, size))
    verify_inclusion(index, size, hashes[index], path, other.get_root())
    verify_consistency(old, size, other.get_root(old), other.get_root(), consistency_proof(old, size, get))


def _audit_path(proof: Any) -> list[bytes]:
    """Pymerkle's path begins with the leaf itself."""
    return [bytes.fromhex(each) for each in proof.serialize()["path"]][1:]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 600), st.lists(st.integers(0, 300), max_size=4))
def test_a_tree_grown_in_portions_has_the_root_of_the_whole(first: int, portions: list[int]) -> None:
    """The frontier forgets nothing that appending needs."""
    total = first + sum(portions)
    hashes = leaves(total)
    frontier = Frontier().extended(hashes[:first])
    at = first
    for portion in portions:
        packed = frontier.packed()
        frontier = Frontier.parse(at, packed).extended(hashes[at : at + portion])
        at += portion
    assert frontier.size == total
    assert frontier.root() == root_by_the_book(hashes)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.data())
def test_no_proof_holds_for_anything_else(size: int, data: st.DataObject) -> None:
    """Another index, leaf, root, size, or a proof with something changed, taken away or added."""
    hashes = leaves(size)
    get, root = subtrees(hashes), root_by_the_book(hashes)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, get)
    verify_inclusion(index, size, hashes[index], path, root)
    for changed in _spoilt(path, data):
        with pytest.raises(ProofError):
            verify_inclusion(index, size, hashes[index], changed, root)
    other = data.draw(st.integers(-1, size + 1).filter(lambda each: each != index))
    with pytest.raises(ProofError):
        verify_inclusion(other, size, hashes[index], path, root)
    with pytest.raises(ProofError):
        verify_inclusion(index, size, bytes(32), path, root)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 200), st.data())
def test_no_consistency_proof_holds_for_a_rewritten_tail(size: int, data: st.DataObject) -> None:
    """A tree in which one leaf of the old one was changed is not its successor."""
    hashes = leaves(size)
    old = data.draw(st.integers(1, size - 1))
    old_root, root = root_by_the_book(hashes[:old]), root_by_the_book(hashes)
    path = consistency_proof(old, size, subtrees(hashes))
    verify_consistency(old, size, old_root, root, path)
    for changed in _spoilt(path, data):
        with pytest.raises(ProofError):
            verify_consistency(old, size, old_root, root, changed)
    rewritten = list(hashes)
    rewritten[data.draw(st.integers(0, old - 1))] = bytes(32)
    forged = consistency_proof(old, size, subtrees(rewritten))
    with pytest.raises(ProofError):
        verify_consistency(old, size, old_root, root_by_the_book(rewritten), forged)


def _spoilt(path: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    found = [[*path, bytes(32)]]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        flipped = bytes([path[at][0] ^ 1]) + path[at][1:]
        found += [path[:-1], path[1:], [*path[:at], flipped, *path[at + 1 :]]]
    return found


def test_trivial_consistency_needs_equal_roots_and_no_proof() -> None:
    """From nothing, and from a tree to itself."""
    hashes = leaves(3)
    root = root_by_the_book(hashes)
    verify_consistency(3, 3, root, root, [])
    verify_consistency(0, 3, EMPTY_ROOT, root, [])
    for wrong in (
        (3, 3, root, bytes(32), []),
        (3, 3, root, root, [root]),
        (0, 3, root, root, []),
        (0, 3, EMPTY_ROOT, root, [root]),
        (3, 2, root, root, []),
    ):
        with pytest.raises(ProofError):
            verify_consistency(*wrong)


_junk = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.binary(max_size=40), st.booleans())


@settings(max_examples=100, deadline=None)
@given(
    _junk, _junk, st.one_of(_junk, st.binary(min_size=32, max_size=32)), st.one_of(_junk, st.lists(_junk)), _junk
)
def test_whatever_is_handed_in_the_answer_is_a_proof_error(
    index: Any, size: Any, leaf: Any, proof: Any, root: Any
) -> None:
    """Never another exception, and never a yes."""
    with pytest.raises(ProofError):
        verify_inclusion(index, size, leaf, proof, root)
    if index != size or leaf != root:
        with pytest.raises(ProofError):
            verify_consistency(index, size, leaf, root, proof)


def test_a_frontier_of_another_size_is_refused() -> None:
    """Number of hashes = bits set in the size."""
    with pytest.raises(ProofError):
        Frontier.parse(3, bytes(32))
    with pytest.raises(ProofError):
        Frontier.parse(-1, b"")


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_in_the_tree_cannot_be_proved(index: int, size: int) -> None:
    """Index below size."""
    with pytest.raises(ProofError):
        inclusion_proof(index, size, lambda level, index: bytes(32))
