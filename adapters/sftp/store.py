"""An office's folder on its SFTP server, as a `FileStore`.

One connection, opened when it is needed and again after it broke. Each call has the channel's time; a call that
fails for the connection's sake closes it. Names go as bytes, so that any name a server holds can be dealt with.

A server may say what it likes, so nothing it says is trusted beyond its own files: names with slashes are passed
over, a listing ends where the caller's patience does, and bytes are counted as they come. A file whose size is not
the one told before, or that is told otherwise afterwards, counts as changing.

What others may replace until it is ours (`take`) is renamed by OpenSSH's extension, one act whatever is there; a
server without it gets the plain rename. All else is renamed plainly, which fails where the new name is taken, as
version 3 wants it; a server that replaces it all the same is kept from it by a look just before only.
"""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import asyncssh

from adapters.folder.store import Entry, Place, checked, shown
from adapters.sftp.settings import Target, options_of
from gateway.errors import ConfigError, SourceError

_PIECE = 256 * 1024
_DEPTH_MAX = 8
_TREE_MAX = 10_000
_SEEN_SECONDS = 5.0
_SEEN_MAX = 1_000
_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_FORBIDDEN = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_LOST = (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, asyncssh.DisconnectError, OSError)

#: What `_trouble` makes of answers that say little.
_UNCLEAR = frozenset({"peer_error", "connect_failed"})

T = TypeVar("T")

# Every connection and request would be told at the level of our own news.
asyncssh.set_log_level(logging.WARNING)
asyncssh.set_sftp_log_level(logging.WARNING)


