"""The encrypted form of a body: what was written comes back, and whatever was changed does not."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BodyDamagedError
from gateway.storage.body_file import BodyFile, ScratchFile
from gateway.storage.body_format import CHUNK_BYTES, EXTRA_BYTES, HEADER, MOST_HEADER_BYTES, stored_sizes
from gateway.storage.body_keys import BodyKeys, DataKey
from gateway.storage.body_reading import PassingBody, digest_of, stored_body
from tests.storage.conftest import some_keys

KEYS = some_keys()
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
#: Three chunks, the last one short.
BODY = random.Random(4).randbytes(2 * CHUNK_BYTES + 1000)
FULL = CHUNK_BYTES + EXTRA_BYTES


def stored(data: bytes, keys: BodyKeys = KEYS) -> bytes:
    return b"".join(keys.stored(data))


def kept(path: Path, data: bytes) -> BodyFile:
    path.write_bytes(stored(data))
    return stored_body(path, KEYS)[0]


@pytest.mark.parametrize("size", SIZES)
def test_body_of_every_length_comes_back(tmp_path: Path, size: int) -> None:
    """As a stream, in pieces, as it passes by; the length is known from the file's."""
    data = random.Random(size).randbytes(size)
    path = tmp_path / "body"
    file = kept(path, data)
    assert stored_body(path, KEYS)[1] == size
    assert path.stat().st_size == stored_sizes(size)[1]
    with file.open() as stream:
        assert stream.read() == data
    assert b"".join(file.pieces()) == data
    assert digest_of(file) == sha256(data).hexdigest()
    assert data[:64] not in path.read_bytes() or size < 64


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, len(BODY) + 10), st.integers(0, 600_000)), max_size=6), st.booleans())
def test_any_place_of_a_body_is_read_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
    reads: list[tuple[int, int]],
    encrypted: bool,  # noqa: FBT001
) -> None:
    """Ranges and parsers go back and forth; both kinds of file answer alike."""
    path = tmp_path_factory.mktemp("read") / "body"
    path.write_bytes(stored(BODY) if encrypted else HEADER + BODY)
    with stored_body(path, KEYS)[0].open() as stream:
        for start, length in reads:
            assert stream.seek(start) == start
            assert stream.read(length) == BODY[start : start + length]
        assert stream.seek(-3, os.SEEK_END) == len(BODY) - 3
        assert (stream.read(), stream.tell()) == (BODY[-3:], len(BODY))


def _without_last(data: bytes) -> bytes:
    return data[: MOST_HEADER_BYTES + 2 * FULL]


def _exchanged(data: bytes) -> bytes:
    head, first, second = (
        data[:MOST_HEADER_BYTES],
        data[MOST_HEADER_BYTES:][:FULL],
        data[MOST_HEADER_BYTES + FULL :],
    )
    return head + second[:FULL] + first + second[FULL:]


def _doubled(data: bytes) -> bytes:
    return data[: MOST_HEADER_BYTES + FULL] + data[MOST_HEADER_BYTES:][:FULL] + data[MOST_HEADER_BYTES + 2 * FULL :]


def _chunk_of_another(data: bytes) -> bytes:
    other = stored(BODY)
    return data[: MOST_HEADER_BYTES + FULL] + other[MOST_HEADER_BYTES + FULL :]


def _header_of_another(data: bytes) -> bytes:
    return stored(BODY)[:MOST_HEADER_BYTES] + data[MOST_HEADER_BYTES:]


