"""The receivers' side: the inbox of every agency a caller speaks for.

Listing never consumes: an item stays until it is acknowledged, and cursors only page. Reading the content is
what hands an item out; from then on it can be recalled but no longer withdrawn. Long polls are woken by
what is committed for their agencies.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from gateway.clock import Clock, micros
from gateway.damage import SoundBodies
from gateway.directory.directory import Directory
from gateway.edxml.envelope import Attachment, Envelope
from gateway.edxml.limits import ParseLimits
from gateway.errors import RefusedError
from gateway.extraction import extract
from gateway.failpoints import failpoint
from gateway.last_asked import LastAsked
from gateway.ledger.inbox import Acknowledge, AcknowledgeOperation, Fetch, FetchOperation, Lease, LeaseOperation
from gateway.ledger.readings import ReadAct, Reading
from gateway.ledger.reads import InboxRow, Reads
from gateway.ledger.unusable import Unusable, UnusableOperation
from gateway.listings import Listings
from gateway.message_signatures import Presented
from gateway.model import AgencyId, BootId, Caller
from gateway.parsing.pool import ParserPool
from gateway.ratelimit import count_down
from gateway.readings import Readings
from gateway.receivers import Receivers
from gateway.states import State
from gateway.storage.bodies import Bodies
from gateway.storage.body_file import ScratchFile
from gateway.storage.pump import Pump

#: Attachments that one credential, or one person, may be reading at once.
UNPACKED_AT_ONCE = 32
#: Items whose content, envelope included, is kept from their recipients.
NOT_FOR_RECIPIENTS = frozenset({State.WITHDRAWN, State.HELD, State.QUARANTINED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """A page of the inbox."""

    items: list[InboxRow]
    cursor: int
    more: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a reader wants to see."""

    limit: int
    after: int = 0
    agency: str = ""
    wait: float = 0.0
    lease: float = 0.0
    reader: str = ""
    #: `document` or `status`; "": both.
    kind: str = ""
    #: Items passed over, for readers that count pages.
    skip: int = 0


