"""Which certificates an agency and its people sign with: bound by an operator, for a period, and never forgotten.

A document signed before a renewal is judged by the binding of its time, so a binding is ended, never deleted. One
agency's own certificate is bound to nobody else at the same time; a person may sign for several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.clock import instant, micros
from gateway.directory.changes import OneByOne
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.history import EventRow
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.signatures.model import SignerKind
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class Bind:
    """An agency signs with this certificate."""

    agency_id: AgencyId
    #: SHA-256 of the certificate, hex, and the certificate.
    sha256: str
    der: bytes
    kind: SignerKind
    #: Its holder.
    name: str
    valid_from: datetime
    #: None: until it is ended.
    valid_until: datetime | None
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


class BindOperation(OneByOne[Bind, None]):
    """RefusedError where the certificate is the agency's already, or another agency's own."""

    name = "bind_certificate"

    async def _one(self, tx: Transaction, payload: Bind) -> None:
        period: dict[str, object] = {
            "valid_from": micros(payload.valid_from),
            "valid_until": None if payload.valid_until is None else micros(payload.valid_until),
        }
        held = await tx.fetch("agency_certificate_find_overlapping", period | {"sha256": payload.sha256})
        for agency_id, kind in held:
            if agency_id == payload.agency_id:
                raise RefusedError("state_forbids", "the certificate is bound to this agency already")
            if SignerKind.AGENCY in {kind, payload.kind}:
                raise RefusedError("state_forbids", "the certificate is bound to another agency at that time")
        row: dict[str, object] = {
            "id": uuid7(),
            "agency_id": payload.agency_id,
            "sha256": payload.sha256,
            "kind": payload.kind.value,
            "name": payload.name,
            "der": payload.der,
            "now": micros(payload.now),
            "actor": payload.actor,
        }
        await tx.fetch("agency_certificate_insert", row | period)
        await history.append(tx, [_event(Event.AGENCY_CERTIFICATE_BOUND, payload)])


@dataclass(frozen=True, kw_only=True, slots=True)
class EndBinding:
    """An agency signs with this certificate no longer."""

    agency_id: AgencyId
    sha256: str
    at: datetime
    actor: str
    now: datetime
    #: Why, for the event.
    why: str = ""


class EndBindingOperation(OneByOne[EndBinding, None]):
    """RefusedError where nothing binds it at that time."""

    name = "end_certificate"

    async def _one(self, tx: Transaction, payload: EndBinding) -> None:
        row = {
            "agency_id": payload.agency_id,
            "sha256": payload.sha256,
            "at": micros(payload.at),
            "now": micros(payload.now),
            "actor": payload.actor,
        }
        if not await tx.fetch("agency_certificate_end", row):
            raise RefusedError("state_forbids", "at that time the certificate is not bound to this agency")
        await history.append(tx, [_event(Event.AGENCY_CERTIFICATE_ENDED, payload)])


def _event(kind: Event, payload: Bind | EndBinding) -> EventRow:
    at = payload.valid_from if isinstance(payload, Bind) else payload.at
    return EventRow(
        kind=kind,
        at=payload.now,
        actor=payload.actor,
        facts={"agency": payload.agency_id, "certificate": payload.sha256, "from": micros(at)},
        note=payload.why,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """A period in which an agency signs with a certificate."""

    agency_id: AgencyId
    sha256: str
    kind: SignerKind
    name: str
    valid_from: datetime
    valid_until: datetime | None
    bound_at: datetime
    bound_by: str
    ended_at: datetime | None = None
    ended_by: str = ""


async def bindings_of(readers: Readers, agency_id: str) -> list[Binding]:
    """Of an agency, those of the past too."""
    return _bindings(await readers.fetch("agency_certificate_list_of_agency", (agency_id,)))


async def bindings_about(readers: Readers, certificates: Iterable[str]) -> list[Binding]:
    """Of certificates, by their SHA-256, whose ever they were."""
    wanted = as_json(sorted(set(certificates)))
    return _bindings(await readers.fetch("agency_certificate_list_of_certificates", (wanted,)))


def _bindings(rows: Sequence[tuple[Any, ...]]) -> list[Binding]:
    return [
        Binding(
            agency_id=AgencyId(row[0]),
            sha256=row[1],
            kind=SignerKind(row[2]),
            name=row[3],
            valid_from=instant(row[4]),
            valid_until=None if row[5] is None else instant(row[5]),
            bound_at=instant(row[6]),
            bound_by=row[7],
            ended_at=None if row[8] is None else instant(row[8]),
            ended_by=row[9] or "",
        )
        for row in rows
    ]
