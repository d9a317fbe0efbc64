"""What a catalogue changes in the directory, as operations for the pump; see `gateway.directory.changes`.

Agencies and what is remembered of them for the next comparison are written together, so that a synchronisation that
was cut off goes on where it stopped. An agency that somebody has changed since it was read refuses the whole part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from gateway.clock import micros
from gateway.directory.changes import OneByOne, bump_version, refresh_words, write_rows
from gateway.directory.diff import DirectoryRows
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.history import EventRow
from gateway.model import AgencyId, EndpointId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteCatalogue:
    """A part of a synchronisation."""

    rows: DirectoryRows = field(default_factory=DirectoryRows)
    #: Rows of `catalogue_entry_upsert` and of `catalogue_entry_mark_missing`.
    entries: list[tuple[object, ...]] = field(default_factory=list)
    missing: list[tuple[int | None, AgencyId]] = field(default_factory=list)
    #: What was read of the agencies that change: (id, updated_at).
    read: list[tuple[AgencyId, int]] = field(default_factory=list)
    #: Agencies whose search words are written anew.
    words: list[AgencyId] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndSync:
    """A catalogue was taken in whole, or waits for a person."""

    endpoint_id: EndpointId
    held: bool
    #: Of the lists' bytes; of what they say, where it is held.
    digest: str
    counts: dict[str, int]
    facts: dict[str, object]
    #: Whether anything was changed, so that there is something to record.
    changed: bool
    actor: str
    now: datetime
    why: str


class WriteCatalogueOperation(OneByOne[WriteCatalogue, None]):
    """Writes a part."""

    name = "catalogue_write"

    async def _one(self, tx: Transaction, payload: WriteCatalogue) -> None:
        if payload.read and await tx.fetch("catalogue_find_changed_since", (json.dumps(payload.read),)):
            raise RefusedError("catalogue_disturbed")
        await write_rows(tx, payload.rows, with_those_below=False)
        await refresh_words(tx, payload.words)
        await tx.execute_many("catalogue_entry_upsert", payload.entries)
        await tx.execute_many("catalogue_entry_mark_missing", payload.missing)
        await history.append(tx, payload.events)
        if not payload.rows.empty:
            await bump_version(tx)


class EndSyncOperation(OneByOne[EndSync, bool]):
    """Remembers what it came to; whether that is news."""

    name = "catalogue_end_sync"

    async def _one(self, tx: Transaction, payload: EndSync) -> bool:
        at = micros(payload.now)
        if payload.held:
            params = {"endpoint_id": payload.endpoint_id, "digest": payload.digest, "at": at}
            counts = json.dumps(payload.counts, sort_keys=True)
            news = bool(await tx.fetch("catalogue_mark_held", params | {"counts": counts}))
        else:
            news = payload.changed
            params = {"endpoint_id": payload.endpoint_id, "lists_digest": payload.digest, "at": at}
            await tx.fetch("catalogue_mark_synced", params)
        if news:
            kind = Event.CATALOGUE_HELD if payload.held else Event.CATALOGUE_SYNCED
            await history.append(
                tx,
                [EventRow(kind=kind, at=payload.now, actor=payload.actor, facts=payload.facts, note=payload.why)],
            )
        return news
