"""The public keys with which offices sign what they say of documents (RFC 9421), with their history.

A key counts from when an operator added it until one ends it; its row stays, so that what it signed can be
explained years later. A key that was ended is not taken again: whoever lost it may still have it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from gateway.clock import instant, micros
from gateway.directory.changes import OneByOne, event_of
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.message_signatures import PublicKey, algorithms_of, key_id
from gateway.model import AgencyId
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverKey:
    """One key of one agency."""

    agency_id: AgencyId
    #: SHA-256 of its SubjectPublicKeyInfo, hexadecimal.
    id: str
    #: That, DER.
    der: bytes
    label: str
    added_at: datetime
    ended_at: datetime | None = None

    @property
    def public(self) -> PublicKey:
        """The key itself."""
        key = load_der_public_key(self.der)
        assert isinstance(key, PublicKey), "looked at when it was added"
        return key


@dataclass(frozen=True, kw_only=True, slots=True)
class AddKey:
    """From now on this key counts for that agency."""

    agency_id: AgencyId
    key: PublicKey
    label: str
    actor: str
    now: datetime
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EndKey:
    """From now on it does not."""

    agency_id: AgencyId
    key_id: str
    actor: str
    now: datetime
    why: str


def read_key(pem: bytes) -> PublicKey:
    """The public key in a PEM file, which may be a certificate; RefusedError for what is none that we take."""
    try:
        if b"-----BEGIN CERTIFICATE-----" in pem:
            key: object = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = load_pem_public_key(pem)
    except UNREADABLE_CERTIFICATE as error:
        raise RefusedError("parameter_invalid", "the file holds no public key and no certificate in PEM") from error
    if not isinstance(key, PublicKey) or not algorithms_of(key):
        raise RefusedError("parameter_invalid", "keys are Ed25519, P-256, P-384 or RSA of 2048 to 8192 bits")
    return key


async def keys_in_force(
    readers: Readers, agencies: Iterable[AgencyId], key: str, now: datetime
) -> tuple[ReceiverKey, ...]:
    """The keys of an id that count for one of these agencies."""
    params = {"agencies": as_json(sorted(agencies)), "key_id": key, "now": micros(now)}
    return tuple(map(_key_of, await readers.fetch("receiver_key_list_in_force", params)))


async def keys_of(readers: Readers, agency: AgencyId) -> tuple[ReceiverKey, ...]:
    """Every key that an agency has or had, the newest first."""
    return tuple(map(_key_of, await readers.fetch("receiver_key_list_of_agency", (agency,))))


class AddKeyOperation(OneByOne[AddKey, str]):
    """Adds; gives back the key's id."""

    name = "receiver_key_add"

    async def _one(self, tx: Transaction, payload: AddKey) -> str:
        key = key_id(payload.key)
        rows = await tx.fetch(
            "receiver_key_insert_new",
            {
                "agency_id": payload.agency_id,
                "key_id": key,
                "public_key": payload.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
                "label": payload.label,
                "now": micros(payload.now),
            },
        )
        if not rows:
            raise RefusedError("state_forbids", f"the agency has, or had, the key {key}; make another one")
        facts: dict[str, object] = {"agency": payload.agency_id, "key": key}
        event = event_of(Event.KEY_REGISTERED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])
        return key


class EndKeyOperation(OneByOne[EndKey, str]):
    """Ends; gives back the key's id."""

    name = "receiver_key_end"

    async def _one(self, tx: Transaction, payload: EndKey) -> str:
        params = {"agency_id": payload.agency_id, "key_id": payload.key_id, "now": micros(payload.now)}
        if not await tx.fetch("receiver_key_end_one", params):
            raise RefusedError("not_found", "no such key of the agency is in force")
        facts: dict[str, object] = {"agency": payload.agency_id, "key": payload.key_id}
        event = event_of(Event.KEY_ENDED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])
        return payload.key_id


def _key_of(row: tuple[Any, ...]) -> ReceiverKey:
    agency_id, key, der, label, added, ended = row
    return ReceiverKey(
        agency_id=agency_id,
        id=key,
        der=bytes(der),
        label=label,
        added_at=instant(added),
        ended_at=None if ended is None else instant(ended),
    )
