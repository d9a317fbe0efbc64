"""Ledgers that were taken over, in a backup folder: their files, which all its copies share.

    foreign/abcd…              a file by its digest
    foreign-<key id>/abcd…     an encrypted one, by a keyed digest

Which they are, the copied database says; they never change. One is written under a temporary name, synced, named,
read back and compared; one that lies there is read again, or with `quick` only measured; a damaged one is written
anew. One that is nowhere to be had is told as missing, as a body is. The caller is alone in the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gateway.backup.sealed import sealed_size
from gateway.backup.shelf import Shelf, SourceUnreadableError, drop_from_memory, pieces_of
from gateway.bundle.handover import FOREIGN
from gateway.errors import RefusedError, StorageError
from gateway.fsio import fsync_dir, make_private_dir
from gateway.storage.frozen import FrozenDatabase

_READ_ONLY: Final = 0o400
_MAKING: Final = ".making-"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ForeignFile:
    """One of them."""

    #: Below the data folder.
    path: str
    sha256: str
    size: int


def files_of(copy: FrozenDatabase) -> tuple[ForeignFile, ...]:
    """Those that a copied database names; RefusedError where a name leads elsewhere."""
    rows = copy.fetch("copy_list_files")
    found = tuple(ForeignFile(path=f"{row[0]}/{row[1]}", sha256=row[2], size=row[3]) for row in rows)
    for each in found:
        parts = PurePosixPath(each.path).parts
        if len(parts) != 3 or parts[0] != FOREIGN or any(part.startswith(".") for part in parts):  # noqa: PLR2004
            raise RefusedError("copy_damaged", f"its database names a file outside {FOREIGN}/: {each.path[:200]}")
    return found


class ForeignShelf:
    """Those of one backup folder."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._folder = shelf.folder / (f"{FOREIGN}-{shelf.key.id}" if shelf.key else FOREIGN)

    def path_of(self, file: ForeignFile) -> Path:
        """Where it lies or would lie."""
        return self._folder / (self._shelf.key.name_of(file.sha256) if self._shelf.key else file.sha256)

    def lacking(self, files: Sequence[ForeignFile]) -> int:
        """Bytes that are still to come."""
        return sum(each.size for each in files if not self._has(each))

    def copy(self, folder: Path, files: Sequence[ForeignFile], *, quick: bool, progress: Progress) -> list[str]:
        """Every file is here afterwards, or its digest in what is given back."""
        if not files:
            return []
        make_private_dir(self._folder)
        for left in self._folder.glob(f"{_MAKING}*"):
            left.unlink()
        missing = []
        for done, each in enumerate(files, 1):
            is_here = self._has(each) and (quick or self.fault(each) is None)
            if not is_here and not self._take(folder / each.path, each):
                missing.append(each.sha256)
            progress("foreign", done, len(files))
        fsync_dir(self._folder)
        return missing

    def require(self, files: Sequence[ForeignFile], missing: Sequence[str], *, whole: bool) -> None:
        """All but the missing ones are there with their lengths, or `whole`: with their bytes."""
        for each in files:
            if each.sha256 in missing:
                continue
            fault = self.fault(each) if whole else None if self._has(each) else "is missing, or has another length"
            if fault is not None:
                raise RefusedError("copy_damaged", f"{each.path}: {fault}")

    def bring_back(
        self, folder: Path, files: Sequence[ForeignFile], missing: Sequence[str], *, link: bool, progress: Progress
    ) -> None:
        """Into a data folder, as copies or as links; none of those that are missing."""
        for done, each in enumerate(files, 1):
            place = folder / each.path
            make_private_dir(place.parent)
            if each.sha256 in missing:
                continue
            if link:
                place.symlink_to(self.path_of(each).absolute())
            else:
                self._shelf.write_new(place, self._read(each))
                place.chmod(_READ_ONLY)
            fsync_dir(place.parent)
            progress("foreign", done, len(files))

    def fault(self, file: ForeignFile) -> str | None:
        """Why it cannot be used, read from the disk."""
        try:
            for _ in self._read(file):
                pass
        except RefusedError as error:
            return error.detail
        return None

    def _has(self, file: ForeignFile) -> bool:
        due = sealed_size(file.size) if self._shelf.key else file.size
        try:
            return self.path_of(file).stat().st_size == due
        except FileNotFoundError:
            return False

    def _read(self, file: ForeignFile) -> Iterator[bytes]:
        path, digest = self.path_of(file), hashlib.sha256()
        try:
            with path.open("rb", buffering=0) as opened:
                for piece in self._shelf.plain(opened, path.name):
                    digest.update(piece)
                    yield piece
        except FileNotFoundError as error:
            raise RefusedError("copy_damaged", f"{path} is missing") from error
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
        if digest.hexdigest() != file.sha256:
            raise RefusedError("copy_damaged", f"{path} is not what was written")

    def _take(self, source: Path, file: ForeignFile) -> bool:
        final = self.path_of(file)
        making = final.with_name(f"{_MAKING}{final.name}")
        pieces = pieces_of(source)
        try:
            self._shelf.write_new(making, self._shelf.key.seal(pieces, final.name) if self._shelf.key else pieces)
            drop_from_memory(making)
            self._shelf.name(making, final)
        except SourceUnreadableError:
            return False
        finally:
            making.unlink(missing_ok=True)
        if self.fault(file) is None:
            return True
        final.unlink()
        return False
