"""Looks at what peers offer: lists, fetches, keeps, judges; accepts it for the agencies that the gateway serves.

For each endpoint with a `source` in its settings, one look after the other:

    1 list     a list that cannot be read concludes nothing (`source.closed`)
    2 record   what is new, what is still there, what has gone: one transaction
    3 fetch    bytes are kept and synced, and what acceptance would make of them is noted, with its event
    4 accept   what is for an agency that we serve becomes a message, by the same way as everything else
    5 end      the peer is told, if its client can and nobody else still needs the entry

While all agencies are in shadow, 4 and 5 do nothing, and whoever served them before goes on undisturbed. An entry
is fetched once. A crash between acceptance and its note repeats the acceptance, which its fingerprint makes the
same message. An entry with recipients of ours that another system serves is never acknowledged: that system needs
it.

It does NOT decide who serves whom: `gateway cutover` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
import structlog

from gateway.channels import source_kind
from gateway.errors import ConfigError, RefusedError, SourceError, StorageError
from gateway.foundation import Foundation
from gateway.journey import Journey, Judged, Submission
from gateway.ledger.offers import (
    Failed,
    FailedOperation,
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
from gateway.model import Agency, AgencyId, Caller, CredentialId, Endpoint, EndpointId
from gateway.observe import Metrics
from gateway.outbox import Outbox
from gateway.owners import owner_of
from gateway.ports import Settlement, Source
from gateway.reasons import is_temporary
from gateway.route import is_hosted
from gateway.storage.bodies import SpooledBody

#: After these the next entry would fare no better.
_HOPELESS = frozenset(
    {
        "connect_failed",
        "peer_tls_failed",
        "peer_timeout",
        "peer_busy",
        "peer_credential_rejected",
        "disk_nearly_full",
    }
)

_log = structlog.get_logger(__name__)
_routes = msgspec.json.Decoder(tuple[Route, ...])


class Watcher:
    """The duty."""

    name = "watcher"

    def __init__(
        self,
        base: Foundation,
        journey: Journey,
        outbox: Outbox,
        source_of: Callable[[Endpoint], Source],
        metrics: Metrics,
    ) -> None:
        self._listed_at = metrics.source_listed_at
        self._base, self._journey, self._outbox, self._source_of = base, journey, outbox, source_of
        self._settings = base.settings.cutover
        self.every = self._settings.poll_every
        #: The client of each endpoint, and the settings that it was made with.
        self._sources: dict[EndpointId, tuple[Mapping[str, object], Source]] = {}
        self._look, self._failed = LookOperation(), FailedOperation()
        self._fill, self._note = FilledOperation(), NotedOperation()

    async def run_once(self) -> None:
        """One look at every source; one that fails keeps none of the others from theirs."""
        for endpoint in await self._base.directory.endpoints():
            if source_kind(endpoint):
                await self._try(endpoint)

    async def close(self) -> None:
        """Give back connections."""
        sources, self._sources = list(self._sources.values()), {}
        for _, source in sources:
            await source.close()

    async def _try(self, endpoint: Endpoint) -> None:
        try:
            await self._watch(endpoint)
        except (SourceError, RefusedError) as error:
            await self._fail(endpoint, error.code, error.detail)
        except ConfigError as error:
            await self._fail(endpoint, "source_misconfigured", str(error))

    async def _fail(self, endpoint: Endpoint, code: str, detail: str) -> None:
        _log.warning("source.failed", endpoint=endpoint.name, reason=code, detail=detail)
        self._listed_at.labels(endpoint.name)  # one never read shows 0, which is alarmed
        now = self._base.clock.now()
        await self._base.pump.submit(
            self._failed, Failed(endpoint_id=endpoint.id, reason=code, detail=detail, at=now)
        )

    async def _watch(self, endpoint: Endpoint) -> None:
        source, caller = await self._source(endpoint), await self._caller(endpoint)
        items = tuple(await source.listed())
        at = self._base.clock.now()
        await self._base.pump.submit(
            self._look, Look(endpoint_id=endpoint.id, items=items, at=at, comes_back=not endpoint.is_relay)
        )
        self._listed_at.labels(endpoint.name).set(at.timestamp())
        for offer in await self._to_fetch(endpoint):
            await self._fetch(endpoint, source, caller, offer)
        rows = await self._base.readers.fetch("offer_list_fetched", (endpoint.id,))
        for row in rows:
            await self._settle(endpoint, source, caller, Fetched(*row))

    async def _source(self, endpoint: Endpoint) -> Source:
        known = self._sources.get(endpoint.id)
        if known is not None and known[0] == endpoint.settings:
            return known[1]
        made = self._source_of(endpoint)
        self._sources[endpoint.id] = (endpoint.settings, made)
        if known is not None:
            await known[1].close()
        return made

    async def _caller(self, endpoint: Endpoint) -> Caller:
        agency_id = await (self._relay(endpoint) if endpoint.is_relay else self._owner(endpoint))
        now = self._base.clock.now()
        return Caller(
            credential_id=CredentialId(f"source:{endpoint.name}"),
            agency_id=agency_id,
            speaks_for=await self._base.directory.represented_by(agency_id, now),
            relay_endpoint_id=endpoint.id if endpoint.is_relay else None,
            method="pulled",
            fingerprint="",
            address="",
        )

    async def _relay(self, endpoint: Endpoint) -> AgencyId:
        row = await self._base.readers.fetch_one("agency_find_relay", (endpoint.id,))
        if row is None:
            raise ConfigError(f"no agency of kind relay stands behind the channel {endpoint.name}")
        return AgencyId(row[0])

    async def _owner(self, endpoint: Endpoint) -> AgencyId:
        base = self._base
        return await owner_of(endpoint, base.directory, base.readers, base.clock.now())

    async def _to_fetch(self, endpoint: Endpoint) -> Sequence[Unfetched]:
        rows = await self._base.readers.fetch("offer_list_unfetched", (endpoint.id,))
        offers = [Unfetched(*row) for row in rows]
        codes = {offer.id: msgspec.json.decode(offer.recipient_codes, type=list[str]) for offer in offers}
        known = await self._base.directory.resolve(
            {code for each in codes.values() for code in each}, self._base.clock.now()
        )
        wanted = [offer for offer in offers if not endpoint.is_relay or _concerns_us(codes[offer.id], known)]
        return wanted[: self._settings.fetch_at_most]

    async def _fetch(self, endpoint: Endpoint, source: Source, caller: Caller, offer: Unfetched) -> None:
        base = self._base
        if base.bodies.free_bytes() < base.settings.storage.min_free_bytes:
            raise SourceError("disk_nearly_full")
        try:
            body = await self._spooled(source, offer.ref)
        except (SourceError, RefusedError) as error:
            await base.pump.submit(self._note, Noted(id=offer.id, failure=error.code))
            if error.code in _HOPELESS:
                raise
            _log.warning("offer.not_fetched", endpoint=endpoint.name, ref=offer.ref, reason=error.code)
            return
        try:
            judged = await self._journey.judge(
                _submission(caller, body, offer.id, base.clock.now()), whoever_serves=True
            )
            routes = await self._routed(judged)
            await base.bodies.keep(body)
        except RefusedError as error:  # the parsers are busy: the next look fetches it again
            await base.pump.submit(self._note, Noted(id=offer.id, failure=error.code))
            return
        finally:
            await base.bodies.discard(body)
        await base.pump.submit(self._fill, _filled(endpoint, offer, body, judged, routes, base.clock.now()))

    async def _spooled(self, source: Source, ref: str) -> SpooledBody:
        most, size = self._base.settings.limits.max_body, 0
        async with self._base.bodies.open_spool() as spool:

            async def write(chunk: bytes) -> None:
                nonlocal size
                size += len(chunk)
                if size > most:
                    raise RefusedError("body_too_large", f"more than {most} bytes")
                await spool.write(chunk)

            await source.fetch(ref, write)
            return await spool.finish()

    async def _routed(self, judged: Judged) -> tuple[Route, ...]:
        if judged.envelope is None:
            return ()
        codes = [party.organ_id for party in judged.envelope.recipients]
        codes += [about.organ_id for about in judged.envelope.responses_for if not codes]
        known = await self._base.directory.resolve(codes, self._base.clock.now())
        return tuple(_route(code, known.get(code)) for code in dict.fromkeys(codes))

    async def _settle(self, endpoint: Endpoint, source: Source, caller: Caller, offer: Fetched) -> None:
        """Steps 4 and 5 for one entry; what goes wrong with it is noted and keeps nobody else from his."""
        if offer.left_at is not None:
            return
        try:
            if endpoint.is_relay:
                await self._settle_relayed(source, caller, offer)
            else:
                await self._settle_own(source, caller, offer)
        except (RefusedError, SourceError) as error:
            if error.code in _HOPELESS:
                raise
            if not is_temporary(error.code) and offer.failure != error.code:  # told once
                _log.warning("offer.not_accepted", offer=offer.id, ref=offer.ref, reason=error.code)
                await self._base.pump.submit(self._note, Noted(id=offer.id, failure=error.code))
        except StorageError as error:
            _log.exception("offer.unreadable", offer=offer.id, error=str(error))

    async def _settle_own(self, source: Source, caller: Caller, offer: Fetched) -> None:
        """What an office of ours put into its own channel: accepted or refused, and the office told which."""
        try:
            message_id = offer.message_id or await self._accept(caller, offer)
        except RefusedError as error:
            if is_temporary(error.code):
                raise
            told = await source.settle(offer.ref, Settlement(done=False, reason=error.code, detail=error.detail))
            failure = error.code
        else:
            told, failure = await self._told(source, offer.ref, message_id), ""
        if told:
            ended = Noted(id=offer.id, failure=failure, acknowledged_at=self._base.clock.now())
            await self._base.pump.submit(self._note, ended)

    async def _settle_relayed(self, source: Source, caller: Caller, offer: Fetched) -> None:
        """What a relay brings: accepted where it is for agencies that we serve."""
        hosted = [AgencyId(route.agency) for route in _routes.decode(offer.routes) if route.hosted]
        agencies = (await self._base.directory.agencies(hosted)).values()
        ours = frozenset(agency.id for agency in agencies if agency.served_by == "gateway")
        if not ours:
            return
        message_id = offer.message_id or await self._accept(caller, offer)
        if offer.kind == "document":
            await self._complete(message_id, offer, ours)
        if len(ours) == len(agencies) and await self._told(source, offer.ref, message_id):
            ended = Noted(id=offer.id, acknowledged_at=self._base.clock.now())
            await self._base.pump.submit(self._note, ended)

    async def _told(self, source: Source, ref: str, message_id: str) -> bool:
        """Tell the peer that the entry is durably ours."""
        transfer, xades, answer = await self._base.reads.receipt(message_id) or (b"", b"", b"")
        settlement = Settlement(done=True, message_id=message_id, answer=answer, transfer=transfer, xades=xades)
        return await source.settle(ref, settlement)

    async def _accept(self, caller: Caller, offer: Fetched) -> str:
        """The message that it became."""
        body = await self._read_again(offer.sha256)
        try:
            given = _submission(caller, body, offer.id, self._base.clock.now())
            answer = await self._journey.accept(replace(given, about_delivery=offer.about_delivery))
        finally:
            await self._base.bodies.discard(body)
        await self._base.pump.submit(self._note, Noted(id=offer.id, message_id=answer.message_id))
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

    async def _complete(self, message_id: str, offer: Fetched, ours: frozenset[AgencyId]) -> None:
        """Every agency that we serve has a line of the document that is ours to deliver.

        One has none that was taken after the document had been accepted for others. One has a closed line where the
        document was imported as sent by another agency of ours: what the other system sent, the axis now brings.
        """
        lines = await self._base.reads.deliveries(message_id)
        lacking = ours - {line.recipient_id for line in lines}
        codes = [route.code for route in _routes.decode(offer.routes) if route.agency in lacking]
        if codes:
            await self._outbox.add_recipients(message_id, codes)
        imported = await self._base.readers.fetch("delivery_list_sent_elsewhere", (message_id,))
        again = [row[0] for row in imported if row[1] in ours]
        if again:
            await self._outbox.deliver_after_all(again, sorted(ours))


def _concerns_us(codes: Sequence[str], known: Mapping[str, Agency]) -> bool:
    """Whether somebody we serve or watch may be meant; unknown codes may be ours, and so may those of no list."""
    return not codes or any(
        code not in known or (is_hosted(known[code]) and known[code].served_by != "scripts") for code in codes
    )


def _route(code: str, agency: Agency | None) -> Route:
    if agency is None:
        return Route(code=code)
    channel = agency.endpoint.name if agency.endpoint else ""
    return Route(code=code, agency=agency.id, hosted=is_hosted(agency), channel=channel)


def _submission(caller: Caller, body: SpooledBody, offer_id: str, at: datetime) -> Submission:
    return Submission(
        caller=caller,
        body=body,
        trace_id=hashlib.sha256(offer_id.encode()).hexdigest()[:32],
        arrived_at=at,
    )


def _filled(
    endpoint: Endpoint,
    offer: Unfetched,
    body: SpooledBody,
    judged: Judged,
    routes: tuple[Route, ...],
    at: datetime,
) -> Filled:
    verdict: Verdict = "refused" if judged.refusal else "parked" if judged.parked else "routable"
    return Filled(
        id=offer.id,
        endpoint_id=endpoint.id,
        sha256=body.sha256,
        size=body.size,
        document_ref=judged.envelope.document_id if judged.envelope else "",
        verdict=verdict,
        reason=judged.refusal or judged.parked,
        findings=as_json(judged.findings),
        routes=routes,
        at=at,
    )
