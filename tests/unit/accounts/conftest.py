"""Accounts on a real database; a CA that certifies at once stands in for the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.accounts.accounts import Accounts
from gateway.accounts.credentials import Credential, Credentials, credential_of
from gateway.authenticate import Authenticator
from gateway.config.settings import EnrolmentSettings
from gateway.enrolment import IssuedCertificate
from gateway.model import Agency, AgencyId, Caller
from tests.unit.directory.store import NOW, Store, open_store


@dataclass
class FakeCa:
    """Gives every key a certificate of its own; the bytes of a certificate are `der(n)`."""

    issued: list[str] = field(default_factory=list)
    now: datetime = NOW

    async def certify(self, csr_pem: bytes, *, organ_id: str, agency_id: str, days: int) -> IssuedCertificate:
        number = len(self.issued)
        self.issued.append(f"{organ_id} {agency_id} {days}")
        return IssuedCertificate(
            pem=f"certificate {number}",
            chain_pem="",
            fingerprint=sha256(der(number)).hexdigest(),
            serial=f"{number:x}",
            not_before=self.now,
            not_after=self.now + timedelta(days=days),
        )


def der(number: int) -> bytes:
    """The bytes that the TLS listener would show."""
    return f"certificate {number}".encode()


@dataclass
class Desk:
    """Everything about credentials."""

    store: Store
    ca: FakeCa
    credentials: Credentials
    accounts: Accounts
    authenticator: Authenticator

    async def enter(
        self,
        certificate: bytes | None = None,
        bearer: str | None = None,
        *,
        address: str = "10.0.0.1",
        now: datetime = NOW,
    ) -> Caller:
        """Authenticate."""
        return await self.authenticator.authenticate(
            certificate_der=certificate, bearer=bearer, address=address, now=now
        )

    async def credentials_of(self, agency_id: AgencyId) -> list[Credential]:
        """All that an agency ever had, the newest first."""
        return [
            credential_of(row) for row in await self.store.readers.fetch("credential_list_of_agency", (agency_id,))
        ]

    async def agency(self, code: str = "H33.01") -> Agency:
        """An agency of the directory below."""
        return await self.store.agency(code)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Three agencies and a relay."""
    async with open_store(tmp_path) as store:
        await store.endpoint("inbox")
        await store.endpoint("vxp", "webhook", relay=True)
        await store.load(
            "organ_id,name,kind,endpoint\nH33.01,A,commune,inbox\nH33.02,B,commune,inbox\nH33.03,C,commune,inbox\n"
            "00.22.W00,Axis,relay,vxp\nG22,Office,ministry,vxp\n"
        )
        ca, credentials = FakeCa(), Credentials(store.readers)
        accounts = Accounts(store.pump, store.readers, store.directory, credentials, ca, EnrolmentSettings())
        yield Desk(
            store=store,
            ca=ca,
            credentials=credentials,
            accounts=accounts,
            authenticator=Authenticator(credentials, store.directory),
        )
