"""Makes one copy, beside the running server or without one; the data folder is only read.

1. The database: one consistent state, copied while the server goes on (`copy_database`). Encrypted copies stage it
   in the data folder, so that nothing plain ever lies in the backup folder.
2. It is examined: SQLite's own check, its counts, its last leaf, the bodies it names. Bodies are kept before their
   rows are committed and never deleted, so whatever the copied rows name is there.
3. Bodies: what the backup folder lacks is copied, synced and read back; what it has is read again, or with
   `quick` only measured. One that is damaged here is copied anew. Several at once, since each waits for the disk.
4. Files of ledgers that were taken over, likewise (`foreign`).
5. The database's file is read back and compared, the manifest is written, and the copy gets its name.

Broken off anywhere, it leaves no copy: only a folder of another name, which the next backup removes. A body that is
nowhere to be had does not keep the rest from being saved: the copy is made, says which are missing, and is no whole
one. It does NOT record anything in the ledger; whoever runs it does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway import __version__
from gateway.backup.foreign import ForeignFile, ForeignShelf, files_of
from gateway.backup.manifest import Manifest
from gateway.backup.shelf import DATABASE, Shelf, SourceUnreadableError, drop_from_memory, pieces_of
from gateway.clock import Clock, instant
from gateway.errors import KeyFileError, RefusedError, StorageError
from gateway.fsio import make_private_dir, sync_file
from gateway.ids import uuid7
from gateway.storage.body_keys import BodyKeys, Place, WrappedKey
from gateway.storage.frozen import FrozenDatabase, copy_database
from gateway.storage.statements import Statements

#: Called with the part under way, what is done of it and how much there is.
Progress = Callable[[str, int, int], None]

_AT_ONCE: Final = 4
#: Bodies given to the threads at once; when one fails, so many may still be tried.
_PORTION: Final = 256
#: The first schema that knows offers; before an upgrade an older one is copied.
_OFFERS_SINCE: Final = 2
#: The first with a clerks' desk.
_DESK_SINCE: Final = 32
#: The first that knows encrypted bodies.
_BODY_KEYS_SINCE: Final = 17
#: The first that knows what was destroyed by order.
_PURGES_SINCE: Final = 20
#: The first that knows the files of ledgers that were taken over.
_FOREIGN_SINCE: Final = 26
#: What a file system needs beside the files themselves.
_SPARE_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be copied, and how."""

    #: The folder that holds `bodies`, and the database: both of the data folder, or as another tool kept them.
    folder: Path
    database: Path
    #: Do not read bodies again that lie in the backup folder already.
    quick: bool = False
    #: So many copies are left, this one included; 0: all of them.
    keep: int = 0
    allow_affected_sqlite: bool = False
    #: The database was brought back by another tool: it is as old as its last event.
    foreign: bool = False
    #: The key that bodies are encrypted with; read where some are.
    body_key: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A finished copy."""

    path: Path
    manifest: Manifest
    #: Bodies that this copy brought, and their bytes.
    new_bodies: int
    new_bytes: int
    #: Bodies of earlier copies that had to be copied anew.
    mended: int
    #: Older copies that went.
    dropped: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.manifest.missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """What a copied database holds, as its manifest tells it."""

    messages: int
    deliveries: int
    boot: str
    schema_version: int
    compat_version: int
    epoch: int
    last_event: int
    last_event_at: datetime | None
    last_leaf: str
    #: Digest and length of every body.
    bodies: tuple[tuple[str, int], ...]
    #: Of ledgers that were taken over.
    files: tuple[ForeignFile, ...]

    def list_digest(self) -> str:
        """SHA-256 over the sorted digests, one a line."""
        return hashlib.sha256("".join(f"{name}\n" for name, _ in self.bodies).encode()).hexdigest()


def make_copy(shelf: Shelf, asked: Asked, clock: Clock, progress: Progress) -> Made:
    """All five steps."""
    with shelf.locked(), shelf.making() as making:
        taken_at = clock.now()
        ledger, size, digest = _copy_ledger(shelf, asked, making, progress)
        if asked.foreign and ledger.last_event_at is not None:
            taken_at = ledger.last_event_at
        # 3
        bodies = _Bodies(shelf, asked, progress)
        bodies.copy(ledger.bodies)
        # 4
        foreign = ForeignShelf(shelf)
        _require_room(shelf.folder, foreign.lacking(ledger.files))
        lost = foreign.copy(asked.folder, ledger.files, quick=asked.quick, progress=progress)
        # 5
        drop_from_memory(shelf.database_file(making))
        if _digest(shelf.read_database(making)) != digest:
            raise StorageError(f"the disk below {shelf.folder} gave back another database than was written to it")
        manifest = Manifest(
            copy=f"{taken_at:%Y%m%dT%H%M%S}{taken_at.microsecond // 1000:03}Z-{ledger.last_event}",
            program=__version__,
            taken_at=taken_at,
            finished_at=clock.now(),
            database_sha256=digest,
            database_size=size,
            schema_version=ledger.schema_version,
            compat_version=ledger.compat_version,
            boot=ledger.boot,
            epoch=ledger.epoch,
            last_event=ledger.last_event,
            last_event_at=ledger.last_event_at,
            last_leaf=ledger.last_leaf,
            messages=ledger.messages,
            deliveries=ledger.deliveries,
            bodies=len(ledger.bodies),
            bodies_size=sum(size for _, size in ledger.bodies),
            bodies_sha256=ledger.list_digest(),
            files=len(ledger.files),
            missing=sorted([*bodies.missing, *lost]),
            read_all=not asked.quick,
            key=shelf.key.id if shelf.key else "",
        )
        return Made(
            path=shelf.finish(making, manifest),
            manifest=manifest,
            new_bodies=bodies.new,
            new_bytes=bodies.new_bytes,
            mended=bodies.mended,
            dropped=tuple(_drop_old(shelf, asked.keep, keeping=manifest)),
        )


def _copy_ledger(shelf: Shelf, asked: Asked, making: Path, progress: Progress) -> tuple[Ledger, int, str]:
    """Steps 1 and 2; what the database holds, its plain length and digest."""
    with _staged(shelf, asked, making) as staged:
        _require_room(staged.parent, asked.database.stat().st_size)
        copy_database(
            asked.database,
            staged,
            progress=lambda done, total: progress("database", done, total),
            allow_affected_sqlite=asked.allow_affected_sqlite,
        )
        ledger = examined(staged)
        shelf.body_keys = body_keys_of(staged, ledger, asked.body_key)
        size, digest = staged.stat().st_size, _digest(pieces_of(staged))
        if shelf.key:
            shelf.write_new(shelf.database_file(making), shelf.key.seal(pieces_of(staged), DATABASE))
        else:
            _sync(staged)
        return ledger, size, digest


def examined(database: Path) -> Ledger:
    """Examine a copied database; RefusedError (`copy_damaged`) when SQLite finds fault with it."""
    try:
        with FrozenDatabase(database, Statements.load("gateway.backup")) as copy:
            told = [row[0] for row in copy.fetch("copy_check_pages")]
            if told != ["ok"]:
                raise RefusedError("copy_damaged", f"the database: {told[0]}"[:300])
            return _ledger(copy)
    except StorageError as error:
        raise RefusedError("copy_damaged", f"the database: {error}"[:300]) from error


def body_keys_of(database: Path, ledger: Ledger, place: Place) -> BodyKeys:
    """What opens the bodies of a copied database; RefusedError (`body_key_unfit`) where the key is not there."""
    if ledger.schema_version < _BODY_KEYS_SINCE:
        return BodyKeys()
    with FrozenDatabase(database, Statements.load("gateway.backup")) as copy:
        rows = copy.fetch("copy_list_body_keys")
    try:
        return BodyKeys.opened([WrappedKey(id=row[0], wrapper=row[1], wrapped=row[2]) for row in rows], place)
    except KeyFileError as error:
        raise RefusedError("body_key_unfit", str(error)) from error


def _ledger(copy: FrozenDatabase) -> Ledger:
    messages, deliveries, boot = copy.fetch_one("copy_read_facts")
    meta = dict(copy.fetch("copy_read_versions"))
    last = copy.fetch("copy_read_last_event")
    bodies = dict(copy.fetch("copy_list_bodies"))
    schema = int(meta.get("schema_version", 0))
    if schema >= _OFFERS_SINCE:
        bodies |= dict(copy.fetch("copy_list_offers"))
    if schema >= _PURGES_SINCE:
        for (purged,) in copy.fetch("copy_list_purged"):
            del bodies[purged]
    if schema >= _DESK_SINCE:
        bodies |= dict(copy.fetch("copy_list_desk_files"))
    return Ledger(
        messages=messages,
        deliveries=deliveries,
        boot=boot,
        schema_version=schema,
        compat_version=int(meta.get("compat_version", 0)),
        epoch=int(meta.get("epoch", 1)),
        last_event=last[0][0] if last else 0,
        last_event_at=instant(last[0][1]) if last else None,
        last_leaf=last[0][2].hex() if last else "",
        bodies=tuple(sorted(bodies.items())),
        files=files_of(copy) if schema >= _FOREIGN_SINCE else (),
    )


class _Bodies:
    """Step 3."""

    def __init__(self, shelf: Shelf, asked: Asked, progress: Progress) -> None:
        self._shelf, self._asked, self._progress = shelf, asked, progress
        self.new = self.new_bytes = self.mended = 0
        self.missing: list[str] = []

    def copy(self, bodies: tuple[tuple[str, int], ...]) -> None:
        """Every body of the list is in the backup folder afterwards, or in `missing`."""
        total = len(bodies)
        lacking = sum(size for name, size in bodies if not self._shelf.has_body(name, size))
        _require_room(self._shelf.folder, lacking)
        self._progress("bodies", 0, total)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="backup") as threads:
            for start in range(0, total, _PORTION):
                part = bodies[start : start + _PORTION]
                for done, (name, size, came) in enumerate(threads.map(self._one, part), start + 1):
                    self._count(name, size, came)
                    self._progress("bodies", done, total)

    def _one(self, body: tuple[str, int]) -> tuple[str, int, str]:
        name, size = body
        there = self._shelf.has_body(name, size)
        if there and (self._asked.quick or self._shelf.verify_body(name, size) is None):
            return name, size, "there"
        # a damaged one may still be mended by what the data folder has; two faults in one body lose it
        if self._take_in(name, size):
            return name, size, "mended" if there else "new"
        return name, size, "missing"

    def _take_in(self, name: str, size: int) -> bool:
        source = self._asked.folder / "bodies" / name[:2] / name
        try:
            return self._shelf.put_body(name, size, pieces_of(source))
        except SourceUnreadableError:
            return False

    def _count(self, name: str, size: int, came: str) -> None:
        if came == "missing":
            self.missing.append(name)
        elif came != "there":
            self.new += 1
            self.new_bytes += size
            self.mended += came == "mended"


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def _staged(shelf: Shelf, asked: Asked, making: Path) -> Iterator[Path]:
    """Where the plain database is copied to: its place, or outside the backup folder when that is encrypted."""
    if shelf.key is None:
        yield making / DATABASE
        return
    folder = asked.folder / "staging"
    make_private_dir(folder)
    for left in folder.glob("backup-*"):  # of a backup that broke off; the shelf's lock says that none is running
        left.unlink()
    path = folder / f"backup-{uuid7()}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        sync_file(file.fileno())


def _require_room(folder: Path, size: int) -> None:
    """Refuse early what will not fit, instead of filling the disk that others use."""
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < size + _SPARE_BYTES:
        raise RefusedError(
            "disk_nearly_full", f"{folder} has {free // 1024**2} MiB free, {size // 1024**2} MiB are to come"
        )


def _drop_old(shelf: Shelf, keep: int, *, keeping: Manifest) -> Iterator[str]:
    """Never for a copy that is not whole, and never the last one that is."""
    if keep < 1 or keeping.missing:
        return
    for name in shelf.names()[:-keep]:
        if name != keeping.copy:
            shelf.drop(name)
            yield name
