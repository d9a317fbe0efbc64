"""Tells senders that read edXML only what became of a delivery that the gateway gave up or was refused.

The status is the gateway's own word: From is its own organ id, the code is 02 (the list has no nearer one) and
the description says the reason and the recipient. It is accepted, sealed, recorded and delivered like any
message, and moves no line: no agency has spoken. Other senders learn the same from REST and /events.

Runs as a duty; a crash between the notice's acceptance and its mark repeats the notice, which its fingerprint
makes the same message.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import msgspec

from gateway.clock import VIETNAM, Clock, micros
from gateway.directory.directory import Directory
from gateway.edxml.builder import build_status
from gateway.edxml.envelope import Dialect, Envelope, MessageKind, Party, ResponseFor
from gateway.edxml.profiles import Profile
from gateway.journey import Journey, Submission
from gateway.ledger.told import Told, ToldOperation
from gateway.model import Agency, the_gateway
from gateway.reasons import REASONS
from gateway.storage.bodies import Bodies
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_CODE = "02"
_TOLD = re.compile(r"\[([a-z0-9_]+)\]")
#: Older outcomes are no news; those nobody wants to hear of would be looked at for ever.
_LATEST = timedelta(days=30)


class Announcer:
    """The duty."""

    name = "announcer"
    every = timedelta(seconds=15)

    def __init__(
        self,
        *,
        readers: Readers,
        pump: Pump,
        bodies: Bodies,
        directory: Directory,
        journey: Journey,
        clock: Clock,
        organ_id: str,
    ) -> None:
        self._readers, self._pump, self._bodies = readers, pump, bodies
        self._directory, self._journey, self._clock = directory, journey, clock
        self._organ_id = organ_id
        self._told = ToldOperation()

    async def run_once(self) -> None:
        """Announce what was not announced; without an agency of our own there is nobody to speak."""
        now = self._clock.now()
        own = (await self._directory.resolve([self._organ_id], now)).get(self._organ_id) if self._organ_id else None
        if own is None:
            return
        for row in await self._readers.fetch("delivery_list_untold", {"since": micros(now - _LATEST)}):
            await self._announce(row, own)

    async def _announce(self, row: tuple[Any, ...], own: Agency) -> None:
        delivery_id, recipient_code, reason, sender_code, envelope = row
        now = self._clock.now()
        status = self._status(recipient_code, reason, sender_code, msgspec.json.decode(envelope, type=Envelope))
        async with self._bodies.open_spool() as spool:
            await spool.write(build_status(status, Profile(dialect=Dialect.A)))
            body = await spool.finish()
        try:
            await self._journey.accept(
                Submission(
                    caller=the_gateway(own.id),
                    body=body,
                    trace_id=hashlib.sha256(delivery_id.encode()).hexdigest()[:32],
                    arrived_at=now,
                    fingerprint=hashlib.sha256(f"notice\n{delivery_id}\n{reason}".encode()).hexdigest(),
                    status_only=True,
                    about_delivery=delivery_id,
                    is_notice=True,
                )
            )
        finally:
            await self._bodies.discard(body)
        await self._pump.submit(self._told, Told(delivery_id=delivery_id, now=now))

    def _status(self, recipient_code: str, code: str, sender_code: str, original: Envelope) -> Envelope:
        reason = REASONS.get(code, REASONS["gave_up"])
        return Envelope(
            kind=MessageKind.STATUS,
            dialect=Dialect.A,
            sender=Party(organ_id=self._organ_id, organ_name="Trục văn bản", organization_in_charge="Trục văn bản"),
            responses_for=(
                ResponseFor(
                    organ_id=sender_code,
                    code=original.code,
                    promulgation_date=original.promulgation_date,
                    promulgation_date_text=original.promulgation_date_text,
                    document_id=original.document_id,
                ),
            ),
            status_code=_CODE,
            status_description=f"Không chuyển được tới {recipient_code} [{reason.code}]: {reason.vi}",
            status_at=self._clock.now().astimezone(VIETNAM),
        )


def reason_told(description: str) -> str:
    """The code in a notice's description; "" where there is none."""
    found = _TOLD.search(description)
    return found[1] if found and found[1] in REASONS else ""
