"""Lines of the ledger as a file: CSV and XLSX of all that fit a filter.

A file is written whole before the first byte of it leaves, so that who took which lines, and how many, is on record
by then (`gateway.console.looks`). It grows only while the disk has room for documents, too. It has no name there,
and is gone when it was sent or given up.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.clock import VIETNAM
from gateway.console.headers import saved
from gateway.console.ledger import Asked, asked_of, rows_of
from gateway.console.ledger_columns import Row, for_file
from gateway.console.looks import looked_up
from gateway.console.pieces import hand_out, length, of_file
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.errors import RefusedError
from gateway.ledger.inquiries import LookupAct
from gateway.ratelimit import AtOnce
from gateway.search.export import csv_of, write_xlsx
from gateway.search.lines import Search

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: After that nobody writes a file any more.
_LEFT_SECONDS: Final = 6 * 3600
#: What is written before the disk is looked at again is less.
_BLOCK_BYTES: Final = 4 * 1024 * 1024
#: Files that are written at once: each takes a processor and room on the disk. Of one person one.
_places: Final = asyncio.Semaphore(2)
_own: Final = AtOnce(1, "files")

_Writing: TypeAlias = Callable[[Visit, Asked, "_Counted", Path], Awaitable[None]]


class _Counted:
    """The lines of a filter as they are written, and how many they were."""

    def __init__(self, visit: Visit, asked: Asked) -> None:
        self._visit, self._asked = visit, asked
        self.lines = 0

    async def __aiter__(self) -> AsyncIterator[list[Row]]:
        search = Search(self._visit.base.readers)
        async for lines in search.all(self._asked.filter, self._visit.scope):
            self._visit.parts.server.gateway.intake.check_room(_BLOCK_BYTES)
            self.lines += len(lines)
            yield await rows_of(self._visit, lines)


async def as_csv(visit: Visit) -> web.StreamResponse:
    """Every line that fits."""
    return await _file(visit, "csv", "text/csv", _write_csv)


async def as_xlsx(visit: Visit) -> web.StreamResponse:
    """The same as a sheet."""
    return await _file(visit, "xlsx", _XLSX, _write_xlsx)


async def _write_csv(visit: Visit, asked: Asked, rows: _Counted, path: Path) -> None:
    with await asyncio.to_thread(path.open, "wb") as file:
        async for piece in csv_of(rows, for_file(visit, asked.columns)):
            await asyncio.to_thread(file.write, piece)


async def _write_xlsx(visit: Visit, asked: Asked, rows: _Counted, path: Path) -> None:
    await write_xlsx(rows, for_file(visit, asked.columns), path, sheet=visit.gettext("Ledger"))


async def _file(visit: Visit, kind: str, media_type: str, write: _Writing) -> web.StreamResponse:
    asked, response = asked_of(visit), web.StreamResponse(headers=saved(name_of(visit.at, kind)))
    response.content_type = media_type
    if _places.locked():
        raise RefusedError("rate_limited", "two files are being written; try again in a minute", retry_after=60)
    with _own.one(visit.user.id):
        async with _places:
            file, lines = await _written(visit, asked, write)
        with file:
            await looked_up(visit, LookupAct.TAKEN, f"{kind}: {asked.filter.address}", lines)
            response.content_length = length(file)
            return await hand_out(visit, response, of_file(file))


async def _written(visit: Visit, asked: Asked, write: _Writing) -> tuple[BinaryIO, int]:
    """The file, open, and its lines; it has no name any more."""
    staging = await asyncio.to_thread(_staging, visit.base.settings.storage.folder)
    with tempfile.TemporaryDirectory(dir=staging, prefix="sheet-") as folder:
        path, rows = Path(folder) / "ledger", _Counted(visit, asked)
        await write(visit, asked, rows, path)
        return await asyncio.to_thread(path.open, "rb"), rows.lines


def _staging(folder: Path) -> Path:
    """Where files are made; what a crash left there goes."""
    staging = folder / "staging"
    staging.mkdir(mode=0o700, exist_ok=True)
    for left in staging.glob("sheet-*"):
        if left.stat().st_mtime < time.time() - _LEFT_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    return staging


def name_of(at: datetime, suffix: str) -> str:
    """With day and hour of Vietnam."""
    return f"so-giao-nhan-{at.astimezone(VIETNAM):%Y%m%d-%H%M}.{suffix}"


ROUTES: Final = (
    Route("GET", "/ledger/lines.csv", as_csv, Permission.VIEW_OWN),
    Route("GET", "/ledger/lines.xlsx", as_xlsx, Permission.VIEW_OWN),
)
