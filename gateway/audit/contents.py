"""Whether what a stored body says is what the ledger kept of it: every body is parsed again and compared.

The parsers' limited processes do it, as when the message was accepted; a body that one of them cannot read any
more is a warning, since limits and rules may have changed since, a difference is an error. Only bodies whose
digest is right are given here. It does NOT judge the document again: findings of today's rules are not compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from gateway.audit.rows import Message
from gateway.clock import SystemClock
from gateway.config.settings import Settings
from gateway.edxml.envelope import Envelope
from gateway.edxml.limits import ParseLimits
from gateway.errors import PoolError, RefusedError, StorageError
from gateway.inspecting import Inspector, parse_limits
from gateway.parsing.pool import ParserPool
from gateway.storage.bodies import Bodies, SpooledBody

#: Bodies given to the pool at once: each process has one to go on with.
_AHEAD = 2
_WAIT_SECONDS = 3600.0
_PRELOAD = ("gateway.validate", "gateway.edxml.packed")

#: What is compared, by the name that a finding uses.
_FACTS: Mapping[str, Callable[[Envelope], object]] = {
    "kind": lambda it: str(it.kind),
    "sender": lambda it: it.sender.organ_id,
    "document id": lambda it: it.document_id,
    "number": lambda it: it.code_number,
    "notation": lambda it: it.code_notation,
    "date": lambda it: (it.promulgation_date, it.promulgation_date_text),
    "subject": lambda it: it.subject,
    "document type": lambda it: (it.doc_type, it.doc_type_detail, it.doc_type_name),
    "business type": lambda it: str(it.business.type),
    "priority": lambda it: it.priority,
    "recipients": lambda it: [party.organ_id for party in it.recipients],
    "attachments": lambda it: [(each.number, each.sha256, each.size) for each in it.attachments],
    "answered documents": lambda it: [(each.organ_id, each.code, each.document_id) for each in it.responses_for],
    "status": lambda it: it.status_code,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing found about one body."""

    #: `content_differs` or `content_unread`.
    code: str
    message_id: str
    detail: str


class ContentExaminer:
    """Parses bodies in a pool of its own; `start` before, `close` after."""

    def __init__(self, settings: Settings, bodies: Bodies) -> None:
        parser = settings.parser
        self._bodies = bodies
        self._pool = ParserPool(
            processes=parser.processes,
            memory=parser.memory,
            recycle_after=parser.recycle_after,
            preload=_PRELOAD,
            max_wait=_WAIT_SECONDS,
        )
        limits = _generous(parse_limits(settings.limits))
        self._inspector = Inspector(pool=self._pool, limits=limits, clock=SystemClock(), timeout=parser.timeout)
        self._turns = asyncio.Semaphore(_AHEAD * parser.processes)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._pool.close)
            await self._pool.start()
            stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._pool.close()

    async def examine(self, messages: Sequence[Message], done: Callable[[], None]) -> list[Difference]:
        """What differs; `done` is called after each body."""

        async def one(message: Message) -> Difference | None:
            async with self._turns:
                found = await self._examine(message)
            done()
            return found

        return [found for found in await asyncio.gather(*map(one, messages)) if found is not None]

    async def _examine(self, message: Message) -> Difference | None:
        try:
            reader = await self._bodies.open(message.sha256)
            body = SpooledBody(file=reader.file, size=reader.size, sha256=message.sha256)
            report = await self._inspector.inspect(body, "fast")
        except (RefusedError, StorageError, PoolError) as error:
            return _unread(message, str(error))
        if report.envelope is None:
            return _unread(message, f"{report.refusal}: {report.detail}")
        return compare(message, report.envelope)


def compare(message: Message, found: Envelope) -> Difference | None:
    """The envelope that the bytes give against the one of the row; None too where the row's cannot be read."""
    try:
        kept = msgspec.json.decode(message.envelope, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # told by the papers' look
    wrong = [name for name, fact in _FACTS.items() if fact(kept) != fact(found)]
    if not wrong:
        return None
    return Difference(code="content_differs", message_id=message.id, detail=", ".join(wrong))


def _unread(message: Message, why: str) -> Difference:
    return Difference(code="content_unread", message_id=message.id, detail=why[:500])


def _generous(limits: ParseLimits) -> ParseLimits:
    """Never below the defaults: what was accepted under wider limits than today's is no fault."""
    least = ParseLimits()
    return replace(
        limits,
        **{name: max(getattr(limits, name), getattr(least, name)) for name in ParseLimits.__dataclass_fields__},
    )
