"""Evidence records: the way from any receipt to the root, and nothing but the one shape is read."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import StampError
from gateway.seal.evidence_record import Record, group_hash, path_of, read_record, root_of, write_record
from gateway.seal.stamp_token import token_of
from tests.bundle.stamping import stamp
from tests.unit.seal.sealing import AT

TOKEN = token_of(stamp(bytes(32), AT))


def leaves(count: int) -> list[bytes]:
    return [sha256(str(number).encode()).digest() for number in range(count)]


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_every_leaf_leads_to_the_root_and_no_other_does(count: int, data: st.DataObject) -> None:
    """In trees of every size; a leaf that is not there leads elsewhere."""
    tree = leaves(count)
    at = data.draw(st.integers(0, count - 1))
    path = path_of(tree, at)
    assert Record(group=(tree[at],), path=path, token=b"").root == root_of(tree)
    assert Record(group=(bytes(32),), path=path, token=b"").root != root_of(tree)


def test_record_is_read_as_it_was_written() -> None:
    """The group in its order of bytes, as RFC 4998 4.2 asks."""
    group = leaves(3)
    tree = [*leaves(9), group_hash(group)]
    record = write_record(group, path_of(tree, 9), TOKEN)
    found = read_record(record)
    assert (found.group, found.root, found.token) == (tuple(sorted(group)), root_of(tree), TOKEN)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.integers(1, 255))
def test_changed_records_are_refused_or_lead_elsewhere(at: int, bits: int) -> None:
    """Nothing but StampError comes out of foreign bytes."""
    group = leaves(3)
    record = bytearray(write_record(group, path_of([*leaves(9), group_hash(group)], 9), TOKEN))
    record[at % len(record)] ^= bits
    with suppress(StampError):
        assert read_record(bytes(record)).path is not None


@pytest.mark.parametrize("garbage", [b"", b"\x30\x00", b"\x30\x80", b"x" * 100_000, TOKEN])
def test_what_is_no_record_is_refused(garbage: bytes) -> None:
    """Also what is too large, and a stamp in its place."""
    with pytest.raises(StampError):
        read_record(garbage)
