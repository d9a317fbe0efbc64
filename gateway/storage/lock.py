"""One process per data folder, on a file system that keeps SQLite's promises.

`FolderLock` holds an exclusive `flock` on `gateway.lock` for as long as the process lives: the kernel lets it
go at any death, so there is no stale lock to clear. The file names the holder's boot id and process id, for
the message a second process gets. It is never deleted: deleting a locked file lets two processes each lock a
file of their own.

`refuse_network_filesystem` turns away file systems whose locks and shared memory do not hold between
machines or processes (NFS, CIFS, FUSE and their kin). It does NOT see through a block device exported to two
machines.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from gateway.errors import EnvironmentRefusedError
from gateway.fsio import refuse_if_given_up

LOCK_NAME = "gateway.lock"

_MOUNTS = Path("/proc/mounts")
_REFUSED = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre"})
_SHOWN_BYTES = 200


class FolderLock:
    """The right to write in one data folder."""

    def __init__(self, descriptor: int, boot_id: str) -> None:
        self._descriptor: int | None = descriptor
        self.boot_id = boot_id

    @classmethod
    def acquire(cls, folder: Path, boot_id: str) -> FolderLock:
        """Lock the folder or raise EnvironmentRefusedError naming the holder; never waits."""
        path = folder / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EnvironmentRefusedError(f"cannot open {path}: {error.strerror}", path=str(path)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, _SHOWN_BYTES).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise EnvironmentRefusedError(
                f"another process works in {folder} ({holder or 'it has not said who it is'})",
                path=str(path),
                holder=holder,
            ) from error
        with suppress(OSError):  # a full disk: the lock holds without words
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"boot {boot_id} process {os.getpid()}\n".encode(), 0)
        return cls(descriptor, boot_id)

    def refuse_if_given_up(self) -> None:
        """OSError when the folder's file system takes nothing any more, whatever its syncs have said."""
        if self._descriptor is not None:
            refuse_if_given_up(self._descriptor)

    def release(self) -> None:
        """Let the folder go; doing it twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def filesystem_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path`, from the text of /proc/mounts; empty when unknown."""
    found, length = "", -1
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:  # noqa: PLR2004 - device, mount point, type
            continue
        point = Path(fields[1].encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace"))
        # a later mount on the same point hides the earlier one, hence >=
        if len(point.parts) >= length and path.is_relative_to(point):
            found, length = fields[2], len(point.parts)
    return found


def refuse_network_filesystem(folder: Path, mounts: str | None = None) -> str:
    """The file system's type; EnvironmentRefusedError for one on which SQLite in WAL mode is not safe."""
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace") if _MOUNTS.exists() else ""
    kind = filesystem_of(folder.resolve(), mounts)
    if kind in _REFUSED or kind == "fuse" or kind.startswith(("fuse.", "fuseblk")):
        raise EnvironmentRefusedError(
            f"{folder} lies on {kind}; the data folder needs a local disk", path=str(folder), filesystem=kind
        )
    return kind
