"""The temporary folder of a run that was given none: it goes with the run, or with the next one after a crash.

It holds keys, tokens and a ledger of test offices. Whose run goes on holds the folder's lock; the kernel lets it go
at any death. What is not locked was left by a run that is no more: what still runs of it is ended, and it goes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR
from typing import Final

from gateway.admin.conformance_runs import end_all
from gateway.errors import EnvironmentRefusedError
from gateway.ids import uuid7
from gateway.storage.lock import LOCK_NAME, FolderLock

_PREFIX: Final = "gateway-conformance-"


@contextmanager
def own_folder() -> Iterator[Path]:
    """A new one, once those that were left are gone."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = FolderLock.acquire(folder, uuid7())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _remove_if_left(folder: Path) -> None:
    """Not of another user, though anybody may make one there, and not before its run has had time to lock it."""
    try:
        status = folder.lstat()
        if status.st_uid != os.getuid() or not S_ISDIR(status.st_mode) or not (folder / LOCK_NAME).exists():
            return
        lock = FolderLock.acquire(folder, uuid7())
    except (EnvironmentRefusedError, OSError):
        return
    try:
        end_all(folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.release()
