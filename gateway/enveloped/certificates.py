"""Certificates that one can encrypt to: which will do, and what names them in an envelope.

RSA of 2048 to 8192 bits (keyEncipherment), or P-256, P-384, P-521 (keyAgreement), where the certificate writes
keyUsage at all [RFC 5280 4.2.1.3]. Whose it is, whether it is valid now and not revoked, is not asked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.enveloped import ber
from gateway.enveloped.ber import INTEGER, SEQUENCE, Value, parts_of
from gateway.enveloped.reading import key_of_id, key_of_serial
from gateway.errors import EnvelopedError
from gateway.seal.profile import UNREADABLE_CERTIFICATE

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_LEAST_RSA, _MOST_RSA = 2048, 8192
_MOST_PARTS: Final = 16
_MOST_BYTES: Final = 64 * 1024
_VERSION: Final = 0xA0


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientCertificate:
    """One that can be encrypted to."""

    #: Hexadecimal, of `der`.
    sha256: str
    der: bytes
    #: Its subject's commonName, or the whole subject; and whose CA issued it.
    name: str
    issuer: str
    #: Hexadecimal.
    serial: str
    not_before: datetime
    not_after: datetime
    #: `RSA 3072`, `P-256`.
    algorithm: str
    public: PublicKey
    #: IssuerAndSerialNumber, DER.
    issuer_and_serial: bytes
    #: What an envelope may name it by.
    keys: frozenset[str]

    @property
    def pem(self) -> str:
        """With its armour."""
        return x509.load_der_x509_certificate(self.der).public_bytes(Encoding.PEM).decode()


def read_certificate(data: bytes) -> RecipientCertificate:
    """The first certificate of a PEM file, or one in DER; EnvelopedError where nobody can encrypt to it."""
    try:
        pem = b"-----BEGIN CERTIFICATE-----" in data
        found = x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        public, usage, identifier = found.public_key(), _usage(found), _identifier(found)
        name, issuer = _name(found.subject), _name(found.issuer)
    except UNREADABLE_CERTIFICATE as error:
        raise EnvelopedError("it is no certificate, PEM or DER") from error
    algorithm = _algorithm(public, usage)
    assert isinstance(public, PublicKey), "looked at"
    der = found.public_bytes(Encoding.DER)
    issuer_der, serial = _issuer_and_serial(found.tbs_certificate_bytes)
    number = int.from_bytes(serial.value, "big")
    return RecipientCertificate(
        sha256=sha256(der).hexdigest(),
        der=der,
        name=name,
        issuer=issuer,
        serial=f"{number:x}",
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        algorithm=algorithm,
        public=public,
        issuer_and_serial=ber.der(SEQUENCE, issuer_der, serial.whole),
        keys=frozenset({key_of_serial(issuer_der, number)} | ({key_of_id(identifier)} if identifier else set())),
    )


def read_certificate_file(path: Path) -> RecipientCertificate:
    """Likewise of a file, which the message names."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES)
        return read_certificate(data)
    except OSError as error:
        raise EnvelopedError(f"{path}: {error.strerror}") from error
    except EnvelopedError as error:
        raise EnvelopedError(f"{path}: {error}") from error


def _algorithm(public: object, usage: x509.KeyUsage | None) -> str:
    if isinstance(public, rsa.RSAPublicKey) and _LEAST_RSA <= public.key_size <= _MOST_RSA:
        may, told = usage is None or usage.key_encipherment, f"RSA {public.key_size}"
    elif isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        may, told = usage is None or usage.key_agreement, f"P-{public.curve.key_size}"
    else:
        raise EnvelopedError("its key is none to encrypt to: RSA of 2048 to 8192 bits, P-256, P-384 or P-521 is")
    if not may:
        raise EnvelopedError("its keyUsage says that it is not to encrypt to (keyEncipherment, keyAgreement)")
    return told


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _identifier(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return b""


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value if common else name.rfc4514_string())[:300]


def _issuer_and_serial(tbs: bytes) -> tuple[bytes, Value]:
    """As they stand there, byte by byte: that is what envelopes repeat."""
    (whole,) = parts_of(tbs, 1)
    parts = list(parts_of(whole.value, _MOST_PARTS))
    if parts[0].tag == _VERSION:
        del parts[0]
    serial, _, issuer = parts[:3]
    if (serial.tag, issuer.tag) != (INTEGER, SEQUENCE):
        raise EnvelopedError("it is no certificate")
    return issuer.whole, serial
