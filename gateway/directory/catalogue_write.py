"""Carries a plan out, some hundred agencies in a transaction, so that documents are accepted meanwhile.

While one part is being committed the next is prepared. Each part leaves the directory whole; one that is refused
because somebody has changed an agency meanwhile ends the synchronisation, which goes on from there the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from gateway.clock import micros
from gateway.directory.catalogue_changes import WriteCatalogue, WriteCatalogueOperation
from gateway.directory.catalogue_merge import Merged
from gateway.directory.catalogue_plan import Plan
from gateway.directory.changes import event_of
from gateway.directory.diff import Links, add_agency, change_agency
from gateway.directory.directory import record_of
from gateway.directory.pace import Pace
from gateway.directory.rows import AgencyRow
from gateway.events import Event
from gateway.ledger.history import EventRow
from gateway.ledger.params import as_json
from gateway.model import AgencyId, Endpoint
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: As many as hold the event loop for some twenty milliseconds.
_AT_ONCE = 300
_WORDS_AT_ONCE, _MARKS_AT_ONCE = 100, 4000
_WRITE = WriteCatalogueOperation()

#: Called with what is done, and how much of it.
Progress = Callable[[str, int, int], None]


class CatalogueWriter:
    """Writes one plan."""

    def __init__(
        self,
        pump: Pump,
        readers: Readers,
        endpoint: Endpoint,
        merged: Merged,
        plan: Plan,
        *,
        now: datetime,
        actor: str,
        progress: Progress,
    ) -> None:
        self._pump, self._readers, self._endpoint = pump, readers, endpoint
        self._merged, self._plan = merged, plan
        self._at, self._now, self._actor = now, micros(now), actor
        self._progress = progress
        #: How many agencies were.
        self.created = self.changed = self.closed = 0
        self._renamed: list[AgencyId] = []
        self._under_way: asyncio.Task[None] | None = None
        self._pace = Pace()

    async def write(self) -> None:
        """All of it, in the order in which one refers to the other."""
        try:
            await self._create()
            await self._change()
            await self._close()
            await self._mark()
            await self._refresh()
        finally:
            await self._settle()

    async def _create(self) -> None:
        places = self._plan.created
        for start in range(0, len(places), _AT_ONCE):
            part = WriteCatalogue()
            for place in places[start : start + _AT_ONCE]:
                key = self._plan.agency_of[place]
                row, links = self._wanted(place)
                add_agency(part.rows, key, row, links, self._now)
                part.entries.append(self._entry(key, place, self._now))
                await self._pace.step()
            await self._submit(part)
            self._progress("create", min(start + _AT_ONCE, len(places)), len(places))

    async def _change(self) -> None:
        changed = self._plan.changed
        for start in range(0, len(changed), _AT_ONCE):
            part = WriteCatalogue()
            known = {each.agency_id: (place, each) for place, each in changed[start : start + _AT_ONCE]}
            for row in await self._readers.fetch("agency_read_by_ids", (as_json(sorted(known)),)):
                record = record_of(row)
                place, before = known[record.id]
                late = self._plan.inherited.get(place, set())
                wanted, links = self._wanted(place)
                change_agency(part.rows, record, wanted, links, self._now, late=late)
                self._renamed += part.rows.searched[-1:]
                written = record.id in part.rows.changed[-1:]
                part.entries.append(self._entry(record.id, place, self._now if written else before.written_at))
                part.read.append((record.id, before.written_at))
                await self._pace.step()
            await self._submit(part)
            self._progress("change", min(start + _AT_ONCE, len(changed)), len(changed))

    async def _close(self) -> None:
        closed = self._plan.closed
        for start in range(0, len(closed), _AT_ONCE):
            part = WriteCatalogue()
            known = {each.agency_id: (place, each) for place, each in closed[start : start + _AT_ONCE]}
            for row in await self._readers.fetch("agency_read_by_ids", (as_json(sorted(known)),)):
                record = record_of(row)
                place, before = known[record.id]
                links = Links(successor_id=self._successor(place))
                change_agency(part.rows, record, AgencyRow(codes=(), closed=self._now), links, self._now)
                part.entries.append((record.id, self._endpoint.id, before.code, before.digest, self._now))
                part.read.append((record.id, before.written_at))
                part.events.append(self._closed(record.id, links.successor_id))
            await self._submit(part)
            self._progress("close", min(start + _AT_ONCE, len(closed)), len(closed))

    async def _mark(self) -> None:
        marks: list[tuple[int | None, AgencyId]] = [(self._now, each.agency_id) for each in self._plan.missing]
        marks += [(None, each.agency_id) for each in self._plan.returned]
        for start in range(0, len(marks), _MARKS_AT_ONCE):
            await self._submit(WriteCatalogue(missing=marks[start : start + _MARKS_AT_ONCE]))

    async def _refresh(self) -> None:
        """Search words of agencies hold the names of those above them, of which each may have thousands below it.

        Cut off before this, their words have the old names until something of them changes.
        """
        renamed = list(dict.fromkeys(self._renamed))
        rows = await self._readers.fetch("agency_list_ids_below", (as_json(renamed),)) if renamed else []
        below = [AgencyId(row[0]) for row in rows]
        for start in range(0, len(below), _WORDS_AT_ONCE):
            await self._submit(WriteCatalogue(words=below[start : start + _WORDS_AT_ONCE]))

    def _wanted(self, place: int) -> tuple[AgencyRow, Links]:
        """What the directory is to hold of an agency."""
        agency, plan = self._merged.agencies[place], self._plan
        codes, parent = agency.codes, self._parent_id(place)
        if place in plan.refused:
            refused = plan.refused[place]
            codes = tuple(code for code, form in zip(codes, agency.forms, strict=True) if form not in refused)
        row = AgencyRow(
            codes=codes,
            name=agency.name or None,
            kind=agency.kind,
            parent=self._merged.agencies[agency.parent].codes[0] if parent else "",
            endpoint=self._endpoint.name,
            # a new agency has a code that a closed one had from now on
            opened=self._now if place in plan.inherited else None,
            contact={"email": agency.email},
        )
        return row, Links(parent_id=parent, endpoint_id=self._endpoint.id)

    def _parent_id(self, place: int) -> AgencyId | None:
        parent = self._plan.agency_at(self._merged.agencies[place].parent, self._merged)
        return None if parent == self._plan.agency_of.get(place) else parent

    def _successor(self, place: int) -> AgencyId | None:
        if place < 0:
            return None
        successor = self._plan.agency_at(self._merged.agencies[place].successor, self._merged)
        return None if successor == self._plan.agency_of.get(place) else successor

    def _entry(self, key: AgencyId, place: int, written_at: int) -> tuple[object, ...]:
        # what was not taken whole is looked at again the next time
        digest = b"" if place in self._plan.refused else self._plan.digests[place]
        return key, self._endpoint.id, self._merged.agencies[place].form, digest, written_at

    def _closed(self, key: AgencyId, successor: AgencyId | None) -> EventRow:
        facts: dict[str, object] = {"agency": key, "closed_at": self._now}
        if successor is not None:
            facts["successor"] = successor
        return event_of(Event.AGENCY_CLOSED, self._at, self._actor, facts)

    async def _submit(self, part: WriteCatalogue) -> None:
        await self._settle()
        self.created += len(part.rows.created)
        self.closed += len(part.rows.closed)
        self.changed += len(part.rows.changed) - len(part.rows.closed)
        self._under_way = asyncio.create_task(self._pump.submit(_WRITE, part))

    async def _settle(self) -> None:
        task, self._under_way = self._under_way, None
        if task is not None:
            await task
