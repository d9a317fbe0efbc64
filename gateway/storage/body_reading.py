"""Kept bodies as they are read: in pieces, as a whole, or by their files; and whether they still have their digest.

`Checker.open` hashes a body before anybody gets a byte of it, so that one flipped bit is met here and not at a
receiver. What was found sound is believed for `_BELIEVED_SECONDS` while its file is the very same (inode, length,
times), so that a document for a hundred offices, or one that is fetched in many ranges, is hashed once. A small
body stays in its reader: what was hashed is what is handed on.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import BodyDamagedError
from gateway.storage.body_file import BodyFile, opened_chunk
from gateway.storage.body_format import EXTRA_BYTES, MOST_HEADER_BYTES, Header, header_of
from gateway.storage.body_keys import BodyKeys
from gateway.storage.spool import MEMORY_BYTES

#: Longer than one fan-out takes, and short enough that a disk that goes bad is noticed.
_BELIEVED_SECONDS = 60.0
#: Bodies remembered as sound.
_REMEMBERED = 1024

T = TypeVar("T")

#: What makes a file the very same one.
Identity = tuple[int, int, int, int]


class Threads(Protocol):
    """Where files are read."""

    def run(self, act: Callable[[], T]) -> Awaitable[T]:
        """Run a file act aside, its OSErrors in the callers' words."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyReader:
    """A kept body, for reading: in pieces, as a whole, or by its file (parsers, ranges)."""

    threads: Threads
    file: BodyFile
    size: int
    #: The body itself where it was read already.
    content: bytes | None = None

    async def read(self) -> bytes:
        """The whole body; for small ones."""
        return await self.threads.run(self._read_all) if self.content is None else self.content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.content is not None:
            yield self.content
            return
        pieces = await self.threads.run(self.file.pieces)
        while (piece := await self.threads.run(lambda: next(pieces, None))) is not None:
            yield piece

    def _read_all(self) -> bytes:
        return b"".join(self.file.pieces())


def stored_body(path: Path, keys: BodyKeys) -> tuple[BodyFile, int]:
    """A stored body, and its size; BodyDamagedError when its header is wrong."""
    with path.open("rb", buffering=0) as file:
        header = header_of(file.read(MOST_HEADER_BYTES), path.name)
        size = header.size_of(os.fstat(file.fileno()).st_size, path.name)
        return BodyFile(path=path, key=keys.key_of(header, path.name)), size


def digest_of(body: BodyFile) -> str:
    """The digest that a stored body has now."""
    digest = hashlib.sha256()
    for piece in body.pieces():
        digest.update(piece)
    return digest.hexdigest()


class PassingBody:
    """What a stored body is while its file passes by in pieces: fed with them, it tells the digest at the end.

    BodyDamagedError as soon as something is not what was written.
    """

    def __init__(self, keys: BodyKeys, name: str) -> None:
        self._keys, self._name = keys, name
        self._rest = bytearray()
        self._digest = hashlib.sha256()
        self._header: Header | None = None
        self._cipher: AESGCM | None = None
        self._number = 0

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file."""
        self._rest += piece
        if self._header is None and len(self._rest) >= MOST_HEADER_BYTES:
            self._begin()
        if self._header is None:
            return
        if self._cipher is None:
            self._digest.update(self._rest)
            self._rest.clear()
            return
        size = self._header.chunk_bytes + EXTRA_BYTES
        while len(self._rest) > size:  # never exactly: the last chunk is known when nothing follows it
            self._chunk(self._header, self._cipher, size, is_last=False)

    def finish(self) -> str:
        """Nothing follows; the digest of the body."""
        if self._header is None:
            self._begin()
        if self._header is not None and self._cipher is not None:
            self._chunk(self._header, self._cipher, len(self._rest), is_last=True)
        else:
            self._digest.update(self._rest)
        return self._digest.hexdigest()

    def _begin(self) -> None:
        self._header = header_of(bytes(self._rest), self._name)
        key = self._keys.key_of(self._header, self._name)
        self._cipher = None if key is None else AESGCM(key)
        del self._rest[: len(self._header.raw)]

    def _chunk(self, header: Header, cipher: AESGCM, size: int, *, is_last: bool) -> None:
        data = bytes(self._rest[:size])
        self._digest.update(opened_chunk(cipher, header, self._number, data, is_last=is_last, name=self._name))
        self._number += 1
        del self._rest[:size]


class Checker:
    """Opens what is sound; one per store, used from its threads."""

    def __init__(self, keys: BodyKeys) -> None:
        self._keys = keys
        self._sound: OrderedDict[str, tuple[Identity, float]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: Path, threads: Threads) -> BodyReader:
        """The body, whose file is named by its digest; BodyDamagedError when it is another one, or gone."""
        try:
            file, size = stored_body(path, self._keys)
            identity = _identity(path)
            content = None
            if size <= MEMORY_BYTES:
                content = b"".join(file.pieces())
                found = hashlib.sha256(content).hexdigest()
            else:
                found = path.name if self._is_known(path.name, identity) else digest_of(file)
        except FileNotFoundError as error:
            raise BodyDamagedError(f"{path.name} is not there", path=str(path)) from error
        if found != path.name:
            raise BodyDamagedError(f"{path.name} has the digest {found}", path=str(path))
        self._remember(path.name, identity)
        return BodyReader(threads=threads, file=file, size=size, content=content)

    def _is_known(self, name: str, identity: Identity) -> bool:
        with self._lock:
            known = self._sound.get(name)
        return known is not None and known[0] == identity and time.monotonic() < known[1]

    def _remember(self, name: str, identity: Identity) -> None:
        with self._lock:
            if name not in self._sound or self._sound[name][1] <= time.monotonic():
                self._sound[name] = (identity, time.monotonic() + _BELIEVED_SECONDS)
            self._sound.move_to_end(name)
            while len(self._sound) > _REMEMBERED:
                self._sound.popitem(last=False)


def _identity(path: Path) -> Identity:
    about = path.stat()
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
