"""What was destroyed, in a file beside the log's mark, outside of the data folder and of every backup.

A data folder that is restored from a copy knows nothing of orders that were made after the copy. So every document
that is destroyed is written here, one line of JSON each, synced, before its files are removed; a restore brings
none of them back, and the ledger is told of them again (`gateway.ledger.purged`). It holds ids and digests, no
text.

A line that a crash cut off at the end is written again; a file that cannot be read otherwise is a StorageError,
since whoever went on without it might bring back what was destroyed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from gateway.config.settings import LogSettings
from gateway.errors import StorageError
from gateway.fsio import fsync_dir, sync_file, write_all
from gateway.ledger.purged import Purged

_SUFFIX: Final = ".purged"


def list_of(settings: LogSettings) -> Path:
    """Where it lies: log.purged beside log.mark."""
    return settings.mark.with_suffix(_SUFFIX)


def read_list(path: Path) -> list[Purged]:
    """All of it, oldest first; blocks."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
    whole = lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines
    try:
        return [msgspec.json.decode(line, type=Purged) for line in whole]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} is not the list of what was destroyed: {error}", path=str(path)) from error


def append_list(path: Path, purged: Sequence[Purged]) -> None:
    """Add those that it lacks, durably; blocks."""
    known = {each.message for each in read_list(path)}
    fresh = [each for each in purged if each.message not in known]
    if not fresh:
        return
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _whole(descriptor))
            os.lseek(descriptor, 0, os.SEEK_END)
            write_all(descriptor, b"".join(msgspec.json.encode(each) + b"\n" for each in fresh))
            sync_file(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            fsync_dir(path.parent)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}", path=str(path)) from error


def _whole(descriptor: int) -> int:
    """The bytes of its whole lines."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).rfind(b"\n") + 1
