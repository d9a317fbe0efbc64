"""Changes of credentials and enrolment codes, as operations for the pump: each with its event.

Facts of the events are ids, instants and the fingerprints of certificates, which are public; never a code, a
token or its hash. Nothing here looks a code up and then marks it: the UPDATE that marks it decides who wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from gateway.accounts.credentials import Kind
from gateway.clock import micros
from gateway.directory.changes import OneByOne, event_of
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.model import AgencyId, CredentialId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCredential:
    """A credential to record."""

    id: CredentialId
    agency_id: AgencyId
    kind: Kind
    fingerprint: str
    #: JSON list.
    allowed_networks: str = "[]"
    expires_at: datetime
    replaces_id: CredentialId | None = None
    label: str = ""
    actor: str
    now: datetime
    #: Why the operator did it; kept beside the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEnrolment:
    """A one-time code to offer."""

    code_hash: str
    agency_id: AgencyId
    expires_at: datetime
    actor: str
    now: datetime
    #: Why the operator did it; kept beside the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UseEnrolment:
    """A code used up for a credential, both or neither."""

    code_hash: str
    credential: NewCredential


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoke:
    """End a credential (by id or fingerprint, with its renewals) or all of an agency's."""

    credential: str = ""
    agency_id: AgencyId | None = None
    actor: str
    now: datetime
    #: Why the operator did it; kept beside the event.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetNetworks:
    """From where a credential (by id or fingerprint), or a shared secret (by id), may be used."""

    credential: str
    #: JSON list.
    allowed_networks: str
    actor: str
    now: datetime
    #: Why the operator did it; kept beside the event.
    why: str


class IssueOperation(OneByOne[NewCredential, CredentialId]):
    """Records a credential."""

    name = "credential_issue"

    async def _one(self, tx: Transaction, payload: NewCredential) -> CredentialId:
        await _insert(tx, payload)
        return payload.id


class RenewOperation(OneByOne[NewCredential, CredentialId]):
    """Records a certificate in place of one that is still in force; that one stays valid until its end."""

    name = "credential_renew"

    async def _one(self, tx: Transaction, payload: NewCredential) -> CredentialId:
        rows = await tx.fetch(
            "credential_insert_if_replaced_in_force",
            {
                "id": payload.id,
                "fingerprint": payload.fingerprint,
                "issued_at": micros(payload.now),
                "expires_at": micros(payload.expires_at),
                "replaces_id": payload.replaces_id,
                "now": micros(payload.now),
            },
        )
        if not rows:
            raise RefusedError("credential_revoked", "the credential to renew is no longer in force")
        facts = _facts(payload) | {"replaces": payload.replaces_id}
        await history.append(tx, [event_of(Event.CREDENTIAL_RENEWED, payload.now, payload.actor, facts)])
        return payload.id


class OfferOperation(OneByOne[NewEnrolment, None]):
    """Records a one-time code."""

    name = "enrolment_offer"

    async def _one(self, tx: Transaction, payload: NewEnrolment) -> None:
        await tx.fetch(
            "enrolment_insert_new",
            {
                "code_hash": payload.code_hash,
                "agency_id": payload.agency_id,
                "issued_at": micros(payload.now),
                "expires_at": micros(payload.expires_at),
                "issued_by": payload.actor,
            },
        )
        facts: dict[str, object] = {"agency": payload.agency_id, "expires_at": micros(payload.expires_at)}
        await history.append(
            tx, [event_of(Event.ENROLMENT_OFFERED, payload.now, payload.actor, facts, note=payload.why)]
        )


class EnrolOperation(OneByOne[UseEnrolment, CredentialId]):
    """Uses a code up and records its credential: of several with one code exactly one succeeds."""

    name = "enrolment_use"

    async def _one(self, tx: Transaction, payload: UseEnrolment) -> CredentialId:
        rows = await tx.fetch(
            "enrolment_use_if_unused",
            {"code_hash": payload.code_hash, "now": micros(payload.credential.now)},
        )
        if not rows or rows[0][0] != payload.credential.agency_id:
            raise RefusedError("enrolment_code_invalid", "the code was used a moment ago, or has run out")
        await _insert(tx, payload.credential)
        return payload.credential.id


class RevokeOperation(OneByOne[Revoke, tuple[CredentialId, ...]]):
    """Revokes; gives back what was still in force."""

    name = "credential_revoke"

    async def _one(self, tx: Transaction, payload: Revoke) -> tuple[CredentialId, ...]:
        now = micros(payload.now)
        if payload.agency_id is not None:
            params: dict[str, object] = {"agency_id": payload.agency_id, "now": now}
            rows = await tx.fetch("credential_revoke_of_agency", params)
            rows += await tx.fetch("shared_secret_revoke_of_agency", params)
        else:
            params = {"credential": payload.credential, "now": now}
            rows = await tx.fetch("credential_revoke_with_renewals", params)
            rows += await tx.fetch("shared_secret_revoke_one", params)
        if not rows:
            raise RefusedError("not_found", "no such credential is in force")
        await history.append(
            tx,
            [
                event_of(
                    Event.CREDENTIAL_REVOKED,
                    payload.now,
                    payload.actor,
                    {"credential": key, "agency": agency},
                    note=payload.why,
                )
                for key, agency in rows
            ],
        )
        return tuple(CredentialId(row[0]) for row in rows)


class SetNetworksOperation(OneByOne[SetNetworks, CredentialId]):
    """Sets an allow-list; gives the id of whose it is."""

    name = "credential_set_networks"

    async def _one(self, tx: Transaction, payload: SetNetworks) -> CredentialId:
        networks = msgspec.json.decode(payload.allowed_networks)
        params = {"credential": payload.credential, "networks": payload.allowed_networks}
        rows = await tx.fetch("credential_set_networks", params)
        if not rows:
            rows = await tx.fetch("shared_secret_set_networks", params)
            if rows and not networks:
                raise RefusedError("network_missing", "a shared secret is never for anywhere")
        if not rows:
            raise RefusedError("not_found", "there is no such credential in force")
        key, agency = rows[0]
        facts: dict[str, object] = {"credential": key, "agency": agency, "networks": networks}
        event = event_of(Event.CREDENTIAL_RESTRICTED, payload.now, payload.actor, facts, note=payload.why)
        await history.append(tx, [event])
        return CredentialId(key)


async def _insert(tx: Transaction, new: NewCredential) -> None:
    rows = await tx.fetch(
        "credential_insert_new",
        {
            "id": new.id,
            "agency_id": new.agency_id,
            "kind": new.kind,
            "fingerprint": new.fingerprint,
            "allowed_networks": new.allowed_networks,
            "issued_at": micros(new.now),
            "expires_at": micros(new.expires_at),
            "replaces_id": new.replaces_id,
            "label": new.label,
        },
    )
    if not rows:
        raise RefusedError("state_forbids", "this certificate is recorded already")
    await history.append(tx, [event_of(Event.CREDENTIAL_ISSUED, new.now, new.actor, _facts(new), note=new.why)])


def _facts(new: NewCredential) -> dict[str, object]:
    facts: dict[str, object] = {
        "credential": new.id, "agency": new.agency_id, "kind": new.kind, "expires_at": micros(new.expires_at),
    }  # fmt: skip
    if new.kind == "certificate":
        facts["fingerprint"] = new.fingerprint
    return facts
