"""Kept bodies as they are read: in pieces, as a whole, or by path; and whether they still have their digest.

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

from gateway.errors import BodyDamagedError
from gateway.storage.spool import HEADER, HEADER_BYTES, MEMORY_BYTES

#: Longer than one fan-out takes, and short enough that a disk that goes bad is noticed.
_BELIEVED_SECONDS = 60.0
#: Bodies remembered as sound.
_REMEMBERED = 1024
_READ_BYTES = 256 * 1024
_HASH_BYTES = 1024 * 1024

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
    """A kept body, for reading: in pieces, as a whole, or by path, offset and size (sendfile, parsers)."""

    threads: Threads
    path: Path
    offset: int
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
        file = await self.threads.run(lambda: self.path.open("rb", buffering=0))
        with file:
            file.seek(self.offset)
            while chunk := await self.threads.run(lambda: file.read(_READ_BYTES)):
                yield chunk

    def _read_all(self) -> bytes:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            return file.read()


def measure(path: Path) -> tuple[int, int]:
    """Where a body begins in its file, and its size; BodyDamagedError when its header is wrong."""
    with path.open("rb", buffering=0) as file:
        head = file.read(HEADER_BYTES)
        if head != HEADER:
            raise BodyDamagedError(f"{path.name} does not begin with a known header", path=str(path))
        return HEADER_BYTES, os.fstat(file.fileno()).st_size - HEADER_BYTES


def digest_of(path: Path) -> str:
    """The digest that a stored body has now."""
    measure(path)
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(HEADER_BYTES)
        while chunk := file.read(_HASH_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


class Checker:
    """Opens what is sound; one per store, used from its threads."""

    def __init__(self) -> None:
        self._sound: OrderedDict[str, tuple[Identity, float]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: Path, threads: Threads) -> BodyReader:
        """The body, whose file is named by its digest; BodyDamagedError when it is another one, or gone."""
        try:
            _, size = measure(path)
            identity = _identity(path)
            content = None
            if size <= MEMORY_BYTES:
                content = path.read_bytes()[HEADER_BYTES:]
                found = hashlib.sha256(content).hexdigest()
            else:
                found = path.name if self._is_known(path.name, identity) else digest_of(path)
        except FileNotFoundError as error:
            raise BodyDamagedError(f"{path.name} is not there", path=str(path)) from error
        if found != path.name:
            raise BodyDamagedError(f"{path.name} has the digest {found}", path=str(path))
        self._remember(path.name, identity)
        return BodyReader(threads=threads, path=path, offset=HEADER_BYTES, size=size, content=content)

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
