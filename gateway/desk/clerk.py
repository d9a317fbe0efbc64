"""Who sits at the desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    #: Closed agencies that an office has succeeded: agency -> office. What came for them is the office's to answer.
    heirs: Mapping[AgencyId, AgencyId] = field(default_factory=dict)

    @property
    def reach(self) -> frozenset[AgencyId]:
        """Whose documents the clerk sees."""
        return self.offices | self.heirs.keys()

    def home(self, agency: AgencyId) -> AgencyId:
        """The own office that answers for an agency; `not_found` for one of others."""
        found = agency if agency in self.offices else self.heirs.get(agency)
        if found is None:
            raise RefusedError("not_found")
        return found

    def reach_of(self, office: AgencyId | None) -> frozenset[AgencyId]:
        """An own office with those that it has succeeded; None: all."""
        if office is None:
            return self.reach
        self.home(office)
        return frozenset({office, *(old for old, heir in self.heirs.items() if heir == office)})

    @property
    def actor(self) -> str:
        """As events name the person: by the id, since leaves stay and logins are made of names."""
        return f"user:{self.user_id}"

    def for_office(self, office: AgencyId) -> Caller:
        """The person as the journey knows callers; `not_found` for an office of others."""
        home = self.home(office)
        return Caller(
            credential_id=CredentialId(self.actor),
            agency_id=home,
            speaks_for=self.reach_of(home),
            relay_endpoint_id=None,
            method="session",
            fingerprint="",
            address=self.address,
            channel="console",
        )
