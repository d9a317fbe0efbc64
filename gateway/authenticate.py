"""Who makes a request, and for whom it may speak.

A system is known by its client certificate, else by a bearer token; a certificate nobody recorded counts as
none when there is a token. Peers of other protocols prove a secret that they share with us. Everything is judged
at `now`, per request: revocation, expiry, source address, closing of its agency, and whom it represents. TLS has
checked the certificate's chain before; here only its fingerprint counts.

Nothing secret enters an exception: neither tokens nor fingerprints of tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Literal

from gateway.accounts.credentials import Credential, Credentials, Kind
from gateway.accounts.shared_secrets import SharedSecret, SharedSecrets
from gateway.clock import rfc3339
from gateway.directory.directory import Directory
from gateway.enrolment import hash_token
from gateway.errors import RefusedError
from gateway.model import Agency, Caller, EndpointId

#: Agencies of this kind carry for others: they may bring documents of any agency that is not hosted here.
RELAY_KIND = "relay"
#: As long as a real one; it proves nothing to anybody.
_NOBODYS: Final = bytes(46)

Method = Literal["certificate", "token", "shared_secret"]


class Authenticator:
    """Tells callers apart."""

    def __init__(self, credentials: Credentials, directory: Directory) -> None:
        self._credentials = credentials
        self._directory = directory

    async def authenticate(
        self, *, certificate_der: bytes | None, bearer: str | None, address: str, now: datetime
    ) -> Caller:
        """The caller; RefusedError with a `credential_…` code or `address_not_allowed`."""
        credential = await self._credential(certificate_der, bearer)
        _check(credential, address, now)
        caller = await _caller(self._directory, credential, credential.kind, address, now)
        return caller if credential.kind == "token" else replace(caller, certificate=certificate_der or b"")

    async def _credential(self, certificate_der: bytes | None, bearer: str | None) -> Credential:
        if certificate_der is not None:
            found = await self._find("certificate", sha256(certificate_der).hexdigest())
            if found is not None:
                return found
        if bearer:
            found = await self._find("token", hash_token(bearer))
            if found is not None:
                return found
        if certificate_der is None and not bearer:
            raise RefusedError("credential_missing")
        raise RefusedError("credential_invalid")

    async def _find(self, kind: Kind, fingerprint: str) -> Credential | None:
        found = await self._credentials.find(fingerprint)
        # the look-up went by the hash of a secret, whose timing tells nothing of the secret; compared again in
        # constant time so that no index or cache in between has to be exact
        if found is None or found.kind != kind or not compare_digest(found.fingerprint, fingerprint):
            return None
        return found


class SecretAuthenticator:
    """Tells peers apart that prove themselves by a secret shared with us."""

    def __init__(self, secrets: SharedSecrets, directory: Directory) -> None:
        self._secrets = secrets
        self._directory = directory

    async def authenticate(
        self, *, binding: str, system_id: str, proves: Callable[[bytes], bool], address: str, now: datetime
    ) -> Caller:
        """The caller; RefusedError with a `credential_…` code or `address_not_allowed`.

        A secret that has ended is named as ended only to somebody who knows it.
        """
        found = await self._secrets.find(binding, system_id, now)
        proved = [secret for secret, value in found if proves(value)]
        if not found:
            proves(_NOBODYS)  # a system id that nobody has takes as long as one that somebody has
        if not proved:
            raise RefusedError("credential_invalid")
        in_force = next((each for each in proved if each.is_in_force(now)), proved[0])
        _check(in_force, address, now)
        return await _caller(self._directory, in_force, "shared_secret", address, now)

    async def named(self, binding: str, system_id: str, now: datetime) -> SharedSecret | None:
        """The newest secret of a system; that it was named proves nothing."""
        found = await self._secrets.find(binding, system_id, now)
        return found[0][0] if found else None


def permit(caller: Caller, sender: Agency, *, hosted: bool) -> None:
    """Let the caller speak for the sender, or raise RefusedError("sender_not_permitted").

    `hosted`: whether the sender is an agency that this gateway reaches without a relay.
    """
    if sender.id in caller.speaks_for or (caller.relay_endpoint_id is not None and not hosted):
        return
    raise RefusedError(
        "sender_not_permitted", f"this credential may not speak for {sender.organ_id}", organ_id=sender.organ_id
    )


async def _caller(
    directory: Directory, held: Credential | SharedSecret, method: Method, address: str, now: datetime
) -> Caller:
    agency = (await directory.agencies([held.agency_id], now)).get(held.agency_id)
    if agency is None:
        raise RefusedError("credential_invalid", "the credential's agency is not in the directory")
    if agency.closed_at is not None:
        raise RefusedError(
            "credential_revoked", f"the credential's agency was closed at {rfc3339(agency.closed_at)}"
        )
    return Caller(
        credential_id=held.id,
        agency_id=agency.id,
        speaks_for=await directory.represented_by(agency.id, now),
        relay_endpoint_id=_relay_endpoint(agency),
        method=method,
        fingerprint=held.fingerprint,
        address=address,
    )


def _check(credential: Credential | SharedSecret, address: str, now: datetime) -> None:
    if credential.revoked_at is not None:
        refusal = RefusedError("credential_revoked", f"revoked at {rfc3339(credential.revoked_at)}")
    elif credential.expires_at <= now:
        refusal = RefusedError("credential_expired", f"it expired at {rfc3339(credential.expires_at)}")
    elif not credential.allows(address):
        refusal = RefusedError("address_not_allowed", f"{address} is not on the credential's list")
    else:
        return
    # for the connection inspector: whose it was
    refusal.facts |= {"credential_id": credential.id, "agency_id": credential.agency_id}
    raise refusal


def _relay_endpoint(agency: Agency) -> EndpointId | None:
    endpoint = agency.endpoint
    return endpoint.id if agency.kind == RELAY_KIND and endpoint is not None and endpoint.is_relay else None
