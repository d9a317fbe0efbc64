"""Archives each month that is over into `[archive] folder`, once; the oldest first.

A month is over when its last day is closed and the closing is signed. The file is copied under another name,
synced, made read-only, and only then gets its name, so no half file has it; a crash before leaves one that the
next run removes. Then comes the event, which tells that the month is done: whoever takes archives elsewhere has
none made anew, and a crash between the two has it made once more over the file that is there.

A folder that is not there (a disk that is not mounted) is not made. A month that is not archived `LATE` after its
end is told as late: in /readyz, `gateway status`, `gateway doctor`, a metric.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from gateway.admin.archives import Archives, MakeArchive
from gateway.bundle.format import SUFFIX
from gateway.clock import Clock
from gateway.condition import UNSEEN, UNSET, Condition, Health
from gateway.errors import GatewayError
from gateway.evidence.archiving import Month
from gateway.fsio import fsync_dir, replace_file, sync_file
from gateway.ledger.archives import ArchiveReads
from gateway.ledger.registers import RegisterReads
from gateway.observe import Metrics
from gateway.reconcile import bounds_of
from gateway.storage.readers import Readers

#: After a month's end; the alert GatewayArchiveLate says the same.
LATE: Final = timedelta(days=4)
READ_ONLY: Final = 0o400

_log = structlog.get_logger(__name__)


class Archiver:
    """One per server."""

    name = "archives"
    every = timedelta(hours=1)

    def __init__(
        self, archives: Archives, readers: Readers, *, folder: Path | None, clock: Clock, metrics: Metrics
    ) -> None:
        self.archives, self._readers, self._folder = archives, readers, folder
        self._clock, self._metrics = clock, metrics
        #: How it is.
        self.condition = UNSET if folder is None else UNSEEN

    async def run_once(self) -> None:
        """Every month that is due."""
        if self._folder is None:
            return
        fault, due = "", await self._due()
        while due and not fault:
            try:
                await self._make(due[0], self._folder)
            except (GatewayError, OSError) as error:
                fault = str(error)[:300]
                _log.warning("archive.failed", month=str(due[0]), detail=fault)
            due = await self._due()
        self._tell(due, fault)

    async def _due(self) -> list[Month]:
        """The months that are closed and not in the folder yet, oldest first; tells the metric."""
        first, last = await ArchiveReads(self._readers).first_day(), await RegisterReads(self._readers).last(1)
        if first is None:
            return []
        done = {each.month for each in await ArchiveReads(self._readers).made() if each.place == "folder"}
        month, found = Month.of(first), list[Month]()
        while month.last <= last[0].day:
            found += [month] if str(month) not in done else []
            month = month.next
        self._metrics.archives_until.set(bounds_of((found[0] if found else month).first)[0].timestamp())
        return found

    async def _make(self, month: Month, folder: Path) -> None:
        if not await asyncio.to_thread(folder.is_dir):
            raise FileNotFoundError(f"{folder} is not there")
        ask = MakeArchive(month=str(month), reason="the month is over")

        async def keep(file: BinaryIO) -> None:
            await asyncio.to_thread(put, file, folder / file_name(month))

        async with self.archives.made(ask, "gateway", keep=keep):
            pass
        _log.info("archive.made", month=str(month))

    def _tell(self, due: list[Month], fault: str) -> None:
        if not due:
            self.condition = Condition.fine("up to date")
            return
        is_late = self._clock.now() > bounds_of(due[0].last)[1] + LATE
        health = Health.LATE if is_late else Health.FAILING
        self.condition = Condition(health, f"{health}: {due[0]}: {fault}", f"chưa lưu trữ tháng {due[0]}: {fault}")


def file_name(month: Month) -> str:
    """That of a month's archive."""
    return f"ledger-{month}{SUFFIX}"


def put(file: BinaryIO, path: Path) -> None:
    """A copy of it, read-only and whole when it has that name. Blocks."""
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    try:
        with aside.open("xb") as target:
            os.fchmod(target.fileno(), READ_ONLY)
            file.seek(0)
            shutil.copyfileobj(file, target)
            target.flush()
            sync_file(target.fileno())
        replace_file(aside, path)
        fsync_dir(path.parent)
    finally:
        aside.unlink(missing_ok=True)
