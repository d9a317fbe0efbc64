"""One look at one source: lists, fetches, keeps, judges or accepts, and tells the peer.

    1 list     a list that cannot be read concludes nothing (`source.closed`)
    2 record   what is new, what is still there, what has gone: one transaction
    3 fetch    some at a time, those that failed before later and later; urgent ones are accepted first
    4 accept   the bytes become a message, by the same way as everything else
    5 end      the peer is told, after the commit: `done`; a crash in between tells it at the next look

What cannot become a message is kept with its bytes and never fetched again; it stays in the peer's list until a
person decides (`gateway offers`), unless it is an office's own channel: then the office is told at once.

Beside another system (a channel that names a `source`, or agencies that somebody else serves; decision 16) an entry
is fetched and judged, becomes a message only for agencies that we serve, and is acknowledged only when nobody else
needs it. An entry is fetched once. A crash between acceptance and its note repeats the acceptance, which its
fingerprint makes the same message.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
import structlog
from prometheus_client import Gauge

from gateway.clock import micros
from gateway.errors import ConfigError, RefusedError, SourceError, StorageError
from gateway.foundation import Foundation
from gateway.journey import Journey, Submission
from gateway.ledger.offers import (
    Fetched,
    Filled,
    FilledOperation,
    Listing,
    LookOperation,
    Noted,
    NotedOperation,
    Unfetched,
)
from gateway.maintenance.beside import Beside
from gateway.model import Agency, AgencyId, Caller, CredentialId, Endpoint
from gateway.outbox import Outbox
from gateway.ports import Settlement, Source
from gateway.reasons import is_temporary
from gateway.route import is_hosted
from gateway.storage.bodies import SpooledBody

#: After these the next entry would fare no better.
HOPELESS = frozenset(
    {
        "connect_failed",
        "peer_tls_failed",
        "peer_timeout",
        "peer_busy",
        "peer_credential_rejected",
        "disk_nearly_full",
    }
)
#: Entries that are fetched before the first of them is accepted, so that an urgent one among them goes first.
_BATCH = 32
_AT_ONCE = 8
_PRIORITY = re.compile(rb"<(?:\w+:)?Priority>\s*([0-4])\s*<")
_HEAD_BYTES = 32_768

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Got:
    """An entry whose bytes are here."""

    offer: Unfetched
    body: SpooledBody
    urgency: int


class Look:
    """One source; `run` is one look."""

    def __init__(
        self,
        base: Foundation,
        journey: Journey,
        outbox: Outbox,
        endpoint: Endpoint,
        source: Source,
        listed_at: Gauge,
    ) -> None:
        self.source = source
        self._base, self._journey, self._endpoint, self._listed_at = base, journey, endpoint, listed_at
        self._settings = base.settings.cutover
        self._beside = Beside(base, journey, outbox, self._told)
        self._record, self._fill, self._note = LookOperation(), FilledOperation(), NotedOperation()
        self._caller: Caller | None = None
        #: Whether nobody else reads this list.
        self._is_alone = False
        #: The directory's version, and whether we serve every agency of it.
        self._everybody = (-1, False)
        self._pace = float(str(endpoint.settings.get("fetch_per_second", 0)))

    async def run(self) -> tuple[int, bool]:
        """How much was new, and whether there is more than one look takes."""
        self._caller = await self._who()
        items = tuple(await self.source.listed())
        at = self._base.clock.now()
        new = await self._base.pump.submit(self._record, Listing(endpoint_id=self._endpoint.id, items=items, at=at))
        self._listed_at.labels(self._endpoint.name).set(at.timestamp())
        offers, more = await self._to_fetch(at)
        self._is_alone = not self._endpoint.settings.get("source") and await self._serves_everybody()
        for start in range(0, len(offers), _BATCH):
            await self._take(offers[start : start + _BATCH])
        rows = await self._base.readers.fetch("offer_list_fetched", (self._endpoint.id,))
        for row in rows:
            await self._settle(Fetched(*row))
        return new, more

    async def _who(self) -> Caller:
        """In whose name entries come: the relay's, or the owner's of the channel."""
        agency_id = await (self._relay() if self._endpoint.is_relay else self._owner())
        return Caller(
            credential_id=CredentialId(f"source:{self._endpoint.name}"),
            agency_id=agency_id,
            speaks_for=await self._base.directory.represented_by(agency_id, self._base.clock.now()),
            relay_endpoint_id=self._endpoint.id if self._endpoint.is_relay else None,
            method="pulled",
            fingerprint="",
            address="",
        )

    async def _relay(self) -> AgencyId:
        row = await self._base.readers.fetch_one("agency_find_relay", (self._endpoint.id,))
        if row is None:
            raise ConfigError(f"no agency of kind relay stands behind the channel {self._endpoint.name}")
        return AgencyId(row[0])

    async def _owner(self) -> AgencyId:
        """Whose channel it is: the agency that its setting names, else the only one behind it."""
        name, named = self._endpoint.name, self._endpoint.settings.get("agency")
        if named:
            found = (await self._base.directory.resolve([str(named)], self._base.clock.now())).get(str(named))
            if found is None or found.endpoint is None or found.endpoint.id != self._endpoint.id:
                raise ConfigError(f"the channel {name} is not that of its agency {named}")
            return found.id
        rows = await self._base.readers.fetch("agency_list_of_endpoint", (self._endpoint.id,))
        if len(rows) != 1:
            raise ConfigError(f"behind the channel {name} there are {len(rows)} agencies: give its setting agency")
        return AgencyId(rows[0][0])

    async def _to_fetch(self, now: datetime) -> tuple[Sequence[Unfetched], bool]:
        rows = await self._base.readers.fetch("offer_list_unfetched", (self._endpoint.id, micros(now)))
        offers = [Unfetched(*row) for row in rows]
        if self._endpoint.is_relay:
            codes = {offer.id: msgspec.json.decode(offer.recipient_codes, type=list[str]) for offer in offers}
            known = await self._base.directory.resolve({code for each in codes.values() for code in each}, now)
            offers = [offer for offer in offers if _concerns_us(codes[offer.id], known)]
        most = self._settings.fetch_at_most
        return offers[:most], len(offers) > most

    async def _take(self, offers: Sequence[Unfetched]) -> None:
        """Fetch some, then accept or judge them, urgent ones first."""
        places = asyncio.Semaphore(_AT_ONCE)
        got = [each for each in await _all(self._fetch(offer, places) for offer in offers) if each is not None]
        got.sort(key=lambda each: -each.urgency)
        await _all(self._accept(each, places) if self._is_alone else self._judge(each, places) for each in got)

    async def _fetch(self, offer: Unfetched, places: asyncio.Semaphore) -> _Got | None:
        async with places:
            base = self._base
            if base.bodies.free_bytes() < base.settings.storage.min_free_bytes:
                raise SourceError("disk_nearly_full")
            if self._pace > 0:
                await asyncio.sleep(_AT_ONCE / self._pace)
            try:
                body = await self._spooled(offer.ref)
            except (SourceError, RefusedError) as error:
                await base.pump.submit(self._note, Noted(id=offer.id, failure=error.code, at=base.clock.now()))
                if error.code in HOPELESS:
                    raise
                _log.warning("offer.not_fetched", endpoint=self._endpoint.name, ref=offer.ref, reason=error.code)
                return None
            return _Got(offer=offer, body=body, urgency=await asyncio.to_thread(_urgency, body))

    def _submission(self, offer_id: str, body: SpooledBody) -> Submission:
        """The same for every try, so that a repeated one is the same message."""
        assert self._caller is not None
        return Submission(
            caller=self._caller,
            body=body,
            trace_id=hashlib.sha256(offer_id.encode()).hexdigest()[:32],
            arrived_at=self._base.clock.now(),
        )

    async def _serves_everybody(self) -> bool:
        """Asked anew only when the directory has changed."""
        version = self._base.directory.version
        if self._everybody[0] != version:
            row = await self._base.readers.fetch_one("agency_is_served_elsewhere")
            elsewhere = self._settings.served_by != "gateway" or bool(row and row[0])
            self._everybody = (version, not elsewhere)
        return self._everybody[1]

    async def _spooled(self, ref: str) -> SpooledBody:
        most, size = self._base.settings.limits.max_body, 0
        async with self._base.bodies.open_spool() as spool:

            async def write(chunk: bytes) -> None:
                nonlocal size
                size += len(chunk)
                if size > most:
                    raise RefusedError("body_too_large", f"more than {most} bytes")
                await spool.write(chunk)

            await self.source.fetch(ref, write)
            return await spool.finish()

    async def _accept(self, got: _Got, places: asyncio.Semaphore) -> None:
        """Nobody else needs it: it becomes a message at once, and the peer is told."""
        base, offer, body = self._base, got.offer, got.body
        async with places:
            try:
                answer = await self._journey.accept(self._submission(offer.id, body))
            except RefusedError as error:
                if is_temporary(error.code):  # the next look tries again
                    await base.pump.submit(self._note, Noted(id=offer.id, failure=error.code, at=base.clock.now()))
                    return
                await base.bodies.keep(body)
                refused = _filled(self._endpoint, offer, body, base.clock.now(), refusal=error.code)
                await base.pump.submit(self._fill, refused)
                _log.warning("offer.not_accepted", offer=offer.id, ref=offer.ref, reason=error.code)
                await self._refuse(offer.id, offer.ref, error)
                return
            finally:
                await base.bodies.discard(body)
            taken = _filled(self._endpoint, offer, body, base.clock.now(), message_id=answer.message_id)
            await base.pump.submit(self._fill, taken)
            await self._end(offer.id, offer.ref, answer.message_id)

    async def _judge(self, got: _Got, places: asyncio.Semaphore) -> None:
        """Somebody else may need it: what acceptance would make of it is noted."""
        async with places:
            work = self._submission(got.offer.id, got.body)
            await self._beside.judge(self._endpoint, got.offer, got.body, work)

    async def _settle(self, offer: Fetched) -> None:
        """What was fetched before: accept it where it is ours now, and tell the peer what became of it."""
        if offer.left_at is not None:
            return
        try:
            if offer.decision:
                await self._decided(offer)
            elif not self._endpoint.is_relay:
                await self._settle_own(offer)
            else:
                await self._beside.settle(offer, partial(self._submission, offer.id), accepts_all=self._is_alone)
        except (RefusedError, SourceError) as error:
            if error.code in HOPELESS:
                raise
            if not is_temporary(error.code) and offer.failure != error.code:  # told once
                _log.warning("offer.not_accepted", offer=offer.id, ref=offer.ref, reason=error.code)
                noted = Noted(id=offer.id, failure=error.code, at=self._base.clock.now())
                await self._base.pump.submit(self._note, noted)
        except StorageError as error:
            _log.exception("offer.unreadable", offer=offer.id, error=str(error))

    async def _settle_own(self, offer: Fetched) -> None:
        if offer.message_id:
            await self._end(offer.id, offer.ref, offer.message_id)
        else:
            await self._refuse(offer.id, offer.ref, RefusedError(offer.reason or "edxml_invalid"))

    async def _decided(self, offer: Fetched) -> None:
        """A person has said what becomes of an entry that cannot be a message."""
        settlement = Settlement(done=offer.decision == "done", reason=offer.reason or "edxml_invalid")
        if await self.source.settle(offer.ref, settlement):
            await self._base.pump.submit(self._note, Noted(id=offer.id, acknowledged_at=self._base.clock.now()))

    async def _refuse(self, offer_id: str, ref: str, error: RefusedError) -> None:
        """An office hears of it at once; what a relay brought waits for a person."""
        if self._endpoint.is_relay:
            return
        settlement = Settlement(done=False, reason=error.code, detail=error.detail)
        if await self.source.settle(ref, settlement):
            await self._base.pump.submit(self._note, Noted(id=offer_id, acknowledged_at=self._base.clock.now()))

    async def _end(self, offer_id: str, ref: str, message_id: str) -> None:
        if await self._told(ref, message_id):
            await self._base.pump.submit(self._note, Noted(id=offer_id, acknowledged_at=self._base.clock.now()))

    async def _told(self, ref: str, message_id: str) -> bool:
        """Tell the peer that the entry is durably ours."""
        transfer, xades, answer = await self._base.reads.receipt(message_id) or (b"", b"", b"")
        settlement = Settlement(done=True, message_id=message_id, answer=answer, transfer=transfer, xades=xades)
        return await self.source.settle(ref, settlement)


async def _all(work: Iterable[Awaitable[_T]]) -> list[_T]:
    """All of it at once; the first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(each)) for each in work]
    except ExceptionGroup as error:
        raise error.exceptions[0] from error
    return [task.result() for task in tasks]


async def _awaited(work: Awaitable[_T]) -> _T:
    return await work


def _concerns_us(codes: Sequence[str], known: Mapping[str, Agency]) -> bool:
    """Whether somebody we serve or watch may be meant; unknown codes may be ours, and so may those of no list."""
    return not codes or any(
        code not in known or (is_hosted(known[code]) and known[code].served_by != "scripts") for code in codes
    )


def _urgency(body: SpooledBody) -> int:
    """What the head of the document says, unchecked: it decides about an order among a few, and nothing else."""
    with body.open() as file:
        found = _PRIORITY.search(file.read(_HEAD_BYTES))
    return int(found[1]) if found else 0


def _filled(
    endpoint: Endpoint,
    offer: Unfetched,
    body: SpooledBody,
    at: datetime,
    *,
    refusal: str = "",
    message_id: str = "",
) -> Filled:
    return Filled(
        id=offer.id,
        endpoint_id=endpoint.id,
        sha256=body.sha256,
        size=body.size,
        document_ref="",
        verdict="refused" if refusal else "routable",
        reason=refusal,
        findings="[]",
        routes=(),
        message_id=message_id,
        at=at,
    )