class Mailbox:
    """Inbox reads and acts."""

    def __init__(
        self,
        *,
        reads: Reads,
        pump: Pump,
        bodies: Bodies,
        sound: SoundBodies,
        directory: Directory,
        clock: Clock,
        boot_id: BootId,
        pool: ParserPool,
        limits: ParseLimits,
        lease_max: timedelta,
        room: Callable[[int], AbstractContextManager[object]],
        receivers: Receivers,
        listings: Listings,
        last_asked: LastAsked,
        readings: Readings,
    ) -> None:
        self._reads, self._pump, self._bodies, self._directory = reads, pump, bodies, directory
        self._clock, self._boot_id = clock, boot_id
        self._pool, self._limits, self._lease_max = pool, limits, lease_max
        self._lease, self._fetch, self._acknowledge = LeaseOperation(), FetchOperation(), AcknowledgeOperation()
        self._unusable = UnusableOperation()
        self._room, self._sound, self._receivers = room, sound, receivers
        self._listings, self._readings = listings, readings
        self.last_asked = last_asked
        self._unpacked: Counter[str] = Counter()
        self._polls: dict[asyncio.Event, frozenset[AgencyId]] = {}

    async def close(self) -> None:
        """Let what lists have shown be written."""
        await self._listings.close()

    def notify(self, agencies: Iterable[AgencyId]) -> None:
        """Something was committed for these agencies: wake the polls that wait for one of them."""
        for agency in agencies:
            for changed, wanted in self._polls.items():
                if agency in wanted:
                    changed.set()

    async def listing(self, caller: Caller, asked: Asked) -> Listing:
        """Open items after the cursor; waits for a first one up to `asked.wait` seconds."""
        agencies = await self._agencies(caller, asked.agency)
        deadline = self._clock.monotonic() + asked.wait
        changed = asyncio.Event()
        self._polls[changed] = agencies
        try:
            while True:
                changed.clear()
                found = await self._list(caller, agencies, asked)
                left = deadline - self._clock.monotonic()
                if found.items or left <= 0:
                    return found
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await changed.wait()
        finally:
            del self._polls[changed]

    async def _list(self, caller: Caller, agencies: frozenset[AgencyId], asked: Asked) -> Listing:
        now = self._clock.now()
        reader = reader_name(caller, asked.reader)
        rows = await self._reads.inbox(
            agencies,
            after=asked.after,
            limit=asked.limit + 1,
            reader=reader,
            now=micros(now),
            kind=asked.kind,
            skip=asked.skip,
        )
        more = len(rows) > asked.limit
        rows = rows[: asked.limit]
        if rows and asked.lease > 0:
            until = now + min(timedelta(seconds=asked.lease), self._lease_max)
            lease = Lease(delivery_ids=tuple(row.id for row in rows), reader=reader, now=now, until=until)
            held = await self._pump.submit(self._lease, lease)
            rows = [row for row in rows if row.id in held]
        self._listings.note(caller, rows)
        self.last_asked.note(agencies)
        return Listing(items=rows, cursor=rows[-1].seq if rows else asked.after, more=more)

    async def _agencies(self, caller: Caller, code: str) -> frozenset[AgencyId]:
        if not code:
            return caller.speaks_for
        found = await self._directory.resolve([code], self._clock.now())
        if code not in found or found[code].id not in caller.speaks_for:
            raise RefusedError("not_found", "no such agency among those you represent")
        return frozenset({found[code].id})

    async def item(self, caller: Caller, delivery_id: str) -> InboxRow:
        """One item with its envelope; somebody else's does not exist, one taken back is not shown any more."""
        # at its clerk's desk an office sees what was brought to it, too; the desk asks for nothing else
        at_desk = caller.method == "session"
        find = self._reads.received if at_desk else self._reads.inbox_item
        row = await find(delivery_id, caller.speaks_for)
        if row is None:
            raise RefusedError("not_found")
        if row.state in NOT_FOR_RECIPIENTS:
            raise RefusedError("state_forbids", f"the item is {row.state}")
        return row

    async def opened(self, caller: Caller, delivery_id: str) -> InboxRow:
        """The same for somebody who is shown it, which is recorded before."""
        row = await self.item(caller, delivery_id)
        await self._readings.record(self._reading(caller, row, ReadAct.OPENED, ""))
        return row

    def _reading(self, caller: Caller, row: InboxRow, act: ReadAct, part: str) -> Reading:
        return Reading(
            message_id=row.message_id,
            delivery_id=row.id,
            actor=caller.actor,
            act=act,
            part=part,
            channel=caller.channel,
            at=self._clock.now(),
        )

    async def answerable(self, caller: Caller, delivery_id: str, reader: str) -> InboxRow:
        """The item, unless another reader of the same office holds it."""
        row = await self.item(caller, delivery_id)
        held = row.leased_until is not None and row.leased_until > self._clock.now()
        if held and row.leased_by != reader_name(caller, reader):
            raise RefusedError("item_leased")
        return row

    async def hand_out(self, caller: Caller, delivery_id: str, reader: str, part: str = "content") -> InboxRow:
        """The item, marked as fetched, and the reading recorded, before a byte of it leaves."""
        row = await self.item(caller, delivery_id)
        await self._sound.refuse_purged(row.message_id)
        if row.state in {State.QUEUED, State.IN_FLIGHT}:
            # before it counts as fetched
            await self._sound.open(row.sha256, delivery_id=delivery_id)
            fetch = Fetch(
                delivery_id=delivery_id,
                reader=reader_name(caller, reader),
                actor=caller.actor,
                boot_id=self._boot_id,
                now=self._clock.now(),
                peer={"fingerprint": caller.fingerprint, "method": caller.method, "address": caller.address},
                part=part,
                channel=caller.channel,
            )
            failpoint("inbox.fetch.before")
            await self._pump.submit(self._fetch, fetch)
            failpoint("inbox.fetch.after")
        elif row.state not in {State.DELIVERED, State.ACKNOWLEDGED}:
            raise RefusedError("state_forbids", f"the item is {row.state}")
        else:
            await self._readings.record(self._reading(caller, row, ReadAct.DOWNLOADED, part))
        return row

    @asynccontextmanager
    async def attachment(
        self, caller: Caller, delivery_id: str, number: int, reader: str
    ) -> AsyncIterator[tuple[ScratchFile, Attachment]]:
        """One decoded attachment in a file that lives as long as the context."""
        attachments = envelope_of(await self.item(caller, delivery_id)).attachments
        if not 1 <= number <= len(attachments):
            raise RefusedError("not_found", f"there is no attachment {number}")
        size = attachments[number - 1].size
        with self._room(size), self._one_of_few(caller.credential_id), self._bodies.scratch() as target:
            row = await self.hand_out(caller, delivery_id, reader, f"attachment {number}")
            body = await self._sound.open(row.sha256)
            yield target, await extract(self._pool, body, number, target, self._limits, owner=caller.agency_id)

    @asynccontextmanager
    async def unpacked(
        self, sha256: str, number: int, size: int, *, owner: str
    ) -> AsyncIterator[tuple[ScratchFile, Attachment]]:
        """One decoded attachment for a person whom the caller has let in, and whose look is recorded."""
        with self._room(size), self._one_of_few(owner), self._bodies.scratch() as target:
            body = await self._sound.open(sha256)
            yield target, await extract(self._pool, body, number, target, self._limits, owner=owner)

    @contextmanager
    def _one_of_few(self, owner: str) -> Iterator[None]:
        """An unpacked file lies on the disk while its reader takes its time."""
        if self._unpacked[owner] >= UNPACKED_AT_ONCE:
            raise RefusedError("rate_limited", f"at most {UNPACKED_AT_ONCE} attachments at once")
        self._unpacked[owner] += 1
        try:
            yield
        finally:
            count_down(self._unpacked, owner)

    async def acknowledge(
        self, caller: Caller, delivery_id: str, reader: str, request: Presented | None = None
    ) -> State:
        """The caller has it, and `request` may prove that it says so; repeating it is harmless."""
        row = await self.item(caller, delivery_id)
        now = self._clock.now()
        acknowledge = Acknowledge(
            delivery_id=delivery_id,
            reader=reader_name(caller, reader),
            actor=caller.actor,
            now=now,
            proof=await self._receivers.acknowledged(caller, row, request, now),
        )
        failpoint("inbox.ack.before")
        state = await self._pump.submit(self._acknowledge, acknowledge)
        failpoint("inbox.ack.after")
        return state

    async def fail(self, caller: Caller, delivery_id: str, reader: str, why: str) -> State:
        """The caller cannot use it: a person decides what to do; repeating it is harmless."""
        row = await self._reads.inbox_item(delivery_id, caller.speaks_for)
        if row is None:
            raise RefusedError("not_found")
        failed = Unusable(
            delivery_id=delivery_id,
            reader=reader_name(caller, reader),
            actor=caller.actor,
            now=self._clock.now(),
            why=why,
        )
        return await self._pump.submit(self._unusable, failed)


def reader_name(caller: Caller, reader: str) -> str:
    """Two readers with one credential differ by the name they give themselves."""
    return f"{caller.credential_id}/{reader}"


def envelope_of(row: InboxRow) -> Envelope:
    """The stored envelope."""
    return msgspec.json.decode(row.envelope, type=Envelope)
