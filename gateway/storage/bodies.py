"""Message bodies as files named by the SHA-256 of their bytes.

    bodies/ab/abcd…   kept bodies, never changed, each behind a header of HEADER_BYTES
    spool/            bodies coming in; whatever a crash leaves here is garbage
    quarantine/       damaged bodies set aside; never deleted by the program

A body is written to the spool while it arrives, may be parsed from there at once, and is *kept* by `keep`:
its bytes synced, a hard link under its digest, the directories synced. When `keep` returns, the body
survives a power cut. Keeping a digest twice is harmless, also at the same time; a kept file whose length is
wrong is set aside and replaced. The header lets later kinds (encrypted) live beside plain ones; readers get
`offset`, so nobody else knows it.

The sync itself is `gateway.storage.body_sync`. After a directory sync failed, nothing more is kept until
the process is restarted: asking the kernel again may bring a false yes. A full disk is a RefusedError
(`disk_nearly_full`), any other failure a StorageError.

It does NOT know which bodies are still needed: rows do. An orphan is harmless, a missing body is a loss, so
the body is kept before its row is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import struct
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from gateway.clock import instant
from gateway.errors import BodyDamagedError, StorageClosedError, StorageError
from gateway.fsio import make_private_dir, write_all
from gateway.ids import uuid7
from gateway.storage.body_sync import BodySync, Keeping
from gateway.storage.driver import refusal_of

#: Magic, version, kind, length of the header; the rest is zero.
_HEADER = struct.Struct(">6sBBH6x")
_MAGIC = b"GWBODY"
_VERSION = 1
_PLAIN = 0

#: Bytes before the body in every stored file.
HEADER_BYTES = _HEADER.size

#: Up to here a body is held in memory and written in one go; beyond, written in pieces of this size.
MEMORY_BYTES = 256 * 1024

#: Bytes of bodies just kept that stay in memory: most are read again at once, to be sent on.
_RECENT_BYTES = 16 * 1024 * 1024
#: For so many seconds an answer about free space is believed.
_FREE_SECONDS = 0.1

_READ_BYTES = 256 * 1024
_HASH_BYTES = 1024 * 1024
_THREADS = 32
_DIGEST_LENGTH = 64
_HEXADECIMAL = frozenset("0123456789abcdef")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpooledBody:
    """A whole body in the spool: readable by its path, not yet durable."""

    #: The file, header included.
    path: Path
    #: Where the body begins in it.
    offset: int
    #: Bytes of the body.
    size: int
    #: Digest of the body, lower-case hexadecimal.
    sha256: str


class Spool:
    """One body coming in; its digest is computed as it is written.

    Ends with `finish` or `discard`; as a context manager it discards what was not finished.
    """

    def __init__(self, path: Path, bodies: Bodies) -> None:
        self.path = path
        self.offset = HEADER_BYTES
        self.size = 0
        self._bodies = bodies
        self._digest = hashlib.sha256()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._descriptor: int | None = None
        self._running: asyncio.Future[None] | None = None
        #: The whole body, while it came in one piece.
        self._content: bytes | None = None
        #: Half of a piece may be in the file: nothing may be added and nothing kept.
        self._damaged = False
        self._ended = False

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; they reach the file when enough have gathered."""
        self._buffer.append(bytes(chunk))
        self._buffered += len(chunk)
        self.size += len(chunk)
        if self._buffered >= MEMORY_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Let another process see every byte written so far."""
        await self._settle()
        if self._damaged:
            raise StorageError("An earlier write of this body failed.")
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        self._content = data if self.size == len(data) else None
        # a cancelled caller does not stop the thread, so `discard` must be able to wait for it
        self._running = self._bodies.call(lambda: self._write(data))
        with _in_our_words():
            await asyncio.shield(self._running)

    async def finish(self) -> SpooledBody:
        """The whole body, visible to other processes; sync and name are `Bodies.keep`'s."""
        if self._buffered or self._descriptor is None:
            await self.flush()
        await self._settle()
        if self._damaged or self._descriptor is None:
            raise StorageError("An earlier write of this body failed.")
        body = SpooledBody(path=self.path, offset=self.offset, size=self.size, sha256=self._digest.hexdigest())
        self._bodies.adopt(body, self._descriptor, self._content)
        self._descriptor = None
        self._ended = True
        return body

    async def discard(self) -> None:
        """Forget an unfinished body and its file; harmless after `finish`."""
        if self._ended:
            return
        self._ended = True
        await self._settle()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            await self._bodies.run(lambda: _remove(self.path, descriptor))
        self._bodies.forget(self.path)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discard()

    async def _settle(self) -> None:
        if self._running is not None and not self._running.done():
            await asyncio.wait([self._running])

    def _write(self, data: bytes) -> None:
        self._damaged = True
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            write_all(self._descriptor, _HEADER.pack(_MAGIC, _VERSION, _PLAIN, HEADER_BYTES) + data)
        else:
            write_all(self._descriptor, data)
        self._digest.update(data)
        self._damaged = False


