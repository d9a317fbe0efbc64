"""Bundles of many documents as one file, made while the person does something else.

One export of each person at a time: documents in turn, each with its own event and its own look-up on record, into
a file without a name, which is gone when it was not fetched in time or the server ends. A document that makes no
bundle is named in the file `missing.txt`; the others are there all the same. Where the file itself cannot be
written, or the disk is short of what documents need, the export has failed, and another one can be begun.
"""

from __future__ import annotations

import asyncio
import shutil
import zipfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Final, TypeAlias

import structlog

from gateway.admin.export import ExportDocument, exported, with_reason
from gateway.bundle.format import SUFFIX
from gateway.errors import GatewayError, RefusedError
from gateway.foundation import Foundation
from gateway.intake import Room
from gateway.ledger.inquiries import LookupAct, record_lookup
from gateway.signing import SealingKey
from gateway.storage.driver import refusal_of

_log: Any = structlog.get_logger("gateway.inquiry")
#: Documents of one export.
MOST_DOCUMENTS: Final = 500
#: How long a finished one is kept.
KEPT_FOR: Final = timedelta(hours=1)
#: A bundle and its copy in the file.
_COPIES: Final = 2

#: Has bytes of the disk promised, or refuses.
HasRoom: TypeAlias = Callable[[int], AbstractContextManager[Room]]


@dataclass(kw_only=True, eq=False)
class BulkExport:
    """One of them, as it grows."""

    actor: str
    documents: Sequence[str]
    began_at: datetime
    done: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    #: There will be no file: code of a reason.
    failed: str = ""
    finished_at: datetime | None = None
    file: BinaryIO | None = None
    task: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self.file.seek(0, 2) if self.file is not None else 0


class BulkExports:
    """One per console."""

    def __init__(self) -> None:
        self._exports: dict[str, BulkExport] = {}

    def of(self, actor: str, now: datetime) -> BulkExport | None:
        """That of a person, unless it has been kept too long."""
        found = self._exports.get(actor)
        if found is not None and found.finished_at is not None and now - found.finished_at > KEPT_FOR:
            self._drop(actor)
            return None
        return found

    def begin(
        self,
        base: Foundation,
        key: SealingKey,
        room: HasRoom,
        *,
        actor: str,
        documents: Sequence[str],
        reason: str,
    ) -> BulkExport:
        """Begin another one in place of the last; RefusedError while that is being made."""
        now = base.clock.now()
        if not 1 <= len(documents) <= MOST_DOCUMENTS:
            raise RefusedError("parameter_invalid", f"documents: 1 to {MOST_DOCUMENTS}")
        last = self.of(actor, now)
        if last is not None and last.finished_at is None:
            raise RefusedError("export_running")
        self._drop(actor)
        export = BulkExport(actor=actor, documents=tuple(documents), began_at=now, file=base.bodies.unnamed())
        self._exports[actor] = export
        export.task = asyncio.create_task(self._make(base, key, room, export, reason), name=f"export:{actor}")
        return export

    async def _make(
        self, base: Foundation, key: SealingKey, room: HasRoom, export: BulkExport, reason: str
    ) -> None:
        try:
            await _write(base, key, room, export, reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told, and may begin anew
            found = refusal_of(error, "export") if isinstance(error, OSError) else error
            export.failed = found.code if isinstance(found, RefusedError) else "internal_error"
            _log.warning("export.failed", actor=export.actor, done=export.done, exc_info=error)
            _close(export)
        export.finished_at = base.clock.now()
        # its owner may never come back
        asyncio.get_running_loop().call_later(KEPT_FOR.total_seconds(), self._forget, export)

    def _forget(self, export: BulkExport) -> None:
        if self._exports.get(export.actor) is export:
            self._drop(export.actor)

    async def close(self) -> None:
        """Give up what is being made."""
        running = [each.task for each in self._exports.values() if each.task is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for actor in list(self._exports):
            self._drop(actor)

    def _drop(self, actor: str) -> None:
        export = self._exports.pop(actor, None)
        if export is not None:
            _close(export)


def _close(export: BulkExport) -> None:
    if export.file is not None:
        export.file.close()
        export.file = None


async def _write(base: Foundation, key: SealingKey, room: HasRoom, export: BulkExport, reason: str) -> None:
    assert export.file is not None
    with zipfile.ZipFile(export.file, "w") as archive:
        for document in export.documents:
            with room(_COPIES * await size_of(base, document)):
                try:
                    await _add(base, key, archive, export.actor, document, reason)
                except GatewayError as error:
                    export.missing[document] = str(error)
            export.done += 1
        if export.missing:
            lines = "".join(f"{document}: {why}\n" for document, why in export.missing.items())
            archive.writestr("missing.txt", lines)


async def size_of(base: Foundation, document: str) -> int:
    """Of a document's body, which is nearly all of its bundle."""
    row = await base.readers.fetch_one("message_get_summary", (document,))
    return int(row[9]) if row is not None else 0


async def _add(
    base: Foundation, key: SealingKey, archive: zipfile.ZipFile, actor: str, document: str, reason: str
) -> None:
    ask = ExportDocument(document=document, reason=reason)
    await record_lookup(
        base.pump,
        act=LookupAct.EXPORTED,
        actor=actor,
        question=with_reason(document, reason),
        found=1,
        now=base.clock.now(),
    )
    async with exported(base, key, ask, actor, is_inspection=True) as file:
        file.seek(0)
        with archive.open(f"{document}{SUFFIX}", "w", force_zip64=True) as entry:
            await asyncio.to_thread(shutil.copyfileobj, file, entry)