class SftpStore:
    """Fills `FileStore`."""

    def __init__(self, target: Target, secrets: Path, timeout_seconds: float) -> None:
        self._target, self._secrets, self._timeout = target, secrets, timeout_seconds
        self._root = target.root.rstrip("/") or "/"
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._opening = asyncio.Lock()
        #: Folders that were ones lately; each question costs a way to the server and back.
        self._folders: dict[Place, float] = {}

    async def entries(self, place: Place, most: int) -> Sequence[Entry]:
        """What a folder holds."""
        return await self._run(lambda client: self._entries(client, checked(place), most))

    async def entry(self, place: Place) -> Entry | None:
        """One entry."""
        return await self._run(lambda client: self._entry(client, checked(place)))

    async def read(self, place: Place, stamp: str) -> AsyncIterator[bytes]:
        """A regular file's bytes."""
        found = await self.entry(place)
        if found is None or found.kind != "file" or found.stamp != stamp:
            raise SourceError("file_changing", f"{shown(place[-1])} is another one by now, or gone")
        file = await self._run(lambda client: client.open(self._path(place), "rb", encoding=None))
        size = 0
        try:
            while True:
                chunk = await self._run(partial(_piece, file, size))
                if not chunk:
                    break
                size += len(chunk)
                if size > found.size:
                    break
                yield chunk
        finally:
            await self._close(file)
        after = await self.entry(place)
        if size != found.size or after is None or after.stamp != stamp:
            raise SourceError("file_changing", f"{shown(place[-1])} changed while it was read")

    async def write(self, place: Place, content: AsyncIterator[bytes]) -> None:
        """A new file, synced where the server can."""
        path = self._path(checked(place))
        file = await self._run(lambda client: client.open(path, "xb", encoding=None))
        try:
            async for chunk in content:
                await self._run(partial(_write, file, chunk))
            with suppress(asyncssh.SFTPOpUnsupported):
                await self._run(lambda _: file.fsync())
        finally:
            await self._close(file)

    async def make(self, place: Place) -> None:
        """A folder, unless it is there."""
        found = await self.entry(place)
        if found is None:
            with suppress(SourceError):  # somebody else may have made it just now
                await self._run(lambda client: client.mkdir(self._path(place)))
            found = await self.entry(place)
        if found is None or found.kind != "folder":
            raise SourceError("connect_failed", f"{shown(place[-1])} is no folder")

    async def move(self, old: Place, new: Place) -> bool:
        """Give it another place."""
        if await self.entry(new) is not None:
            return False
        source, target = self._path(checked(old)), self._path(checked(new))
        try:
            await self._run(lambda client: client.rename(source, target))
        except SourceError as error:
            # version 3 has one word for all that fails, so it is asked what the reason may have been
            if error.code not in _UNCLEAR:
                raise
            await self._require_there(old, error)
            if await self.entry(new) is None:
                raise
            return False
        return True

    async def take(self, old: Place, new: Place) -> None:
        """Give what is there now a name of ours."""
        source, target = self._path(checked(old)), self._path(checked(new))
        try:
            try:
                await self._run(lambda client: client.posix_rename(source, target))
            except asyncssh.SFTPOpUnsupported:
                await self._run(lambda client: client.rename(source, target))
        except SourceError as error:
            if error.code in _UNCLEAR:
                await self._require_there(old, error)
            raise

    async def _require_there(self, place: Place, error: SourceError) -> None:
        if await self.entry(place) is None:
            raise SourceError("file_changing", f"{shown(place[-1])} is gone") from error

    async def remove(self, place: Place) -> None:
        """A file, or a folder with all that is in it."""
        left = [_TREE_MAX]
        await self._remove(checked(place), left)

    async def _remove(self, place: Place, left: list[int]) -> None:
        found = await self.entry(place)
        if found is None:
            return
        left[0] -= 1
        if left[0] < 0 or len(place) > _DEPTH_MAX:
            raise SourceError("peer_reply_invalid", f"{shown(place[0])} holds more than can be cleared away")
        if found.kind == "folder":
            for each in await self.entries(place, left[0] + 1):
                await self._remove((*place, each.name), left)
            await self._run(lambda client: client.rmdir(self._path(place)))
        else:
            await self._run(lambda client: client.remove(self._path(place)))

    async def free_bytes(self) -> int | None:
        """Room on its disk, where the server tells."""
        try:
            found = await self._run(lambda client: client.statvfs(self._root.encode()))
        except asyncssh.SFTPOpUnsupported:
            return None
        return found.bavail * found.frsize

    async def close(self) -> None:
        """Close the connection."""
        connection = self._abort()
        if connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await connection.wait_closed()

    def _abort(self) -> asyncssh.SSHClientConnection | None:
        """Give the connection up at once; whoever uses it hears that it is lost."""
        connection, self._connection, self._client = self._connection, None, None
        self._folders.clear()
        if connection is not None:
            connection.abort()
        return connection

    def _path(self, place: Place) -> bytes:
        return b"/".join((self._root.encode(), *(name.encode("utf-8", "surrogateescape") for name in place)))

    async def _entries(self, client: asyncssh.SFTPClient, place: Place, most: int) -> list[Entry]:
        await self._require_folders(client, place)
        found: list[Entry] = []
        async for each in client.scandir(self._path(place)):
            name = each.filename if isinstance(each.filename, bytes) else each.filename.encode()
            if name in {b".", b".."} or b"/" in name or b"\0" in name or not name:
                continue
            found.append(_entry(name, each.attrs))
            if len(found) >= most:
                break
        return found

    async def _entry(self, client: asyncssh.SFTPClient, place: Place) -> Entry | None:
        try:
            await self._require_folders(client, place[:-1])
            attrs = await client.lstat(self._path(place))
        except _MISSING:
            return None
        return _entry(place[-1].encode("utf-8", "surrogateescape"), attrs)

    async def _require_folders(self, client: asyncssh.SFTPClient, place: Place) -> None:
        """No name on the way is a link, as far as the server tells."""
        now = asyncio.get_running_loop().time()
        for depth in range(1, len(place) + 1):
            if now - self._folders.get(place[:depth], -_SEEN_SECONDS) < _SEEN_SECONDS:
                continue
            attrs = await client.lstat(self._path(place[:depth]))
            if attrs.permissions is None or not stat.S_ISDIR(attrs.permissions):
                raise SourceError("connect_failed", f"{shown(place[depth - 1])} is no folder")
            if len(self._folders) >= _SEEN_MAX:
                self._folders.clear()
            self._folders[place[:depth]] = now

    async def _run(self, act: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await act(await self._connected())
        except TimeoutError as error:
            self._abort()
            raise SourceError("peer_timeout", f"the server did not answer in {self._timeout:.0f} s") from error
        except asyncio.CancelledError:
            self._abort()
            raise
        except asyncssh.SFTPOpUnsupported:
            raise
        except (asyncssh.Error, OSError, ValueError) as error:
            if isinstance(error, _LOST):
                self._abort()
            raise _trouble(error) from error

    async def _connected(self) -> asyncssh.SFTPClient:
        async with self._opening:
            if self._client is not None and self._connection is not None and not self._connection.is_closed():
                return self._client
            self._abort()
            try:
                options = options_of(self._target, self._secrets, self._timeout)
            except ConfigError as error:
                raise SourceError("source_misconfigured", str(error)) from error
            try:
                self._connection = await asyncssh.connect(**options)
                self._client = await self._connection.start_sftp_client(path_encoding=None)
            except (asyncssh.Error, OSError) as error:
                self._abort()
                raise _of_connecting(error) from error
            return self._client

    async def _close(self, file: asyncssh.SFTPClientFile) -> None:
        with suppress(SourceError, asyncssh.Error):
            await self._run(lambda _: file.close())


async def _piece(file: asyncssh.SFTPClientFile, at: int, _client: asyncssh.SFTPClient) -> bytes:
    found: Any = await file.read(_PIECE, at)
    return bytes(found)


async def _write(file: asyncssh.SFTPClientFile, content: bytes, _client: asyncssh.SFTPClient) -> None:
    await file.write(content)


def _entry(name: bytes, attrs: asyncssh.SFTPAttrs) -> Entry:
    mode = attrs.permissions or 0
    kind: Literal["file", "folder", "other"] = (
        "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"
    )
    size, changed = attrs.size or 0, attrs.mtime or 0
    return Entry(
        name=name.decode("utf-8", "surrogateescape"),
        kind=kind,
        size=size,
        stamp=f"{size}-{changed}",
        modified_at=float(changed),
        identity=f"{size}-{changed}",
    )


def _of_connecting(error: Exception) -> SourceError:
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return SourceError("host_key_wrong", "the server's key is not the one in known_hosts_file")
    if isinstance(error, asyncssh.PermissionDenied):
        return SourceError("peer_credential_rejected", "the server does not let this user in")
    return SourceError("connect_failed", _words(error))


def _trouble(error: Exception) -> SourceError:
    if isinstance(error, _MISSING):
        return SourceError("connect_failed", f"the server has no such file or folder: {_words(error)}")
    if isinstance(error, _FORBIDDEN):
        return SourceError("folder_forbidden", _words(error))
    if isinstance(error, _FULL):
        return SourceError("folder_full", _words(error))
    if isinstance(error, _LOST):
        return SourceError("connection_lost", _words(error))
    return SourceError("peer_error", _words(error))


def _words(error: Exception) -> str:
    told = "".join(char if char.isprintable() else " " for char in str(error))
    return f"{type(error).__name__}: {told}"[:300]
