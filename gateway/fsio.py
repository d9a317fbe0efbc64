"""The only durable file writes of the program.

A file is *published*: its bytes are synced under a temporary name, then it gets its real name by a link or a
rename, then the directory is synced. Whoever sees the real name sees the whole file, before and after a
crash. Each act has a failpoint on either side.

- `write_durably` makes a file that must not exist yet; `atomic_replace` puts a file in the place of another;
  `publish` gives a finished temporary file its name. All raise StorageError, with the OSError as cause, and
  leave nothing behind under the temporary name.
- The acts themselves (`sync_file`, `sync_data`, `link_file`, `replace_file`, `fsync_dir`) raise the plain
  OSError; they are for the body store, which groups them.

It does NOT retry a failed sync: the kernel may have thrown the pages away and report success the second
time. It does NOT run anything in a thread: callers on the event loop do.
"""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

from gateway.errors import EnvironmentRefusedError, StorageError
from gateway.failpoints import failpoint
from gateway.ids import uuid7

#: A full disk is told by writes, and where there is no such call there is no such question.
_SAYS_NOTHING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


def sync_file(descriptor: int) -> None:
    """Bytes and metadata of an open file reach the disk."""
    failpoint("fsio.sync.before")
    os.fsync(descriptor)
    failpoint("fsio.sync.after")


def sync_data(descriptor: int) -> None:
    """Bytes and length of an open file reach the disk; its times may not."""
    failpoint("fsio.sync.before")
    os.fdatasync(descriptor)
    failpoint("fsio.sync.after")


def refuse_if_given_up(descriptor: int) -> None:
    """OSError when the file system of a file, open for writing and not empty, takes nothing any more (decision 21).

    Space is asked for that the file has: nothing changes, but ext4 begins a transaction, which a dead
    journal refuses.
    """
    try:
        os.posix_fallocate(descriptor, 0, 1)
    except OSError as error:
        if error.errno not in _SAYS_NOTHING:
            raise


def fsync_dir(path: Path) -> None:
    """The names in a directory reach the disk."""
    failpoint("fsio.sync_dir.before")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    failpoint("fsio.sync_dir.after")


def link_file(temp_path: Path, final_path: Path) -> None:
    """Give a synced file its real name; FileExistsError when the name is taken."""
    failpoint("fsio.link.before")
    os.link(temp_path, final_path)
    failpoint("fsio.link.after")


def replace_file(temp_path: Path, final_path: Path) -> None:
    """Give a synced file its real name, in the place of whatever has it."""
    failpoint("fsio.replace.before")
    os.rename(temp_path, final_path)  # noqa: PTH104 - bodies go this way, and pathlib costs as much as the call
    failpoint("fsio.replace.after")


def make_private_dir(path: Path) -> None:
    """A directory only its owner may enter (0700), durable, with its parents; an existing one is kept."""
    try:
        if path.is_dir():
            return
        make_private_dir(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        fsync_dir(path.parent)
    except OSError as error:
        raise StorageError(f"cannot make the folder {path}: {error.strerror}", path=str(path)) from error


def require_owner(path: Path) -> None:
    """What root writes beside another user's files, the server, the timer and the drill cannot read."""
    existing = next(each for each in (path, *path.parents) if each.exists())
    owner = existing.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise EnvironmentRefusedError(
            f"{existing} belongs to user {owner}: run it as that one, runuser -u {_name_of(owner)} -- gateway …"
        )


def publish(temp_path: Path, final_path: Path) -> None:
    """Sync a finished temporary file and give it its name, which must be free; the temporary name goes."""
    try:
        _sync_path(temp_path)
        link_file(temp_path, final_path)
        temp_path.unlink()
        fsync_dir(final_path.parent)
        if temp_path.parent != final_path.parent:
            fsync_dir(temp_path.parent)
    except OSError as error:
        temp_path.unlink(missing_ok=True)
        raise _refusal(final_path, error) from error


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """A new file that is whole on disk when this returns; a taken name is an error."""
    publish(_write_temp(path, data, mode), path)


def atomic_replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """The file's new content, or after a crash the old one; never a mixture."""
    temp_path = _write_temp(path, data, mode)
    try:
        _sync_path(temp_path)
        replace_file(temp_path, path)
        fsync_dir(path.parent)
    except OSError as error:
        temp_path.unlink(missing_ok=True)
        raise _refusal(path, error) from error


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Every byte of `data`: a single write may take less, above all on a nearly full disk."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _write_temp(path: Path, data: bytes, mode: int) -> Path:
    temp_path = path.with_name(f".{path.name}.{uuid7()}.tmp")
    try:
        descriptor = os.open(temp_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            os.fchmod(descriptor, mode)  # the umask does not decide who reads a key or a configuration
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        temp_path.unlink(missing_ok=True)
        raise _refusal(path, error) from error
    return temp_path


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def _refusal(path: Path, error: OSError) -> StorageError:
    return StorageError(f"cannot write {path}: {error.strerror}", path=str(path), errno=error.errno)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
