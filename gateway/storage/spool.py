"""A body coming in: small ones stay in memory, larger ones go to a file of the spool, encrypted as they arrive.

`SpooledBody` is a whole body that is not durable yet; `Bodies.keep` makes it so.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

from gateway.errors import StorageError
from gateway.failpoints import failpoint
from gateway.fsio import write_all
from gateway.storage.body_file import BodyFile, ChunkEncryptor
from gateway.storage.body_format import PLAIN
from gateway.storage.body_keys import BodyKeys
from gateway.storage.driver import refusal_of

#: Up to here a body stays in memory; beyond, it goes to the spool in pieces of this size.
MEMORY_BYTES = 128 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class SpooledBody:
    """A whole body, not yet durable: in memory, or in a file of the spool."""

    #: The file; made by `Bodies` when it is kept, where `content` is given.
    file: BodyFile
    #: Bytes of the body.
    size: int
    #: Digest of the body, lower-case hexadecimal.
    sha256: str
    #: The body itself while it is in memory; there is no file then.
    content: bytes | None = None

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.file.path

    def open(self) -> BinaryIO:
        """The body as a stream, from its start."""
        return io.BytesIO(self.content) if self.content is not None else self.file.open()


class Store(Protocol):
    """What a spool needs of the store."""

    def call(self, act: Callable[[], Any]) -> asyncio.Future[Any]:
        """Start a file act in a thread."""
        ...

    def adopt(self, body: SpooledBody, descriptor: int | None) -> None:
        """Take a finished body over, with the descriptor it was written through."""
        ...

    def forget(self, path: Path) -> None:
        """The file has gone."""
        ...


class Spool:
    """One body coming in; its digest is computed as it is written.

    Ends with `finish` or `discard`; as a context manager it discards what was not finished.
    """

    def __init__(self, path: Path, store: Store, keys: BodyKeys) -> None:
        self.path = path
        self.size = 0
        self._store = store
        self._keys = keys
        #: What encrypts the file, once there is one; None where it is plain.
        self._encryptor: ChunkEncryptor | None = None
        self._digest = hashlib.sha256()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._descriptor: int | None = None
        self._running: asyncio.Future[None] | None = None
        #: Half of a piece may be in the file: nothing may be added and nothing kept.
        self._damaged = False
        self._ended = False

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; they reach the file when more have gathered than stay in memory."""
        self._buffer.append(bytes(chunk))
        self._buffered += len(chunk)
        self.size += len(chunk)
        if self._buffered > MEMORY_BYTES:
            await self._flush()

    async def finish(self) -> SpooledBody:
        """The whole body; sync and name are `Bodies.keep`'s."""
        content = None
        if self._descriptor is not None or self._damaged:
            await self._flush(is_last=True)
        else:
            content = b"".join(self._buffer)
            self._digest.update(content)
        key = self._encryptor.key if self._encryptor is not None else None
        body = SpooledBody(
            file=BodyFile(path=self.path, key=key),
            size=self.size,
            sha256=self._digest.hexdigest(),
            content=content,
        )
        self._store.adopt(body, self._descriptor)
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
            with in_our_words():
                await self._store.call(lambda: remove(self.path, descriptor))
        self._store.forget(self.path)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discard()

    async def _flush(self, *, is_last: bool = False) -> None:
        await self._settle()
        if self._damaged:
            raise StorageError("An earlier write of this body failed.")
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        # a cancelled caller does not stop the thread, so `discard` must be able to wait for it
        self._running = self._store.call(lambda: self._write(data, is_last=is_last))
        with in_our_words():
            await asyncio.shield(self._running)

    async def _settle(self) -> None:
        if self._running is not None and not self._running.done():
            await asyncio.wait([self._running])

    def _write(self, data: bytes, *, is_last: bool) -> None:
        self._damaged = True
        failpoint("spool.write.before")
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self.path, flags, 0o600)
            self._encryptor = self._keys.new_file()
            write_all(self._descriptor, PLAIN.raw if self._encryptor is None else self._encryptor.header.raw)
        if self._encryptor is None:
            write_all(self._descriptor, data)
        else:
            for chunk in self._encryptor.feed(data):
                write_all(self._descriptor, chunk)
            if is_last:
                write_all(self._descriptor, self._encryptor.finish())
        failpoint("spool.write.after")
        self._digest.update(data)
        self._damaged = False


@contextlib.contextmanager
def in_our_words() -> Iterator[None]:
    """File errors as callers of the store get them."""
    try:
        yield
    except FileNotFoundError as error:
        raise StorageError(f"There is no such body: {error.filename}") from error
    except OSError as error:
        raise refusal_of(error, "A body could not be read or written") from error


def remove(path: Path, descriptor: int | None) -> None:
    """Delete a file of the spool; a missing one is fine."""
    if descriptor is not None:
        os.close(descriptor)
    path.unlink(missing_ok=True)
