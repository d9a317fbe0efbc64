"""Brings over what another system has in flight: files that it sent or received, one at a time.

- *sent*: the other system sent it, and answers are still awaited. It is recorded with its recipients, whose lines
  are `handed_over` from the beginning: never sent by us, and found by later statuses.
- *received*: the other system fetched it, and its recipients here have it not yet. It is accepted as if the relay
  had brought it now, and delivered; recipients that we do not serve are left out.

Each file is sealed as we got it, when we got it. What the other system claims (when, under which id) is kept
beside, by `gateway.ledger.imports`. The same bytes become one message however often they come, also where the
watcher or REST brought them before: then nothing changes. It does NOT decide what to bring over: an operator's list
does.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Instant, Reason, Reply, Request, endpoint_named
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.intake import Intake
from gateway.journey import Journey, Submission
from gateway.ledger.rows import Imported
from gateway.model import AgencyId, Caller, CredentialId
from gateway.storage.bodies import SpooledBody


class ImportFile(Request, kw_only=True):
    """What the operator's list says of one file."""

    direction: Literal["sent", "received"]
    #: The other system's or the axis's id of it.
    ref: Annotated[str, Meta(max_length=200)] = ""
    #: When the other system says it sent or received it.
    at: Instant | None = None
    #: Name of the relay's channel; needed for what was received.
    channel: Annotated[str, Meta(max_length=64)] = ""
    #: Absent: only say what would come of it.
    reason: Reason | None = None


class Importer:
    """Takes files over."""

    def __init__(self, base: Foundation, journey: Journey, intake: Intake) -> None:
        self._base, self._journey, self.intake = base, journey, intake

    @property
    def most_bytes(self) -> int:
        """The largest file."""
        return self._base.settings.limits.max_body

    async def take(self, asked: ImportFile, body: SpooledBody, actor: str) -> Reply:
        """Accept it, or say what would come of it; a refusal is an outcome like others."""
        now = self._base.clock.now()
        submission = Submission(
            caller=await self._caller(asked, actor),
            body=body,
            trace_id=hashlib.sha256(f"import {body.sha256}".encode()).hexdigest()[:32],
            arrived_at=now,
            imported=_imported(asked, actor),
        )
        told: Reply = {"sha256": body.sha256, "message": "", "reason": "", "detail": ""}
        judged = await self._journey.judge(submission)
        if judged.envelope is not None:
            told |= {"document_id": judged.envelope.document_id, "from": judged.envelope.sender.organ_id}
        if judged.known:
            return told | {"outcome": "known", "message": judged.known}
        if judged.refusal:
            return told | {"outcome": "refused", "reason": judged.refusal, "detail": judged.detail}
        if asked.reason is None:
            return told | {"outcome": "importable", "reason": judged.parked}
        try:
            answer = await self._journey.accept(submission)
        except RefusedError as error:
            return told | {"outcome": "refused", "reason": error.code, "detail": error.detail}
        outcome = "known" if answer.replayed else "imported"
        return told | {"outcome": outcome, "message": answer.message_id, "reason": judged.parked}

    async def _caller(self, asked: ImportFile, actor: str) -> Caller:
        relay, agency = None, AgencyId("")
        if asked.direction == "received":
            relay = await endpoint_named(self._base, asked.channel)
            row = await self._base.readers.fetch_one("agency_find_relay", (relay.id,))
            if row is None or not relay.is_relay:
                raise RefusedError("parameter_invalid", f"{relay.name} is no relay with an agency of kind relay")
            agency = AgencyId(row[0])
        return Caller(
            credential_id=CredentialId(f"import:{actor}"),
            agency_id=agency,
            speaks_for=frozenset(),
            relay_endpoint_id=relay.id if relay else None,
            method="imported",
            fingerprint="",
            address="",
        )


def _imported(asked: ImportFile, actor: str) -> Imported:
    claimed: datetime | None = asked.at
    return Imported(
        direction=asked.direction, ref=asked.ref, claimed_at=claimed, actor=actor, why=asked.reason or ""
    )
