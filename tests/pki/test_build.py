"""The test PKI itself."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes

from tests.pki import build as building
from tests.pki.build import build, derive_rsa


def test_build_twice_gives_the_same_certificates_and_keys() -> None:
    """Nothing in the test PKI is random, so vectors made from it can be regenerated without a difference."""
    build.cache_clear()
    first = build()
    build.cache_clear()
    second = build()
    for name, member in first.members.items():
        assert member.certificate == second[name].certificate
        assert member.key_pem == second[name].key_pem
    for name, revoked in first.revocation_lists.items():
        assert revoked.fingerprint(hashes.SHA256()) == second.revocation_lists[name].fingerprint(hashes.SHA256())


def test_primes_lie_where_it_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are those that the search finds, also where it need not search; the small ones stand for all."""
    small = [name for name, bits in building._STEPS if bits == 1024]
    noted = [derive_rsa(name, 1024).private_numbers() for name in small]
    monkeypatch.setattr(building, "_STEPS", {})
    assert [derive_rsa(name, 1024).private_numbers() for name in small] == noted


def test_every_certificate_is_signed_by_its_issuer() -> None:
    """A member that is meant to be refused is refused for its declared fault, not for a broken signature."""
    pki = build()
    for member in pki.members.values():
        issuers = [each for each in pki.members.values() if each.certificate.subject == member.certificate.issuer]
        valid = 0
        for issuer in issuers:
            try:
                member.certificate.verify_directly_issued_by(issuer.certificate)
            except Exception:  # noqa: BLE001 - only the count matters: two members share a name
                continue
            valid += 1
        assert valid == 1, member.name
