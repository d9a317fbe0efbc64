"""Revocation lists and OCSP answers signed as some CAs still do, which `cryptography` no longer writes."""

from __future__ import annotations

from asn1crypto import core, crl, ocsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

_METHOD = {"algorithm": "sha1_ecdsa"}


def list_with_sha1(der: bytes, key: object) -> bytes:
    """The list, signed anew with SHA-1 by this key; the same bytes every time."""
    found = crl.CertificateList.load(der)
    found["tbs_cert_list"]["signature"] = _METHOD
    found["signature_algorithm"] = _METHOD
    found["signature"] = _signed(found["tbs_cert_list"].dump(force=True), key)
    return bytes(found.dump(force=True))


def answer_with_sha1(der: bytes, key: object) -> bytes:
    """The OCSP answer, likewise."""
    found = ocsp.OCSPResponse.load(der)
    basic = found["response_bytes"]["response"].parsed
    basic["signature_algorithm"] = _METHOD
    basic["signature"] = _signed(basic["tbs_response_data"].dump(force=True), key)
    found["response_bytes"]["response"] = core.ParsableOctetString(basic.dump(force=True))
    return bytes(found.dump(force=True))


def _signed(data: bytes, key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(data, ec.ECDSA(hashes.SHA1(), deterministic_signing=True))
