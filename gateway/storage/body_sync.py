"""How one finished body becomes durable: the thread's side of `Bodies.keep`.

1. Sync its bytes, through the descriptor that wrote them.
2. Link it under its digest; one that is there already must have the right length, else it is set aside.
3. Sync the directory; all 256 of them were made and synced when the store was opened.

Many bodies go through at once, each in a thread of its own, and the file system's journal groups their syncs.
Rounds of our own (all files, then each directory once) were measured and lost: digests scatter, so hardly two
bodies of a round share a directory, and every body waits for the slowest of its round (at 5 ms per sync and 16
threads 640 bodies/s against 930). A second level of directories was measured and lost too: nearly every body
makes one and syncs the one above, while the file system's index finds a name among hundreds of thousands.

A failure in steps 1 and 2 is that body's own. After one in step 3 every further keep is refused: the kernel
may have dropped what it could not write, and a second sync would then bring a false yes.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import StorageError
from gateway.fsio import fsync_dir, link_file, sync_data
from gateway.ids import uuid7
from gateway.storage.driver import refusal_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """One body on its way to its name."""

    #: The descriptor its bytes were written through; closed here.
    descriptor: int
    #: Its file in the spool.
    source: Path
    #: Its name by digest.
    target: Path
    #: Length of the file, header included.
    size: int
    #: Whether the file in the spool stays.
    leave_source: bool


class BodySync:
    """What the threads of one store share."""

    def __init__(self, root: Path, quarantine: Path) -> None:
        self._quarantine = quarantine
        self._replacing = threading.Lock()
        #: Why nothing may be kept any more; None when all is well.
        self.broken: str | None = None
        # made once, all of them: `keep` makes no directory, and has one to sync
        for number in range(256):
            (root / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        fsync_dir(root)

    def keep(self, keeping: Keeping) -> None:
        """All three steps; the spool file goes in any case unless it is to stay."""
        try:
            self._link(keeping)
        except OSError as error:
            raise refusal_of(error, "A body could not be kept") from error
        finally:
            if not keeping.leave_source:
                with contextlib.suppress(OSError):  # what stays in the spool is swept
                    os.unlink(keeping.source)  # noqa: PTH108 - hot, and pathlib costs as much as the call
        try:
            fsync_dir(keeping.target.parent)
        except OSError as error:
            self.broken = f"{error.filename or keeping.target.parent} could not be synced ({error.strerror})"
            raise self.refusal() from error

    def refusal(self) -> StorageError:
        """What callers get once `broken`."""
        return StorageError(f"{self.broken}; restart the gateway after checking the disk")

    def set_aside(self, path: Path) -> Path:
        """Move a damaged body into the quarantine, under a name of its own."""
        aside = self._quarantine / f"{path.name}.{uuid7()}"
        path.rename(aside)
        fsync_dir(self._quarantine)
        fsync_dir(path.parent)
        return aside

    def _link(self, keeping: Keeping) -> None:
        try:
            sync_data(keeping.descriptor)
        finally:
            os.close(keeping.descriptor)
        try:
            link_file(keeping.source, keeping.target)
        except FileExistsError:
            self._accept_or_replace(keeping)

    def _accept_or_replace(self, keeping: Keeping) -> None:
        """What is there stays if its length is right; one at a time, or a good copy could be set aside."""
        with self._replacing:
            if keeping.target.stat().st_size != keeping.size:
                self.set_aside(keeping.target)
                with contextlib.suppress(FileExistsError):  # a first link, which takes no lock, was faster
                    link_file(keeping.source, keeping.target)
