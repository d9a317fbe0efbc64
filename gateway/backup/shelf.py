"""A backup folder: bodies that all its copies share, and the copies, each a folder of its own.

    copies/20261125T101500Z-123456/     a copy: made under another name, renamed when all of it is on the disk
        gateway.sqlite                  the database; encrypted: gateway.sqlite.sealed
        manifest.json                   what it should be (`gateway.backup.manifest`)
    bodies/ab/abcd…                     bodies by digest, as in the data folder
    sealed-<key id>/ab/abcd…            encrypted ones, by a keyed digest
    foreign/abcd…                       files of ledgers that were taken over (`gateway.backup.foreign`)
    damaged/                            bodies that were found changed, set aside

A body is written under a temporary name, synced, named, and read back from the disk and compared. Since bodies are
never changed in the data folder either, one that is here belongs to every later copy too: copies cost the database
and what came since. What is destroyed by order goes from here as from there (`gateway.backup.erasing`). All of it
is private to its owner (0700, 0600). It knows nothing of the ledger.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from gateway.backup import manifest
from gateway.backup.manifest import Manifest
from gateway.backup.sealed import BackupKey, sealed_size
from gateway.errors import BodyDamagedError, RefusedError, StorageError
from gateway.fsio import fsync_dir, make_private_dir, sync_file
from gateway.ids import uuid7
from gateway.storage.body_format import stored_sizes
from gateway.storage.body_keys import BodyKeys
from gateway.storage.body_reading import PassingBody
from gateway.storage.driver import refusal_of

DATABASE: Final = "gateway.sqlite"
_MAKING: Final = ".making-"
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why a body cannot be used: `missing` or `damaged`, and where."""

    kind: str
    path: Path


