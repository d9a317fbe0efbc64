"""Bodies that come in pieces, over lines that break: what is acknowledged is on the disk, the rest is sent again.

    uploads/<id>.json   whose it is, its length, name and end; after acceptance also the 202 that it got
    uploads/<id>.part   the bytes so far, behind a header as in `bodies/`

An offset is told only after the bytes below it are synced, so a client that goes on from there after a crash of
either side sends nothing twice and loses nothing. What a failed append left beyond it is cut off by the next
one; after a failed *sync* the whole upload is given up, since the kernel may forget such pages and say yes the
second time.

An upload belongs to the agency that began it. It ends by `submitted` (the bytes go into the ledger by a link,
never by a copy), by its owner, or by age. Disk for the bytes that are still to come is spoken for from the
beginning.

It does NOT know HTTP: `gateway.api.uploads` speaks tus 1.0.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from gateway.api.service import SubmittedFile, UploadProgress
from gateway.clock import Clock
from gateway.errors import RefusedError, StorageError
from gateway.failpoints import failpoint
from gateway.fsio import atomic_replace, fsync_dir, make_private_dir, refuse_if_given_up, sync_data, write_all
from gateway.ids import uuid7
from gateway.model import AgencyId, Caller
from gateway.storage.bodies import HEADER_BYTES, Bodies
from gateway.storage.spool import HEADER

_log = structlog.get_logger(__name__)

#: Ways in which a body ends that leave good bytes.
_BROKEN_OFF = frozenset({"body_cut_off", "body_too_slow"})
#: Bytes that are written at once.
_PIECE = 1024 * 1024


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """What its JSON file says."""

    id: str
    agency: AgencyId
    #: Bytes in all.
    length: int
    #: As a file of a document: its name and media type; may be empty where it is a whole edXML.
    name: str
    content_type: str
    expires_at: datetime
    #: The 202, after it was submitted; the bytes are gone then.
    answer: bytes | None = None
    #: What it was submitted for.
    request: str = ""


class LastingRoom(Protocol):
    """Disk that is spoken for; see `gateway.intake.Room`."""

    def grow(self, size: int) -> None:
        """Have `size` bytes in all promised, or be refused."""
        ...

    def take(self, size: int) -> None:
        """The same, refused never."""
        ...

    def shrink(self, size: int) -> None:
        """Have no more than `size` bytes promised."""
        ...


@dataclass(kw_only=True)
class _Known:
    upload: Upload
    room: LastingRoom
    #: Bytes that are synced.
    offset: int = 0
    in_use: bool = False

    @property
    def is_whole(self) -> bool:
        return self.offset == self.upload.length

    @property
    def progress(self) -> UploadProgress:
        upload = self.upload
        return UploadProgress(id=upload.id, length=upload.length, offset=self.offset, expires_at=upload.expires_at)


@dataclass(kw_only=True)
class Uploads:
    """All of one data folder."""

    folder: Path
    bodies: Bodies
    room: Callable[[], LastingRoom]
    clock: Clock
    lifetime: timedelta
    #: Open ones of one agency at most.
    most: int
    _known: dict[str, _Known] = field(default_factory=dict)

    def load(self) -> None:
        """Find those that an earlier run left; called once, at the start. Blocks."""
        make_private_dir(self.folder)
        for path in sorted(self.folder.glob("*.json")):
            try:
                upload = msgspec.json.decode(path.read_bytes(), type=Upload)
                known = _Known(upload=upload, room=self.room())
                if upload.answer is None:
                    known.offset = _settled(self._part(upload.id))
                    known.room.take(upload.length - known.offset)
            except (OSError, msgspec.MsgspecError) as error:
                _log.warning("upload.unreadable", name=path.name, error=type(error).__name__)
                continue
            self._known[upload.id] = known
        named = {f"{name}.part" for name in self._known}
        for path in self.folder.iterdir():  # begun, never told to anybody
            if path.suffix == ".part" and path.name not in named:
                path.unlink()

    async def begin(self, caller: Caller, *, length: int, name: str, content_type: str) -> UploadProgress:
        """A new one, empty; refused when the agency has too many or the disk has no room for all of it."""
        open_ones = [k for k in self._known.values() if k.upload.answer is None]
        if sum(k.upload.agency == caller.agency_id for k in open_ones) >= self.most:
            raise RefusedError("uploads_too_many", f"at most {self.most} at once")
        upload = Upload(
            id=uuid7(),
            agency=caller.agency_id,
            length=length,
            name=name,
            content_type=content_type,
            expires_at=self.clock.now() + self.lifetime,
        )
        known = _Known(upload=upload, room=self.room())
        known.room.grow(length)
        self._known[upload.id] = known
        try:
            await self.bodies.run(lambda: self._make(upload))
        except BaseException:
            self._forget(upload.id)
            raise
        return known.progress

    def progress(self, caller: Caller, upload_id: str) -> UploadProgress:
        """Where it stands; of others there is none."""
        return self._open(caller, upload_id).progress

    async def append(
        self, caller: Caller, upload_id: str, offset: int, chunks: AsyncIterator[bytes]
    ) -> UploadProgress:
        """Write what comes and sync it; what came before `chunks` broke off is kept, and its error comes through.

        Where `chunks` refuses what it gave already (a digest), nothing of this append is kept.
        """
        with self._alone(caller, upload_id) as known:
            if offset != known.offset:
                raise RefusedError("upload_offset_mismatch", f"it stands at {known.offset}")
            descriptor = await self.bodies.run(lambda: _opened(self._part(upload_id), offset))
            target = _Target(descriptor, offset, known.upload.length)
            try:
                async for piece in _gathered(chunks):
                    await self.bodies.run(lambda piece=piece: target.write(piece))  # type: ignore[misc]
            except RefusedError as error:
                if error.code in _BROKEN_OFF:
                    await self._sync(known, descriptor, target.written)
                raise
            else:
                await self._sync(known, descriptor, target.written)
            finally:
                os.close(descriptor)
            return known.progress

    async def give_up(self, caller: Caller, upload_id: str) -> None:
        """Its owner does not want it any more."""
        with self._alone(caller, upload_id):
            await self._remove(upload_id)

    def answered(self, caller: Caller, upload_ids: Sequence[str], request: str) -> bytes | None:
        """The 202 that the same request got before."""
        known = self._of(caller, upload_ids[0])
        if known.upload.answer is None:
            return None
        if known.upload.request != request:
            raise RefusedError("not_found", f"{upload_ids[0]} was submitted")
        return known.upload.answer

    @asynccontextmanager
    async def submitted(self, caller: Caller, upload_ids: Sequence[str]) -> AsyncIterator[list[SubmittedFile]]:
        """Whole uploads as bodies in the spool, for as long as the context lasts; they stay for another try."""
        taken: list[SubmittedFile] = []
        try:
            for upload_id in upload_ids:
                with self._alone(caller, upload_id) as known:
                    if not known.is_whole:
                        raise RefusedError(
                            "upload_incomplete", f"{upload_id}: {known.offset} of {known.upload.length} bytes"
                        )
                    upload = known.upload
                    body = await self.bodies.take_over(self._part(upload_id), upload.length)
                    taken.append(SubmittedFile(name=upload.name, content_type=upload.content_type, body=body))
            yield taken
        finally:
            for each in taken:
                await self.bodies.discard(each.body)

    async def accepted(self, caller: Caller, upload_ids: Sequence[str], request: str, answer: bytes) -> None:
        """They are in the ledger: their bytes go, the answer stays for a repeated request."""
        for upload_id in dict.fromkeys(upload_ids):
            with suppress(RefusedError), self._alone(caller, upload_id) as known:
                known.upload = msgspec.structs.replace(known.upload, answer=answer, request=request)
                upload = known.upload
                await self.bodies.run(lambda upload=upload: self._settle(upload))  # type: ignore[misc]

    async def sweep(self) -> int:
        """Remove those past their time; how many."""
        now = self.clock.now()
        late = [k.upload.id for k in self._known.values() if k.upload.expires_at <= now and not k.in_use]
        for upload_id in late:
            self._known[upload_id].in_use = True
            await self._remove(upload_id)
        return len(late)

    def _part(self, upload_id: str) -> Path:
        return self.folder / f"{upload_id}.part"

    def _facts(self, upload_id: str) -> Path:
        return self.folder / f"{upload_id}.json"

    def _of(self, caller: Caller, upload_id: str) -> _Known:
        known = self._known.get(upload_id)
        if known is None or known.upload.agency != caller.agency_id:
            raise RefusedError("not_found")
        return known

    def _open(self, caller: Caller, upload_id: str) -> _Known:
        known = self._of(caller, upload_id)
        if known.upload.answer is not None:
            raise RefusedError("not_found", f"{upload_id} was submitted")
        return known

    @contextmanager
    def _alone(self, caller: Caller, upload_id: str) -> Iterator[_Known]:
        known = self._open(caller, upload_id)
        if known.in_use:
            raise RefusedError("upload_in_use")
        known.in_use = True
        try:
            yield known
        finally:
            known.in_use = False

    async def _sync(self, known: _Known, descriptor: int, written: int) -> None:
        failpoint("upload.sync.before")
        try:
            await self.bodies.run(lambda: _sync_surely(descriptor))
        except StorageError:
            _log.error("upload.sync_failed", upload=known.upload.id)
            await self._remove(known.upload.id)
            raise
        failpoint("upload.sync.after")
        known.offset = written
        known.room.shrink(known.upload.length - written)

    async def _remove(self, upload_id: str) -> None:
        await self.bodies.run(lambda: self._unlink(upload_id))
        self._forget(upload_id)

    def _unlink(self, upload_id: str) -> None:
        self._facts(upload_id).unlink(missing_ok=True)
        self._part(upload_id).unlink(missing_ok=True)

    def _forget(self, upload_id: str) -> None:
        self._known.pop(upload_id).room.shrink(0)

    def _make(self, upload: Upload) -> None:
        descriptor = os.open(self._part(upload.id), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, HEADER)
            sync_data(descriptor)
        finally:
            os.close(descriptor)
        atomic_replace(self._facts(upload.id), msgspec.json.encode(upload))

    def _settle(self, upload: Upload) -> None:
        failpoint("upload.settle.before")
        atomic_replace(self._facts(upload.id), msgspec.json.encode(upload))
        failpoint("upload.settle.after")
        self._part(upload.id).unlink(missing_ok=True)
        fsync_dir(self.folder)


class _Target:
    """Where an append writes."""

    def __init__(self, descriptor: int, offset: int, length: int) -> None:
        self._descriptor, self._length = descriptor, length
        self.written = offset

    def write(self, piece: bytes) -> None:
        if self.written + len(piece) > self._length:
            raise RefusedError("body_too_large", f"the upload was begun for {self._length} bytes")
        write_all(self._descriptor, piece)
        self.written += len(piece)


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Larger pieces of what comes; also what had come when it broke off."""
    pieces: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size >= _PIECE:
                yield b"".join(pieces)
                pieces, size = [], 0
    except RefusedError:
        if pieces:
            yield b"".join(pieces)
        raise
    if pieces:
        yield b"".join(pieces)


def _opened(path: Path, offset: int) -> int:
    """For writing at `offset`, with nothing behind it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    os.ftruncate(descriptor, HEADER_BYTES + offset)
    os.lseek(descriptor, HEADER_BYTES + offset, os.SEEK_SET)
    return descriptor


def _sync_surely(descriptor: int) -> None:
    """What is told of an upload is promised without a commit of the ledger."""
    sync_data(descriptor)
    refuse_if_given_up(descriptor)


def _settled(path: Path) -> int:
    """How many bytes there are, all synced now."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        sync_data(descriptor)
        return max(0, os.fstat(descriptor).st_size - HEADER_BYTES)
    finally:
        os.close(descriptor)
