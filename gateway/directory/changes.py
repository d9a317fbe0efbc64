"""Changes of the directory, as operations for the pump: each with its event, in one transaction.

Whatever routing depends on also counts `directory_version` up; a pause, an outage and a recovery do not.
Submit through `Directory.apply`, which then forgets what it had looked up. Each payload of a batch is applied
for itself, in order: these are rare.

What a change is about and is not there, or not open, refuses the payload with RefusedError; an id that leads
nowhere breaks a foreign key, which is a StorageError: callers look ids up first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from gateway.clock import micros
from gateway.directory.diff import DirectoryRows, rowid_of
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.history import EventRow
from gateway.model import AgencyId, EndpointId, ServedBy
from gateway.storage.pump import Transaction

P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteRows:
    """A part of an import; the last one carries the event."""

    rows: DirectoryRows
    event: EventRow | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseAgency:
    """An agency ends at an instant; its codes and names end with it."""

    agency_id: AgencyId
    at: datetime
    successor_id: AgencyId | None
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetEndpoint:
    """An agency's deliveries take another channel from now on; None: none."""

    agency_id: AgencyId
    endpoint_id: EndpointId | None
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetServedBy:
    """Another system, or we, serve an agency from now on."""

    agency_id: AgencyId
    served_by: ServedBy
    actor: str
    now: datetime
    #: Why, for the event.
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AddRepresentation:
    """The agent may speak for the principal."""

    agent_id: AgencyId
    principal_id: AgencyId
    start: datetime
    end: datetime | None
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndRepresentation:
    """The agent may no longer speak for the principal."""

    agent_id: AgencyId
    principal_id: AgencyId
    at: datetime
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


class OneByOne(Generic[P, R]):
    """Applies each payload for itself; a refusal fails only its payload."""

    async def apply(self, tx: Transaction, payloads: Sequence[P]) -> Sequence[R | Exception]:
        """One result per payload."""
        results: list[R | Exception] = []
        for payload in payloads:
            try:
                results.append(await self._one(tx, payload))
            except RefusedError as error:
                results.append(error)
        return results

    async def _one(self, tx: Transaction, payload: P) -> R:
        raise NotImplementedError


class WriteRowsOperation(OneByOne[WriteRows, int]):
    """Writes what `gateway.directory.diff` found; gives back the directory's version."""

    name = "directory_write_rows"

    async def _one(self, tx: Transaction, payload: WriteRows) -> int:
        await write_rows(tx, payload.rows)
        if payload.event is not None:
            await history.append(tx, [payload.event])
        return await bump_version(tx)


class CloseAgencyOperation(OneByOne[CloseAgency, int]):
    """Closes; gives back the directory's version."""

    name = "agency_close"

    async def _one(self, tx: Transaction, payload: CloseAgency) -> int:
        params = {"id": payload.agency_id, "at": micros(payload.at)}
        found = await tx.fetch(
            "agency_close_if_open", params | {"successor_id": payload.successor_id, "now": micros(payload.now)}
        )
        if not found:
            raise RefusedError("state_forbids", "there is no such agency open at that instant")
        await tx.fetch("agency_code_end_with_agency", params)
        await tx.fetch("agency_name_end_with_agency", params)
        facts: dict[str, object] = {"agency": payload.agency_id, "closed_at": micros(payload.at)}
        if payload.successor_id is not None:
            facts["successor"] = payload.successor_id
        await history.append(
            tx, [event_of(Event.AGENCY_CLOSED, payload.now, payload.actor, facts, note=payload.why)]
        )
        return await bump_version(tx)


class SetEndpointOperation(OneByOne[SetEndpoint, int]):
    """Changes the way; gives back the directory's version."""

    name = "agency_set_endpoint"

    async def _one(self, tx: Transaction, payload: SetEndpoint) -> int:
        params = {"id": payload.agency_id, "endpoint_id": payload.endpoint_id, "now": micros(payload.now)}
        if not await tx.fetch("agency_set_endpoint", params):
            raise RefusedError("not_found", "there is no such agency")
        facts: dict[str, object] = {"agency": payload.agency_id, "endpoint": payload.endpoint_id}
        await history.append(
            tx, [event_of(Event.AGENCY_REROUTED, payload.now, payload.actor, facts, note=payload.why)]
        )
        return await bump_version(tx)


#: Who serves it -> the event that says so.
_SERVED = {
    "gateway": Event.AGENCY_TAKEN,
    "shadow": Event.AGENCY_WATCHED,
    "scripts": Event.AGENCY_RETURNED,
}


