"""Which certificates the gateway signed with, from when until when: what was sealed before stays known as ours.

Each change is an event, and so a leaf of the log: from its checkpoint on nobody can say that another certificate
was in force. Rows are never changed; a certificate that comes back gets another row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Pump, Transaction
from gateway.storage.readers import Readers

Purpose = Literal["seal", "institution"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InForce:
    """A certificate, and the time in which it signed."""

    purpose: Purpose
    #: SHA-256 of its DER, in hex.
    sha256: str
    der: bytes
    since: datetime
    #: None: it is in force.
    until: datetime | None = None


async def own_certificates(readers: Readers) -> list[InForce]:
    """All of them, by purpose, the oldest first."""
    return in_force(await readers.fetch("own_certificate_list"))


def in_force(rows: Sequence[Sequence[Any]]) -> list[InForce]:
    """Rows of purpose, SHA-256, DER and beginning, in this order."""
    found = []
    for number, (purpose, digest, der, since) in enumerate(rows):
        after = rows[number + 1] if number + 1 < len(rows) else None
        until = instant(after[3]) if after is not None and after[0] == purpose else None
        found.append(InForce(purpose=purpose, sha256=digest, der=bytes(der), since=instant(since), until=until))
    return found


async def note_taken(pump: Pump, purpose: Purpose, certificate: x509.Certificate, since: datetime) -> None:
    """Record that it is in force, where it was not before."""
    taken = Taken(purpose=purpose, der=certificate.public_bytes(Encoding.DER), since=since)
    await pump.submit(NoteTakenOperation(), taken)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A certificate that is in force now."""

    purpose: Purpose
    der: bytes
    since: datetime


class NoteTakenOperation:
    """Records it with its event, unless it is the one that was in force before."""

    name = "note_own_certificate"

    async def apply(self, tx: Transaction, payloads: Sequence[Taken]) -> Sequence[bool]:
        """Whether each was another one than before."""
        return [await self._noted(tx, each) for each in payloads]

    async def _noted(self, tx: Transaction, taken: Taken) -> bool:
        digest = sha256(taken.der).hexdigest()
        known = await tx.fetch("own_certificate_read_latest", (taken.purpose,))
        before = known[0][0] if known else None
        if before == digest:
            return False
        await tx.execute_many("own_certificate_insert", [(taken.purpose, digest, taken.der, micros(taken.since))])
        facts: dict[str, object] = {"purpose": taken.purpose, "certificate": digest}
        if before is not None:
            facts["before"] = before
        row = history.EventRow(kind=Event.KEY_TAKEN, at=taken.since, actor="gateway", facts=facts)
        await history.append(tx, [row])
        return True
