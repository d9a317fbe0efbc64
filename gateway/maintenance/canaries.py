"""Sends test documents by the channels that want it, and knows them when they come back (`canary`).

One is a document of the gateway's own agency (`seal.organ_id`), accepted, sealed, recorded and sent like any other;
its number is the time, so it is no repetition of anything. It has no recipient here: the entry by which it comes
back is acknowledged, and reaches nobody's inbox. A missing one makes the channel silent, and its return ends that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from gateway.api.models import NewDocument
from gateway.clock import VIETNAM, Clock, rfc3339
from gateway.compose import Composer
from gateway.config.settings import Settings
from gateway.directory.directory import Directory
from gateway.edxml.envelope import Envelope
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.journey import Journey, Submission
from gateway.ledger.canaries import CanaryReturned, CanaryReturnedOperation
from gateway.ledger.sources import Silent, SilentOperation
from gateway.maintenance.canary import CanarySettings, CanaryState, canary_settings, state_of
from gateway.model import Agency, Endpoint, the_gateway
from gateway.storage.readers import Readers

_SUBJECT: Final = (
    "[THỬ KÊNH] Văn bản thử tự động của trục văn bản, không cần xử lý / "
    "[CHANNEL TEST] automatic test document, nothing to do"
)
_NOTATION: Final = "THU-KENH"
#: What could not be sent is tried again so much later.
_AGAIN: Final = timedelta(minutes=5)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Canary:
    """That of one channel, as the ledger has it now."""

    settings: CanarySettings
    #: Ourselves, and the agency of the test code; None: the directory has none.
    sender: Agency | None
    recipient: Agency | None
    state: CanaryState
    is_missing: bool


class Books(Protocol):
    """The ledger and the directory, open for reading."""

    @property
    def readers(self) -> Readers:
        """The ledger."""
        ...

    @property
    def directory(self) -> Directory:
        """The directory."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock."""
        ...


async def read_canary(configured: Settings, books: Books, endpoint: Endpoint) -> Canary | None:
    """None where the channel sends none."""
    settings = canary_settings(endpoint.settings, is_relay=endpoint.is_relay)
    if settings is None:
        return None
    now, own = books.clock.now(), configured.seal.organ_id
    known = await books.directory.resolve([code for code in (own, settings.code) if code], now)
    sender, recipient = known.get(own), known.get(settings.code)
    state = CanaryState()
    if sender is not None and recipient is not None:
        asked = {"sender": sender.id, "recipient": recipient.id, "endpoint": endpoint.id}
        state = state_of(await books.readers.fetch("canary_list_newest", asked))
    return Canary(
        settings=settings,
        sender=sender,
        recipient=recipient,
        state=state,
        is_missing=state.is_missing(settings, now),
    )


async def send_test(
    base: Foundation, journey: Journey, composer: Composer, own: Agency, code: str, now: datetime
) -> str:
    """A test document of our own agency to the one with this code; its id."""
    local = now.astimezone(VIETNAM)
    document = NewDocument(
        sender=own.organ_id,
        recipients=[code],
        code_number=f"{local:%y%m%d%H%M%S}",
        code_notation=_NOTATION,
        promulgation_date=local.date(),
        subject=_SUBJECT,
    )
    built = await composer.document(document, ())
    try:
        answer = await journey.accept(
            Submission(
                caller=the_gateway(own.id),
                body=built.body,
                trace_id=hashlib.sha256(f"{code}\n{rfc3339(now)}".encode()).hexdigest()[:32],
                arrived_at=now,
                fingerprint=built.fingerprint,
            )
        )
    finally:
        await base.bodies.discard(built.body)
    return answer.message_id


class Canaries:
    """Those of all channels."""

    def __init__(self, base: Foundation, journey: Journey) -> None:
        self._base, self._journey = base, journey
        self._composer = Composer(bodies=base.bodies, directory=base.directory, clock=base.clock)
        self._silent, self._back = SilentOperation(), CanaryReturnedOperation()
        self._not_before: dict[str, datetime] = {}

    async def read(self, endpoint: Endpoint) -> Canary | None:
        """That of a channel now."""
        return await read_canary(self._base.settings, self._base, endpoint)

    async def tend(self, endpoint: Endpoint) -> None:
        """After a list was read: tell that one is missing, send the next."""
        canary, now = await self.read(endpoint), self._base.clock.now()
        if canary is None:
            return
        since = canary.state.awaited_since
        if canary.is_missing and since is not None:
            begun = await self._base.pump.submit(
                self._silent, Silent(endpoint_id=endpoint.id, arrived_at=since, at=now)
            )
            if begun:
                _log.warning("canary.missing", endpoint=endpoint.name, since=rfc3339(since))
        if canary.state.is_due(canary.settings, now) and now >= self._not_before.get(endpoint.id, now):
            try:
                await self._send(endpoint, canary, now)
            except RefusedError as error:
                self._not_before[endpoint.id] = now + _AGAIN
                _log.warning("canary.not_sent", endpoint=endpoint.name, reason=error.code, detail=error.detail)

    async def _send(self, endpoint: Endpoint, canary: Canary, now: datetime) -> None:
        own, to = canary.sender, canary.recipient
        if own is None:
            raise RefusedError("sender_unknown", "seal.organ_id names no agency, so there is nobody to send")
        if to is None or to.endpoint is None or to.endpoint.id != endpoint.id:
            raise RefusedError("recipient_unknown", f"{canary.settings.code} is no agency behind {endpoint.name}")
        message_id = await send_test(self._base, self._journey, self._composer, own, canary.settings.code, now)
        _log.info("canary.sent", endpoint=endpoint.name, message=message_id)

    async def message_of(self, endpoint: Endpoint, canary: Canary, envelope: Envelope, sha256: str) -> str:
        """The canary that came back as this entry; "" where it is none of ours."""
        codes = {party.organ_id for party in envelope.recipients}
        if canary.sender is None or codes != {canary.settings.code}:
            return ""
        found = await self._base.reads.own_copy(
            sha256, envelope.document_id, canary.sender.id, str(envelope.business.type), relay=endpoint.id
        )
        return found or ""

    async def returned(self, endpoint: Endpoint, canary: Canary, message_id: str, offer_id: str) -> bool:
        """Record it; False while our own record of its sending is not there yet."""
        lines = await self._base.reads.deliveries(message_id)
        back = CanaryReturned(
            delivery_id=lines[0].id,
            message_id=message_id,
            offer_id=offer_id,
            endpoint_id=endpoint.id,
            ends_silence=canary.is_missing,
            at=self._base.clock.now(),
        )
        return await self._base.pump.submit(self._back, back)
