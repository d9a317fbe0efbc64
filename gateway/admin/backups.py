"""What the running server is told of backups, which a process of its own makes: `backup.made` is recorded.

The command reads the data folder beside the server, so that neither the key nor the load of a backup is the
server's; it reports here when the copy has its name.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.admin.acts import Change, Desk, Instant, Reply
from gateway.backup.state import read_state, write_state
from gateway.clock import micros
from gateway.events import Event
from gateway.ledger.history import EventRow, RecordEvents


class NoteBackup(Change, kw_only=True):
    """A copy was made."""

    copy: Annotated[str, Meta(min_length=1, max_length=100)]
    taken_at: Instant
    #: Number of its last event.
    last_event: int
    bodies: int
    missing: int
    encrypted: bool


async def note_backup(desk: Desk, request: NoteBackup, actor: str) -> Reply:
    """Record it, and remember the newest whole copy for the metrics."""
    base = desk.foundation
    facts: dict[str, object] = {
        "copy": request.copy,
        "taken_at": micros(request.taken_at),
        "last_event": request.last_event,
        "bodies": request.bodies,
        "missing": request.missing,
        "encrypted": request.encrypted,
    }
    event = EventRow(kind=Event.BACKUP_MADE, at=base.clock.now(), actor=actor, facts=facts)
    await base.pump.submit(RecordEvents(), event)
    if not request.missing:
        folder = base.settings.storage.folder
        state = msgspec.structs.replace(read_state(folder), copy=request.copy, copied_at=request.taken_at)
        await asyncio.to_thread(write_state, folder, state)
    return {"copy": request.copy, "recorded": True}
