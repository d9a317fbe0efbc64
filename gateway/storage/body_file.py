"""A stored body as any process of ours reads it: the file, and the key of this one file where it is encrypted.

`BodyFile` is what the server hands to the processes that parse and examine: it opens its own file and no other, so
that whoever takes such a process over by foreign bytes learns the key of those bytes (decision 37). It can be sent
there (pickled); its key is never printed. What is read was authenticated chunk by chunk, never a byte before; what
is wrong raises BodyDamagedError. A stream may be read anywhere and holds one chunk.

It does NOT compare a body with its digest: `gateway.storage.body_reading` does.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import BodyDamagedError
from gateway.fsio import write_all
from gateway.storage.body_format import (
    CHUNK_BYTES,
    EXTRA_BYTES,
    KEY_BYTES,
    KEY_ID_BYTES,
    MOST_HEADER_BYTES,
    NONCE_BYTES,
    PLAIN,
    WRAPPED_BYTES,
    Header,
    bound_start,
    header_of,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_BUFFER_BYTES: Final = 64 * 1024
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyFile:
    """Where one body lies, and how it is read."""

    path: Path
    #: The file's own key; None of a plain file.
    key: bytes | None = field(default=None, repr=False)

    def open(self) -> io.BufferedReader:
        """The body as a stream from its start, with `seek`; raises OSError, BodyDamagedError."""
        file = self.path.open("rb", buffering=0)
        try:
            raw = self._raw(file)
        except BaseException:
            file.close()
            raise
        return io.BufferedReader(raw, _BUFFER_BYTES)

    def pieces(self) -> Iterator[bytes]:
        """The body from start to end, each piece as it comes from the disk or the cipher."""
        with self.path.open("rb", buffering=0) as file:
            raw = self._raw(file)
            if isinstance(raw, _Encrypted):
                for number in range(raw.chunks):
                    yield raw.chunk(number)
                return
            while piece := raw.read(_PIECE):
                yield piece

    def _raw(self, file: io.FileIO) -> io.RawIOBase:
        header = header_of(file.read(MOST_HEADER_BYTES), self.path.name)
        if header.is_encrypted:
            if self.key is None:
                raise BodyDamagedError(f"{self.path.name} is encrypted, and was not", path=str(self.path))
            return _Encrypted(file, header, self.key)
        if self.key is not None:
            raise BodyDamagedError(f"{self.path.name} is not encrypted, and was", path=str(self.path))
        return _Plain(file, len(header.raw))


class _Stream(io.RawIOBase):
    """What both kinds share: a place in the body."""

    def __init__(self, file: io.FileIO, size: int) -> None:
        super().__init__()
        self._file, self.size = file, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()


class _Plain(_Stream):
    def __init__(self, file: io.FileIO, start: int) -> None:
        super().__init__(file, os.fstat(file.fileno()).st_size - start)
        self._start = start

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        count = os.preadv(self._file.fileno(), [buffer], self._start + self._at)
        self._at += count
        return count


class _Encrypted(_Stream):
    def __init__(self, file: io.FileIO, header: Header, key: bytes) -> None:
        stored = os.fstat(file.fileno()).st_size
        self._name = Path(str(file.name)).name
        super().__init__(file, header.size_of(stored, self._name))
        self.chunks = header.chunks_of(stored)
        self._header, self._cipher = header, AESGCM(key)
        #: The chunk that was read last.
        self._number, self._chunk = -1, b""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self._at >= self.size:
            return 0
        number, start = divmod(self._at, self._header.chunk_bytes)
        if number != self._number:
            self._number, self._chunk = -1, b""
            self._chunk = self.chunk(number)
            self._number = number
        into = memoryview(buffer).cast("B")
        piece = memoryview(self._chunk)[start : start + len(into)]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def chunk(self, number: int) -> bytes:
        """The bytes of one chunk, authenticated."""
        header = self._header
        data = os.pread(self._file.fileno(), header.chunk_bytes + EXTRA_BYTES, header.place_of(number))
        return opened_chunk(self._cipher, header, number, data, is_last=number == self.chunks - 1, name=self._name)


def opened_chunk(
    cipher: AESGCM, header: Header, number: int, data: bytes | memoryview, *, is_last: bool, name: str
) -> bytes:
    """A chunk's bytes; BodyDamagedError when it is not the one that was written at this place of this file."""
    try:
        return cipher.decrypt(
            bytes(data[:NONCE_BYTES]), data[NONCE_BYTES:], header.bound_to(number, is_last=is_last)
        )
    except (InvalidTag, ValueError) as error:
        raise BodyDamagedError(f"{name}: chunk {number} is not what was written") from error


