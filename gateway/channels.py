"""Which adapters there are: the one place in this package that names them.

`make_adapters` and `make_source` build what the worker sends by and the watcher polls by. `problems_of` says what
is wrong with one channel's settings and files before anybody dials; commands, the administrators' socket and the
doctor ask it. It does NOT connect to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from adapters import FACTORIES, PROBLEMS, SOURCES
from gateway.clock import Clock
from gateway.config import Settings
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import Adapter, Source, Surroundings, Workshop


def surroundings_of(
    settings: Settings, clock: Clock, timeout: timedelta, workshop: Workshop | None = None
) -> Surroundings:
    """What every adapter and source is made with."""
    return Surroundings(
        secrets=settings.storage.secrets,
        folder=settings.storage.folder.parent,
        clock=clock,
        timeout_seconds=timeout.total_seconds(),
        workshop=workshop,
    )


def make_adapters(surroundings: Surroundings) -> Mapping[str, Adapter]:
    """One adapter for each kind of channel that is dialled."""
    return {kind: make(surroundings) for kind, make in FACTORIES.items()}


def source_kind(endpoint: Endpoint) -> str:
    """The name of the source that a channel is polled by; "" where it is not polled."""
    return str(endpoint.settings.get("source", endpoint.kind if endpoint.kind in SOURCES else ""))


def make_source(settings: Settings, clock: Clock, workshop: Workshop | None, endpoint: Endpoint) -> Source:
    """The client of a channel that is polled; ConfigError for settings that it cannot work with."""
    kind = source_kind(endpoint)
    if kind not in SOURCES:
        raise ConfigError(f"source {kind!r} is not known; known: {', '.join(sorted(SOURCES))}")
    timeout = settings.cutover.poll_timeout
    return SOURCES[kind](endpoint, surroundings_of(settings, clock, timeout, workshop))


def problems_of(settings: Settings, endpoint: Endpoint, clock: Clock) -> Sequence[str]:
    """What is wrong with a channel's settings and files, in sentences for operators."""
    known = sorted({"inbox", *FACTORIES})
    if endpoint.kind not in known:
        return [f"{endpoint.kind} is no kind of channel; known: {', '.join(known)}"]
    find = PROBLEMS.get(endpoint.kind)
    return find(endpoint, surroundings_of(settings, clock, settings.delivery.timeout)) if find else ()
