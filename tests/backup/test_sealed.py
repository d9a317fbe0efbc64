"""The encrypted form: every change of a file is seen, and nothing comes out that was not authenticated."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from gateway.backup.sealed import CHUNK_BYTES, BackupKey, sealed_size
from gateway.errors import KeyFileError, RefusedError

KEY = BackupKey(bytes(range(32)))
HEAD, TAG = 56, 16


def sealed(data: bytes, purpose: str = "a", key: BackupKey = KEY) -> bytes:
    return b"".join(key.seal([data], purpose))


def opened(data: bytes, purpose: str = "a", key: BackupKey = KEY) -> bytes:
    return b"".join(key.open(io.BytesIO(data), purpose))


def refused(data: bytes, purpose: str = "a", key: BackupKey = KEY) -> str:
    with pytest.raises(RefusedError) as caught:
        opened(data, purpose, key)
    return caught.value.code


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_was_sealed_comes_back(size: int) -> None:
    """At every length around a chunk's, and as long as was foretold."""
    data = os.urandom(size)
    file = sealed(data)
    assert len(file) == sealed_size(size)
    assert opened(file) == data


def test_pieces_of_any_length_give_one_file() -> None:
    """How the bytes come makes no difference to what can be read."""
    data = os.urandom(CHUNK_BYTES + 1000)
    file = b"".join(KEY.seal((data[at : at + 777] for at in range(0, len(data), 777)), "a"))
    assert opened(file) == data


@pytest.mark.parametrize("at", [0, 20, 40, HEAD, HEAD + CHUNK_BYTES, -1])
def test_flipped_bit_is_seen(at: int) -> None:
    """In magic, key id, salt, first chunk, tag and last tag."""
    file = bytearray(sealed(os.urandom(CHUNK_BYTES + 10)))
    file[at] ^= 1
    assert refused(bytes(file)) in {"copy_damaged", "copy_key_wrong"}


def test_cut_doubled_and_swapped_chunks_are_seen() -> None:
    """Chunks are numbered and the last one is marked."""
    file = sealed(os.urandom(2 * CHUNK_BYTES + 10))
    whole = CHUNK_BYTES + TAG
    first, second = file[HEAD : HEAD + whole], file[HEAD + whole : HEAD + 2 * whole]
    rest = file[HEAD + 2 * whole :]
    for changed in (first, first + second, second + first + rest, first + first + second + rest, first + rest, b""):
        assert refused(file[:HEAD] + changed) == "copy_damaged"
    assert refused(file[: HEAD - 1]) == "copy_damaged"


def test_file_under_another_name_is_refused() -> None:
    """A body cannot be passed off as another one, nor as the database."""
    assert refused(sealed(b"one", "a"), "b") == "copy_damaged"


def test_wrong_key_is_told_from_damage() -> None:
    """The operator is told to look for the key, not to throw the copy away."""
    assert refused(sealed(b"one"), key=BackupKey(bytes(32))) == "copy_key_wrong"


def test_equal_bytes_give_other_files() -> None:
    """Each file has a salt of its own."""
    assert sealed(b"one") != sealed(b"one")


def test_key_file_must_be_private_and_whole(tmp_path: Path) -> None:
    """One that others may read, or that is cut off, is not used; an existing one is never overwritten."""
    path = tmp_path / "key"
    made = BackupKey.make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert BackupKey.load(path).id == made.id
    with pytest.raises(KeyFileError, match="exists"):
        BackupKey.make(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        BackupKey.load(path)
    path.chmod(0o600)
    path.write_text(path.read_text()[:-9])
    with pytest.raises(KeyFileError, match="backup-key"):
        BackupKey.load(path)
