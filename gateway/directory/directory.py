"""Who the agencies are, by any of their codes, at any instant, and how to reach them.

Lookups are indexed SQL through the readers; what was looked up last is kept in bounded maps, so that a
catalogue of 125,000 agencies never lies in memory and a hot lookup costs microseconds. Only endpoints, of
which there are as many as peers, are all held.

Guarantees: a lookup that began after `reload` returned sees the change that was committed before; one that
was under way does not put its older answer into the maps. `version` counts the changes that concern routing
and is what a message records. Codes are compared by their canonical form, answers are keyed as asked.

A code that nobody holds at the instant asked for leads to whoever held it last: a closed agency (with
`closed_at` and `successor_id`), or one that has changed its code and still gets letters under the old one.

It does NOT write: `gateway.directory.changes` does, through `apply` here, so that no change is forgotten.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from gateway.clock import Clock, micros
from gateway.directory.endpoints import EndpointState, endpoint_of
from gateway.directory.fold import words
from gateway.directory.lru import Lru
from gateway.directory.records import Code, Holder, Name, Record, holder_at
from gateway.edxml.organ_ids import canonical
from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId, Endpoint, EndpointId, ServedBy
from gateway.storage.pump import Operation, Pump
from gateway.storage.readers import Readers

P = TypeVar("P")
R = TypeVar("R")

#: Matches that a search looks at; a vaguer question is answered from these.
_MOST_MATCHES = 2000

_codes = msgspec.json.Decoder(tuple[Code, ...])
_names = msgspec.json.Decoder(tuple[Name, ...])
_contact = msgspec.json.Decoder(dict[str, str])


class Directory:
    """Reads agencies and endpoints."""

    def __init__(
        self, readers: Readers, *, clock: Clock, remember: int = 8192, served_by: ServedBy = "gateway"
    ) -> None:
        self._readers = readers
        self._clock = clock
        #: Who serves agencies of which no act says it.
        self._served_by = served_by
        self._holders: Lru[str, tuple[Holder, ...]] = Lru(remember)
        self._records: Lru[AgencyId, Record] = Lru(remember)
        self._relations: Lru[tuple[str, AgencyId], tuple[Holder, ...]] = Lru(remember)
        self._states: dict[EndpointId, EndpointState] = {}
        self._shared_names: frozenset[str] | None = None
        self._version = 0
        self._generation = 0
        #: Held by whoever compares files or catalogues with the directory and writes the difference.
        self.writing = asyncio.Lock()

    @property
    def version(self) -> int:
        """How often what routing depends on has changed."""
        return self._version

    async def reload(self) -> None:
        """Read version and endpoints, and forget everything else; call it once before the first lookup."""
        self._generation += 1
        for cache in (self._holders, self._records, self._relations):
            cache.clear()
        self._shared_names = None
        row = await self._readers.fetch_one("directory_version_read")
        self._version = row[0] if row else 0
        await self.reload_endpoints()
        self._generation += 1

    async def reload_endpoints(self) -> None:
        """Read the endpoints again; enough after a pause, an outage, a recovery."""
        states = [endpoint_of(row) for row in await self._readers.fetch("endpoint_list_all")]
        self._states = {state.endpoint.id: state for state in states}

    async def apply(self, pump: Pump, operation: Operation[P, R], payload: P) -> R:
        """Submit a change and forget what it may have changed."""
        try:
            return await pump.submit(operation, payload)
        finally:
            await self.reload()

    async def resolve(self, codes: Iterable[str], at: datetime) -> dict[str, Agency]:
        """The agencies of the codes as they were at an instant; unknown codes are absent."""
        holders = await self._holders_of(dict.fromkeys(codes))
        when = micros(at)
        owners = {code: owner for code, held in holders.items() if (owner := holder_at(held, when)) is not None}
        records = await self.records(owners.values())
        return {code: self._view(records[owner], when) for code, owner in owners.items() if owner in records}

    async def require(self, code: str, at: datetime) -> Agency:
        """The agency of one code at an instant; RefusedError when there is none."""
        found = (await self.resolve([code], at)).get(code)
        if found is None:
            raise RefusedError("agency_unknown", code)
        return found

    async def agencies(self, ids: Iterable[AgencyId], at: datetime | None = None) -> dict[AgencyId, Agency]:
        """The agencies of the ids, now or at an instant."""
        when = micros(at or self._clock.now())
        return {key: self._view(record, when) for key, record in (await self.records(ids)).items()}

    async def records(self, ids: Iterable[AgencyId]) -> dict[AgencyId, Record]:
        """Everything known of the agencies over time."""
        found: dict[AgencyId, Record] = {}
        missing: list[AgencyId] = []
        for key in dict.fromkeys(ids):
            record = self._records.get(key)
            if record is None:
                missing.append(key)
            else:
                found[key] = record
        if missing:
            generation = self._generation
            rows = await self._readers.fetch("agency_read_by_ids", (json.dumps(missing),))
            for record in map(record_of, rows):
                record.served_by = record.served_by or self._served_by
                found[record.id] = record
                if generation == self._generation:
                    self._records.put(record.id, record)
        return found

    async def phones(self, ids: Iterable[AgencyId]) -> dict[AgencyId, str]:
        """The telephone numbers of some agencies; "" where none is known."""
        ids = tuple(ids)
        records = await self.records(ids)
        return {key: records[key].contact.get("phone", "") if key in records else "" for key in ids}

    async def endpoint(self, endpoint_id: EndpointId) -> Endpoint | None:
        """One endpoint."""
        state = self._states.get(endpoint_id)
        return None if state is None else state.endpoint

    async def endpoints(self) -> list[Endpoint]:
        """All endpoints by name."""
        return [state.endpoint for state in self._states.values()]

    async def endpoint_states(self) -> list[EndpointState]:
        """All of them with what operators ask about, as the database has it now."""
        await self.reload_endpoints()
        return list(self._states.values())

    async def of_one_agency(self) -> dict[EndpointId, Agency]:
        """The agencies of the endpoints that lead to one alone: people call such a channel by its name."""
        rows = await self._readers.fetch("endpoint_list_of_one_agency")
        found = await self.agencies([AgencyId(row[1]) for row in rows])
        return {EndpointId(row[0]): found[AgencyId(row[1])] for row in rows if row[1] in found}

    async def represented_by(self, agency_id: AgencyId, at: datetime) -> frozenset[AgencyId]:
        """Whom an agency may speak for: itself, its principals, and the closed agencies it has succeeded."""
        return await self._related(agency_id, at, ("representation_list_principals", "agency_list_predecessors"))

    async def predecessors_of(self, agency_id: AgencyId, at: datetime) -> frozenset[AgencyId]:
        """The closed agencies that an agency has succeeded, over any number of steps."""
        return await self._related(agency_id, at, ("agency_list_predecessors",)) - {agency_id}

    async def agents_of(self, agency_id: AgencyId, at: datetime) -> frozenset[AgencyId]:
        """Who may speak for an agency: itself, its agents, and its successors once it is closed."""
        return await self._related(agency_id, at, ("representation_list_agents", "agency_list_successors"))

    async def search(self, text: str, *, limit: int, after: AgencyId | None = None) -> list[Agency]:
        """Agencies whose names (with their parent's) or codes hold the words given; the last may be unfinished."""
        asked = words(text)
        if not asked:
            return []
        exact = [f'"{word}"' for word in asked]
        # whole words but for the last, which somebody is typing; when that finds nothing, beginnings of words
        for question in (" ".join(exact) + "*", " ".join(f"{word}*" for word in exact)):
            params = {"question": question, "phrase": " ".join(asked), "most": _MOST_MATCHES}
            rows = await self._readers.fetch("agency_search_words", params | {"after": after, "limit": limit})
            first = {"after": None, "limit": 1}
            if rows or (after and await self._readers.fetch("agency_search_words", params | first)):
                return await self._in_order(rows)
        return []

    async def shared_names(self) -> frozenset[str]:
        """Names, folded, that several agencies bear or bore; read again after a change."""
        if self._shared_names is None:
            self._shared_names = frozenset(row[0] for row in await self._readers.fetch("agency_name_list_shared"))
        return self._shared_names

    async def children(
        self, parent_id: AgencyId | None, *, limit: int, after: AgencyId | None = None
    ) -> list[Agency]:
        """A page of the agencies directly below one; None: of those below none."""
        params = {"parent_id": parent_id, "after": after or "", "limit": limit}
        return await self._in_order(await self._readers.fetch("agency_list_children", params))

    async def page(self, *, limit: int, after: AgencyId | None = None) -> list[Agency]:
        """A page of all agencies."""
        return await self._in_order(
            await self._readers.fetch("agency_list_all", {"after": after or "", "limit": limit})
        )

    async def _in_order(self, rows: Sequence[tuple[Any, ...]]) -> list[Agency]:
        ids = [AgencyId(row[0]) for row in rows]
        found = await self.agencies(ids)
        return [found[key] for key in ids if key in found]

    def _view(self, record: Record, at: int) -> Agency:
        state = None if record.endpoint_id is None else self._states.get(record.endpoint_id)
        return record.at(at, None if state is None else state.endpoint)

    async def _holders_of(self, codes: Iterable[str]) -> dict[str, tuple[Holder, ...]]:
        """Who holds and held each code, keyed as asked."""
        found: dict[str, tuple[Holder, ...]] = {}
        missing: dict[str, str] = {}
        for code in codes:
            held = self._holders.get(code)
            if held is None:
                missing[code] = canonical(code)
            else:
                found[code] = held
        if missing:
            generation = self._generation
            known = await find_holders(self._readers, missing.values())
            for code, form in missing.items():
                found[code] = known.get(form, ())
                # unknown codes come from outside without end: they would push the known ones out
                if found[code] and generation == self._generation:
                    self._holders.put(code, found[code])
        return found

    async def _related(self, agency_id: AgencyId, at: datetime, names: tuple[str, ...]) -> frozenset[AgencyId]:
        when = micros(at)
        related = {agency_id}
        for name in names:
            holders = self._relations.get((name, agency_id))
            if holders is None:
                generation = self._generation
                rows = await self._readers.fetch(name, (agency_id,))
                holders = tuple(Holder(AgencyId(other), start, end) for other, start, end in rows)
                if generation == self._generation:
                    self._relations.put((name, agency_id), holders)
            related.update(holder.agency_id for holder in holders if holder.period.holds(when))
        return frozenset(related)


async def find_holders(readers: Readers, canonicals: Iterable[str]) -> dict[str, tuple[Holder, ...]]:
    """Who holds and held each canonical code; those nobody ever held are absent."""
    asked = json.dumps(list(dict.fromkeys(canonicals)))
    found: dict[str, list[Holder]] = {}
    for form, owner, start, end in await readers.fetch("agency_code_find_holders", (asked,)):
        found.setdefault(form, []).append(Holder(AgencyId(owner), start, end))
    return {form: tuple(holders) for form, holders in found.items()}


def record_of(row: tuple[Any, ...]) -> Record:
    """A row of `agency_read_by_ids`."""
    key, kind, parent, endpoint, contact, opened, closed, successor, sandbox, quota, served_by, codes, names = row
    return Record(
        id=key,
        kind=kind,
        parent_id=parent,
        endpoint_id=endpoint,
        contact=_contact.decode(contact),
        opened=opened,
        closed=closed,
        successor_id=successor,
        sandbox=bool(sandbox),
        daily_quota_bytes=quota,
        served_by=served_by,
        codes=_codes.decode(codes),
        names=_names.decode(names),
    )
