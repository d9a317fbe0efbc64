"""A drill: the newest copy is restored into a folder of its own, as after a disaster, and examined.

It runs in a process of its own (`gateway drill`), at the lowest priority, so that the server's work does not wait
for it; `gateway.maintenance.driller` starts it when it is due. What it restores is thrown away.
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.audit.findings import Severity
from gateway.backup.make import Progress
from gateway.backup.restore import Restored, Wanted, restore
from gateway.backup.shelf import Shelf
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import GatewayError, RefusedError


class DrillReport(msgspec.Struct, kw_only=True, frozen=True):
    """What a drill found; `gateway drill --json` prints exactly this."""

    ok: bool
    #: The copy, and when it was taken; "" and None when there is none.
    copy: str = ""
    taken_at: datetime | None = None
    seconds: float = 0.0
    documents: int = 0
    deliveries: int = 0
    events: int = 0
    #: Deliveries that a real restore would hold.
    held: int = 0
    #: Why it failed: a code of reasons or of fsck, and one sentence.
    code: str = ""
    detail: str = ""


async def drill(shelf: Shelf, settings: Settings, name: str, clock: Clock, progress: Progress) -> DrillReport:
    """Practise with the copy of that name, the newest when it is ""; what goes wrong is the report."""
    began = time.monotonic()
    folder = settings.backup.drill_folder
    names = shelf.names()
    copy = name or (names[-1] if names else "")
    if not copy:
        return DrillReport(ok=False, code="copy_unknown", detail=f"there is no copy in {shelf.folder}")
    _clear(folder)
    try:
        aside = dataclasses.replace(settings, storage=dataclasses.replace(settings.storage, folder=folder))
        wanted = Wanted(copy=copy, actor="gateway", note="drill", drill=True)
        done = await restore(shelf, aside, wanted, clock, progress)
    except (GatewayError, OSError) as error:
        code = error.code if isinstance(error, RefusedError) else "internal_error"
        detail = error.detail if isinstance(error, RefusedError) else str(error)
        return DrillReport(ok=False, copy=copy, seconds=time.monotonic() - began, code=code, detail=detail[:400])
    finally:
        _clear(folder)
    return _report(done, time.monotonic() - began)


def _report(done: Restored, seconds: float) -> DrillReport:
    counts, errors = done.report.counts, [e for e in done.report.findings if e.kind.severity is Severity.ERROR]
    return DrillReport(
        ok=done.report.ok,
        copy=done.manifest.copy,
        taken_at=done.manifest.taken_at,
        seconds=seconds,
        documents=counts.documents,
        deliveries=counts.deliveries,
        events=counts.events,
        held=done.epoch.held,
        code=errors[0].code if errors else "",
        detail=f"{errors[0].subject} {errors[0].detail}"[:400] if errors else "",
    )


def _clear(folder: Path) -> None:
    """Links into the backup folder are unlinked, never followed."""
    if folder.exists():
        shutil.rmtree(folder)
