"""What operators read by commands, recorded by the running server. See `gateway.admin.acts`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.errors import RefusedError
from gateway.ledger.readings import ReadAct, Reading, RecordReadings


class NoteReading(Change, kw_only=True):
    """An operator reads a document's timeline or takes its proof."""

    #: The message's whole id.
    document: Annotated[str, Meta(min_length=36, max_length=36)]
    act: Literal["shown", "proved"]


async def note_reading(desk: Desk, request: NoteReading, actor: str) -> Reply:
    """Recorded when this returns."""
    base = desk.foundation
    if await base.readers.fetch_one("message_get_summary", (request.document,)) is None:
        raise RefusedError("document_unknown", request.document)
    reading = Reading(
        message_id=request.document,
        actor=actor,
        act=ReadAct(request.act),
        channel="command",
        at=base.clock.now(),
    )
    await base.pump.submit(RecordReadings(), reading)
    return {"recorded": True}
