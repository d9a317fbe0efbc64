"""Changes of endpoints, as operations for the pump; see `gateway.directory.changes`.

A pause counts as time in which nothing gets through, like an outage: `down_since` is when it began. Resuming
and the first success after an outage give the time since then back to what waited, in the same transaction.
Submit through `Directory.apply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from gateway.clock import instant, micros
from gateway.directory.changes import OneByOne, bump_version, event_of
from gateway.directory.endpoints import capabilities_of
from gateway.errors import ConfigError, RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.ages import shift_ages
from gateway.model import EndpointId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class UpsertEndpoint:
    """An endpoint by its name; its id and state stay when it exists."""

    name: str
    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)
    #: Checked: an unknown key is refused.
    capabilities: Mapping[str, object] = field(default_factory=dict)
    is_relay: bool = False
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""
    #: What is recorded, and what its leaf says beside the endpoint.
    event: Event = Event.ENDPOINT_CONFIGURED
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetEndpointPace:
    """How many transmissions may be under way to it at once; nothing else of it changes."""

    endpoint_id: EndpointId
    most: int
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetEndpointOrder:
    """In which order what waits goes; nothing else of it changes."""

    endpoint_id: EndpointId
    oldest_first: bool
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseEndpoint:
    """Send nothing until an instant."""

    endpoint_id: EndpointId
    until: datetime
    why: str
    actor: str
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeEndpoint:
    """Send again."""

    endpoint_id: EndpointId
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""
    #: Only a pause whose time has come: somebody may have put its end off meanwhile.
    if_over: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkEndpoint:
    """Nothing gets through since now, or again."""

    endpoint_id: EndpointId
    up: bool
    #: Reason code of what failed; "" when up.
    reason: str = ""
    now: datetime


class UpsertEndpointOperation(OneByOne[UpsertEndpoint, EndpointId]):
    """Makes or changes; gives back the id."""

    name = "endpoint_upsert"

    async def _one(self, tx: Transaction, payload: UpsertEndpoint) -> EndpointId:
        try:
            capabilities_of(payload.capabilities)
        except ConfigError as error:
            raise RefusedError("parameter_invalid", str(error)) from error
        configuration = {
            "id": uuid7(),
            "name": payload.name,
            "kind": payload.kind,
            "settings": _json(payload.settings),
            "capabilities": _json(payload.capabilities),
            "is_relay": int(payload.is_relay),
        }
        endpoint_id = EndpointId((await tx.fetch("endpoint_upsert_configuration", configuration))[0][0])
        facts: dict[str, object] = {"endpoint": endpoint_id, "kind": payload.kind, "is_relay": payload.is_relay}
        facts |= payload.facts
        await history.append(tx, [event_of(payload.event, payload.now, payload.actor, facts, note=payload.why)])
        await bump_version(tx)
        return endpoint_id


async def _configured(
    tx: Transaction,
    ask: SetEndpointPace | SetEndpointOrder,
    rows: Sequence[Sequence[Any]],
    facts: Mapping[str, object],
) -> None:
    """One thing of an endpoint was set; `rows`: its kind and whether it is a relay, or nothing where none is."""
    if not rows:
        raise RefusedError("not_found", "there is no such endpoint")
    told = {"endpoint": ask.endpoint_id, "kind": rows[0][0], "is_relay": bool(rows[0][1]), **facts}
    await history.append(tx, [event_of(Event.ENDPOINT_CONFIGURED, ask.now, ask.actor, told, note=ask.why)])
    await bump_version(tx)


class SetEndpointPaceOperation(OneByOne[SetEndpointPace, None]):
    """Sets it, whatever else was changed meanwhile."""

    name = "endpoint_set_pace"

    async def _one(self, tx: Transaction, payload: SetEndpointPace) -> None:
        params = {"id": payload.endpoint_id, "most": payload.most}
        rows = await tx.fetch("endpoint_set_most_in_flight", params)
        await _configured(tx, payload, rows, {"max_in_flight": payload.most})


class SetEndpointOrderOperation(OneByOne[SetEndpointOrder, None]):
    """Sets it, whatever else was changed meanwhile."""

    name = "endpoint_set_order"

    async def _one(self, tx: Transaction, payload: SetEndpointOrder) -> None:
        params = {"id": payload.endpoint_id, "oldest_first": int(payload.oldest_first)}
        rows = await tx.fetch("endpoint_set_order", params)
        await _configured(tx, payload, rows, {"oldest_first": payload.oldest_first})


class PauseEndpointOperation(OneByOne[PauseEndpoint, datetime]):
    """Pauses; gives back since when nothing gets through."""

    name = "endpoint_pause"

    async def _one(self, tx: Transaction, payload: PauseEndpoint) -> datetime:
        if payload.until <= payload.now:
            raise RefusedError("parameter_invalid", "a pause ends at a time to come, such as 2h from now")
        # one that has run out, which nobody has recorded yet, is not prolonged
        over = ResumeEndpoint(endpoint_id=payload.endpoint_id, actor="gateway", now=payload.now, if_over=True)
        await _end_pause(tx, over)
        params = {
            "id": payload.endpoint_id, "until": micros(payload.until), "by": payload.actor, "why": payload.why,
            "now": micros(payload.now),
        }  # fmt: skip
        rows = await tx.fetch("endpoint_pause_until", params)
        if not rows:
            raise RefusedError("not_found", "there is no such endpoint")
        # the reason is free text, which stays out of leaves
        facts: dict[str, object] = {"endpoint": payload.endpoint_id, "until": micros(payload.until)}
        await history.append(
            tx, [event_of(Event.ENDPOINT_PAUSED, payload.now, payload.actor, facts, note=payload.why)]
        )
        return instant(rows[0][0])


class ResumeEndpointOperation(OneByOne[ResumeEndpoint, datetime]):
    """Resumes; gives back since when nothing got through."""

    name = "endpoint_resume"

    async def _one(self, tx: Transaction, payload: ResumeEndpoint) -> datetime:
        since = await _end_pause(tx, payload)
        if since is None:
            raise RefusedError("state_forbids", "the endpoint is not paused")
        return since


class MarkEndpointOperation(OneByOne[MarkEndpoint, datetime | None]):
    """Marks; None when it was so already, else since when nothing gets, or got, through."""

    name = "endpoint_mark"

    async def _one(self, tx: Transaction, payload: MarkEndpoint) -> datetime | None:
        at, params = micros(payload.now), {"id": payload.endpoint_id, "at": micros(payload.now)}
        before = await _down_since(tx, payload.endpoint_id)
        facts: dict[str, object] = {"endpoint": payload.endpoint_id}
        if payload.up:
            if not await tx.fetch("endpoint_mark_up_if_down", params):
                await tx.execute_many("endpoint_note_success", [(at, payload.endpoint_id)])
                return None
            kind, facts = Event.ENDPOINT_OPENED, facts | {"down_since": before}
            if before is not None:
                await shift_ages(tx, payload.endpoint_id, since=instant(before), until=payload.now)
        else:
            if not await tx.fetch("endpoint_mark_down_if_up", params):
                return None
            kind, facts = Event.ENDPOINT_CLOSED, facts | {"reason": payload.reason}
        await history.append(tx, [event_of(kind, payload.now, "gateway", facts)])
        return payload.now if before is None else instant(before)


async def _end_pause(tx: Transaction, ask: ResumeEndpoint) -> datetime | None:
    """Since when nothing got through; None where there is no such pause."""
    before = await _down_since(tx, ask.endpoint_id)
    params = {"id": ask.endpoint_id, "before": micros(ask.now) if ask.if_over else None}
    if not await tx.fetch("endpoint_resume_if_paused", params):
        return None
    facts: dict[str, object] = {"endpoint": ask.endpoint_id, "down_since": before}
    await history.append(tx, [event_of(Event.ENDPOINT_RESUMED, ask.now, ask.actor, facts, note=ask.why)])
    since = ask.now if before is None else instant(before)
    await shift_ages(tx, ask.endpoint_id, since=since, until=ask.now)
    return since


async def _down_since(tx: Transaction, endpoint_id: EndpointId) -> int | None:
    rows = await tx.fetch("endpoint_read_down_since", (endpoint_id,))
    if not rows:
        raise RefusedError("not_found", "there is no such endpoint")
    since: int | None = rows[0][0]
    return since


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(dict(value), order="sorted").decode()
