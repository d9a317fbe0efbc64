"""Under which signatures a CA's word on revocation counts, revocation list or OCSP answer alike. Pure.

SHA-256 and longer, by RSA or ECDSA. With SHA-1 it says nothing, neither that a certificate stands nor that it was
revoked, and is told apart from what somebody else signed: some CAs still sign so.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp

from gateway.seal.profile import UNREADABLE_CERTIFICATE

_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def is_list_by(
    found: x509.CertificateRevocationList, certificate: x509.Certificate, *, is_sha1_taken: bool = False
) -> bool:
    """Whether this certificate's key signed the list; `is_sha1_taken`: with SHA-1 too."""
    try:
        algorithm = found.signature_hash_algorithm
        if isinstance(algorithm, _HASHES):
            return found.is_signature_valid(certificate.public_key())  # type: ignore[arg-type]
        return is_sha1_taken and _fits(certificate, found.signature, found.tbs_certlist_bytes, algorithm)
    except UNREADABLE_CERTIFICATE:
        return False


def is_answer_by(found: ocsp.OCSPResponse, certificate: x509.Certificate, *, is_sha1_taken: bool = False) -> bool:
    """Of an OCSP answer, likewise."""
    try:
        algorithm = found.signature_hash_algorithm
        is_taken = is_sha1_taken or isinstance(algorithm, _HASHES)
        return is_taken and _fits(certificate, found.signature, found.tbs_response_bytes, algorithm)
    except UNREADABLE_CERTIFICATE:
        return False


def _fits(
    certificate: x509.Certificate, value: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None
) -> bool:
    key = certificate.public_key()
    if not isinstance(algorithm, (*_HASHES, hashes.SHA1)):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, signed, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True
