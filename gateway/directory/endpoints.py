"""Endpoints as the database holds them: decoding, checking of capabilities. Pure code.

A capability nobody knows, or of the wrong type, is refused when it comes in; what is in the database was
checked, so a failure there is damage and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gateway.clock import instant
from gateway.errors import ConfigError, StorageError
from gateway.model import Agency, Capabilities, Endpoint, EndpointId

_KNOWN = frozenset(Capabilities.__dataclass_fields__)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointState:
    """An endpoint and what only operators ask about it."""

    endpoint: Endpoint
    #: Who paused it; empty unless paused.
    paused_by: str
    #: Why it was paused.
    paused_why: str
    last_success_at: datetime | None
    #: Whether what waits goes the oldest first, behind hỏa tốc alone; else the more urgent first.
    oldest_first: bool


def capabilities_of(given: Mapping[str, object]) -> Capabilities:
    """Checked capabilities; an unknown key or a wrong type raises ConfigError and names it."""
    unknown = sorted(given.keys() - _KNOWN)
    if unknown:
        raise ConfigError(f"unknown capability {', '.join(unknown)}; known: {', '.join(sorted(_KNOWN))}")
    try:
        found = msgspec.convert(dict(given), Capabilities)
    except msgspec.ValidationError as error:
        raise ConfigError(f"capabilities: {error}") from error
    if found.max_bytes < 1 or found.max_in_flight < 1:
        raise ConfigError("capabilities: max_bytes and max_in_flight are at least 1")
    return found


def endpoint_of(row: tuple[Any, ...]) -> EndpointState:
    """A row of `endpoint_list_all`."""
    endpoint_id, name, kind, settings, capabilities, is_relay, paused, down, by, why, success, oldest_first = row
    try:
        able = capabilities_of(msgspec.json.decode(capabilities))
    except ConfigError as error:
        raise StorageError(f"endpoint {name}: {error}") from error
    endpoint = Endpoint(
        id=EndpointId(endpoint_id),
        name=name,
        kind=kind,
        settings=msgspec.json.decode(settings),
        capabilities=able,
        is_relay=bool(is_relay),
        paused_until=_at(paused),
        down_since=_at(down),
    )
    return EndpointState(
        endpoint=endpoint,
        paused_by=by or "",
        paused_why=why or "",
        last_success_at=_at(success),
        oldest_first=bool(oldest_first),
    )


def _at(value: int | None) -> datetime | None:
    return None if value is None else instant(value)


def label_of(endpoint: Endpoint, leads_to: Mapping[EndpointId, Agency]) -> str:
    """The agency that it leads to alone (`Directory.of_one_agency`), else its own name."""
    return leads_to[endpoint.id].name if endpoint.id in leads_to else endpoint.name


def called(name: str, label: str) -> str:
    """What people are told of a channel: the agency that it leads to, with its own name where that is another."""
    return f"{label} ({name})" if label and label != name else name
