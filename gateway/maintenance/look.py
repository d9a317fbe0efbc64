"""One look at one source: lists, fetches, keeps, judges; accepts what is for the agencies that the gateway serves.

    1 list     a list that cannot be read concludes nothing
    2 record   what is new, what is still there, what has gone: one transaction; what is there again is looked at
               once more (`again`)
    3 fetch    several at once; what acceptance would make of each is judged in the parser pool
    4 accept   meanwhile, urgent documents first (`backlog`), each by the same way as everything else; then whatever
               is about documents
    5 end      the peer is told, if its client can and nobody else still needs the entry

An entry is fetched once. What was not accepted is kept with its bytes, its verdict and an event, for whoever serves
its agencies, or for a person where nobody can read it. What was accepted is in the ledger before the peer hears of
it; a crash in between repeats the acceptance, which its fingerprint makes the same message. An entry with
recipients of ours that another system serves is never acknowledged: that system needs it.

One bad entry keeps no other from its way: it is asked for ever more seldom, or, where not even an id of it can be
read, it is remembered and waits for a person. What looks like an outage (`LIKE_OUTAGES`) is the entry's own while
the same succeeds with others (`tries`); else the look fails, once what is under way has ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
import structlog

from gateway.errors import BodyDamagedError, RefusedError, SourceError, StorageError
from gateway.failpoints import failpoint
from gateway.journey import Judged, Submission
from gateway.ledger.offers import (
    Fetched,
    Filled,
    FilledOperation,
    Look,
    LookOperation,
    Noted,
    NotedOperation,
    Route,
    Unfetched,
    Verdict,
)
from gateway.ledger.params import as_json
from gateway.ledger.relisted import UNREADABLE
from gateway.maintenance.abreast import side_by_side
from gateway.maintenance.again import Again
from gateway.maintenance.drain import Drain
from gateway.maintenance.peer import LIKE_OUTAGES, OURS, Desks, Peer
from gateway.maintenance.ready import Ready, concerns_us, route_of
from gateway.maintenance.silence import hour_of
from gateway.maintenance.tries import Tries
from gateway.model import AgencyId, Endpoint
from gateway.ports import Listed, Settlement
from gateway.reasons import is_temporary
from gateway.storage.bodies import SpooledBody

#: A look that goes in vain so many times one after the other, of what is done at once, goes on with the next list.
_IN_VAIN: Final = 2

_log = structlog.get_logger(__name__)
_routes = msgspec.json.Decoder(tuple[Route, ...])
_codes = msgspec.json.Decoder(list[str])
_look, _fill, _note = LookOperation(), FilledOperation(), NotedOperation()
T = TypeVar("T")


class SourceLook:
    """One look."""

    def __init__(self, desks: Desks, peer: Peer, *, listed: Callable[[Endpoint], None]) -> None:
        self._base, self._journey, self._outbox = desks.base, desks.journey, desks.outbox
        self._canaries = desks.canaries
        self._peer, self._listed = peer, listed

    async def run(self) -> int:
        """The number of entries that were new."""
        peer, base, memory = self._peer, self._base, self._peer.memory
        failpoint("source.list.before")
        items = tuple(await peer.source.listed())
        failpoint("source.list.after")
        at = base.clock.now()
        new = await base.pump.submit(
            _look,
            Look(
                endpoint_id=peer.endpoint.id,
                items=items,
                at=at,
                hour=hour_of(at),
                comes_back=not peer.endpoint.is_relay,
                is_all=not memory.is_failing,
                canary=self._canary_code(),
                is_canary_missing=peer.canary is not None and peer.canary.is_missing,
            ),
        )
        self._listed(peer.endpoint)
        self._log_unreadable(items)
        memory.fetches.begin()
        memory.settlements.begin()
        new += await Again(base, peer).run(items)
        is_all, trouble = True, None
        decided = await base.readers.fetch("offer_list_decided", (peer.endpoint.id,))
        try:
            await self._tell_decisions(decided)
            is_all = await self._drain()
        except SourceError as error:  # perhaps one entry's: what came before it is brought to its end first
            is_all, trouble = False, error
        rows = await base.readers.fetch("offer_list_fetched", (peer.endpoint.id,))
        fetched = [offer for offer in (Fetched(*row) for row in rows) if offer.left_at is None]
        memory.settlements.keep_only(frozenset({row[0] for row in decided} | {offer.id for offer in fetched}))
        try:
            await self._side_by_side(self._settle, fetched)
        except SourceError as error:
            is_all, trouble = False, trouble or error
        if trouble is not None and (memory.is_failing or trouble.code not in LIKE_OUTAGES):
            raise trouble
        memory.refused_at = base.directory.version
        return new if is_all else max(new, 1)

    async def _drain(self) -> bool:
        """Take what waits; False when a long backlog is left for the next look, which lists what came meanwhile."""
        drain = Drain(self._base, self._peer, fetch=self._fetch, accept=self._accept_ready)
        while wanted := await self._to_fetch():
            if not await drain.take(wanted):
                return False
        return True

    def _log_unreadable(self, items: Sequence[Listed]) -> None:
        """The only place where the beginning of such an entry is told, once."""
        told = self._peer.memory.unreadable
        self._peer.memory.unreadable = {item.ref for item in items if item.unreadable}
        for item in items:
            if item.unreadable and item.ref not in told:
                name = self._peer.endpoint.name
                _log.warning("offer.unreadable", endpoint=name, ref=item.ref, entry=item.unreadable)

    async def _tell_decisions(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """What people decided about entries of this list."""
        for offer_id, ref, decision, why in rows:
            told = Settlement(done=decision == "done", reason=why or "offer_decided")
            if not self._peer.memory.settlements.is_due(offer_id, self._base.clock.now()):
                continue
            try:
                # of an entry without an id the peer cannot be told: it stays there, and no longer waits here
                is_told = why == UNREADABLE or await self._settled(offer_id, ref, told)
            except SourceError as error:
                await self._not_taken(offer_id, ref, error, error.code)
                continue
            if is_told:
                await self._base.pump.submit(_note, Noted(id=offer_id, acknowledged_at=self._base.clock.now()))

    # --- 3 fetch

    async def _to_fetch(self) -> list[Unfetched]:
        peer, base = self._peer, self._base
        rows = await base.readers.fetch("offer_list_unfetched", (peer.endpoint.id,))
        offers = [Unfetched(*row) for row in rows]
        fetches, now = peer.memory.fetches, base.clock.now()
        codes = {offer.id: _codes.decode(offer.recipient_codes) for offer in offers}
        known = await base.directory.resolve({code for each in codes.values() for code in each}, now)
        test = self._canary_code()
        wanted = [
            each
            for each in offers
            if not peer.endpoint.is_relay or test in codes[each.id] or concerns_us(codes[each.id], known)
        ]
        fetches.keep_only(frozenset(offer.id for offer in wanted))
        return [offer for offer in wanted if fetches.is_due(offer.id, now)]

    async def _side_by_side(self, act: Callable[[T], Awaitable[None]], items: Sequence[T]) -> None:
        await side_by_side(act, items, at_once=self._peer.at_once)

    async def _fetch(self, offer: Unfetched, place: int) -> None:
        base = self._base
        if base.bodies.free_bytes() < base.settings.storage.min_free_bytes:
            raise SourceError(OURS)
        body = None
        try:
            body = await self._spooled(offer.ref)
            self._peer.memory.fetches.succeeded(offer.id)
            judged = await self._journey.judge(self._submission(body, offer), whoever_serves=True)
        except (SourceError, RefusedError) as error:  # unreadable there, too large, or our parsers are busy
            if body is not None:
                await base.bodies.discard(body)
            await self._failed(offer, error)
            return
        except BaseException:
            if body is not None:
                await base.bodies.discard(body)
            raise
        if await self._is_canary(offer, body, judged):
            return
        routes = await self._routed(judged)
        ours, alone = await self._whose(routes)
        found = Ready(offer=offer, body=body, judged=judged, routes=routes, ours=ours, alone=alone)
        if judged.refusal or not ours:
            try:
                await self._keep(found)
            finally:
                await base.bodies.discard(body)
        else:
            self._peer.memory.backlog.put(found, place)

    def _canary_code(self) -> str:
        return self._peer.canary.settings.code if self._peer.canary is not None else ""

    async def _is_canary(self, offer: Unfetched, body: SpooledBody, judged: Judged) -> bool:
        """A test document of ours is recorded as come back, acknowledged, and reaches nobody."""
        endpoint, canary = self._peer.endpoint, self._peer.canary
        if canary is None or judged.envelope is None:
            return False
        message_id = await self._canaries.message_of(endpoint, canary, judged.envelope, body.sha256)
        if not message_id:
            return False
        await self._base.bodies.discard(body)
        if not await self._canaries.returned(endpoint, canary, message_id, offer.id):
            self._peer.memory.fetches.failed(offer.id, self._base.clock.now())
            return True
        try:
            await self._tell(offer.id, offer.ref, message_id)
        except SourceError as error:  # it stays listed, and is told again
            await self._not_taken(offer.id, offer.ref, error, "")
        return True

    async def _failed(self, offer: Unfetched, error: SourceError | RefusedError) -> None:
        await self._base.pump.submit(_note, Noted(id=offer.id, failure=error.code))
        name = self._peer.endpoint.name
        _log.warning("offer.not_fetched", endpoint=name, ref=offer.ref, reason=error.code, detail=error.detail)
        if not self._is_like_outage(self._peer.memory.fetches, offer.id, error):
            self._peer.memory.fetches.failed(offer.id, self._base.clock.now())

    def _is_like_outage(self, tries: Tries, offer_id: str, error: SourceError | RefusedError) -> bool:
        """Whether the next entry may fare no better; raises where it is known that it will not."""
        if error.code == OURS:
            raise error
        if error.code not in LIKE_OUTAGES:
            return False
        tries.failed_as_in_outage(offer_id, self._base.clock.now())
        if tries.is_peers or tries.in_a_row >= _IN_VAIN * self._peer.at_once:
            raise error
        return True

    async def _spooled(self, ref: str) -> SpooledBody:
        most, size = self._base.settings.limits.max_body, 0
        async with self._base.bodies.open_spool() as spool:

            async def write(chunk: bytes) -> None:
                nonlocal size
                size += len(chunk)
                if size > most:
                    raise RefusedError("body_too_large", f"more than {most} bytes")
                await spool.write(chunk)

            failpoint("source.fetch.before")
            await self._peer.source.fetch(ref, write)
            failpoint("source.fetch.after")
            return await spool.finish()

    async def _routed(self, judged: Judged) -> tuple[Route, ...]:
        if judged.envelope is None:
            return ()
        codes = [party.organ_id for party in judged.envelope.recipients]
        codes += [about.organ_id for about in judged.envelope.responses_for if not codes]
        known = await self._base.directory.resolve(codes, self._base.clock.now())
        return tuple(route_of(code, known.get(code)) for code in dict.fromkeys(codes))

    async def _whose(self, routes: Sequence[Route]) -> tuple[bool, bool]:
        """Whether we serve one of its recipients, and whether nobody else serves any; an office's own is ours."""
        if not self._peer.endpoint.is_relay:
            return True, True
        hosted = [AgencyId(route.agency) for route in routes if route.hosted]
        served = {agency.served_by for agency in (await self._base.directory.agencies(hosted)).values()}
        return "gateway" in served, served == {"gateway"}

    async def _keep(self, ready: Ready) -> None:
        """Its bytes and what was made of them, without accepting it."""
        async with self._base.bodies.claims.claimed(ready.body.sha256):
            await self._base.bodies.keep(ready.body)
            await self._base.pump.submit(_fill, self._filled(ready))

    def _filled(self, ready: Ready, message_id: str = "") -> Filled:
        judged, envelope = ready.judged, ready.judged.envelope
        verdict: Verdict = "refused" if judged.refusal else "parked" if judged.parked else "routable"
        return Filled(
            id=ready.offer.id,
            endpoint_id=self._peer.endpoint.id,
            sha256=ready.body.sha256,
            size=ready.body.size,
            document_ref=envelope.document_id if envelope else "",
            verdict=verdict,
            reason=judged.refusal or judged.parked,
            findings=as_json(judged.findings),
            routes=ready.routes,
            at=self._base.clock.now(),
            message_id=message_id,
        )

    # --- 4 accept, 5 end

    async def _accept_ready(self, ready: Ready) -> None:
        """What was fetched a moment ago, judged and ours."""
        submission = self._submission(ready.body, ready.offer, ready.judged)
        try:
            answer = await self._journey.accept(submission)
            if answer.replayed:
                await self._make_whole(ready.body)
                if self._peer.endpoint.is_relay and ready.offer.kind == "document":
                    await self._complete(answer.message_id, ready.routes)
            await self._base.pump.submit(_fill, self._filled(ready, answer.message_id))
            if ready.alone:
                await self._tell(ready.offer.id, ready.offer.ref, answer.message_id)
        except (RefusedError, SourceError) as error:
            self._peer.memory.fetches.failed(ready.offer.id, self._base.clock.now())
            await self._not_taken(ready.offer.id, ready.offer.ref, error, "")

    async def _make_whole(self, body: SpooledBody) -> None:
        """A repetition's bytes are kept like any: they may differ from those of the message that it repeats."""
        try:
            await self._base.bodies.open_sound(body.sha256)
        except BodyDamagedError:
            await self._base.bodies.keep(body)

    async def _settle(self, offer: Fetched) -> None:
        """What was fetched at an earlier look, or is left to nobody yet."""
        if not self._peer.memory.settlements.is_due(offer.id, self._base.clock.now()):
            return
        stale = offer.failure and not is_temporary(offer.failure)
        if stale and not offer.message_id and self._peer.memory.refused_at == self._base.directory.version:
            return  # refused for good by the same directory
        try:
            if self._peer.endpoint.is_relay:
                await self._settle_relayed(offer)
            else:
                await self._settle_own(offer)
        except (RefusedError, SourceError) as error:
            await self._not_taken(offer.id, offer.ref, error, offer.failure)
        except StorageError as error:
            _log.exception("offer.unreadable", offer=offer.id, error=str(error))

    async def _not_taken(self, offer_id: str, ref: str, error: RefusedError | SourceError, known: str) -> None:
        if self._is_like_outage(self._peer.memory.settlements, offer_id, error):
            return
        if not is_temporary(error.code) and known != error.code:  # told once
            _log.warning("offer.not_accepted", offer=offer_id, ref=ref, reason=error.code)
            await self._base.pump.submit(_note, Noted(id=offer_id, failure=error.code))

    async def _settle_own(self, offer: Fetched) -> None:
        """What an office of ours put into its own channel: accepted or refused, and the office told which."""
        try:
            message_id = offer.message_id or await self._accept(offer)
        except RefusedError as error:
            if is_temporary(error.code):
                raise
            refusal = Settlement(done=False, reason=error.code, detail=error.detail)
            if await self._settled(offer.id, offer.ref, refusal):
                ended = Noted(id=offer.id, failure=error.code, acknowledged_at=self._base.clock.now())
                await self._base.pump.submit(_note, ended)
        else:
            await self._tell(offer.id, offer.ref, message_id)

    async def _settle_relayed(self, offer: Fetched) -> None:
        """What a relay brings: accepted where it is for agencies that we serve."""
        routes = _routes.decode(offer.routes)
        ours, alone = await self._whose(routes)
        if not ours:
            return
        message_id = offer.message_id or await self._accept(offer)
        if offer.kind == "document":
            await self._complete(message_id, routes)
        if alone:
            await self._tell(offer.id, offer.ref, message_id)

    async def _tell(self, offer_id: str, ref: str, message_id: str) -> None:
        """Tell the peer that the entry is durably ours."""
        transfer, xades, answer = b"", b"", b""
        if not self._peer.endpoint.is_relay:  # an office gets its receipt
            transfer, xades, answer = await self._base.reads.receipt(message_id) or (b"", b"", b"")
        told = Settlement(done=True, message_id=message_id, answer=answer, transfer=transfer, xades=xades)
        if await self._settled(offer_id, ref, told):
            await self._base.pump.submit(_note, Noted(id=offer_id, acknowledged_at=self._base.clock.now()))

    async def _settled(self, offer_id: str, ref: str, told: Settlement) -> bool:
        failpoint("source.settle.before")
        is_told = await self._peer.source.settle(ref, told)
        failpoint("source.settle.after")
        if is_told:
            self._peer.memory.settlements.succeeded(offer_id)
        return is_told

    async def _accept(self, offer: Fetched) -> str:
        """The message that it became."""
        body = await self._read_again(offer.sha256)
        try:
            answer = await self._journey.accept(self._submission(body, offer))
        finally:
            await self._base.bodies.discard(body)
        await self._base.pump.submit(_note, Noted(id=offer.id, message_id=answer.message_id))
        return answer.message_id

    async def _read_again(self, sha256: str) -> SpooledBody:
        reader = await self._base.bodies.open(sha256)
        async with self._base.bodies.open_spool() as spool:
            async for chunk in reader:
                await spool.write(chunk)
            body = await spool.finish()
        if body.sha256 != sha256:
            await self._base.bodies.discard(body)
            raise StorageError(f"the body {sha256} is damaged")
        return body

    async def _complete(self, message_id: str, routes: Sequence[Route]) -> None:
        """Every agency that we serve has a line of the document that is ours to deliver.

        One has none that was taken after the document had been accepted for others. One has a closed line where the
        document was imported as sent by another agency of ours: what the other system sent, the axis now brings.
        """
        hosted = [AgencyId(route.agency) for route in routes if route.hosted]
        agencies = (await self._base.directory.agencies(hosted)).values()
        ours = frozenset(agency.id for agency in agencies if agency.served_by == "gateway")
        lines = await self._base.reads.deliveries(message_id)
        lacking = ours - {line.recipient_id for line in lines}
        codes = [route.code for route in routes if route.agency in lacking]
        if codes:
            await self._outbox.add_recipients(message_id, codes)
        imported = await self._base.readers.fetch("delivery_list_sent_elsewhere", (message_id,))
        again = [row[0] for row in imported if row[1] in ours]
        if again:
            await self._outbox.deliver_after_all(again, sorted(ours))

    def _submission(
        self, body: SpooledBody, offer: Unfetched | Fetched, judged: Judged | None = None
    ) -> Submission:
        at: datetime = self._base.clock.now()
        return Submission(
            caller=self._peer.caller,
            body=body,
            trace_id=hashlib.sha256(offer.id.encode()).hexdigest()[:32],
            arrived_at=at,
            about_delivery=offer.about_delivery,
            report=judged.report if judged else None,
        )
