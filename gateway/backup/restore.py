"""Brings a copy back as a data folder, into an empty folder only.

1. The copy is examined before anything is written: manifest, digest and pages of its database, its numbers, every
   body, and every file of a ledger that was taken over, there with its length; whether this program knows its
   schema, and whether the key of its bodies is here.
2. A mark is left in the folder (`RESTORING`), which keeps everybody from opening it; then bodies and database are
   copied, their digests computed on the way.
3. The folder is opened: outstanding migrations, a new epoch, and everything that waits is held
   (`gateway.ledger.epochs`). From here on nothing goes out by itself.
4. `fsck` examines all of it from the bytes. The mark goes only when there is no error. What was copied when its
   ledger was handed over is marked `ENDED`: it is for reading, and never opened.

A crash, a full disk or an error of fsck leaves the mark, so a half restored folder is never taken for a whole one.
What was destroyed by order since the copy was made is not brought back, and the ledger is told of it again: the
list beside the log's mark (`gateway.purging.listed`) knows it.

A drill does the same with bodies that are links into the backup folder instead of copies, where they are not
encrypted: it reads every one of them all the same. The backup folder is only read.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.audit.findings import Severity
from gateway.audit.fsck import FsckReport, examine
from gateway.backup.destroyed import destroyed_in
from gateway.backup.foreign import ForeignFile, ForeignShelf
from gateway.backup.make import Ledger, Progress, body_keys_of, examined
from gateway.backup.manifest import Manifest
from gateway.backup.shelf import DATABASE, Shelf
from gateway.bundle.handover import FOREIGN
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import RefusedError, SchemaVersionError, StorageError
from gateway.foundation import ENDED, RESTORING, database_of, open_foundation
from gateway.fsio import atomic_replace, fsync_dir, make_private_dir, write_durably
from gateway.ledger.epochs import Opened, OpenEpoch, OpenEpochOperation
from gateway.ledger.handovers import HandoverReads
from gateway.ledger.purged import Purged, Repeat, RepeatOperation
from gateway.purging.listed import list_of, read_list
from gateway.storage.body_keys import Place
from gateway.storage.body_token import body_key_place
from gateway.storage.migrations import MIGRATIONS, load_migrations

_AT_ONCE: Final = 4
_PORTION: Final = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What is to be restored."""

    #: Name of the copy.
    copy: str
    actor: str
    #: Why, in free words; kept with the epoch's event.
    note: str
    #: Take a copy that is known to lack bodies.
    accept_missing: bool = False
    #: Let fsck compare digests, signatures and leaves only, and not parse every body again.
    quick: bool = False
    #: Only practise: bodies may be links.
    drill: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came of it."""

    manifest: Manifest
    epoch: Opened
    migrated: tuple[str, ...]
    report: FsckReport


async def restore(shelf: Shelf, settings: Settings, wanted: Wanted, clock: Clock, progress: Progress) -> Restored:
    """All four steps, into the data folder of the settings."""
    folder = settings.storage.folder
    # 1
    manifest = await asyncio.to_thread(shelf.manifest_of, wanted.copy)
    _require_known(manifest)
    purged = await asyncio.to_thread(read_list, list_of(settings.log))
    if not purged:
        _require_whole(manifest, wanted, frozenset())
    _require_empty(folder)
    work = _Restoring(shelf, settings, manifest, wanted, purged, progress)
    # 2
    await asyncio.to_thread(work.run)
    # 3
    opened, migrated = await _open(settings, manifest, wanted, purged, clock)
    # 4
    report = await examine(settings, database_of(settings), quick=wanted.quick, is_copy=True, progress=progress)
    if report.ok or (wanted.accept_missing and _only_missing(report, manifest)):
        (folder / RESTORING).unlink()
        fsync_dir(folder)
    return Restored(manifest=manifest, epoch=opened, migrated=migrated, report=report)


def verify_copy(
    shelf: Shelf, name: str, body_key: Place, progress: Progress, purged: Sequence[Purged] = ()
) -> Manifest:
    """Read all of a copy and compare it with its manifest; RefusedError says what does not hold.

    `purged`: what was destroyed by order, and so is rightly not there.
    """
    manifest = shelf.manifest_of(name)
    copy = shelf.copies / name
    if _digest_of(shelf.read_database(copy)) != manifest.database_sha256:
        raise RefusedError("copy_damaged", "its database is not what was written")
    if shelf.key is None:  # an encrypted one is not written anywhere only to be looked at
        ledger = examined(copy / DATABASE)
        _require_same(ledger, manifest)
        shelf.body_keys = body_keys_of(copy / DATABASE, ledger, body_key)
        gone = destroyed_in(copy / DATABASE, purged)
        bodies = tuple(each for each in ledger.bodies if each[0] not in gone)
        _require_bodies(shelf, bodies, manifest)
        for done, (body, size) in enumerate(bodies, 1):
            fault = None if body in manifest.missing else shelf.verify_body(body, size)
            if fault is not None:
                raise RefusedError("copy_damaged", f"a body is {fault.kind}: {fault.path}")
            progress("bodies", done, len(bodies))
        ForeignShelf(shelf).require(ledger.files, manifest.missing, whole=True)
    return manifest


class _Restoring:
    """Steps 1 and 2, which block: for a thread."""

    def __init__(
        self,
        shelf: Shelf,
        settings: Settings,
        manifest: Manifest,
        wanted: Wanted,
        purged: Sequence[Purged],
        progress: Progress,
    ) -> None:
        self._purged = purged
        self._shelf, self._folder, self._manifest = shelf, settings.storage.folder, manifest
        self._body_key = body_key_place(settings)
        self._wanted, self._progress = wanted, progress
        self._files: tuple[ForeignFile, ...] = ()

    def run(self) -> None:
        make_private_dir(self._folder)
        write_durably(self._folder / RESTORING, f"{self._wanted.copy}\n".encode())
        staged = self._folder / f".{DATABASE}.restoring"
        try:
            self._bodies(self._database(staged))
            ForeignShelf(self._shelf).bring_back(
                self._folder, self._files, self._manifest.missing, link=self._may_link, progress=self._progress
            )
        except (RefusedError, StorageError):
            # nothing was lost by taking back what was just written: the folder was empty
            _take_back(self._folder)
            raise
        staged.rename(self._folder / DATABASE)
        fsync_dir(self._folder)

    def _database(self, staged: Path) -> tuple[tuple[str, int], ...]:
        """The bodies to be brought back."""
        digest = hashlib.sha256()

        def passed() -> Iterator[bytes]:
            for piece in self._shelf.read_database(self._shelf.copies / self._wanted.copy):
                digest.update(piece)
                yield piece

        self._progress("database", 0, 1)
        self._shelf.write_new(staged, passed())
        if digest.hexdigest() != self._manifest.database_sha256:
            raise RefusedError("copy_damaged", "its database is not what was written")
        ledger = examined(staged)
        _require_same(ledger, self._manifest)
        self._shelf.body_keys = body_keys_of(staged, ledger, self._body_key)
        gone = destroyed_in(staged, self._purged)
        _require_whole(self._manifest, self._wanted, gone)
        bodies = tuple(each for each in ledger.bodies if each[0] not in gone)
        _require_bodies(self._shelf, bodies, self._manifest)
        ForeignShelf(self._shelf).require(ledger.files, self._manifest.missing, whole=False)
        self._files = ledger.files
        self._progress("database", 1, 1)
        return bodies

    def _bodies(self, bodies: tuple[tuple[str, int], ...]) -> None:
        missing = frozenset(self._manifest.missing)
        wanted = [name for name, _ in bodies if name not in missing]
        root = self._folder / "bodies"
        for number in range(256):
            make_private_dir(root / f"{number:02x}")
        take = self._link if self._may_link else self._copy
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="restore") as threads:
            for start in range(0, len(wanted), _PORTION):
                part = wanted[start : start + _PORTION]
                for done, _ in enumerate(threads.map(take, part), start + 1):
                    self._progress("bodies", done, len(wanted))
        for number in range(256):
            fsync_dir(root / f"{number:02x}")

    @property
    def _may_link(self) -> bool:
        return self._wanted.drill and self._shelf.key is None

    def _copy(self, sha256: str) -> None:
        self._shelf.write_new(self._place(sha256), self._shelf.read_body(sha256))

    def _link(self, sha256: str) -> None:
        self._place(sha256).symlink_to(self._shelf.body_path(sha256).absolute())

    def _place(self, sha256: str) -> Path:
        return self._folder / "bodies" / sha256[:2] / sha256


async def _open(
    settings: Settings, manifest: Manifest, wanted: Wanted, purged: Sequence[Purged], clock: Clock
) -> tuple[Opened, tuple[str, ...]]:
    async with open_foundation(settings, clock=clock, purpose="restore", restoring=True) as base:
        successor = await HandoverReads(base.readers).successor()
        if successor is not None:
            told = f"handed over to {successor}; restored for reading from the copy {manifest.copy}\n"
            atomic_replace(settings.storage.folder / ENDED, told.encode())
        ask = OpenEpoch(
            copy=manifest.copy,
            taken_at=manifest.taken_at,
            now=clock.now(),
            actor=wanted.actor,
            note=wanted.note,
        )
        opened = await base.pump.submit(OpenEpochOperation(), ask)
        for start in range(0, len(purged), _PORTION):
            part = tuple(purged[start : start + _PORTION])
            await base.pump.submit(RepeatOperation(), Repeat(purged=part, now=clock.now()))
        return opened, base.migrated


def _only_missing(report: FsckReport, manifest: Manifest) -> bool:
    """Whether nothing else is wrong than what the operator has accepted."""
    errors = [each for each in report.findings if each.kind.severity is Severity.ERROR]
    return bool(manifest.missing) and all(each.code in {"body_missing", "foreign_missing"} for each in errors)


def _require_whole(manifest: Manifest, wanted: Wanted, gone: frozenset[str]) -> None:
    missing = [each for each in manifest.missing if each not in gone]
    if missing and not wanted.accept_missing:
        raise RefusedError("copy_incomplete", f"{len(missing)} of {manifest.bodies}: {missing[0]}")


def _require_known(manifest: Manifest) -> None:
    known = len(load_migrations(MIGRATIONS))
    if manifest.compat_version > known:
        raise SchemaVersionError(
            f"The copy {manifest.copy} needs a program that knows migration {manifest.compat_version}; this one "
            f"knows {known}. Install version {manifest.program}, which made it.",
            compat_version=manifest.compat_version,
            known=known,
        )


def _require_empty(folder: Path) -> None:
    try:
        found = sorted(path.name for path in folder.iterdir() if path.name != "lost+found")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}", path=str(folder)) from error
    if RESTORING in found:
        raise RefusedError("restore_not_empty", f"a restore into {folder} broke off: empty it and begin again")
    if found:
        raise RefusedError("restore_not_empty", f"{folder} holds {', '.join(found[:5])}")


def _require_same(ledger: Ledger, manifest: Manifest) -> None:
    found = dataclasses.asdict(ledger) | {
        "bodies": len(ledger.bodies), "bodies_sha256": ledger.list_digest(), "files": len(ledger.files),
    }  # fmt: skip
    wrong = [name for name, value in found.items() if getattr(manifest, name) != value]
    if wrong:
        raise RefusedError("copy_damaged", f"its database tells otherwise than its manifest: {', '.join(wrong)}")


def _require_bodies(shelf: Shelf, bodies: tuple[tuple[str, int], ...], manifest: Manifest) -> None:
    missing = frozenset(manifest.missing)
    for name, size in bodies:
        if name not in missing and not shelf.has_body(name, size):
            path = shelf.body_path(name)
            told = "has another length" if path.exists() else "is missing"
            raise RefusedError("copy_damaged", f"the body {path} {told}")


def _digest_of(pieces: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _take_back(folder: Path) -> None:
    """Empty the folder of what this restore wrote; the mark goes last."""
    for root, folders, files in os.walk(folder / "bodies", topdown=False):
        for name in files:
            (Path(root) / name).unlink()
        for name in folders:
            (Path(root) / name).rmdir()
    if (folder / "bodies").is_dir():
        (folder / "bodies").rmdir()
    if (folder / FOREIGN).is_dir():
        shutil.rmtree(folder / FOREIGN)
    (folder / f".{DATABASE}.restoring").unlink(missing_ok=True)
    (folder / RESTORING).unlink(missing_ok=True)
