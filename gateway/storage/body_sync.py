"""How one finished body becomes durable.

1. Sync its bytes, through the descriptor that wrote them.
2. Link it under its digest. One that is there already gives way, so that each body that is promised has a name and
   a sync of its own, and rests on no sync that may have failed before: a sound one to a copy of itself, since
   whoever reads it has its key; a damaged one is set aside.
3. Sync the directory; all 256 of them were made and synced when the store was opened.

Many bodies go through at once, each in a thread of its own, and the file system's journal groups their syncs.
Rounds of our own (all files, then each directory once) were measured and lost: digests scatter, so hardly two
bodies of a round share a directory, and every body waits for the slowest of its round (at 5 ms per sync and 16
threads 640 bodies/s against 930). A second level of directories was measured and lost too: nearly every body
makes one and syncs the one above, while the file system's index finds a name among hundreds of thousands.

A failure in steps 1 and 2 is that body's own, an OSError. One in step 3 (`DirectorySyncError`) fails all bodies
that were linked in that directory before it and synced after it: the kernel may have dropped what it could not
write, and a second sync would then bring a false yes. `prove` says when the directory can be written again. It
imports little, since it also runs in a small process (`body_process`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BodyDamagedError
from gateway.failpoints import failpoint
from gateway.fsio import fsync_dir, link_file, replace_file, sync_data, write_all
from gateway.ids import uuid7

_PIECE = 1024 * 1024


class DirectorySyncError(OSError):
    """The names in a directory may not be on the disk; `strerror` says which and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """One body on its way to its name."""

    #: The descriptor its bytes were written through; closed here.
    descriptor: int
    #: Its file in the spool; removed here.
    source: Path
    #: Its name by digest.
    target: Path


class BodySync:
    """What the threads of one store share."""

    def __init__(self, root: Path, quarantine: Path, digest: Callable[[Path], str] | None = None) -> None:
        """`digest` tells what a stored body has now; without it a digest that has a file is a FileExistsError."""
        self._root = root
        self._digest = digest
        self._quarantine = quarantine
        self._replacing = threading.Lock()
        #: Syncs that failed, by directory.
        self._failures: Counter[Path] = Counter()

    def make_folders(self) -> None:
        """All of them at once: `keep` makes no directory, and has one to sync."""
        for number in range(256):
            (self._root / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        fsync_dir(self._root)

    def write_and_keep(self, source: Path, target: Path, pieces: tuple[bytes | memoryview, ...]) -> None:
        """Write a body that was in memory to `source`, then `keep` it."""
        descriptor = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for piece in pieces:
                write_all(descriptor, piece)
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                os.unlink(source)  # noqa: PTH108
            raise
        self.keep(Keeping(descriptor=descriptor, source=source, target=target))

    def keep(self, keeping: Keeping) -> None:
        """All three steps; the spool file goes in any case."""
        folder = keeping.target.parent
        failures = self._failures[folder]
        try:
            self._link(keeping)
        finally:
            with contextlib.suppress(OSError):  # what stays in the spool is swept
                os.unlink(keeping.source)  # noqa: PTH108 - hot, and pathlib costs as much as the call
        try:
            fsync_dir(folder)
        except OSError as error:
            self._failures[folder] += 1
            words = f"{error.filename or folder} could not be synced ({error.strerror})"
            raise DirectorySyncError(error.errno, words) from error
        if self._failures[folder] != failures:
            raise DirectorySyncError(errno.EIO, f"another sync of {folder} failed meanwhile")

    def prove(self, folder: Path) -> None:
        """A name comes into a directory and goes, each synced; raises OSError."""
        path = folder / f".proof.{uuid7()}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            fsync_dir(folder)
        finally:
            path.unlink()
        fsync_dir(folder)

    def set_aside(self, path: Path) -> Path:
        """Move a damaged body into the quarantine, under a name of its own."""
        aside = self._quarantine / f"{path.name}.{uuid7()}"
        failpoint("body.set_aside.before")
        path.rename(aside)
        failpoint("body.set_aside.after")
        fsync_dir(self._quarantine)
        fsync_dir(path.parent)
        return aside

    def erase(self, path: Path) -> None:
        """Remove a body and what was set aside of it; durably, and again without harm."""
        with self._replacing:
            path.unlink(missing_ok=True)
        fsync_dir(path.parent)
        aside = list(self._quarantine.glob(f"{path.name}.*"))
        for each in aside:
            each.unlink(missing_ok=True)
        if aside:
            fsync_dir(self._quarantine)

    def _link(self, keeping: Keeping) -> None:
        try:
            sync_data(keeping.descriptor)
        finally:
            os.close(keeping.descriptor)
        try:
            link_file(keeping.source, keeping.target)
        except FileExistsError:
            if self._digest is None:
                raise
            self._replace(keeping, self._digest)

    def _replace(self, keeping: Keeping, digest: Callable[[Path], str]) -> None:
        """One at a time, or a good copy could be set aside."""
        copy = keeping.source.with_suffix(".copy")
        with self._replacing:
            try:
                _copy(keeping.target, copy)
                if _has_digest(copy, digest, keeping.target.name):
                    replace_file(copy, keeping.target)
                    return
                self.set_aside(keeping.target)
            except FileNotFoundError:  # it was set aside meanwhile
                pass
            finally:
                copy.unlink(missing_ok=True)
            replace_file(keeping.source, keeping.target)


def _copy(source: Path, target: Path) -> None:
    """Byte for byte, and synced; the file system must not share what it wrote before."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with source.open("rb", buffering=0) as stream:
            while piece := stream.read(_PIECE):
                write_all(descriptor, piece)
        sync_data(descriptor)
    finally:
        os.close(descriptor)


def _has_digest(path: Path, digest: Callable[[Path], str], sha256: str) -> bool:
    try:
        return digest(path) == sha256
    except BodyDamagedError:
        return False