def _flipped(place: int) -> Callable[[bytes], bytes]:
    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[place] ^= 1
        return bytes(changed)

    return flip


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "last chunk gone": _without_last,
    "cut in a chunk": lambda data: data[:-1],
    "cut to a nonce": lambda data: data[: MOST_HEADER_BYTES + 2 * FULL + 5],
    "cut in the header": lambda data: data[:50],
    "empty": lambda _: b"",
    "chunks exchanged": _exchanged,
    "chunk doubled": _doubled,
    "chunk of another file": _chunk_of_another,
    "header of another file": _header_of_another,
    "a byte more": lambda data: data + b"\0",
    "an empty chunk more": lambda data: data + bytes(EXTRA_BYTES),
} | {
    f"bit flipped at {place}": _flipped(place)
    for place in (0, 7, 9, 10, 13, 16, 24, 40, 83, 84, 100, MOST_HEADER_BYTES + FULL + 40, -1)
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_is_changed_is_found(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """Cut off, put elsewhere, taken from another file or flipped: BodyDamagedError, by each way of reading."""
    path = tmp_path / "body"
    path.write_bytes(change(stored(BODY)))

    def passed() -> None:
        passing = PassingBody(KEYS, "body")
        passing.feed(path.read_bytes())
        passing.finish()

    for read in (lambda: digest_of(stored_body(path, KEYS)[0]), passed):
        with pytest.raises(BodyDamagedError):
            read()


def test_no_byte_is_read_that_was_not_authenticated(tmp_path: Path) -> None:
    """What lies before a damaged chunk is good; the chunk itself gives nothing."""
    path = tmp_path / "body"
    file = kept(path, BODY)
    path.write_bytes(_flipped(MOST_HEADER_BYTES + FULL + 40)(path.read_bytes()))
    pieces = file.pieces()
    assert next(pieces) == BODY[:CHUNK_BYTES]
    with pytest.raises(BodyDamagedError, match="chunk 1"):
        next(pieces)


def test_another_body_in_its_place_has_another_digest(tmp_path: Path) -> None:
    """A whole file under another's name opens with its own key; its digest is what tells."""
    path = tmp_path / sha256(BODY).hexdigest()
    kept(path, BODY[1:])
    assert digest_of(stored_body(path, KEYS)[0]) != path.name


def test_plain_and_encrypted_are_never_taken_for_each_other(tmp_path: Path) -> None:
    """A file that was exchanged while its reader had its key is damaged, not read the other way."""
    path = tmp_path / "body"
    file = kept(path, BODY)
    path.write_bytes(HEADER + BODY)
    with pytest.raises(BodyDamagedError, match="not encrypted"):
        file.open()
    path.write_bytes(stored(BODY))
    with pytest.raises(BodyDamagedError, match="is encrypted"):
        BodyFile(path=path).open()


def test_two_files_of_one_body_have_nothing_in_common() -> None:
    """Keys and nonces are random, so equal documents do not show."""
    first, second = stored(BODY), stored(BODY)
    assert first[:24] == second[:24]
    assert all(a != b for a, b in zip(_blocks(first[24:]), _blocks(second[24:]), strict=True))


def _blocks(data: bytes) -> list[bytes]:
    return [data[start : start + 16] for start in range(0, len(data) - 16, 16)]


def test_key_of_a_file_goes_to_a_parser_and_is_never_printed(tmp_path: Path) -> None:
    """It is pickled with the file; no representation tells it, nor the data key's."""
    file = kept(tmp_path / "body", BODY)
    assert file.key is not None
    again = pickle.loads(pickle.dumps(file))
    assert b"".join(again.pieces()) == BODY
    assert file.key.hex() not in repr(file) + str(file)
    assert "k" * 32 not in repr(DataKey(id="0f" * 8, secret=b"k" * 32))
    assert repr(file.key) not in repr(file)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_scratch_file_is_made_once_and_read_anywhere(tmp_path: Path, encrypted: bool) -> None:  # noqa: FBT001
    """Its key is nowhere but in memory; closing it twice makes no second end."""
    scratch = ScratchFile.at(tmp_path / "scratch", encrypted=encrypted)
    with scratch.create() as out:
        for start in range(0, len(BODY), 70_000):
            out.write(BODY[start : start + 70_000])
    out.close()
    with scratch.open() as stream:
        stream.seek(CHUNK_BYTES)
        assert stream.read() == BODY[CHUNK_BYTES:]
    assert (BODY[:32] in scratch.path.read_bytes()) is not encrypted
    with pytest.raises(FileExistsError):
        scratch.create()


@settings(max_examples=20)
@given(st.lists(st.integers(1, 300_000), min_size=1, max_size=8))
def test_passing_body_does_not_depend_on_how_it_passes(sizes: list[int]) -> None:
    """Pieces of any length give the digest."""
    passing, data, start = PassingBody(KEYS, "body"), stored(BODY), 0
    for size in sizes:
        passing.feed(data[start : start + size])
        start += size
    passing.feed(data[start:])
    assert passing.finish() == sha256(BODY).hexdigest()
