"""A body that comes in pieces over days, as a file that is one of `bodies/` once it is whole.

    <id>.part   header, then what came; encrypted: whole chunks only, and at the end the last one
    <id>.tail   encrypted: what came behind the last whole chunk, sealed with the file's key

What was acknowledged is never written over: a plain part only grows, and of an encrypted one the tail is replaced
by a rename, after the chunks before it were synced. A crash leaves the old tail beside chunks that it is part of;
it then counts no more. What an append left behind that nobody was told of is cut off by the next one.

The whole length is known from the beginning, and so is which chunk is the last. Everything here blocks.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import BodyDamagedError
from gateway.fsio import atomic_replace, refuse_if_given_up, sync_data, write_all
from gateway.storage.body_file import encrypted_chunk, opened_chunk
from gateway.storage.body_format import (
    EXTRA_BYTES,
    MOST_HEADER_BYTES,
    NONCE_BYTES,
    PLAIN,
    Header,
    header_of,
)
from gateway.storage.body_keys import BodyKeys

_NUMBER: Final = struct.Struct(">Q")
_TAIL: Final = b"tail"


def begin_part(path: Path, length: int, keys: BodyKeys) -> None:
    """A new file for `length` bytes, synced; its name is not. It must not be there."""
    encryptor = keys.new_file()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, PLAIN.raw if encryptor is None else encryptor.header.raw)
        if encryptor is not None and length == 0:
            write_all(descriptor, encryptor.finish())
        sync_data(descriptor)
    finally:
        os.close(descriptor)


def remove_part(path: Path) -> None:
    """The file and its tail; missing ones are fine."""
    path.unlink(missing_ok=True)
    tail_of(path).unlink(missing_ok=True)


def tail_of(path: Path) -> Path:
    """Where the tail of a part lies."""
    return path.with_suffix(".tail")


def settled(path: Path, length: int, keys: BodyKeys) -> int:
    """How many bytes there are, all synced now; BodyDamagedError, OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        sync_data(descriptor)
        header = header_of(os.pread(descriptor, MOST_HEADER_BYTES, 0), path.name)
        stored = os.fstat(descriptor).st_size
        if not header.is_encrypted:
            return max(0, stored - len(header.raw))
        return _Form(path, header, length, keys).settled(descriptor, stored)
    finally:
        os.close(descriptor)


class Part:
    """A part, open for what follows `offset`; what lies behind it is cut off."""

    def __init__(self, path: Path, offset: int, length: int, keys: BodyKeys) -> None:
        self.written = offset
        self.length = length
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            header = header_of(os.pread(self._descriptor, MOST_HEADER_BYTES, 0), path.name)
            self._form = _Form(path, header, length, keys) if header.is_encrypted else None
            self._rest = bytearray()
            place = len(header.raw) + offset
            if self._form is not None:
                place, self._rest = self._form.stands_at(offset)
            os.ftruncate(self._descriptor, place)
            os.lseek(self._descriptor, place, os.SEEK_SET)
        except BaseException:
            os.close(self._descriptor)
            raise

    def write(self, piece: bytes) -> None:
        """The next bytes; no more than the length leaves room for."""
        if self._form is None:
            write_all(self._descriptor, piece)
        else:
            self._rest += piece
            for chunk in self._form.take_whole(self._rest, self.written + len(piece)):
                write_all(self._descriptor, chunk)
        self.written += len(piece)

    def sync(self) -> None:
        """What was written survives a power cut; what is told of it is promised without a commit of the ledger."""
        sync_data(self._descriptor)
        refuse_if_given_up(self._descriptor)
        if self._form is not None:
            self._form.keep_tail(self._rest, self.written)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)


class _Form:
    """The arithmetic of an encrypted part."""

    def __init__(self, path: Path, header: Header, length: int, keys: BodyKeys) -> None:
        self._path, self._header = path, header
        self._length = length
        key = keys.key_of(header, path.name)
        assert key is not None
        self._cipher = AESGCM(key)
        self._last = max(0, length - 1) // header.chunk_bytes

    def stands_at(self, offset: int) -> tuple[int, bytearray]:
        """Where in the file the next chunk begins, and what of it is here already."""
        number, rest = divmod(offset, self._header.chunk_bytes)
        if offset == self._length:  # whole: nothing follows
            return self._path.stat().st_size, bytearray()
        found = self._tail(number) if rest else b""
        if len(found) != rest:
            raise BodyDamagedError(f"{tail_of(self._path).name} is not the tail of its part")
        return self._header.place_of(number), bytearray(found)

    def take_whole(self, rest: bytearray, end: int) -> Iterator[bytearray]:
        """The chunks that `rest`, which ends at `end`, makes whole; what they hold goes from it."""
        size = self._header.chunk_bytes
        while rest and (len(rest) >= size or end == self._length):
            number, taken = (end - len(rest)) // size, min(size, len(rest))
            yield encrypted_chunk(self._cipher, self._header, number, rest, taken, is_last=number == self._last)
            del rest[:taken]

    def keep_tail(self, rest: bytearray, end: int) -> None:
        if not rest:
            return
        number = (end - len(rest)) // self._header.chunk_bytes
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, rest, self._bound(number))
        atomic_replace(tail_of(self._path), _NUMBER.pack(number) + nonce + sealed)

    def settled(self, descriptor: int, stored: int) -> int:
        size = self._header.chunk_bytes
        whole = (stored - len(self._header.raw)) // (size + EXTRA_BYTES)
        if stored > len(self._header.raw) and whole < self._last + 1 and self._is_sound(descriptor, self._last):
            return self._length
        while whole and not self._is_sound(descriptor, whole - 1):  # written when the power failed, told to nobody
            whole -= 1
        if whole == self._last + 1:
            return self._length
        return whole * size + len(self._tail(whole))

    def _is_sound(self, descriptor: int, number: int) -> bool:
        header, is_last = self._header, number == self._last
        due = (self._length - number * header.chunk_bytes) if is_last else header.chunk_bytes
        data = os.pread(descriptor, due + EXTRA_BYTES, header.place_of(number))
        try:
            found = opened_chunk(self._cipher, header, number, data, is_last=is_last, name=self._path.name)
        except BodyDamagedError:
            return False
        return len(found) == due

    def _tail(self, number: int) -> bytes:
        """What came of this chunk; nothing where the tail is of another, which the file holds whole."""
        with suppress(FileNotFoundError, InvalidTag, struct.error):
            data = tail_of(self._path).read_bytes()
            if _NUMBER.unpack_from(data)[0] == number:
                nonce, sealed = data[_NUMBER.size :][:NONCE_BYTES], data[_NUMBER.size + NONCE_BYTES :]
                return self._cipher.decrypt(nonce, sealed, self._bound(number))
        return b""

    def _bound(self, number: int) -> bytes:
        return self._header.raw + _TAIL + _NUMBER.pack(number)
