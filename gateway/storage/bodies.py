"""Message bodies as files named by the SHA-256 of their bytes.

    bodies/ab/abcd…   kept bodies, never changed, each behind a header (`gateway.storage.body_format`);
                      only an order to destroy one removes it (decision 41)
    spool/            bodies coming in; whatever a crash leaves here is garbage
    quarantine/       damaged bodies set aside; deleted by nothing but an order to destroy them

A body comes in through a `Spool` (small ones stay in memory), may be parsed from there at once, and is *kept* by
`keep`: its bytes synced, a hard link under its digest, the directories synced. When `keep` returns, the body
survives a power cut. Keeping a digest twice is harmless, also at the same time; a kept file that is damaged is set
aside and replaced. What is handed to anybody is hashed first (`open_sound`). With keys (`BodyKeys`) whatever goes
to the disk is encrypted, in the spool too; plain bodies of before stay readable. Readers get a `BodyFile`, so
nobody else knows the form.

The sync itself is `gateway.storage.body_sync`: of small bodies in a process of its own (`body_keeper`), of those
in the spool in a thread. After a directory sync failed the store is `broken` and keeps nothing, until that
directory has taken a new name and a sync of it has succeeded. A full disk is a RefusedError (`disk_nearly_full`),
any other failure a StorageError.

It does NOT know which bodies are still needed: rows do. An orphan is harmless, a missing body is a loss, so
the body is kept before its row is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import structlog

from gateway.clock import instant
from gateway.errors import BodyDamagedError, StorageClosedError, StorageError
from gateway.failpoints import failpoint
from gateway.fsio import make_private_dir
from gateway.ids import uuid7
from gateway.storage.body_claims import BodyClaims
from gateway.storage.body_file import BodyFile, ScratchFile
from gateway.storage.body_keeper import BodyKeeper
from gateway.storage.body_keys import BodyKeys
from gateway.storage.body_reading import BodyReader, Checker, digest_of, stored_body
from gateway.storage.body_sync import BodySync, DirectorySyncError, Keeping
from gateway.storage.driver import refusal_of
from gateway.storage.spool import MEMORY_BYTES, Spool, SpooledBody, in_our_words, remove

__all__ = ["MEMORY_BYTES", "Bodies", "BodyReader", "Spool", "SpooledBody"]

#: Bytes of bodies just kept that stay in memory: most are read again at once, to be sent on.
_RECENT_BYTES = 8 * 1024 * 1024
#: For so many seconds an answer about free space is believed.
_FREE_SECONDS = 0.1
#: Between two tries to write again after a directory sync failed.
_PROVE_SECONDS = 1.0

_THREADS = 8
_DIGEST_LENGTH = 64
_HEXADECIMAL = frozenset("0123456789abcdef")

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Bodies:
    """The store of one data folder."""

    def __init__(self, folder: Path, keys: BodyKeys | None = None) -> None:
        """`keys` are those that new bodies are encrypted with and old ones were; without them bodies are plain."""
        #: What a rotation adds to.
        self.keys = keys or BodyKeys()
        #: What nobody may erase at present.
        self.claims = BodyClaims()
        self._root = folder / "bodies"
        self._spool = folder / "spool"
        self._quarantine = folder / "quarantine"
        for path in (self._root, self._spool, self._quarantine):
            make_private_dir(path)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="bodies")
        self._sync = BodySync(self._root, self._quarantine, self._digest_at)
        self._sync.make_folders()
        self._keeper = BodyKeeper(folder)
        self._checker = Checker(self.keys)
        #: Why nothing can be kept at present; None when all is well.
        self.broken: str | None = None
        self._mending: asyncio.Task[None] | None = None
        #: Files of the spool in use now: the open descriptor once finished.
        self._live: dict[Path, int | None] = {}
        self._syncing: dict[Path, asyncio.Future[None]] = {}
        #: The bodies kept last, by digest, the oldest first.
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._recent_bytes = 0
        self._free = (0, 0.0)
        self._closed = False

    def open_spool(self) -> Spool:
        """Begin a body; nothing is on disk before it is larger than what stays in memory."""
        path = self._spool / f"{uuid7()}.part"
        self._live[path] = None
        return Spool(path, self, self.keys)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[ScratchFile]:
        """A file in the spool for something that is made and thrown away; it goes with the context."""
        path = self._spool / f"{uuid7()}.tmp"
        self._live[path] = None
        try:
            yield ScratchFile.at(path, encrypted=self.keys.is_encrypting)
        finally:
            path.unlink(missing_ok=True)
            self.forget(path)

    def unnamed(self) -> BinaryIO:
        """A nameless file for what must be sought in while it is made; it is plain, and gone when it is closed."""
        return cast("BinaryIO", tempfile.TemporaryFile(dir=self._spool))

    async def spool_file(self, file: BodyFile) -> SpooledBody:
        """A copy of a file as a finished body."""
        async with self.open_spool() as spool:
            pieces = file.pieces()
            while (piece := await self.run(lambda: next(pieces, None))) is not None:
                await spool.write(piece)
            return await spool.finish()

    async def take_over(self, source: Path, size: int) -> SpooledBody:
        """A finished file of the form of `bodies/`, whole and synced, as a body of the spool, by a link."""
        path = self._spool / f"{uuid7()}.part"
        self._live[path] = None
        try:
            descriptor, file, digest = await self.run(lambda: self._linked(source, path))
        except BaseException:
            self.forget(path)
            raise
        body = SpooledBody(file=file, size=size, sha256=digest)
        self.adopt(body, descriptor)
        return body

    async def keep(self, spooled: SpooledBody) -> None:
        """Make a finished body durable under its digest; cancelled, it goes on to its end.

        The spool file goes, also when this fails.
        """
        if self._closed:
            raise StorageClosedError
        if self.broken is not None:
            raise StorageError(self.broken)
        failpoint("body.keep.before")
        content = spooled.content
        try:
            if content is None:
                await asyncio.shield(self._keep_file(spooled))
            else:
                await self._keep_small(spooled.sha256, content)
        except DirectorySyncError as error:
            self._break(error, self.path_of(spooled.sha256).parent)
            raise StorageError(error.strerror) from error
        except OSError as error:
            raise refusal_of(error, "A body could not be kept") from error
        if content is not None:
            self._remember(spooled.sha256, content)
        failpoint("body.keep.after")

    async def discard(self, spooled: SpooledBody) -> None:
        """Remove a finished body from the spool; what was kept stays kept. Doing it twice is harmless."""
        if spooled.content is not None:
            return
        syncing = self._syncing.get(spooled.path)
        if syncing is not None:
            await asyncio.wait([syncing])
        if spooled.path in self._live:
            descriptor = self._live.pop(spooled.path)
            await self.run(lambda: remove(spooled.path, descriptor))

    async def open(self, sha256: str) -> BodyReader:
        """A kept body; StorageError when there is none, BodyDamagedError when its header is wrong."""
        path = self.path_of(sha256)
        file, size = await self.run(lambda: stored_body(path, self.keys))
        return BodyReader(threads=self, file=file, size=size)

    async def open_sound(self, sha256: str) -> BodyReader:
        """The same for whoever hands it on: its bytes have their digest, else BodyDamagedError (gone, too)."""
        path = self.path_of(sha256)
        return await self.run(lambda: self._checker.open(path, self))

    def recent(self, sha256: str) -> bytes | None:
        """A small body kept a moment ago, from memory: the very bytes whose digest was computed."""
        return self._recent.get(sha256)

    async def verify(self, sha256: str) -> bool:
        """Whether the stored bytes still have their digest; StorageError when there are none."""
        path = self.path_of(sha256)
        try:
            return await self.run(lambda: self._digest_at(path)) == sha256
        except BodyDamagedError:
            return False

    async def quarantine(self, sha256: str) -> Path:
        """Set a damaged body aside; where it now lies."""
        path = self.path_of(sha256)
        self._recent_bytes -= len(self._recent.pop(sha256, b""))
        return await self.run(lambda: self._sync.set_aside(path))

    async def erase(self, sha256: str) -> None:
        """Destroy a body, damaged ones set aside included; one that is not there is no error.

        The caller has it alone (`claims`) and knows that no row needs it.
        """
        path = self.path_of(sha256)
        self._recent_bytes -= len(self._recent.pop(sha256, b""))
        await self.run(lambda: self._sync.erase(path))

    def path_of(self, sha256: str) -> Path:
        """Where a body lies or would lie."""
        if len(sha256) != _DIGEST_LENGTH or not _HEXADECIMAL.issuperset(sha256):
            raise ValueError("a body is named by 64 lower-case hexadecimal digits")
        return Path(f"{self._root}/{sha256[:2]}/{sha256}")

    def iterate(self) -> Iterator[str]:
        """Every kept digest, in order."""
        for folder in _names(self._root):
            # a proof that a crash left is no body
            yield from (name for name in _names(self._root / folder) if not name.startswith("."))

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
        if self._mending is not None:
            self._mending.cancel()
        if self._syncing:
            await asyncio.wait(list(self._syncing.values()))
        await self._keeper.close()
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
        with in_our_words():
            return await self.call(act)

    def adopt(self, body: SpooledBody, descriptor: int | None) -> None:
        """Take a finished body over.

        The descriptor that wrote stays open until the sync: a write error that the kernel meets in between
        is then reported to it and cannot be missed.
        """
        if body.content is None:
            self._live[body.path] = descriptor
        else:
            self.forget(body.path)

    def forget(self, path: Path) -> None:
        """Let a spool file go without deleting it."""
        descriptor = self._live.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)

    async def _keep_small(self, sha256: str, content: bytes) -> None:
        """By the keeper's process; where the digest has a file, by a thread, which can tell whether it is sound."""
        stored = b"".join(self.keys.stored(content))
        kept = self._keeper.keep(sha256, stored)
        kept.add_done_callback(_heard)
        try:
            await asyncio.shield(kept)
        except FileExistsError:
            source, target = self._spool / f"{uuid7()}.part", self.path_of(sha256)
            await asyncio.shield(self.call(lambda: self._sync.write_and_keep(source, target, (stored,))))

    def _keep_file(self, spooled: SpooledBody) -> asyncio.Future[None]:
        descriptor = self._live.get(spooled.path)
        if descriptor is None:
            raise StorageError(f"{spooled.path.name} is not in the spool")
        keeping = Keeping(
            descriptor=descriptor,
            source=spooled.path,
            target=self.path_of(spooled.sha256),
        )
        syncing = self.call(lambda: self._sync.keep(keeping))
        self._live[spooled.path] = None  # closed by the sync
        self._syncing[spooled.path] = syncing
        syncing.add_done_callback(lambda _: self._synced(spooled.path))
        return syncing

    def _synced(self, path: Path) -> None:
        del self._syncing[path]
        del self._live[path]

    def _break(self, error: OSError, folder: Path) -> None:
        """Keep nothing more until a sync of this directory has succeeded for a name that is new to it."""
        self.broken = error.strerror or str(error)
        _log.error("bodies.broken", folder=str(folder), error=self.broken)
        if self._mending is None:
            self._mending = asyncio.create_task(self._mend(folder), name="bodies-mend")

    async def _mend(self, folder: Path) -> None:
        while True:
            await asyncio.sleep(_PROVE_SECONDS)
            try:
                await self.call(lambda: self._sync.prove(folder))
            except OSError as error:
                self.broken = f"{folder} cannot be synced ({error.strerror})"
            else:
                break
        self.broken = self._mending = None
        _log.warning("bodies.mended", folder=str(folder))

    def _digest_at(self, path: Path) -> str:
        return digest_of(stored_body(path, self.keys)[0])

    def _linked(self, source: Path, path: Path) -> tuple[int, BodyFile, str]:
        """A second name of a file; a descriptor of it, what it holds, and the digest of that."""
        os.link(source, path)
        file, _ = stored_body(path, self.keys)
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC), file, digest_of(file)

    def _remember(self, sha256: str, content: bytes) -> None:
        self._recent_bytes += len(content) - len(self._recent.get(sha256, b""))
        self._recent[sha256] = content
        while self._recent_bytes > _RECENT_BYTES:
            self._recent_bytes -= len(self._recent.popitem(last=False)[1])


def _heard(kept: asyncio.Future[None]) -> None:
    """What became of it is asked here, since its caller may be gone."""
    if not kept.cancelled():
        kept.exception()


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