class BodyReader:
    """A kept body, for reading: in pieces, as a whole, or by path, offset and size (sendfile, parsers)."""

    def __init__(self, bodies: Bodies, path: Path, offset: int, size: int) -> None:
        self.path = path
        self.offset = offset
        self.size = size
        self._bodies = bodies

    async def read(self) -> bytes:
        """The whole body; for small ones."""
        return await self._bodies.run(self._read_all)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            while chunk := await self._bodies.run(lambda: file.read(_READ_BYTES)):
                yield chunk

    def _read_all(self) -> bytes:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset)
            return file.read()


class Bodies:
    """The store of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "bodies"
        self._spool = folder / "spool"
        self._quarantine = folder / "quarantine"
        for path in (self._root, self._spool, self._quarantine):
            make_private_dir(path)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="bodies")
        self._sync = BodySync(self._root, self._quarantine)
        #: Files of the spool in use now: the open descriptor once finished.
        self._live: dict[Path, int | None] = {}
        self._syncing: dict[Path, asyncio.Future[None]] = {}
        #: What small files in the spool hold.
        self._contents: dict[Path, bytes] = {}
        #: The bodies kept last, by digest, the oldest first.
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._recent_bytes = 0
        self._free = (0, 0.0)
        self._closed = False

    def open_spool(self) -> Spool:
        """Begin a body; nothing is on disk before its first write."""
        path = self._spool / f"{uuid7()}.part"
        self._live[path] = None
        return Spool(path, self)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A path in the spool for something that is made and thrown away; the file goes with the context."""
        path = self._spool / f"{uuid7()}.tmp"
        self._live[path] = None
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            self.forget(path)

    async def keep(self, spooled: SpooledBody, *, leave_spool: bool = False) -> None:
        """Make a finished body durable under its digest; cancelled, it goes on to its end.

        The spool file goes, also when this fails, unless `leave_spool`: then a parser may still open its
        path, and `discard` ends it.
        """
        if self._sync.broken is not None:
            raise self._sync.refusal()
        descriptor = self._live.get(spooled.path)
        if descriptor is None:
            raise StorageError(f"{spooled.path.name} is not in the spool")
        keeping = Keeping(
            descriptor=descriptor,
            source=spooled.path,
            target=self.path_of(spooled.sha256),
            size=spooled.offset + spooled.size,
            leave_source=leave_spool,
        )
        syncing = self.call(lambda: self._sync.keep(keeping))
        self._live[spooled.path] = None  # closed by the sync
        self._syncing[spooled.path] = syncing
        syncing.add_done_callback(lambda _: self._synced(spooled.path, leave_spool=leave_spool))
        content = self._contents.pop(spooled.path, None)
        await asyncio.shield(syncing)
        if content is not None:
            self._remember(spooled.sha256, content)

    async def discard(self, spooled: SpooledBody) -> None:
        """Remove a finished body from the spool; what was kept stays kept. Doing it twice is harmless."""
        syncing = self._syncing.get(spooled.path)
        if syncing is not None:
            await asyncio.wait([syncing])
        if spooled.path in self._live:
            descriptor = self._live.pop(spooled.path)
            self._contents.pop(spooled.path, None)
            await self.run(lambda: _remove(spooled.path, descriptor))

    async def open(self, sha256: str) -> BodyReader:
        """A kept body; StorageError when there is none, BodyDamagedError when its header is wrong."""
        path = self.path_of(sha256)
        offset, size = await self.run(lambda: _measure(path))
        return BodyReader(self, path, offset, size)

    def recent(self, sha256: str) -> bytes | None:
        """A small body kept a moment ago, from memory: the very bytes whose digest was computed."""
        return self._recent.get(sha256)

    async def verify(self, sha256: str) -> bool:
        """Whether the stored bytes still have their digest; StorageError when there are none."""
        path = self.path_of(sha256)
        try:
            return await self.run(lambda: _digest_of(path)) == sha256
        except BodyDamagedError:
            return False

    async def quarantine(self, sha256: str) -> Path:
        """Set a damaged body aside; where it now lies."""
        path = self.path_of(sha256)
        self._recent_bytes -= len(self._recent.pop(sha256, b""))
        return await self.run(lambda: self._sync.set_aside(path))

    def path_of(self, sha256: str) -> Path:
        """Where a body lies or would lie."""
        if len(sha256) != _DIGEST_LENGTH or not _HEXADECIMAL.issuperset(sha256):
            raise ValueError("a body is named by 64 lower-case hexadecimal digits")
        return Path(f"{self._root}/{sha256[:2]}/{sha256}")

    def iterate(self) -> Iterator[str]:
        """Every kept digest, in order."""
        for folder in _names(self._root):
            yield from _names(self._root / folder)

    async def sweep(self, older_than: datetime) -> int:
        """Delete spool files that nobody in this process holds and that were last written before then."""
        live = frozenset(self._live)
        return await self.run(lambda: _sweep(self._spool, older_than, live))

    def free_bytes(self) -> int:
        """What the file system would still let us write, as of a moment ago."""
        now = time.monotonic()
        if now >= self._free[1]:
            found = os.statvfs(self._root)
            self._free = (found.f_bavail * found.f_frsize, now + _FREE_SECONDS)
        return self._free[0]

    async def close(self) -> None:
        """Finish the keeps under way and let the threads go; spool files stay for the next sweep."""
        self._closed = True
        if self._syncing:
            await asyncio.wait(list(self._syncing.values()))
        for path in list(self._live):
            self.forget(path)
        self._threads.shutdown()

    def call(self, act: Callable[[], T]) -> asyncio.Future[T]:
        """Start a file act in a thread of the store; the future holds its plain OSError."""
        if self._closed:
            raise StorageClosedError
        return asyncio.get_running_loop().run_in_executor(self._threads, act)

    async def run(self, act: Callable[[], T]) -> T:
        """Run a file act in a thread of the store, its OSErrors in the callers' words."""
        with _in_our_words():
            return await self.call(act)

    def adopt(self, body: SpooledBody, descriptor: int, content: bytes | None) -> None:
        """Take a finished spool file over.

        The descriptor that wrote stays open until the sync: a write error that the kernel meets in between
        is then reported to it and cannot be missed.
        """
        self._live[body.path] = descriptor
        if content is not None:
            self._contents[body.path] = content

    def forget(self, path: Path) -> None:
        """Let a spool file go without deleting it."""
        descriptor = self._live.pop(path, None)
        self._contents.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)

    def _remember(self, sha256: str, content: bytes) -> None:
        self._recent_bytes += len(content) - len(self._recent.get(sha256, b""))
        self._recent[sha256] = content
        while self._recent_bytes > _RECENT_BYTES:
            self._recent_bytes -= len(self._recent.popitem(last=False)[1])

    def _synced(self, path: Path, *, leave_spool: bool) -> None:
        del self._syncing[path]
        if not leave_spool:
            del self._live[path]


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StorageError(f"There is no such body: {error.filename}") from error
    except OSError as error:
        raise refusal_of(error, "A body could not be read or written") from error


def _remove(path: Path, descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
    path.unlink(missing_ok=True)


def _measure(path: Path) -> tuple[int, int]:
    with path.open("rb", buffering=0) as file:
        head = file.read(HEADER_BYTES)
        if len(head) < HEADER_BYTES or head != _HEADER.pack(_MAGIC, _VERSION, _PLAIN, HEADER_BYTES):
            raise BodyDamagedError(f"{path.name} does not begin with a known header", path=str(path))
        return HEADER_BYTES, os.fstat(file.fileno()).st_size - HEADER_BYTES


def _digest_of(path: Path) -> str:
    offset, _ = _measure(path)
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        while chunk := file.read(_HASH_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def _sweep(folder: Path, older_than: datetime, live: frozenset[Path]) -> int:
    swept = 0
    for name in _names(folder):
        path = folder / name
        with contextlib.suppress(FileNotFoundError):
            if path not in live and instant(path.stat().st_mtime_ns // 1000) < older_than:
                path.unlink()
                swept += 1
    return swept
