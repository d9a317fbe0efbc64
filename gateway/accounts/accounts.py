"""What can be done with credentials: enrol, renew, issue, restrict, revoke.

`enrol` and `renew` have the certificate made first and record it afterwards, in one transaction with what
pays for it (the code, or the old certificate still in force). A certificate whose recording failed is worth
nothing: only recorded fingerprints authenticate anybody. After every change the look-ups are forgotten before
the caller gets its answer, so a revocation counts from then on.

A token or code is given back once, in clear, and stored as a hash. No method logs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from gateway.accounts.changes import (
    EnrolOperation,
    IssueOperation,
    NewCredential,
    NewEnrolment,
    OfferOperation,
    RenewOperation,
    Revoke,
    RevokeOperation,
    SetNetworks,
    SetNetworksOperation,
    UseEnrolment,
)
from gateway.accounts.credentials import Credentials, networks_json
from gateway.clock import micros, rfc3339
from gateway.config.settings import EnrolmentSettings
from gateway.directory.directory import Directory
from gateway.enrolment import IssuedCertificate, hash_code, new_code, new_token
from gateway.errors import RefusedError
from gateway.ids import uuid7
from gateway.model import Agency, AgencyId, Caller, CredentialId
from gateway.storage.pump import Operation, Pump
from gateway.storage.readers import Readers

P = TypeVar("P")
R = TypeVar("R")

_ISSUE = IssueOperation()
_RENEW = RenewOperation()
_OFFER = OfferOperation()
_ENROL = EnrolOperation()
_REVOKE = RevokeOperation()
_SET_NETWORKS = SetNetworksOperation()


class Authority(Protocol):
    """Who certifies keys: `gateway.enrolment.EnrolmentCa`."""

    async def certify(self, csr_pem: bytes, *, organ_id: str, agency_id: str, days: int) -> IssuedCertificate:
        """A certificate for the key of the signing request, or RefusedError."""
        ...


class Accounts:
    """The accounts service."""

    def __init__(
        self,
        pump: Pump,
        readers: Readers,
        directory: Directory,
        credentials: Credentials,
        authority: Authority,
        settings: EnrolmentSettings,
    ) -> None:
        self._pump = pump
        self._readers = readers
        self._directory = directory
        self._credentials = credentials
        self._authority = authority
        self._settings = settings

    async def new_enrolment(self, agency_id: AgencyId, actor: str, now: datetime, *, why: str = "") -> str:
        """A one-time code by which a system of the agency may have its key certified; shown once."""
        await self._open_agency(agency_id, now)
        code, code_hash = new_code()
        expires_at = now + self._settings.code_lifetime
        offer = NewEnrolment(
            code_hash=code_hash, agency_id=agency_id, expires_at=expires_at, actor=actor, now=now, why=why
        )
        await self._submit(_OFFER, offer)
        return code

    async def enrol(self, code: str, csr_pem: bytes, label: str, now: datetime) -> IssuedCertificate:
        """Certify the key of somebody who has a code; RefusedError if it is wrong, used or run out."""
        code_hash = hash_code(code)
        row = await self._readers.fetch_one("enrolment_find_usable", {"code_hash": code_hash, "now": micros(now)})
        if row is None:
            raise RefusedError("enrolment_code_invalid", "the code is wrong, used or run out")
        agency = await self._open_agency(AgencyId(row[0]), now)
        issued = await self._certify(csr_pem, agency)
        credential = _credential(issued, agency.id, label=label, actor=f"agency:{agency.id}", now=now)
        await self._submit(_ENROL, UseEnrolment(code_hash=code_hash, credential=credential))
        return issued

    async def renew(self, caller: Caller, csr_pem: bytes, now: datetime) -> IssuedCertificate:
        """Certify a new key for the certificate that makes this request; the old one stays valid."""
        if caller.method != "certificate":
            raise RefusedError("not_permitted", "only a certificate can be renewed; tokens are issued anew")
        old = await self._credentials.find(caller.fingerprint)
        if old is None:
            raise RefusedError("credential_invalid")
        earliest = old.expires_at - self._settings.renew_before
        if now < earliest:
            raise RefusedError("state_forbids", f"the certificate can be renewed from {rfc3339(earliest)}")
        issued = await self._certify(csr_pem, await self._open_agency(old.agency_id, now))
        credential = _credential(
            issued, old.agency_id, label=old.label, actor=f"credential:{old.id}", now=now, replaces_id=old.id
        )
        await self._submit(_RENEW, credential)
        return issued

    async def issue_token(
        self,
        agency_id: AgencyId,
        *,
        label: str,
        lifetime: timedelta,
        networks: Iterable[str] = (),
        actor: str,
        now: datetime,
        why: str = "",
    ) -> tuple[str, CredentialId]:
        """A bearer token, shown once, and its credential's id."""
        await self._open_agency(agency_id, now)
        token, fingerprint = new_token()
        credential = NewCredential(
            id=CredentialId(uuid7()),
            agency_id=agency_id,
            kind="token",
            fingerprint=fingerprint,
            allowed_networks=networks_json(networks),
            expires_at=now + lifetime,
            label=label,
            actor=actor,
            now=now,
            why=why,
        )
        return token, await self._submit(_ISSUE, credential)

    async def record_certificate(
        self,
        agency_id: AgencyId,
        fingerprint: str,
        *,
        expires_at: datetime,
        label: str,
        networks: Iterable[str] = (),
        actor: str,
        now: datetime,
        why: str = "",
    ) -> CredentialId:
        """Take a certificate that another CA issued; the TLS listener must trust that CA."""
        await self._open_agency(agency_id, now)
        credential = NewCredential(
            id=CredentialId(uuid7()),
            agency_id=agency_id,
            kind="certificate",
            fingerprint=fingerprint.lower(),
            allowed_networks=networks_json(networks),
            expires_at=expires_at,
            label=label,
            actor=actor,
            now=now,
            why=why,
        )
        return await self._submit(_ISSUE, credential)

    async def revoke(
        self, credential: str, actor: str, now: datetime, *, why: str = ""
    ) -> tuple[CredentialId, ...]:
        """End a credential, by id or fingerprint, and whatever was renewed from it."""
        return await self._submit(_REVOKE, Revoke(credential=credential, actor=actor, now=now, why=why))

    async def revoke_all(
        self, agency_id: AgencyId, actor: str, now: datetime, *, why: str = ""
    ) -> tuple[CredentialId, ...]:
        """End everything an agency holds."""
        return await self._submit(_REVOKE, Revoke(agency_id=agency_id, actor=actor, now=now, why=why))

    async def set_networks(
        self, credential: str, networks: Iterable[str], actor: str, now: datetime, *, why: str = ""
    ) -> CredentialId:
        """Allow a credential or shared secret from these networks only; none: from anywhere, no secret is."""
        change = SetNetworks(
            credential=credential, allowed_networks=networks_json(networks), actor=actor, now=now, why=why
        )
        return await self._submit(_SET_NETWORKS, change)

    async def _certify(self, csr_pem: bytes, agency: Agency) -> IssuedCertificate:
        return await self._authority.certify(
            csr_pem, organ_id=agency.organ_id, agency_id=agency.id, days=self._settings.certificate_days
        )

    async def _open_agency(self, agency_id: AgencyId, now: datetime) -> Agency:
        agency = (await self._directory.agencies([agency_id], now)).get(agency_id)
        if agency is None:
            raise RefusedError("not_found", "there is no such agency")
        if agency.closed_at is not None:
            raise RefusedError("state_forbids", f"the agency was closed at {rfc3339(agency.closed_at)}")
        return agency

    async def _submit(self, operation: Operation[P, R], payload: P) -> R:
        try:
            return await self._pump.submit(operation, payload)
        finally:
            self._credentials.forget()


def _credential(
    issued: IssuedCertificate,
    agency_id: AgencyId,
    *,
    label: str,
    actor: str,
    now: datetime,
    replaces_id: CredentialId | None = None,
) -> NewCredential:
    return NewCredential(
        id=CredentialId(uuid7()),
        agency_id=agency_id,
        kind="certificate",
        fingerprint=issued.fingerprint,
        expires_at=issued.not_after,
        replaces_id=replaces_id,
        label=label,
        actor=actor,
        now=now,
    )
