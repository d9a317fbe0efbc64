"""How large a leaf of the log may be."""

from __future__ import annotations

import pytest

from gateway.events import MAX_LEAF_BYTES, canonical


def test_facts_of_more_than_64_kb_are_no_leaf() -> None:
    """The longest one is taken as it is; a byte more is refused before anything is written, in UTF-8's bytes."""
    room = MAX_LEAF_BYTES - len(canonical({"a": ""}))
    assert len(canonical({"a": "x" * room})) == MAX_LEAF_BYTES
    with pytest.raises(ValueError, match=f"a leaf of {MAX_LEAF_BYTES + 1} bytes"):
        canonical({"a": "x" * (room + 1)})
    with pytest.raises(ValueError, match="a leaf of"):
        canonical({"a": "ế" * (room // 2)})
