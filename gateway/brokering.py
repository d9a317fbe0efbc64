"""`gateway.broker.Broker` over the parts of this process: what bindings are given.

Nothing is decided here that REST decides elsewhere: shares, room, the journey, inbox and outbox are the same
objects. An agency that speaks two protocols has one share and one inbox.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from gateway.api.service import Arrival
from gateway.authenticate import SecretAuthenticator
from gateway.broker import (
    MOST_LINES,
    Catalogued,
    Claim,
    Handed,
    Kind,
    Refusal,
    SentFilter,
    SentLine,
    Stream,
    Taken,
    Visit,
    Waiting,
    WaitingPage,
)
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.directory.outages import Outages
from gateway.errors import RefusedError, SecretKeyError, StorageError
from gateway.facade import LocalGateway
from gateway.incoming import Incoming, Pace
from gateway.inspection import Exchange, Inspection
from gateway.ledger.pages import SentMessage
from gateway.ledger.peers import PeerReads
from gateway.ledger.tasks import OpenTask, OpenTaskOperation
from gateway.lifecycle import Lifecycle
from gateway.mailbox import Asked
from gateway.model import AgencyId, Caller, Sha256Hex
from gateway.observe import Metrics
from gateway.outage import HEADER, header_of
from gateway.outgoing import StoredBodies
from gateway.parsing.pool import LARGE_BYTES
from gateway.ports import Body
from gateway.ratelimit import site_of
from gateway.reasons import is_temporary, reason
from gateway.refusals import RETRY_AFTER, refusal_of
from gateway.shares import Shares
from gateway.states import State
from gateway.storage.pump import Pump
from gateway.storage.spool import Spool, SpooledBody

#: Whoever asks too fast waits so long for being told, as over REST.
_HELD_BACK: Final = (0.5, 1.5)
_INTERNAL: Final = 500
_PAGE: Final = 500
#: A trace id needs to be unique, not secret; the system's generator costs twenty times as much.
_draw: Final = random.Random()  # noqa: S311


class _Accepted(msgspec.Struct):
    """What is needed of a 202."""

    id: str


class _Line(msgspec.Struct, rename="camel"):
    organ_id: str


class _AcceptedFor(_Accepted):
    """With its recipients, which may be many."""

    deliveries: list[_Line]


_accepted: Final = msgspec.json.Decoder(_Accepted)
_accepted_for: Final = msgspec.json.Decoder(_AcceptedFor)


@dataclass(frozen=True, kw_only=True)
class LocalBroker:
    """One per process."""

    gateway: LocalGateway
    authenticator: SecretAuthenticator
    shares: Shares
    peers: PeerReads
    pump: Pump
    outgoing: StoredBodies
    settings: Settings
    clock: Clock
    metrics: Metrics
    lifecycle: Lifecycle
    inspection: Inspection
    outages: Outages
    counted: dict[tuple[str, int], Counter] = field(default_factory=dict)
    timed: dict[str, Histogram] = field(default_factory=dict)
    #: Bound once, when logging is set up: the lazy proxy would build a logger for every line.
    log: Any = field(default_factory=lambda: structlog.get_logger("gateway.bindings").bind())

    @contextmanager
    def visit(self) -> Iterator[Visit]:
        """A request."""
        trace_id = f"{_draw.getrandbits(128):032x}"
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        self.lifecycle.begin()
        try:
            yield Visit(trace_id=trace_id, at=self.clock.now())
        finally:
            self.lifecycle.end()

    async def admit(self, claim: Claim) -> Caller:
        """Who asks."""
        if self.lifecycle.stopping.is_set():
            raise RefusedError("server_stopping")
        site, monotonic = site_of(claim.address), self.clock.monotonic()
        # paid before it is known who asks, so that many at once cannot all ask for nothing
        self.shares.strangers.take(site, monotonic)
        try:
            found = await self.authenticator.authenticate(
                binding=claim.binding,
                system_id=claim.system_id,
                proves=claim.proves,
                address=claim.address,
                now=self.clock.now(),
            )
        except StorageError:  # nobody's fault but ours
            self.shares.strangers.give_back(site)
            raise
        self.shares.strangers.give_back(site)
        caller = replace(found, channel=claim.binding)
        self.shares.requests.take(caller.agency_id, monotonic)
        if claim.hands_in:
            self.shares.handed_in.take(caller.agency_id, monotonic)
        return caller

    @contextmanager
    def place(self, caller: Caller, body_size: int | None) -> Iterator[None]:
        """One of the agency's places."""
        with ExitStack() as stack:
            stack.enter_context(self.shares.under_way.one(caller.agency_id))
            if body_size is None or body_size > LARGE_BYTES:
                stack.enter_context(self.shares.uploads.one(caller.agency_id))
            yield

    async def accept(self, caller: Caller, visit: Visit, handed: Handed) -> Taken:
        """The journey, as over REST."""
        limit = self.settings.limits.max_body
        if handed.announced is not None and handed.announced > limit + len(handed.ending):
            raise RefusedError("body_too_large", f"the limit is {limit} bytes")
        source = self._incoming(handed.stream, handed.announced, limit + len(handed.ending))
        with self.gateway.room(source.expected) as room:
            async with self.gateway.bodies.open_spool() as spool:
                body = await _spooled(spool, source, handed, room.grow)
            try:
                if not body.size:
                    raise RefusedError("xml_not_wellformed", "the body is empty")
                arrival = Arrival(
                    caller=caller,
                    at=visit.at,
                    trace_id=visit.trace_id,
                    idempotency_key=handed.idempotency_key,
                    named=handed.named,
                )
                accept = self.gateway.accept_status if handed.status_only else self.gateway.accept
                answer = await accept(arrival, body)
            finally:
                await self.gateway.bodies.discard(body)
        # one was paid at the door, when nobody knew how many there would be
        self.shares.handed_in.charge(caller.agency_id, answer.deliveries - 1, self.clock.monotonic())
        recipients = (
            [line.organ_id for line in _accepted_for.decode(answer.body).deliveries] if handed.named else []
        )
        return Taken(
            message_id=_accepted.decode(answer.body).id,
            replayed=answer.replayed,
            answer=answer.body,
            recipients=tuple(recipients),
        )

    async def read(self, stream: Stream, announced: int | None, limit: int) -> bytes:
        """A small body."""
        if announced is not None and announced > limit:
            raise RefusedError("body_too_large", f"the limit is {limit} bytes")
        return b"".join([chunk async for chunk in self._incoming(stream, announced, limit).chunks()])

    def _incoming(self, stream: Stream, announced: int | None, limit: int) -> Incoming:
        pace = Pace.of(self.settings.server)
        return Incoming(stream, limit=limit, pace=pace, clock=self.clock, digests={}, announced=announced)

    async def waiting(self, caller: Caller, kind: Kind, limit: int, skip: int = 0) -> WaitingPage:
        """What waits."""
        asked = Asked(limit=limit, kind=kind, skip=skip)
        found = await self.gateway.mailbox.listing(caller, asked)
        items = tuple(
            Waiting(
                ref=row.id,
                kind=kind,
                sender_code=row.sender_code,
                recipient_code=row.recipient_code,
                document_ref=row.document_ref,
                number=row.code_number,
                notation=row.code_notation,
                subject=row.subject,
                business_type=row.business_type,
                priority=row.priority,
                size=row.size,
                sha256=row.sha256,
                accepted_at=row.accepted_at,
                fetched=row.fetched_at is not None,
            )
            for row in found.items
        )
        return WaitingPage(items=items, more=found.more)

    async def count(self, caller: Caller, kind: Kind) -> int:
        """How much waits."""
        found = await self.peers.count(caller.speaks_for, kind)
        self.gateway.mailbox.last_asked.note(caller.speaks_for)
        return found

    async def hand_out(self, caller: Caller, ref: str) -> Body:
        """The content."""
        row = await self.gateway.mailbox.hand_out(caller, ref, "")
        return await self.outgoing.handed_out(Sha256Hex(row.sha256))

    async def done(self, caller: Caller, ref: str) -> None:
        """The peer has it."""
        await self.gateway.mailbox.acknowledge(caller, ref, "")

    async def fail(self, caller: Caller, ref: str, why: str) -> None:
        """The peer cannot use it."""
        state = await self.gateway.mailbox.fail(caller, ref, "", why)
        if state is State.HELD:
            self.log.warning("inbox.unusable", delivery=ref, agency=caller.agency_id)

    async def sent(self, caller: Caller, wanted: SentFilter) -> Sequence[SentLine]:
        """The lines of a page of messages."""
        agencies = caller.speaks_for
        if wanted.message_id:
            ids = [wanted.message_id]
        else:
            ids = await self.peers.messages(agencies, kind=wanted.kind, limit=wanted.limit, skip=wanted.skip)
        messages = _that_fit(await self.gateway.reads.sent_messages(ids, agencies))
        if wanted.message_id and not messages:
            raise RefusedError("not_found")
        lines = await self.peers.lines(list(messages))
        order = {key: place for place, key in enumerate(messages)}
        return [
            SentLine(
                message_id=line.message_id,
                delivery_id=line.id,
                kind="status" if messages[line.message_id].kind == "status" else "document",
                sender_code=messages[line.message_id].sender_code,
                recipient_code=line.recipient_code,
                document_ref=messages[line.message_id].document_ref,
                number=messages[line.message_id].code_number,
                notation=messages[line.message_id].code_notation,
                subject=messages[line.message_id].subject,
                accepted_at=messages[line.message_id].accepted_at,
                state=str(line.state),
                state_at=line.state_at,
                reason=line.reason,
                detail=line.detail,
                business_status=line.business_status,
            )
            for line in sorted(lines, key=lambda line: order[line.message_id])
        ]

    async def receives(self, caller: Caller, ref: str) -> bool:
        """Whether it is one of the caller's entries."""
        return await self.gateway.reads.inbox_item(ref, caller.speaks_for) is not None

    async def catalogue(self, after: str = "") -> AsyncIterator[Sequence[Catalogued]]:
        """The directory."""
        directory, last = self.gateway.directory, AgencyId(after) if after else None
        while page := await directory.page(limit=_PAGE, after=last):
            yield [
                Catalogued(
                    id=agency.id,
                    parent_id=agency.parent_id or "",
                    code=agency.organ_id,
                    codes=tuple(agency.codes),
                    name=agency.name,
                    kind=agency.kind,
                    closed_at=agency.closed_at,
                )
                for agency in page
            ]
            last = AgencyId(page[-1].id)

    def catalogue_version(self) -> int:
        """Changes with the directory."""
        return self.gateway.directory.version

    async def open_task(self, caller: Caller, kind: str, facts: dict[str, str]) -> str:
        """For an operator."""
        task = OpenTask(
            kind=kind,
            agency_id=caller.agency_id,
            facts=facts,
            actor=caller.actor,
            now=self.clock.now(),
        )
        return await self.pump.submit(_OPEN_TASK, task)

    async def refuse(self, error: Exception, operation: str) -> Refusal:
        """What may be told."""
        found = refusal_of(error)
        if found.code == "internal_error":
            self.log.error("request.failed", operation=operation, exc_info=error)
        elif not isinstance(error, RefusedError):
            self.log.warning("request.failed", operation=operation, code=found.code, error=str(error))
        if found.code == "rate_limited":
            await self.lifecycle.stopped_within(_draw.uniform(*_HELD_BACK))
        entry = reason(found.code)
        return Refusal(
            code=found.code,
            http=entry.http,
            detail=found.detail,
            vi=entry.vi,
            en=entry.en,
            temporary=is_temporary(found.code),
            retry_after=found.retry_after or RETRY_AFTER,
            credential=str(found.facts.get("credential_id", "")),
        )

    def notices(self) -> Mapping[str, str]:
        """What is planned."""
        told = self.outages.told(self.clock.now())
        return {HEADER: header_of(told)} if told else {}

    async def inspected(self, caller: Caller | None, claim: Claim, exchange: Exchange) -> None:
        """A place in the inspector; a name that nobody has gets none."""
        if caller is not None:
            self.inspection.note(caller.agency_id, exchange)
            return
        with suppress(SecretKeyError):  # the answer says so
            named = await self.authenticator.named(claim.binding, claim.system_id, self.clock.now())
            if named is not None:
                self.inspection.note_claim(named.agency_id, exchange)

    def account(self, operation: str, *, method: str, status: int, seconds: float, address: str) -> None:
        """One line, one count."""
        if (operation, status) not in self.counted:
            self.counted[operation, status] = self.metrics.requests.labels(operation, status)
            self.timed[operation] = self.metrics.request_seconds.labels(operation)
        self.counted[operation, status].inc()
        self.timed[operation].observe(seconds)
        write = self.log.warning if status >= _INTERNAL else self.log.info
        write(
            "request.answered",
            route=operation,
            method=method,
            status=status,
            ms=round(seconds * 1000, 1),
            address=address,
        )


def _that_fit(rows: Sequence[SentMessage]) -> dict[str, SentMessage]:
    """The first of them whose lines are together not too many; one at least."""
    found: dict[str, SentMessage] = {}
    lines = 0
    for row in rows:
        lines += sum(row.states.values())
        if found and lines > MOST_LINES:
            break
        found[row.id] = row
    return found


async def _spooled(spool: Spool, source: Incoming, handed: Handed, grow: Callable[[int], None]) -> SpooledBody:
    """The body, without the ending that a client added where its digest says so; `digest_mismatch` else."""
    digest, tail = sha256(), b""
    async for chunk in source.chunks():
        grow(source.expected)
        data = tail + chunk if tail else chunk
        cut = max(0, len(data) - len(handed.ending))
        tail = data[cut:]
        digest.update(data[:cut])
        await spool.write(data[:cut])
    if not (handed.ending and tail == handed.ending and handed.matches(digest.hexdigest())):
        digest.update(tail)
        if not handed.matches(digest.hexdigest()):
            raise RefusedError("digest_mismatch", f"SHA-256 of the {source.size} bytes is {digest.hexdigest()}")
        await spool.write(tail)
    return await spool.finish()


_OPEN_TASK: Final = OpenTaskOperation()