class Shelf:
    """One backup folder, with the key of its files or without."""

    def __init__(self, folder: Path, key: BackupKey | None) -> None:
        self.folder = folder
        self.key = key
        #: With which its bodies are read that are encrypted in the data folder; whoever knows a ledger sets them.
        self.body_keys = BodyKeys()
        self.copies = folder / "copies"
        self._bodies = folder / (f"sealed-{key.id}" if key else "bodies")
        self._damaged = folder / "damaged"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone in it; also makes what is missing of it, and clears away what a broken-off backup left."""
        for path in (self.copies, self._bodies, self._damaged):
            make_private_dir(path)
        for number in range(256):
            (self._bodies / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RefusedError("backup_running", f"into {self.folder}") from error
            for path in self.copies.glob(f"{_MAKING}*"):
                shutil.rmtree(path)
            for path in self._bodies.glob(f"*/{_MAKING}*"):
                path.unlink()
            yield
        finally:
            os.close(descriptor)

    def names(self) -> list[str]:
        """The copies, oldest first: whatever has its name was whole when it was made."""
        if not self.copies.is_dir():
            return []
        return sorted(path.name for path in self.copies.iterdir() if not path.name.startswith("."))

    def glimpses(self) -> list[tuple[str, Manifest | None]]:
        """The copies with what they say of themselves, unchecked."""
        return [(name, _glimpse(self.copies / name / manifest.NAME)) for name in self.names()]

    def manifest_of(self, name: str) -> Manifest:
        """What a copy says of itself, checked; RefusedError when it is not there or damaged."""
        path = self.copies / name / manifest.NAME
        if name not in self.names():  # whatever else it may be: a path, a copy in the making
            raise RefusedError("copy_unknown", f"{name}, in {self.folder}")
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise RefusedError("copy_damaged", f"{name} has no manifest") from error
        return manifest.decoded(data, name, self.key)

    @contextmanager
    def making(self) -> Iterator[Path]:
        """A folder to make a copy in; it goes when that fails."""
        path = self.copies / f"{_MAKING}{uuid7()}"
        path.mkdir(mode=0o700)
        try:
            yield path
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise

    def finish(self, making: Path, found: Manifest) -> Path:
        """Write the manifest, sync, and give the copy its name: from now on it is one."""
        self.write_new(making / manifest.NAME, [manifest.encoded(found, self.key)])
        for folder in sorted(self._bodies.iterdir()):
            fsync_dir(folder)
        fsync_dir(self._bodies)
        fsync_dir(making)
        named = self.copies / found.copy
        making.rename(named)
        fsync_dir(self.copies)
        return named

    def drop(self, name: str) -> None:
        """Remove a copy; the bodies stay. It loses its name first."""
        going = self.copies / f"{_MAKING}{uuid7()}"
        (self.copies / name).rename(going)
        fsync_dir(self.copies)
        shutil.rmtree(going)

    def database_file(self, copy: Path) -> Path:
        """Where a copy keeps its database."""
        return copy / (f"{DATABASE}.sealed" if self.key else DATABASE)

    def read_database(self, copy: Path) -> Iterator[bytes]:
        """The plain bytes of a copy's database."""
        with _opened(self.database_file(copy)) as file:
            yield from self.plain(file, DATABASE)

    def body_path(self, sha256: str) -> Path:
        """Where a body lies or would lie."""
        name = self.key.name_of(sha256) if self.key else sha256
        return self._bodies / name[:2] / name

    def damaged_of(self, name: str) -> list[Path]:
        """What was set aside of a body's file."""
        return sorted(self._damaged.glob(f"{name}.*"))

    def has_body(self, sha256: str, size: int) -> bool:
        """Whether it is there with its length."""
        due = [sealed_size(each) if self.key else each for each in stored_sizes(size)]
        try:
            return self.body_path(sha256).stat().st_size in due
        except FileNotFoundError:
            return False

    def read_body(self, sha256: str) -> Iterator[bytes]:
        """The stored file of a body, header included, as the data folder has it; checked at its end only."""
        passing = PassingBody(self.body_keys, sha256)
        try:
            with _opened(self.body_path(sha256)) as file:
                for piece in self.plain(file, self.body_path(sha256).name):
                    passing.feed(piece)
                    yield piece
            found = passing.finish()
        except BodyDamagedError as error:
            raise RefusedError("copy_damaged", f"the body {sha256} is not what was written: {error}") from error
        if found != sha256:
            raise RefusedError("copy_damaged", f"the body {sha256} is not what was written")

    def put_body(self, sha256: str, size: int, pieces: Iterable[bytes]) -> bool:
        """Take a stored file in; False, and nothing is here, when its bytes are not those of its name."""
        final = self.body_path(sha256)
        making = final.parent / f"{_MAKING}{uuid7()}"
        try:
            sealed = self.key.seal(pieces, final.name) if self.key else pieces
            self.write_new(making, sealed)
            drop_from_memory(making)
            self.name(making, final)
        finally:
            making.unlink(missing_ok=True)
        if self.verify_body(sha256, size) is None:
            return True
        final.unlink()
        return False

    def name(self, making: Path, final: Path) -> None:
        """Give a file that was written its name; what has it is set aside."""
        if final.exists():
            final.rename(self._damaged / f"{final.name}.{uuid7()}")
        making.rename(final)

    def verify_body(self, sha256: str, size: int) -> Fault | None:
        """Read it from the disk and compare."""
        path = self.body_path(sha256)
        try:
            found = sum(len(piece) for piece in self.read_body(sha256))
        except RefusedError as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            return Fault(kind="missing" if missing else "damaged", path=path)
        return None if found in stored_sizes(size) else Fault(kind="damaged", path=path)

    def plain(self, file: BinaryIO, purpose: str) -> Iterator[bytes]:
        """What an open file of this folder holds."""
        if self.key:
            yield from self.key.open(file, purpose)
            return
        while piece := file.read(_PIECE):
            yield piece

    @staticmethod
    def write_new(path: Path, pieces: Iterable[bytes]) -> None:
        """A new file, synced; its name is not. A full disk is `disk_nearly_full`, anything else StorageError."""
        try:
            with path.open("xb") as file:
                path.chmod(0o600)
                for piece in pieces:
                    file.write(piece)
                file.flush()
                sync_file(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise refusal_of(error, f"{path} could not be written") from error


class SourceUnreadableError(StorageError):
    """The data folder's own file cannot be read."""


def pieces_of(path: Path) -> Iterator[bytes]:
    """Of a file of the data folder; SourceUnreadableError."""
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise SourceUnreadableError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error


def drop_from_memory(path: Path) -> None:
    """Let the kernel forget a synced file, so that reading it back asks the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb", buffering=0) as file:
            yield file
    except FileNotFoundError as error:
        raise RefusedError("copy_damaged", f"{path} is missing") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error


def _glimpse(path: Path) -> Manifest | None:
    try:
        return manifest.glimpsed(path.read_bytes())
    except OSError:
        return None
