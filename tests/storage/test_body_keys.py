"""The key file and the data keys under it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.errors import BodyDamagedError, KeyFileError
from gateway.storage.body_format import header_of
from gateway.storage.body_keys import BodyKeys, DataKey, KeyFile, WrappedKey
from gateway.storage.body_token import BodyKeyPlace

GOOD = f"gateway-bodies-key-1 {'ab' * 32}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A key file."""
    KeyFile.make(tmp_path / "secrets" / "bodies.key")
    return tmp_path / "secrets" / "bodies.key"


def rows(path: Path, *keys: DataKey) -> list[WrappedKey]:
    wrapper = KeyFile.load(path)
    return [key.wrapped(wrapper) for key in keys]


def test_key_file_is_private_and_never_written_over(path: Path) -> None:
    """Mode 0600; a second `make` is refused, since the first key may be needed."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="exists"):
        KeyFile.make(path)
    assert path.read_bytes() == before
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        KeyFile.load(path)


@pytest.mark.parametrize(
    "text", ["", "\n", GOOD[:-2], GOOD.upper(), "x " + GOOD, GOOD + "more\n", GOOD.replace("key-1", "key-2")]
)
def test_file_that_is_no_key_file_is_refused(path: Path, text: str) -> None:
    """Cut off, of another kind, with a word more: none of it is guessed at, and none of it is told."""
    path.write_text(text)
    with pytest.raises(KeyFileError, match="no key file") as caught:
        KeyFile.load(path)
    assert "abab" not in str(caught.value)


def test_data_key_comes_back_under_old_and_new_key(path: Path) -> None:
    """A turned file opens what was encrypted before; without the old line it says which key is missing."""
    key = DataKey.make()
    before = rows(path, key)
    old = KeyFile.load(path).newest
    KeyFile.add(path)
    turned = KeyFile.load(path)
    assert turned.ids[1:] == (old,)
    assert [DataKey.unwrapped(row, turned) for row in before] == [key]
    after = rows(path, key)
    assert after[0].wrapper == turned.newest != old
    KeyFile.remove(path, old)
    with pytest.raises(KeyFileError, match=f"lacks the key {old}"):
        DataKey.unwrapped(before[0], KeyFile.load(path))
    assert DataKey.unwrapped(after[0], KeyFile.load(path)) == key


def test_row_of_another_key_or_id_opens_nothing(path: Path) -> None:
    """A row that was exchanged or changed is found."""
    first, second = rows(path, DataKey.make(), DataKey.make())
    swapped = WrappedKey(id=first.id, wrapper=first.wrapper, wrapped=second.wrapped)
    with pytest.raises(KeyFileError, match="not what was written"):
        DataKey.unwrapped(swapped, KeyFile.load(path))


def test_newest_data_key_serves_new_files_and_older_ones_open_theirs(path: Path) -> None:
    """A key that is not here is said to be missing; a header that was changed is damage."""
    first, second = DataKey.make(), DataKey.make()
    old = BodyKeys([first])
    file = b"".join(old.stored(b"body"))
    keys = BodyKeys.opened(rows(path, first, second), BodyKeyPlace(file=path))
    header = header_of(file, "body")
    assert keys.key_of(header, "body") == old.key_of(header, "body")
    newer = header_of(b"".join(keys.stored(b"body")), "body")
    assert newer.key_id.hex() == second.id
    with pytest.raises(BodyDamagedError, match=second.id):
        old.key_of(newer, "body")
    old.admit(second)
    assert old.key_of(newer, "body") == keys.key_of(newer, "body")


def test_without_keys_or_wish_bodies_are_plain(path: Path) -> None:
    """Nothing opened, nothing encrypted; with keys but switched off, old files open and new ones are plain."""
    assert BodyKeys.opened([], BodyKeyPlace(file=path.parent / "none")).stored(b"body")[1] == b"body"
    key = DataKey.make()
    off = BodyKeys.opened(rows(path, key), BodyKeyPlace(file=path), encrypting=False)
    assert (off.is_encrypting, off.stored(b"body")[1]) == (False, b"body")
    header = header_of(b"".join(BodyKeys([key]).stored(b"body")), "body")
    assert off.key_of(header, "body") is not None
    with pytest.raises(KeyFileError):
        BodyKeys.opened(rows(path, key), BodyKeyPlace(file=path.parent / "none"))
