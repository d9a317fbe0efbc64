"""Asking a channel's peer for an operator: one client, closed at the end; what goes wrong is a refusal in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol, TypeVar

from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import ConfigError, RefusedError, SourceError
from gateway.foundation import Foundation
from gateway.model import Endpoint


class _Client(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=_Client)


@asynccontextmanager
async def peer_client(
    base: Foundation,
    endpoint: Endpoint,
    make: Callable[[Settings, Clock, Endpoint], C],
    *,
    before: str = "",
    after: str = "",
) -> AsyncIterator[C]:
    """The client that `make` builds, until the end of the block."""
    with as_refusals(before=before, after=after):
        client = make(base.settings, base.clock, endpoint)
        try:
            yield client
        finally:
            await client.close()


@contextmanager
def as_refusals(*, before: str = "", after: str = "") -> Iterator[None]:
    """A peer that cannot be asked is a refusal; `before` and `after` stand around what it says of itself."""
    try:
        yield
    except SourceError as error:
        raise RefusedError(error.code, f"{before}{error.detail}{after}") from error
    except ConfigError as error:
        raise RefusedError("source_misconfigured", str(error)) from error
