"""A body in pieces: what was synced is there after any crash, and becomes a body by itself."""

from __future__ import annotations

import random
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BodyDamagedError
from gateway.storage.body_format import CHUNK_BYTES, EXTRA_BYTES, MOST_HEADER_BYTES
from gateway.storage.body_keys import BodyKeys
from gateway.storage.body_part import Part, begin_part, remove_part, settled, tail_of
from gateway.storage.body_reading import digest_of, stored_body
from tests.storage.conftest import some_keys
from tests.stored import part_bytes

WHOLE = random.Random(6).randbytes(3 * CHUNK_BYTES + 77)
LENGTHS = [0, 1, 77, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, len(WHOLE)]

#: What an append does: so many bytes, in pieces of so many, and how it ends.
appends = st.lists(
    st.tuples(
        st.integers(0, 2 * CHUNK_BYTES), st.integers(1, CHUNK_BYTES), st.sampled_from(["told", "lost", "dead"])
    ),
    max_size=8,
)


def keys_of(*, encrypted: bool) -> BodyKeys:
    return some_keys() if encrypted else BodyKeys()


def append(path: Path, offset: int, data: bytes, length: int, keys: BodyKeys, *, piece: int, synced: bool) -> None:
    part = Part(path, offset, length, keys)
    try:
        for start in range(0, len(data), piece):
            part.write(data[start : start + piece])
        if synced:
            part.sync()
            assert part.written == offset + len(data)
    finally:
        part.close()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(LENGTHS), appends, st.booleans())
def test_what_was_told_stays_whatever_becomes_of_the_rest(
    tmp_path_factory: pytest.TempPathFactory,
    length: int,
    acts: list[tuple[int, int, str]],
    encrypted: bool,  # noqa: FBT001
) -> None:
    """Appends that end well, that are cut off by the next one, and that a restart finds unfinished."""
    folder, keys = tmp_path_factory.mktemp("part"), keys_of(encrypted=encrypted)
    path, data, offset = folder / "p.part", WHOLE[:length], 0
    begin_part(path, length, keys)
    for size, piece, ending in [*acts, (length, CHUNK_BYTES, "told")]:
        more = data[offset : offset + size]
        if ending != "told":  # bytes that nobody was told of need not be those that come next time
            more = bytes(len(more))
        append(path, offset, more, length, keys, piece=piece, synced=ending == "told")
        if ending == "told":
            offset += len(more)
        elif ending == "dead":
            copied = folder / "copy.part"
            for source, target in ((path, copied), (tail_of(path), tail_of(copied))):
                if source.exists():
                    shutil.copyfile(source, target)
            assert settled(copied, length, keys) >= offset
            remove_part(copied)
        assert part_bytes(path, keys)[:offset] == data[:offset]
    assert settled(path, length, keys) == length
    assert digest_of(stored_body(path, keys)[0]) == sha256(data).hexdigest()
    assert stored_body(path, keys)[1] == length
    remove_part(path)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_offset_survives_a_restart_within_a_chunk(tmp_path: Path, encrypted: bool) -> None:  # noqa: FBT001
    """The tail counts while its chunk is not whole, and no more when it is."""
    path, keys = tmp_path / "p.part", keys_of(encrypted=encrypted)
    begin_part(path, len(WHOLE), keys)
    for end in (100, 200, CHUNK_BYTES, CHUNK_BYTES + 5, 2 * CHUNK_BYTES + 5, len(WHOLE)):
        offset = settled(path, len(WHOLE), keys)
        append(path, offset, WHOLE[offset:end], len(WHOLE), keys, piece=1000, synced=True)
        assert settled(path, len(WHOLE), keys) == end
    assert digest_of(stored_body(path, keys)[0]) == sha256(WHOLE).hexdigest()


def test_nothing_plain_lies_on_the_disk(tmp_path: Path) -> None:
    """Neither in the part nor in its tail."""
    path, keys = tmp_path / "p.part", some_keys()
    data = b"Nguy\xe1\xbb\x85n V\xc4\x83n A " * 20_000
    begin_part(path, len(data) + 1, keys)
    append(path, 0, data, len(data) + 1, keys, piece=5000, synced=True)
    assert tail_of(path).exists()
    assert all(b"Nguy" not in each.read_bytes() for each in tmp_path.iterdir())


def test_half_a_chunk_after_a_power_cut_is_cut_off(tmp_path: Path) -> None:
    """What the file system made longer than its bytes reached the disk counts for nothing."""
    path, keys = tmp_path / "p.part", some_keys()
    begin_part(path, len(WHOLE), keys)
    append(path, 0, WHOLE[:100], len(WHOLE), keys, piece=100, synced=True)
    append(path, 100, WHOLE[100 : 2 * CHUNK_BYTES], len(WHOLE), keys, piece=CHUNK_BYTES, synced=False)
    with path.open("r+b") as file:  # the second chunk came as zeros
        file.seek(MOST_HEADER_BYTES + CHUNK_BYTES + EXTRA_BYTES)
        file.write(bytes(CHUNK_BYTES + EXTRA_BYTES))
    assert settled(path, len(WHOLE), keys) == CHUNK_BYTES
    with path.open("r+b") as file:  # and the first one, too
        file.seek(MOST_HEADER_BYTES)
        file.write(bytes(CHUNK_BYTES + EXTRA_BYTES))
    assert settled(path, len(WHOLE), keys) == 100


def test_tail_of_another_part_is_none(tmp_path: Path) -> None:
    """It is sealed with the key of its own file."""
    keys = some_keys()
    for name in ("a", "b"):
        begin_part(tmp_path / f"{name}.part", 1000, keys)
        append(tmp_path / f"{name}.part", 0, WHOLE[:10], 1000, keys, piece=10, synced=True)
    tail_of(tmp_path / "a.part").replace(tail_of(tmp_path / "b.part"))
    assert settled(tmp_path / "b.part", 1000, keys) == 0
    with pytest.raises(BodyDamagedError):
        Part(tmp_path / "b.part", 10, 1000, keys)
