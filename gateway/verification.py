"""Nobody gets a document before he has shown that he wants it and holds the channel's key.

`proving` wraps an adapter that can ask for such a proof (`ports.Provable`). Before a transmission the mark of the
channel (its address and key) is compared with what was proved. Where they differ the receiver is asked, once for
all that wait, and the answer is recorded with an event. Without the proof the dispatch is deferred, as
`channel_unverified` or with the network's own reason: an outage like any other, retried by the same plan.

- `webhook.verify` says who is asked: always, never, or (by_profile) everybody in the strict profile. A channel's
  own setting `verify` ("none" or "challenge") comes first.
- A channel that was in use before proofs were asked for is taken over as it is at its next use, with an event; from
  then on a new address or key must be proved like any other.
- A receiver that answers 410 must be asked anew.

It does NOT verify who the receiver is: that is TLS.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict

from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.deliver import report_all
from gateway.errors import ConfigError
from gateway.ledger.proofs import Asked, AskedOperation, How, Proof, proof_of
from gateway.model import Endpoint, EndpointId, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Adapter, Body, Provable
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_PROVED = Outcome(kind=OutcomeKind.DELIVERED)
#: Those that waited while a question failed are not asked for again.
_SHARED_SECONDS = 0.5


class Proofs:
    """What is recorded of receivers."""

    def __init__(self, readers: Readers, pump: Pump, clock: Clock) -> None:
        self._readers, self._pump, self.clock = readers, pump, clock
        self._record = AskedOperation()

    async def of(self, endpoint_id: EndpointId) -> Proof | None:
        """What is known of the receiver at a channel."""
        row = await self._readers.fetch_one("proof_find", (endpoint_id,))
        return None if row is None else proof_of(row)

    async def keep(
        self, endpoint: Endpoint, mark: str, outcome: Outcome, *, how: How = "challenge", actor: str = "gateway"
    ) -> None:
        """Record an answer."""
        asked = Asked(
            endpoint_id=endpoint.id,
            mark=mark,
            how=how,
            now=self.clock.now(),
            reason=outcome.reason,
            detail=outcome.detail,
            actor=actor,
        )
        await self._pump.submit(self._record, asked)


def is_required(settings: Settings, endpoint: Endpoint) -> bool:
    """Whether the receiver at a channel must prove itself."""
    own = endpoint.settings.get("verify")
    if own in {"none", "challenge"}:
        return own == "challenge"
    rule = settings.webhook.verify
    return rule == "always" or (rule == "by_profile" and settings.profile == "strict")


async def ask(
    adapter: Provable, proofs: Proofs, endpoint: Endpoint, mark: str, *, actor: str = "gateway"
) -> Outcome:
    """Ask a receiver for its proof and record the answer."""
    outcome = await adapter.prove(endpoint, secrets.token_urlsafe(24))
    await proofs.keep(endpoint, mark, outcome, actor=actor)
    return outcome


def proving(adapter: Adapter, proofs: Proofs, settings: Settings) -> Adapter:
    """The adapter, behind the question where it knows how to ask it."""
    return _Proving(adapter, adapter, proofs, settings) if isinstance(adapter, Provable) else adapter


class _Proving:
    def __init__(self, adapter: Adapter, provable: Provable, proofs: Proofs, settings: Settings) -> None:
        self._adapter, self._provable, self._proofs, self._settings = adapter, provable, proofs, settings
        #: Mark of each channel whose receiver has proved itself.
        self._proved: dict[EndpointId, str] = {}
        self._failed: dict[EndpointId, tuple[str, float, Outcome]] = {}
        self._asking: defaultdict[EndpointId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        if not is_required(self._settings, endpoint):
            return await self._adapter.send(endpoint, outgoing, body)
        try:
            mark = self._provable.mark(endpoint)
        except ConfigError:
            return await self._adapter.send(endpoint, outgoing, body)  # which says what is wrong
        if self._proved.get(endpoint.id) != mark:
            async with self._asking[endpoint.id]:
                outcome = await self._prove(endpoint, mark)
            if outcome.kind is not OutcomeKind.DELIVERED:
                return report_all(outgoing, outcome)
        report = await self._adapter.send(endpoint, outgoing, body)
        gone = next((one for one in report.outcomes.values() if one.reason == "endpoint_gone"), None)
        if gone is not None and self._proved.pop(endpoint.id, None) is not None:
            await self._proofs.keep(endpoint, mark, gone)
        return report

    async def close(self) -> None:
        await self._adapter.close()

    async def _prove(self, endpoint: Endpoint, mark: str) -> Outcome:
        if self._proved.get(endpoint.id) == mark:
            return _PROVED
        now = self._proofs.clock.monotonic()
        failed = self._failed.get(endpoint.id)
        if failed is not None and failed[0] == mark and now - failed[1] < _SHARED_SECONDS:
            return failed[2]
        outcome = await self._ask(endpoint, mark)
        if outcome.kind is OutcomeKind.DELIVERED:
            self._proved[endpoint.id] = mark
            self._failed.pop(endpoint.id, None)
        else:
            self._failed[endpoint.id] = mark, self._proofs.clock.monotonic(), outcome
        return outcome

    async def _ask(self, endpoint: Endpoint, mark: str) -> Outcome:
        known = await self._proofs.of(endpoint.id)
        if known is not None and known.proved_at is not None:
            if known.mark == mark:
                return _PROVED
            if not known.mark:
                await self._proofs.keep(endpoint, mark, _PROVED, how="in_use")
                return _PROVED
        return await ask(self._provable, self._proofs, endpoint, mark)