class SetServedByOperation(OneByOne[SetServedBy, bool]):
    """Changes who serves; whether anything changed."""

    name = "agency_set_served_by"

    async def _one(self, tx: Transaction, payload: SetServedBy) -> bool:
        params = {"id": payload.agency_id, "served_by": payload.served_by, "now": micros(payload.now)}
        if not await tx.fetch("agency_set_served_by", params):
            return False
        facts: dict[str, object] = {"agency": payload.agency_id}
        await history.append(
            tx, [event_of(_SERVED[payload.served_by], payload.now, payload.actor, facts, note=payload.why)]
        )
        await bump_version(tx)
        return True


class AddRepresentationOperation(OneByOne[AddRepresentation, int]):
    """Adds; gives back the directory's version."""

    name = "representation_add"

    async def _one(self, tx: Transaction, payload: AddRepresentation) -> int:
        start = micros(payload.start)
        end = None if payload.end is None else micros(payload.end)
        if payload.agent_id == payload.principal_id or (end is not None and end <= start):
            raise RefusedError("parameter_invalid", "agent and principal differ, and the end follows the start")
        pair = {"agent_id": payload.agent_id, "principal_id": payload.principal_id}
        await tx.fetch("representation_insert_new", pair | {"valid_from": start, "valid_until": end})
        facts: dict[str, object] = {
            "agent": payload.agent_id, "principal": payload.principal_id, "from": start, "until": end,
        }  # fmt: skip
        await history.append(
            tx, [event_of(Event.REPRESENTATION_ADDED, payload.now, payload.actor, facts, note=payload.why)]
        )
        return await bump_version(tx)


class EndRepresentationOperation(OneByOne[EndRepresentation, int]):
    """Ends; gives back the directory's version."""

    name = "representation_end"

    async def _one(self, tx: Transaction, payload: EndRepresentation) -> int:
        pair = {"agent_id": payload.agent_id, "principal_id": payload.principal_id, "at": micros(payload.at)}
        if not await tx.fetch("representation_end_if_valid", pair):
            raise RefusedError("not_found", "there is no such representation at that instant")
        facts: dict[str, object] = {
            "agent": payload.agent_id, "principal": payload.principal_id, "until": micros(payload.at),
        }  # fmt: skip
        await history.append(
            tx, [event_of(Event.REPRESENTATION_ENDED, payload.now, payload.actor, facts, note=payload.why)]
        )
        return await bump_version(tx)


async def write_rows(tx: Transaction, rows: DirectoryRows, *, with_those_below: bool = True) -> None:
    """Agencies, their codes and names, and the words of searches.

    The words of an agency hold its parent's names, so those of all agencies below one change with it.
    """
    await tx.execute_many("agency_insert_new", rows.agencies_new)
    await tx.execute_many("agency_update_fields", rows.agencies_changed)
    touched = [(key,) for key in rows.changed]
    await tx.execute_many("agency_code_end", rows.codes_ended)
    await tx.execute_many("agency_name_end", rows.names_ended)
    await tx.execute_many("agency_code_delete_empty", touched)
    await tx.execute_many("agency_name_delete_empty", touched)
    await tx.execute_many("agency_code_insert_new", rows.codes_new)
    await tx.execute_many("agency_name_insert_new", rows.names_new)
    # in the order of their numbers: FTS writes out what it has gathered whenever a smaller number follows
    await tx.execute_many("agency_search_insert_new", sorted(rows.words_new))
    searched = list(rows.searched)
    if searched and with_those_below:
        below = await tx.fetch("agency_list_ids_below", (json.dumps(searched),))
        searched += [AgencyId(row[0]) for row in below]
    await refresh_words(tx, searched)


async def refresh_words(tx: Transaction, ids: Sequence[AgencyId]) -> None:
    """Write the search words of agencies anew."""
    numbered = sorted((rowid_of(key), key) for key in set(ids))
    await tx.execute_many("agency_search_delete", [(rowid,) for rowid, _ in numbered])
    await tx.execute_many("agency_search_insert", numbered)


async def bump_version(tx: Transaction) -> int:
    """Count one change of what routing depends on."""
    return int((await tx.fetch("directory_version_bump"))[0][0])


def event_of(kind: Event, at: datetime, actor: str, facts: dict[str, object], *, note: str = "") -> EventRow:
    """An event without message."""
    return EventRow(kind=kind, at=at, actor=actor, facts=facts, note=note)
