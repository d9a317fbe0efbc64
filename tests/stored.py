"""Bodies as they lie on the disk, for tests that look there: whichever form they have."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.config.storage import StorageSettings
from gateway.errors import BodyDamagedError
from gateway.foundation import DATABASE
from gateway.storage.body_file import opened_chunk
from gateway.storage.body_format import EXTRA_BYTES, MOST_HEADER_BYTES, header_of
from gateway.storage.body_keys import BodyKeys, WrappedKey
from gateway.storage.body_part import tail_of
from gateway.storage.body_reading import stored_body
from gateway.storage.body_token import BodyKeyPlace
from gateway.storage.driver import choose_driver


def body_keys(storage: StorageSettings) -> BodyKeys:
    """The keys of a data folder; none where it has no database yet."""
    database = storage.folder / DATABASE
    if not database.exists():
        return BodyKeys()
    module = choose_driver(allow_affected_sqlite=True).module
    with closing(module.connect(str(database))) as connection:
        rows = connection.execute("SELECT id, wrapper, wrapped FROM body_key ORDER BY number").fetchall()
    return BodyKeys.opened(
        [WrappedKey(id=row[0], wrapper=row[1], wrapped=row[2]) for row in rows],
        BodyKeyPlace(file=storage.body_key),
    )


def body_bytes(path: Path, keys: BodyKeys) -> bytes:
    """The body in a stored file."""
    return b"".join(stored_body(path, keys)[0].pieces())


def part_bytes(path: Path, keys: BodyKeys) -> bytes:
    """What can be read of an upload that is under way."""
    data = path.read_bytes()
    header = header_of(data, path.name)
    if not header.is_encrypted:
        return data[len(header.raw) :]
    key = keys.key_of(header, path.name)
    assert key is not None
    cipher, found, number = AESGCM(key), b"", 0
    size = header.chunk_bytes + EXTRA_BYTES
    for start in range(MOST_HEADER_BYTES, len(data), size):
        for is_last in (False, True):
            with suppress(BodyDamagedError):
                chunk = data[start : start + size]
                found += opened_chunk(cipher, header, number, chunk, is_last=is_last, name=path.name)
                number += 1
                break
    with suppress(FileNotFoundError, InvalidTag):
        tail = tail_of(path).read_bytes()
        if int.from_bytes(tail[:8], "big") == number:
            found += cipher.decrypt(tail[8:20], tail[20:], header.raw + b"tail" + tail[:8])
    return found
