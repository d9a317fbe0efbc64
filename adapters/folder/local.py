"""A folder on a disk of this machine, or on a network share that is mounted here.

The office can write into the folder, so nothing in it is trusted: every name is opened from the folder above it,
never through a path, and no link is followed. A file of several names is told as such (`Entry.links`); a fifo or a
device is opened by nobody.

Calls block, and on a dead share for ever: each runs in a daemon thread, at most `_AT_ONCE` of them for a folder,
and is given up after the channel's time. A thread that hangs keeps neither others nor the end of the process
waiting.

Bytes and names are synced. What is made here may be read and written by the folder's group; the folder's own
set-group-id bit, where an administrator has set it, goes on to what is made in it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from adapters.folder.renaming import rename_new
from adapters.folder.store import Entry, Place, checked, shown
from gateway.errors import SourceError

_AT_ONCE = 2
_PIECE = 256 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE, _FOLDER_MODE = 0o660, 0o770
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

T = TypeVar("T")


class LocalStore:
    """Fills `FileStore`."""

    def __init__(self, root: Path, timeout_seconds: float) -> None:
        self._root, self._timeout = root, timeout_seconds
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def entries(self, place: Place, most: int) -> Sequence[Entry]:
        """What a folder holds."""
        return await self._run(lambda: self._entries(checked(place), most))

    async def entry(self, place: Place) -> Entry | None:
        """One entry."""
        return await self._run(lambda: self._entry(checked(place)))

    async def read(self, place: Place, stamp: str) -> AsyncIterator[bytes]:
        """A regular file's bytes."""
        descriptor, left = await self._run(lambda: self._open(checked(place), stamp))
        try:
            # one that grows as fast as it is read would have no end
            while left >= 0 and (chunk := await self._run(lambda: os.read(descriptor, _PIECE))):
                left -= len(chunk)
                yield chunk
            if left or await self._run(lambda: _stamp(os.fstat(descriptor))) != stamp:
                raise SourceError("file_changing", f"{shown(place[-1])} changed while it was read")
        finally:
            _in_thread(partial(os.close, descriptor))

    async def write(self, place: Place, content: AsyncIterator[bytes]) -> None:
        """A new file, synced."""
        descriptor = await self._run(lambda: self._create(checked(place)))
        try:
            async for chunk in content:
                await self._run(partial(_write_all, descriptor, chunk))
            await self._run(lambda: os.fsync(descriptor))
        finally:
            _in_thread(partial(os.close, descriptor))

    async def make(self, place: Place) -> None:
        """A folder, unless it is there."""
        await self._run(lambda: self._make(checked(place)))

    async def move(self, old: Place, new: Place) -> bool:
        """Give it another place."""
        return await self._run(lambda: self._move(checked(old), checked(new)))

    async def take(self, old: Place, new: Place) -> None:
        """Give what is there now a name of ours."""
        await self._run(lambda: self._take(checked(old), checked(new)))

    async def remove(self, place: Place) -> None:
        """A file, or a folder with all that is in it."""
        await self._run(lambda: self._remove(checked(place)))

    async def free_bytes(self) -> int | None:
        """Room on its disk."""
        found = await self._run(lambda: os.statvfs(self._root))
        return found.f_bavail * found.f_frsize

    async def close(self) -> None:
        """Nothing is held."""

    async def _run(self, act: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                await self._places.acquire()
                done = _in_thread(act)
                # a call that hangs keeps its place, so that no more of them gather than there are places
                done.add_done_callback(lambda _: self._places.release())
                return await asyncio.shield(done)
        except TimeoutError as error:
            raise SourceError("peer_timeout", f"the folder did not answer in {self._timeout:.0f} s") from error
        except OSError as error:
            raise _trouble(error) from error

    @contextmanager
    def _folder(self, place: Place) -> Iterator[int]:
        """A descriptor of a folder; no name on the way to it is a link."""
        try:
            descriptor = os.open(self._root, _FOLDER)
        except OSError as error:
            raise _trouble(error) from error
        try:
            for name in place:
                inner = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _entries(self, place: Place, most: int) -> list[Entry]:
        found: list[Entry] = []
        with self._folder(place) as folder, os.scandir(folder) as names:
            for each in names:
                if len(found) >= most:
                    break
                with suppress(FileNotFoundError):  # gone meanwhile
                    found.append(_entry(each.name, each.stat(follow_symlinks=False)))
        return found

    def _entry(self, place: Place) -> Entry | None:
        try:
            with self._folder(place[:-1]) as folder:
                return _entry(place[-1], os.stat(place[-1], dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def _open(self, place: Place, stamp: str) -> tuple[int, int]:
        """A descriptor, and how many bytes there are."""
        with self._folder(place[:-1]) as folder:
            try:
                before = os.stat(place[-1], dir_fd=folder, follow_symlinks=False)
                if not stat.S_ISREG(before.st_mode):
                    raise SourceError("file_changing", f"{shown(place[-1])} is no file any more")
                descriptor = os.open(place[-1], _READ, dir_fd=folder)
            except FileNotFoundError as error:
                raise SourceError("file_changing", f"{shown(place[-1])} is gone") from error
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or _stamp(found) != stamp:
            os.close(descriptor)
            raise SourceError("file_changing", f"{shown(place[-1])} is another one by now")
        return descriptor, found.st_size

    def _create(self, place: Place) -> int:
        with self._folder(place[:-1]) as folder:
            descriptor = os.open(place[-1], _WRITE, _FILE_MODE, dir_fd=folder)
        with suppress(PermissionError):  # shares that know no modes
            os.fchmod(descriptor, _FILE_MODE)
        return descriptor

    def _make(self, place: Place) -> None:
        with self._folder(place[:-1]) as folder:
            with suppress(FileExistsError):
                os.mkdir(place[-1], _FOLDER_MODE, dir_fd=folder)
                with self._folder(place) as made, suppress(PermissionError):
                    os.fchmod(made, stat.S_IMODE(os.fstat(made).st_mode) | _FOLDER_MODE)
            os.fsync(folder)

    def _move(self, old: Place, new: Place) -> bool:
        with self._folder(old[:-1]) as source, self._folder(new[:-1]) as target:
            try:
                if not rename_new(old[-1], new[-1], source, target):
                    return False
            except FileNotFoundError as error:
                raise SourceError("file_changing", f"{shown(old[-1])} is gone") from error
            os.fsync(target)
            os.fsync(source)
        return True

    def _take(self, old: Place, new: Place) -> None:
        with self._folder(old[:-1]) as source, self._folder(new[:-1]) as target:
            try:
                os.rename(old[-1], new[-1], src_dir_fd=source, dst_dir_fd=target)
            except FileNotFoundError as error:
                raise SourceError("file_changing", f"{shown(old[-1])} is gone") from error
            os.fsync(target)
            os.fsync(source)

    def _remove(self, place: Place) -> None:
        with self._folder(place[:-1]) as folder, suppress(FileNotFoundError):
            found = os.stat(place[-1], dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                shutil.rmtree(place[-1], dir_fd=folder)
            else:
                os.unlink(place[-1], dir_fd=folder)


def _in_thread(act: Callable[[], T]) -> asyncio.Future[T]:
    """In a thread that keeps no process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        tell: Callable[[], None]
        try:
            tell = partial(_resolve, done, act())
        except Exception as error:  # noqa: BLE001  # it is raised where the future is awaited
            tell = partial(_fail, done, error)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=run, name="folder", daemon=True).start()
    done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # nobody may wait any more
    return done


def _resolve(done: asyncio.Future[T], result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[T], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _entry(name: str, found: os.stat_result) -> Entry:
    kind: Literal["file", "folder", "other"] = (
        "file" if stat.S_ISREG(found.st_mode) else "folder" if stat.S_ISDIR(found.st_mode) else "other"
    )
    return Entry(
        name=name,
        kind=kind,
        size=found.st_size,
        stamp=_stamp(found),
        modified_at=found.st_mtime,
        links=found.st_nlink if kind == "file" else 1,
        identity=f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}",
    )


def _stamp(found: os.stat_result) -> str:
    """The change time cannot be set back, as the modification time is by whoever copies."""
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"


def _trouble(error: OSError) -> SourceError:
    told = error.strerror or type(error).__name__
    if error.errno in _FORBIDDEN:
        return SourceError("folder_forbidden", told)
    if error.errno in _FULL:
        return SourceError("folder_full", told)
    return SourceError("connect_failed", f"the folder cannot be used: {told}")
