"""Sealing keys from PEM files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.errors import KeyFileError
from gateway.seal.keys import Certificates, PemSigner
from gateway.seal.profile import ECDSA_SHA256, RSA_SHA256
from tests.pki.build import build

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def files(folder: Path, member: str, *, mode: int = 0o600) -> tuple[Path, Path]:
    found = build()[member]
    key, certificate = folder / "seal.key", folder / "seal.pem"
    key.write_bytes(found.key_pem)
    key.chmod(mode)
    certificate.write_bytes(found.pem)
    return key, certificate


def test_rsa_key_signs_rsa_sha256(tmp_path: Path) -> None:
    """An RSA key gives a PKCS #1 v1.5 signature over SHA-256."""
    signer = PemSigner.load(*files(tmp_path, "seal-rsa"))
    public = build()["seal-rsa"].key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signer.sign(b"data"), b"data", padding.PKCS1v15(), hashes.SHA256())
    assert signer.algorithm == RSA_SHA256


def test_p256_key_signs_with_r_and_s_side_by_side(tmp_path: Path) -> None:
    """XML signatures carry r and s as two fields of 32 bytes, also when one of them is short."""
    signer = PemSigner.load(*files(tmp_path, "seal-p256"))
    public = build()["seal-p256"].key.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    for number in range(300):
        data = bytes((number % 256, number // 256))
        value = signer.sign(data)
        assert len(value) == 64
        pair = encode_dss_signature(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
        public.verify(pair, data, ec.ECDSA(hashes.SHA256()))
    assert signer.algorithm == ECDSA_SHA256


def test_chain_is_sent_without_a_root(tmp_path: Path) -> None:
    """A root in the certificate file is left out: who trusts it has it, who does not gains nothing."""
    key, certificate = files(tmp_path, "seal-rsa")
    root = build()["seal-root"].certificate.public_bytes(serialization.Encoding.PEM)
    certificate.write_bytes(certificate.read_bytes() + root)
    assert PemSigner.load(key, certificate).chain == (build()["seal-ca"].certificate,)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o620])
def test_key_file_that_others_may_touch_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    """The refusal names the command that mends it."""
    key, certificate = files(tmp_path, "seal-rsa", mode=mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {key}"):
        PemSigner.load(key, certificate)


def test_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    """A key that does not match would make seals that nobody can verify."""
    key, certificate = files(tmp_path, "seal-rsa")
    certificate.write_bytes(build()["seal-p256"].pem)
    with pytest.raises(KeyFileError, match="not the key of"):
        PemSigner.load(key, certificate)


def test_key_too_weak_for_a_receipt_is_refused(tmp_path: Path) -> None:
    """RSA of 1024 bits is not loaded at all."""
    with pytest.raises(KeyFileError, match="2048"):
        PemSigner.load(*files(tmp_path, "seal-weak"))


def test_missing_foreign_or_damaged_files_are_refused(tmp_path: Path) -> None:
    """Every way in which the files cannot be read ends in a KeyFileError that names the file."""
    key, certificate = files(tmp_path, "seal-rsa")
    with pytest.raises(KeyFileError, match="No such file"):
        PemSigner.load(tmp_path / "none.key", certificate)
    with pytest.raises(KeyFileError, match="No such file"):
        PemSigner.load(key, tmp_path / "none.pem")
    with pytest.raises(KeyFileError, match="not a regular file"):
        PemSigner.load(tmp_path, certificate)
    with pytest.raises(KeyFileError, match="holds no PEM certificate"):
        PemSigner.load(key, key)
    pkcs8, pem = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    encrypted = build()["seal-rsa"].key.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret"))
    other = ed25519.Ed25519PrivateKey.generate().private_bytes(pem, pkcs8, serialization.NoEncryption())
    for content in (encrypted, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", other):
        key.write_bytes(content)
        with pytest.raises(KeyFileError):
            PemSigner.load(key, certificate)


@pytest.mark.parametrize(
    ("member", "now", "codes"),
    [
        ("seal-rsa", NOW, []),
        ("seal-rsa", datetime(2027, 12, 20, tzinfo=UTC), ["certificate_expires_soon"]),
        ("seal-expired", NOW, ["certificate_expired"]),
        ("seal-not-yet-valid", NOW, ["certificate_not_yet_valid"]),
        ("seal-wrong-usage", NOW, ["certificate_usage"]),
        ("seal-server-purpose", NOW, ["certificate_usage"]),
    ],
)
def test_unfit_certificate_is_loaded_and_reported(
    tmp_path: Path, member: str, now: datetime, codes: list[str]
) -> None:
    """A gateway must start with an expired seal, so that agencies can still fetch; the operator is told."""
    findings = Certificates.load(files(tmp_path, member)[1]).findings(now)
    assert [each.code for each in findings] == codes
    assert all(each.text and each.facts for each in findings)


def test_key_is_not_printed(tmp_path: Path) -> None:
    """A signer in a log line or traceback shows no key object."""
    assert "PrivateKey" not in repr(PemSigner.load(*files(tmp_path, "seal-rsa")))
