"""What operators do to deliveries, channels and the running server: typed requests, and the acts behind them.

Every act names its actor (`operator:<uid>`) and, where it changes something, a reason. The same acts run in
the server, behind the administrators' socket, and offline, on a data folder that no server has open: what
they need of either is a `Desk`. Acts on agencies and credentials are in `gateway.admin.directory`, those on
parked statuses in `gateway.admin.statuses`.

Each act checks its request before it changes anything; what the state machine forbids is told per delivery
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol
from unicodedata import category

import msgspec
from msgspec import Meta, Struct, field

from gateway import __version__
from gateway.clock import rfc3339
from gateway.directory.endpoint_changes import (
    PauseEndpoint,
    PauseEndpointOperation,
    ResumeEndpoint,
    ResumeEndpointOperation,
)
from gateway.eligibility import allowed
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger import pages
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.pages import LineQuery
from gateway.ledger.params import as_json
from gateway.model import AgencyId, Endpoint
from gateway.states import State, Trigger

#: Deliveries that one command touches at most.
MANY = 20_000

_AT_ONCE = 500
_ACT, _PAUSE, _RESUME = ActOperation(), PauseEndpointOperation(), ResumeEndpointOperation()

#: Characters of a reason: at least a word, at most what an event may hold.
REASON_CHARACTERS = (3, 500)
Reason = Annotated[str, Meta(min_length=REASON_CHARACTERS[0], max_length=REASON_CHARACTERS[1])]
Instant = Annotated[datetime, Meta(tz=True)]
Reply = dict[str, Any]


class Desk(Protocol):
    """What acts work on: the running server, or an open data folder."""

    @property
    def foundation(self) -> Foundation:
        """The data folder."""
        ...

    def requeued(self, agencies: Iterable[AgencyId]) -> None:
        """Deliveries to these agencies came back into the queue, or a channel may be used again."""
        ...

    def poll(self, endpoint_id: str) -> int:
        """Have the list of this channel read now, or every one for ""; how many are."""
        ...


class Request(Struct, kw_only=True, forbid_unknown_fields=True):
    """What every act is asked with."""


class Change(Request, kw_only=True):
    """What every act that changes something is asked with."""

    reason: Reason

    def __post_init__(self) -> None:
        """What nobody can see is no reason."""
        seen = sum(category(char)[0] not in "CZ" for char in self.reason)
        if seen < REASON_CHARACTERS[0] <= len(self.reason):  # what is too short the field itself refuses
            raise RefusedError("parameter_invalid", f"reason: at least {REASON_CHARACTERS[0]} letters or signs")
        self.reason = "".join(char for char in self.reason if char in "\n\t" or category(char) != "Cc")


class ActOnDeliveries(Change, kw_only=True):
    """Requeue, hold, release, confirm or quarantine: the named deliveries, or those that fit every filter."""

    act: Literal["requeue", "hold", "release", "confirm", "quarantine"]
    deliveries: list[str] = field(default_factory=list)
    state: State | None = None
    #: Name or id of a channel.
    endpoint: str = ""
    #: Organ id of a recipient.
    recipient: str = ""
    #: Id, DocumentId, number/notation or digest of a document.
    document: str = ""
    #: Reason code that the deliveries have now, such as `held_after_restore`.
    because: str = ""
    #: Tell what would be done, do nothing.
    dry_run: bool = False


class PauseChannel(Change, kw_only=True):
    """Send nothing over a channel until an instant."""

    #: Name or id of a channel, or the organ id of an agency that has one to itself.
    target: str
    until: Instant


class ResumeChannel(Change, kw_only=True):
    """Send again."""

    target: str


#: Act -> its trigger, and the states that a filter without `state` takes.
_TRIGGERS: dict[str, tuple[Trigger, tuple[State, ...]]] = {
    "requeue": (Trigger.REQUEUED, (State.DEAD, State.DEFERRED)),
    "hold": (Trigger.HELD, (State.QUEUED, State.DEFERRED)),
    "release": (Trigger.RELEASED, (State.HELD,)),
    "confirm": (Trigger.CONFIRMED, (State.HELD,)),
    "quarantine": (Trigger.QUARANTINED, (State.QUEUED, State.DEFERRED, State.HELD)),
}


async def act_on_deliveries(desk: Desk, request: ActOnDeliveries, actor: str) -> Reply:
    """Carry the act out, some hundred deliveries in a transaction; what moved and what could not."""
    base = desk.foundation
    trigger, usual = _TRIGGERS[request.act]
    lines = await _selected(base, request, (request.state,) if request.state else usual)
    if request.dry_run:
        befores = allowed(trigger)
        items = [_line(line, moved=State(line["state"]) in befores) for line in lines]
        return {"dry_run": True, "moved": sum(item["moved"] for item in items), "items": items}
    now = base.clock.now()
    items = []
    for start in range(0, len(lines), _AT_ONCE):
        part = lines[start : start + _AT_ONCE]
        acted = await base.pump.submit(
            _ACT,
            Act(
                trigger=trigger,
                delivery_ids=tuple(line["id"] for line in part),
                actor=actor,
                note=request.reason,
                now=now,
                give_up_at=now + base.settings.delivery.give_up_after,
            ),
        )
        found = {item.id: item for item in acted}
        items += [
            _line(line | {"state": str(found[line["id"]].state)}, moved=found[line["id"]].moved) for line in part
        ]
    if trigger not in {Trigger.HELD, Trigger.QUARANTINED}:
        desk.requeued({AgencyId(line["recipient_id"]) for line in lines})
    return {"dry_run": False, "moved": sum(item["moved"] for item in items), "items": items}


def _line(line: dict[str, str], *, moved: bool) -> Reply:
    return {
        "id": line["id"],
        "message": line["message_id"],
        "recipient": line["code"],
        "state": line["state"],
        "moved": moved,
    }


async def _selected(base: Foundation, request: ActOnDeliveries, states: Sequence[State]) -> list[dict[str, str]]:
    names = ("id", "message_id", "recipient_id", "code", "state")
    if request.deliveries:
        rows = await base.readers.fetch("delivery_list_by_ids", (as_json(request.deliveries),))
        found = [dict(zip(names, (row[0], row[1], row[2], row[5], row[3]), strict=True)) for row in rows]
        known = {line["id"] for line in found}
        unknown = [key for key in request.deliveries if key not in known]
        if unknown:
            raise await unknown_deliveries(base, unknown)
        return found
    if not (request.endpoint or request.recipient or request.document or request.because or request.state):
        raise RefusedError(
            "parameter_invalid",
            "name deliveries by their ids, or choose them by --document, --recipient, --endpoint, --because "
            "or --state",
        )
    now = base.clock.now()
    query = LineQuery(
        state=states[0],
        endpoint=(await endpoint_named(base, request.endpoint)).id if request.endpoint else None,
        recipient=(await base.directory.require(request.recipient, now)).id if request.recipient else None,
        message=await message_named(base, request.document) if request.document else None,
        reason=request.because or None,
        limit=MANY,
    )
    found = []
    for state in states:
        rows = await pages.lines(base.readers, replace(query, state=state))
        found += [dict(zip(names, row[:5], strict=True)) for row in rows]
    return found[:MANY]


async def unknown_deliveries(base: Foundation, keys: Sequence[str]) -> RefusedError:
    """Why ids are no deliveries: nothing has them, or something else has, which is said."""
    others = await base.readers.fetch("id_find_others", (as_json(list(keys)),))
    told = {
        "message": "{0} is a document: gateway show {0} prints its deliveries",
        "dispatch": "{0} is a transmission, of {1}: gateway show {1} prints its deliveries",
    }
    hints = [told[kind].format(key, message_id) for key, kind, message_id in others[:5]]
    named = {row[0] for row in others}
    rest = [key for key in keys if key not in named]
    if rest:
        more = f" and {len(rest) - 5} more" if len(rest) > 5 else ""  # noqa: PLR2004
        hints.insert(0, f"no such delivery: {', '.join(rest[:5])}{more}")
    return RefusedError("delivery_unknown", "; ".join(hints))


async def endpoint_named(base: Foundation, name: str) -> Endpoint:
    """The channel of a name or id; RefusedError when there is none."""
    endpoints = await base.directory.endpoints()
    for endpoint in endpoints:
        if name in {endpoint.name, endpoint.id}:
            return endpoint
    known = ", ".join(endpoint.name for endpoint in endpoints[:10]) or "none"
    raise RefusedError("channel_unknown", f"{name}; there are: {known}")


async def message_named(base: Foundation, text: str) -> str:
    """The id of the one message that a person means; RefusedError when it is none or several."""
    ids = await pages.meant(base.readers, text)
    if len(ids) != 1:
        raise RefusedError(
            "document_unknown" if not ids else "parameter_invalid",
            text if not ids else f"{text} may be {', '.join(ids[:5])}; give an id",
        )
    return ids[0]


async def _channel(base: Foundation, target: str) -> Endpoint:
    """A channel by its name, or that of an agency, provided that nobody else is behind it."""
    for endpoint in await base.directory.endpoints():
        if target in {endpoint.name, endpoint.id}:
            return endpoint
    found = (await base.directory.resolve([target], base.clock.now())).get(target)
    if found is None:
        raise RefusedError("channel_unknown", f"{target} is neither a channel nor the code of an agency")
    if found.endpoint is None:
        raise RefusedError("channel_unknown", f"the agency {target} has no channel")
    others = (await base.readers.fetch("agency_count_of_endpoint", (found.endpoint.id,)))[0][0] - 1
    if others > 0:
        raise RefusedError(
            "state_forbids",
            f"{target} shares the channel {found.endpoint.name} with {others} others: pause the channel by name, "
            f"or hold what waits for the agency: gateway hold --recipient {target}",
        )
    return found.endpoint


async def pause_channel(desk: Desk, request: PauseChannel, actor: str) -> Reply:
    """Pause; the time does not count towards giving up."""
    base = desk.foundation
    endpoint = await _channel(base, request.target)
    since = await base.directory.apply(
        base.pump,
        _PAUSE,
        PauseEndpoint(
            endpoint_id=endpoint.id, until=request.until, why=request.reason, actor=actor, now=base.clock.now()
        ),
    )
    return {"channel": endpoint.name, "paused_until": rfc3339(request.until), "down_since": rfc3339(since)}


async def resume_channel(desk: Desk, request: ResumeChannel, actor: str) -> Reply:
    """Resume; the time of the pause does not count towards giving up."""
    base = desk.foundation
    endpoint = await _channel(base, request.target)
    now = base.clock.now()
    since = await base.directory.apply(
        base.pump, _RESUME, ResumeEndpoint(endpoint_id=endpoint.id, actor=actor, now=now, why=request.reason)
    )
    desk.requeued(())
    return {"channel": endpoint.name, "paused_since": rfc3339(since)}


async def summary(base: Foundation) -> Reply:
    """How the ledger and the channels are."""
    messages, deliveries, last_event = (await base.readers.fetch("ledger_read_extent"))[0]
    waiting = await base.reads.waiting()
    states = await base.directory.endpoint_states()
    return {
        "version": __version__,
        "boot": base.boot_id,
        "now": rfc3339(base.clock.now()),
        "sqlite": base.store.sqlite_version,
        "alarm": base.store.alarm,
        "storage": base.pump.broken or "writable",
        "writes_waiting": base.pump.waiting,
        "wal_bytes": base.writer.wal_bytes(),
        "free_bytes": base.bodies.free_bytes(),
        "bodies": "encrypted" if base.bodies.keys.is_encrypting else "plain",
        "directory_version": base.directory.version,
        "messages": messages,
        "deliveries": deliveries,
        "last_event": last_event,
        "open": dict(await base.readers.fetch("delivery_count_open")),
        "channels": [
            {
                "name": state.endpoint.name,
                "kind": state.endpoint.kind,
                "waiting": waiting.get(state.endpoint.id, 0),
                "paused_until": msgspec.to_builtins(state.endpoint.paused_until),
                "paused_by": state.paused_by,
                "paused_why": state.paused_why,
                "down_since": msgspec.to_builtins(state.endpoint.down_since),
                "last_success_at": msgspec.to_builtins(state.last_success_at),
            }
            for state in states
        ],
    }
