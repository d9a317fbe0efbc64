"""An authenticator in memory: tokens and certificates that a test gave it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from gateway.errors import RefusedError
from gateway.model import AgencyId, Caller, CredentialId, EndpointId


def caller_of(agency_id: AgencyId, fingerprint: str = "", relay: EndpointId | None = None) -> Caller:
    """A caller that speaks for one agency."""
    return Caller(
        credential_id=CredentialId(f"credential-{agency_id}"),
        agency_id=agency_id,
        speaks_for=frozenset({agency_id}),
        relay_endpoint_id=relay,
        method="certificate" if fingerprint else "token",
        fingerprint=fingerprint,
        address="127.0.0.1",
    )


class FakeAuthenticator:
    """Tokens and certificates it was given; both may be taken away at any time."""

    def __init__(self) -> None:
        self.tokens: dict[str, Caller] = {}
        self.certificates: dict[str, Caller] = {}

    async def authenticate(
        self, *, certificate_der: bytes | None, bearer: str | None, address: str, now: datetime
    ) -> Caller:
        if certificate_der is not None:
            found = self.certificates.get(hashlib.sha256(certificate_der).hexdigest())
        elif bearer is not None:
            found = self.tokens.get(bearer)
        else:
            raise RefusedError("credential_missing")
        if found is None:
            raise RefusedError("credential_invalid")
        return found
