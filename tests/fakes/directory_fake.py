"""The part of the fake gateway that is about what agencies publish."""

from __future__ import annotations

from gateway.api.encryption import EncryptionCertificateOut
from gateway.errors import RefusedError
from tests.fakes.gateway_shapes import ORGAN_IDS


class FakePublished:
    """No agency lets others encrypt to it."""

    async def encryption_certificate(self, code: str) -> EncryptionCertificateOut:
        known = code in ORGAN_IDS or code in ORGAN_IDS.values()
        raise RefusedError("encryption_certificate_missing" if known else "not_found", code)
