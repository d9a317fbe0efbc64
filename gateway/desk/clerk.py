"""Who sits at the desk."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import RefusedError
from gateway.model import AgencyId, Caller, CredentialId


@dataclass(frozen=True, kw_only=True, slots=True)
class Clerk:
    """A person who is signed in, and for whom that person may speak."""

    user_id: str
    name: str
    offices: frozenset[AgencyId]
    #: Where the request comes from.
    address: str = ""

    @property
    def actor(self) -> str:
        """As events name the person: by the id, since leaves stay and logins are made of names."""
        return f"user:{self.user_id}"

    def for_office(self, office: AgencyId) -> Caller:
        """The person as the journey knows callers; `not_found` for an office of others."""
        if office not in self.offices:
            raise RefusedError("not_found")
        return Caller(
            credential_id=CredentialId(self.actor),
            agency_id=office,
            speaks_for=frozenset({office}),
            relay_endpoint_id=None,
            method="session",
            fingerprint="",
            address=self.address,
            channel="console",
        )