def encrypted_chunk(
    cipher: AESGCM, header: Header, number: int, body: bytearray, size: int, *, is_last: bool
) -> bytearray:
    """One chunk as it is written, of the first `size` bytes of `body`; without a copy of them."""
    chunk = bytearray(size + EXTRA_BYTES)
    chunk[:NONCE_BYTES] = os.urandom(NONCE_BYTES)
    with memoryview(body) as whole, whole[:size] as data, memoryview(chunk) as target, target[NONCE_BYTES:] as into:
        cipher.encrypt_into(bytes(chunk[:NONCE_BYTES]), data, header.bound_to(number, is_last=is_last), into)
    return chunk


class ChunkEncryptor:
    """Makes the chunks of one new file as its bytes come; the last one is known only at the end."""

    def __init__(self, header: Header, key: bytes) -> None:
        self.header, self.key = header, key
        self._cipher = AESGCM(key)
        self._rest = bytearray()
        self._number = 0

    def feed(self, data: ReadableBuffer) -> Iterator[bytearray]:
        """Chunks that are whole now; at least a byte stays for the last one."""
        self._rest += data
        while len(self._rest) > CHUNK_BYTES:
            yield self._encrypted(CHUNK_BYTES, is_last=False)
            del self._rest[:CHUNK_BYTES]

    def finish(self) -> bytearray:
        """The last chunk."""
        last = self._encrypted(len(self._rest), is_last=True)
        self._rest.clear()
        return last

    def _encrypted(self, size: int, *, is_last: bool) -> bytearray:
        chunk = encrypted_chunk(self._cipher, self.header, self._number, self._rest, size, is_last=is_last)
        self._number += 1
        return chunk


@dataclass(frozen=True, kw_only=True, slots=True)
class ScratchFile(BodyFile):
    """A file that is made once, read, and thrown away: as plain as bodies are, its key nowhere but in memory."""

    def create(self) -> BinaryIO:
        """For writing from start to end, without `seek`; the file must not be there. Its end is made by `close`."""
        return cast("BinaryIO", io.BufferedWriter(_Written(self.path, self.key), CHUNK_BYTES))

    @classmethod
    def at(cls, path: Path, *, encrypted: bool) -> ScratchFile:
        """A new one, with a key of its own."""
        return cls(path=path, key=os.urandom(KEY_BYTES) if encrypted else None)


class _Written(io.RawIOBase):
    def __init__(self, path: Path, key: bytes | None) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._encryptor = None
        header = PLAIN
        if key is not None:  # no data key opens it
            start = bound_start(bytes(KEY_ID_BYTES))
            header = header_of(start + os.urandom(WRAPPED_BYTES), path.name)
            self._encryptor = ChunkEncryptor(header, key)
        write_all(self._descriptor, header.raw)

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if self._encryptor is None:
            write_all(self._descriptor, bytes(data))
            return size
        for chunk in self._encryptor.feed(data):
            write_all(self._descriptor, chunk)
        return size

    def close(self) -> None:
        if self.closed:
            return
        try:
            if self._encryptor is not None:
                write_all(self._descriptor, self._encryptor.finish())
        finally:
            os.close(self._descriptor)
            super().close()
