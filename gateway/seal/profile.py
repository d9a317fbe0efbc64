"""What the gateway's receipt is made of: the fixed names shared by the writer and the verifier.

The receipt is a XAdES-BASELINE-B signature (ETSI EN 319 132-1) in one file, detached: it refers by raw
SHA-256 to `document.edxml` and `transfer.json` beside it, and by inclusive Canonical XML 1.0 to its own
SignedProperties. Nothing here is negotiable: a receipt of another make is not ours.
"""

from __future__ import annotations

import warnings
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
#: Root of a container's signatures [ETSI EN 319 162-1 4.4.4].
ASIC: Final = "http://uri.etsi.org/02918/v1.2.1#"

#: Inclusive, without comments. The exclusive form is refused by other verifiers inside XAdES.
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SIGNED_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"

DOCUMENT_NAME: Final = "document.edxml"
DOCUMENT_TYPE: Final = "application/xml"
TRANSFER_NAME: Final = "transfer.json"
TRANSFER_TYPE: Final = "application/json"

#: A receipt is 5 to 9 KB; a file above this is not one and is not parsed.
MAX_RECEIPT_BYTES: Final = 64 * 1024
#: The seal over a bundle has some 700 bytes for each entry.
MAX_SEALED_ENTRIES: Final = 10_000
MAX_EXPORT_BYTES: Final = 8 * 1024 * 1024
#: Of each of the two numbers of an ECDSA signature value in XML [RFC 4051 2.3.6].
P256_BYTES: Final = 32
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192

#: Purposes that go with sealing when a CA writes extendedKeyUsage at all: RFC 9336, RFC 5280 e-mail
#: protection and anyExtendedKeyUsage, Microsoft document signing.
SIGNING_PURPOSES: Final = {
    x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),
}

#: What `cryptography` raises over a foreign certificate or list, when it is loaded or when a part is asked for.
UNREADABLE_CERTIFICATE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def load_certificate(der: bytes) -> x509.Certificate:
    """A foreign certificate whose names can be read; raises some of UNREADABLE_CERTIFICATE."""
    with warnings.catch_warnings(action="ignore"):  # of names that are merely too long for X.520
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.issuer, certificate.subject  # decoded when they are asked for
    return certificate


def algorithm_of(key: object) -> str | None:
    """The signature method a public key signs receipts with; None for a key that may not sign them."""
    if isinstance(key, rsa.RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return RSA_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return ECDSA_SHA256
    return None


def value_fits(key: object, value: bytes, data: bytes, *, is_digest: bool = False) -> bool:
    """Whether a signature value, as XML signatures carry it, is of this public key over `data`, with SHA-256.

    `is_digest`: `data` is the SHA-256 itself.
    """
    method = Prehashed(hashes.SHA256()) if is_digest else hashes.SHA256()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, data, padding.PKCS1v15(), method)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and len(value) == 2 * P256_BYTES:
            r, s = value[:P256_BYTES], value[P256_BYTES:]
            pair = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
            key.verify(pair, data, ec.ECDSA(method))
            return True
    except InvalidSignature:
        pass
    return False


def usage_faults(certificate: x509.Certificate) -> tuple[str, ...]:
    """Why `certificate` may not seal: its own words on key usage, CA flag and extended usage."""
    faults = []
    extensions = certificate.extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature:
            faults.append("keyUsage lacks digitalSignature")
        if not usage.content_commitment:
            faults.append("keyUsage lacks nonRepudiation")
    except x509.ExtensionNotFound:
        faults.append("keyUsage is absent")
    try:
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            faults.append("it is a CA certificate")
    except x509.ExtensionNotFound:
        pass
    try:
        extended = set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        if not extended & SIGNING_PURPOSES:
            faults.append("extendedKeyUsage allows no signing of documents")
    except x509.ExtensionNotFound:
        pass
    return tuple(faults)


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the certificate's DER."""
    return certificate.fingerprint(hashes.SHA256())
