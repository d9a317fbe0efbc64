"""Offices with a key and a certificate to encrypt to, made anew for the run, and `openssl cms` beside us."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.enveloped.certificates import RecipientCertificate, read_certificate
from gateway.enveloped.opening import PrivateKey
from tests.system_tools import require_tool

_AUTHORITY = ec.generate_private_key(ec.SECP256R1())
_ISSUER = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA thử nghiệm")])


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who can open what is encrypted to it."""

    private: PrivateKey
    x509: x509.Certificate

    @property
    def certificate(self) -> RecipientCertificate:
        """As we read it."""
        return read_certificate(self.pem)

    @property
    def pem(self) -> bytes:
        """The certificate's file."""
        return self.x509.public_bytes(Encoding.PEM)

    def files(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Its certificate's and its key's file."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_bytes(self.pem)
        pem = self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key.write_bytes(pem)
        key.chmod(0o600)
        return certificate, key


def made(
    private: PrivateKey,
    name: str = "Văn thư",
    *,
    usage: x509.KeyUsage | None = None,
    identified: bool = True,
    begins: timedelta = timedelta(days=-1),
    days: float = 365,
) -> Holder:
    """A holder of that key."""
    begin = datetime.now(UTC) + begins
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(_ISSUER)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if identified:
        extension = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
        builder = builder.add_extension(extension, critical=False)
    return Holder(private=private, x509=builder.sign(_AUTHORITY, hashes.SHA256()))


def usage(*names: str) -> x509.KeyUsage:
    """The extension with these bits."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in names for name in every})


@cache
def holder(kind: str) -> Holder:
    """One of each kind: `rsa`, `rsa2` (another), `p256`, `p384`, `p521`."""
    if kind.startswith("rsa"):
        return made(rsa.generate_private_key(65537, 2048), kind, usage=usage("key_encipherment"))
    curve = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}[kind]
    return made(ec.generate_private_key(curve), kind, usage=usage("key_agreement"))


def openssl(*arguments: str | Path, given: bytes = b"", good: bool = True) -> bytes:
    """What `openssl` says."""
    command = [require_tool("openssl", "openssl"), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
    assert (done.returncode == 0) is good, done.stderr.decode()
    return done.stdout
