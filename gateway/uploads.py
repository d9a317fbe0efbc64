"""Bodies that come in pieces, over lines that break: what is acknowledged is on the disk, the rest is sent again.

    uploads/<id>.json   whose it is, its length, name and end; after acceptance also the 202 that it got
    uploads/<id>.part   the bytes so far (`gateway.storage.body_part`), encrypted where bodies are

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

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from gateway.api.service import SubmittedFile, UploadProgress
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import BodyDamagedError, RefusedError, StorageError
from gateway.failpoints import failpoint
from gateway.fsio import atomic_replace, fsync_dir, make_private_dir
from gateway.ids import uuid7
from gateway.model import AgencyId, Caller
from gateway.storage.bodies import Bodies
from gateway.storage.body_part import Part, begin_part, remove_part, settled
from gateway.storage.body_reading import digest_of, stored_body

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

    @classmethod
    def opened(cls, settings: Settings, bodies: Bodies, room: Callable[[], LastingRoom], clock: Clock) -> Uploads:
        """Those of the data folder, with what an earlier run left. Blocks."""
        limits = settings.limits
        uploads = cls(
            folder=settings.storage.folder / "uploads",
            bodies=bodies,
            room=room,
            clock=clock,
            lifetime=limits.upload_lifetime,
            most=limits.uploads_open,
        )
        uploads.load()
        return uploads

    def load(self) -> None:
        """Find those that an earlier run left; called once, at the start. Blocks."""
        make_private_dir(self.folder)
        for path in sorted(self.folder.glob("*.json")):
            try:
                upload = msgspec.json.decode(path.read_bytes(), type=Upload)
                known = _Known(upload=upload, room=self.room())
                if upload.answer is None:
                    known.offset = settled(self._part(upload.id), upload.length, self.bodies.keys)
                    known.room.take(upload.length - known.offset)
            except (OSError, msgspec.MsgspecError, BodyDamagedError) as error:
                _log.warning("upload.unreadable", name=path.name, error=type(error).__name__)
                continue
            self._known[upload.id] = known
        named = {f"{name}.part" for name in self._known}
        for path in self.folder.iterdir():  # begun, never told to anybody
            if path.suffix in {".part", ".tail"} and path.with_suffix(".part").name not in named:
                path.unlink(missing_ok=True)

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
            length, keys = known.upload.length, self.bodies.keys
            part = await self.bodies.run(lambda: Part(self._part(upload_id), offset, length, keys))
            try:
                async for piece in _gathered(chunks):
                    if part.written + len(piece) > length:
                        raise RefusedError("body_too_large", f"the upload was begun for {length} bytes")  # noqa: TRY301
                    await self.bodies.run(lambda piece=piece: part.write(piece))  # type: ignore[misc]
            except RefusedError as error:
                if error.code in _BROKEN_OFF:
                    await self._sync(known, part)
                raise
            else:
                await self._sync(known, part)
            finally:
                part.close()
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

    async def erase(self, digests: Collection[str]) -> int:
        """Remove whole ones with these digests that nobody submitted; how many. Others go by their age."""
        count = 0
        for known in list(self._known.values()) if digests else ():  # each one is hashed
            if not known.is_whole or known.in_use or known.upload.answer is not None:
                continue
            known.in_use = True
            try:
                path = self._part(known.upload.id)
                if await self.bodies.run(lambda path=path: self._digest(path)) in digests:  # type: ignore[misc]
                    await self._remove(known.upload.id)
                    count += 1
            finally:
                known.in_use = False
        return count

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

    async def _sync(self, known: _Known, part: Part) -> None:
        failpoint("upload.sync.before")
        try:
            await self.bodies.run(part.sync)
        except StorageError:
            _log.error("upload.sync_failed", upload=known.upload.id)
            await self._remove(known.upload.id)
            raise
        failpoint("upload.sync.after")
        known.offset = part.written
        known.room.shrink(known.upload.length - part.written)

    async def _remove(self, upload_id: str) -> None:
        await self.bodies.run(lambda: self._unlink(upload_id))
        self._forget(upload_id)

    def _digest(self, path: Path) -> str:
        try:
            return digest_of(stored_body(path, self.bodies.keys)[0])
        except BodyDamagedError:
            return ""

    def _unlink(self, upload_id: str) -> None:
        self._facts(upload_id).unlink(missing_ok=True)
        remove_part(self._part(upload_id))

    def _forget(self, upload_id: str) -> None:
        self._known.pop(upload_id).room.shrink(0)

    def _make(self, upload: Upload) -> None:
        begin_part(self._part(upload.id), upload.length, self.bodies.keys)
        atomic_replace(self._facts(upload.id), msgspec.json.encode(upload))

    def _settle(self, upload: Upload) -> None:
        failpoint("upload.settle.before")
        atomic_replace(self._facts(upload.id), msgspec.json.encode(upload))
        failpoint("upload.settle.after")
        remove_part(self._part(upload.id))
        fsync_dir(self.folder)


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
