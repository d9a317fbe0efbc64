"""Where a system under test and the sandbox's gateway meet, where that is no server of the gateway's own.

A place is run beside the gateway, has a channel to it, and tells what the system did there in the words in which
the connection inspector tells requests, so that every judge reads both alike.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from gateway.clock import instant, rfc3339
from gateway.pki import KeyPair
from gateway.reasons import is_temporary
from gateway.simulate.reckoning import LedgerView

_SENDS: Final = {"document": "submitDocument", "status": "submitStatus"}


class Place(Protocol):
    """One of them."""

    @property
    def channel(self) -> tuple[str, dict[str, object]]:
        """Kind and settings of the gateway's channel to the system."""
        ...

    @property
    def access(self) -> dict[str, str]:
        """What the developer needs; paths of files, no secret."""
        ...

    def served(self) -> AbstractAsyncContextManager[None]:
        """Be there, as long as the sandbox is."""
        ...

    def requests(self, entries: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """What the system did so far; `entries` are what the gateway listed there."""
        ...

    async def seen(self, view: LedgerView, vendor: str) -> LedgerView:
        """The ledger as far as the system has really done its part."""
        ...

    async def play(self, trick: str) -> None:
        """Do what a step is about, such as losing an answer."""
        ...


def requests_of(entries: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """What the system put there, as judges read requests; the same message again is a repetition."""
    seen: set[str] = set()
    found = []
    for entry_id, ref, kind, seen_at, failure, message_id, size in entries:
        if not message_id and (not failure or is_temporary(failure)):
            continue  # it is tried again
        made = request_of(rfc3339(instant(seen_at)), entry_id, "PUT", _SENDS[kind])
        made |= {"status": 422 if failure else 202, "reason": failure or "", "detail": ref.partition("|")[0]}
        found.append(made | {"replayed": message_id in seen, "bodySize": size or 0})
        seen |= {message_id} if message_id else set()
    return found


def request_of(at: str, trace_id: str, method: str, operation: str) -> dict[str, Any]:
    """One that was answered well."""
    return {
        "at": at,
        "traceId": trace_id,
        "method": method,
        "operation": operation,
        "status": 200,
        "reason": "",
        "detail": "",
        "replayed": False,
        "bodySize": 0,
    }


def listener_context(pair: KeyPair) -> ssl.SSLContext:
    """TLS with the sandbox's certificate; nobody is asked for one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pair.certificate, pair.key)
    return context
