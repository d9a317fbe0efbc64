"""The certificates that agencies let others encrypt to: added by an operator, ended, never forgotten.

One counts from when it was added, within its own validity, until it ends. Several may count at once, as while one
replaces another: documents are encrypted to the newest, and were to the one before. A row stays, so that a document
that was encrypted to it can be explained years later; one that was ended is not taken again.

Where its CA says that it is revoked, `gateway.maintenance.published` ends it; else an operator does (`ended_as`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from gateway.clock import instant, micros
from gateway.directory.changes import OneByOne, event_of
from gateway.enveloped.certificates import RecipientCertificate, read_certificate
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers

Ended = Literal["replaced", "revoked"]
#: For how long an agency that has none left is spoken of, after the gateway ended its last one.
SPOKEN_OF: Final = timedelta(days=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class EncryptionCertificate:
    """One certificate of one agency."""

    agency_id: AgencyId
    certificate: RecipientCertificate
    added_at: datetime
    added_by: str
    ended_at: datetime | None = None
    ended_by: str = ""
    #: Why it ended: another took its place, or its key is lost or known to others.
    ended_as: Ended | None = None

    def standing(self, now: datetime) -> str:
        """`in_force`, `replaced`, `revoked`, `expired` or `early` (it begins later)."""
        if self.ended_at is not None and self.ended_at <= now:
            return self.ended_as or "replaced"
        if self.certificate.not_after <= now:
            return "expired"
        return "early" if self.certificate.not_before > now else "in_force"


@dataclass(frozen=True, kw_only=True, slots=True)
class Publish:
    """From now on others may encrypt to it."""

    agency_id: AgencyId
    certificate: RecipientCertificate
    actor: str
    now: datetime
    #: Why, for the event.
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndPublished:
    """From now on they may not."""

    agency_id: AgencyId
    sha256: str
    ended_as: Ended
    actor: str
    now: datetime
    #: Why, for the event.
    why: str


class PublishOperation(OneByOne[Publish, None]):
    """RefusedError where the agency has it, or had it."""

    name = "encryption_certificate_add"

    async def _one(self, tx: Transaction, payload: Publish) -> None:
        found = payload.certificate
        row = {
            "agency_id": payload.agency_id,
            "sha256": found.sha256,
            "der": found.der,
            "not_before": micros(found.not_before),
            "not_after": micros(found.not_after),
            "now": micros(payload.now),
            "actor": payload.actor,
        }
        if not await tx.fetch("encryption_certificate_insert_new", row):
            raise RefusedError("state_forbids", "the agency has, or had, this certificate; ask it for another one")
        facts: dict[str, object] = {"agency": payload.agency_id, "certificate": found.sha256}
        event = event_of(Event.AGENCY_ENCRYPTION_PUBLISHED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])


class EndPublishedOperation(OneByOne[EndPublished, None]):
    """RefusedError where it counts no more."""

    name = "encryption_certificate_end"

    async def _one(self, tx: Transaction, payload: EndPublished) -> None:
        row = {
            "agency_id": payload.agency_id,
            "sha256": payload.sha256,
            "now": micros(payload.now),
            "actor": payload.actor,
            "as": payload.ended_as,
        }
        if not await tx.fetch("encryption_certificate_end_one", row):
            raise RefusedError("state_forbids", "the certificate was ended before")
        facts: dict[str, object] = {
            "agency": payload.agency_id,
            "certificate": payload.sha256,
            "as": payload.ended_as,
        }
        event = event_of(Event.AGENCY_ENCRYPTION_ENDED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])


async def encryption_certificates(
    readers: Readers, agencies: Iterable[AgencyId]
) -> Mapping[AgencyId, Sequence[EncryptionCertificate]]:
    """Of each of these agencies all that it has or had, the newest first; those without any are left out."""
    rows = await readers.fetch("encryption_certificate_list_of_agencies", (as_json(sorted(set(agencies))),))
    found: dict[AgencyId, list[EncryptionCertificate]] = {}
    for row in rows:
        found.setdefault(AgencyId(row[0]), []).append(_of(row))
    return found


async def watched_certificates(readers: Readers, since: datetime) -> list[EncryptionCertificate]:
    """Those that nobody ended, and those that the gateway itself ended from then on."""
    return [_of(row) for row in await readers.fetch("encryption_certificate_list_watched", (micros(since),))]


def last_in_force(own: Iterable[EncryptionCertificate], now: datetime) -> RecipientCertificate | None:
    """Of one agency's, the one that lasts longest; None where none is in force."""
    in_force = (each.certificate for each in own if each.standing(now) == "in_force")
    return max(in_force, key=lambda found: found.not_after, default=None)


async def to_encrypt_to(readers: Readers, agency: AgencyId, code: str, now: datetime) -> EncryptionCertificate:
    """The newest that counts; RefusedError saying why there is none."""
    found = (await encryption_certificates(readers, [agency])).get(agency, ())
    for each in found:
        if each.standing(now) == "in_force":
            return each
    if not found:
        raise RefusedError("encryption_certificate_missing", code)
    newest = found[0]
    ended = newest.ended_at if newest.ended_at is not None and newest.ended_at <= now else None
    at = ended or newest.certificate.not_after
    told = f"{code}: {newest.certificate.sha256[:16]} {newest.standing(now)} {at:%Y-%m-%d}"
    raise RefusedError("encryption_certificate_ended", told)


def _of(row: tuple[Any, ...]) -> EncryptionCertificate:
    return EncryptionCertificate(
        agency_id=AgencyId(row[0]),
        certificate=read_certificate(bytes(row[1])),
        added_at=instant(row[2]),
        added_by=row[3],
        ended_at=None if row[4] is None else instant(row[4]),
        ended_by=row[5] or "",
        ended_as=row[6],
    )
