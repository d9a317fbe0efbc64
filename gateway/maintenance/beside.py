"""An entry of a list that another system may read, too: judged, accepted for the agencies that we serve, and no
more.

While all agencies are in shadow, nothing of it becomes a message, and whoever served them before goes on
undisturbed. An entry with recipients of ours that another system serves is never acknowledged: that system needs
it (decision 16).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from gateway.errors import RefusedError, StorageError
from gateway.foundation import Foundation
from gateway.journey import Journey, Judged, Submission
from gateway.ledger.offers import (
    Fetched,
    Filled,
    FilledOperation,
    Noted,
    NotedOperation,
    Route,
    Unfetched,
    Verdict,
)
from gateway.ledger.params import as_json
from gateway.model import Agency, AgencyId, Endpoint
from gateway.outbox import Outbox
from gateway.route import is_hosted
from gateway.storage.bodies import SpooledBody

_routes = msgspec.json.Decoder(tuple[Route, ...])


class Beside:
    """For one source."""

    def __init__(
        self, base: Foundation, journey: Journey, outbox: Outbox, told: Callable[[str, str], Awaitable[bool]]
    ) -> None:
        self._base, self._journey, self._outbox, self._told = base, journey, outbox, told
        self._fill, self._note = FilledOperation(), NotedOperation()

    async def judge(self, endpoint: Endpoint, offer: Unfetched, body: SpooledBody, work: Submission) -> None:
        """Keep the bytes, and note what acceptance would make of them."""
        base = self._base
        try:
            judged = await self._journey.judge(work, whoever_serves=True)
            routes = await self._routed(judged)
            await base.bodies.keep(body)
        except RefusedError as error:  # the parsers are busy: the next look fetches it again
            await base.pump.submit(self._note, Noted(id=offer.id, failure=error.code, at=base.clock.now()))
            return
        finally:
            await base.bodies.discard(body)
        await base.pump.submit(self._fill, _filled(endpoint, offer, body, judged, routes, base.clock.now()))

    async def _routed(self, judged: Judged) -> tuple[Route, ...]:
        if judged.envelope is None:
            return ()
        codes = [party.organ_id for party in judged.envelope.recipients]
        codes += [about.organ_id for about in judged.envelope.responses_for if not codes]
        known = await self._base.directory.resolve(codes, self._base.clock.now())
        return tuple(_route(code, known.get(code)) for code in dict.fromkeys(codes))

    async def settle(self, offer: Fetched, make: Callable[[SpooledBody], Submission], *, accepts_all: bool) -> None:
        """Accept it for the agencies that we serve; acknowledge it where nobody else needs it."""
        hosted = [AgencyId(route.agency) for route in _routes.decode(offer.routes) if route.hosted]
        agencies = (await self._base.directory.agencies(hosted)).values()
        ours = frozenset(agency.id for agency in agencies if agency.served_by == "gateway")
        if not ours and not (accepts_all and offer.message_id):
            return
        message_id = offer.message_id or await self._accept(offer, make)
        if offer.kind == "document" and ours:
            await self._complete(message_id, offer, ours)
        if len(ours) == len(agencies) and await self._told(offer.ref, message_id):
            ended = Noted(id=offer.id, acknowledged_at=self._base.clock.now())
            await self._base.pump.submit(self._note, ended)

    async def _accept(self, offer: Fetched, make: Callable[[SpooledBody], Submission]) -> str:
        """The message that it became."""
        body = await self._read_again(offer.sha256)
        try:
            answer = await self._journey.accept(make(body))
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


def _route(code: str, agency: Agency | None) -> Route:
    if agency is None:
        return Route(code=code)
    channel = agency.endpoint.name if agency.endpoint else ""
    return Route(code=code, agency=agency.id, hosted=is_hosted(agency), channel=channel)


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
