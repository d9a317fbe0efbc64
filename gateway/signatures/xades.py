"""What SignedProperties say, read from the bytes that were verified, and the time stamp over the signature's value.

[ETSI EN 319 132-1] Qualifying properties count only as far as they are signed: the signing time is the signer's
claim, SigningCertificate(V2) names the one certificate that may have signed. signxml checks neither the Type of the
reference, nor the Target, nor IssuerSerialV2; the first two are `shape.py`'s, the last is compared here.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.seal.profile import DS, XADES
from gateway.seal.report import Check, Indication, failed, passed, undecided
from gateway.xml import small_tree

_HASHES: Final = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_MOST_BYTES: Final = 256 * 1024


@dataclass(kw_only=True, slots=True)
class Properties:
    """The signed ones."""

    claimed_at: datetime | None = None
    #: (hash name, digest, DER of the issuer and serial or b"") of the signing certificate.
    named: tuple[str, bytes, bytes] | None = None
    checks: list[Check] = field(default_factory=list)


def read_properties(signed: bytes) -> Properties:
    """Of the canonical bytes of SignedProperties, as they were verified."""
    root = small_tree(signed, _MOST_BYTES)
    found = Properties()
    base = f"{{{XADES}}}SignedSignatureProperties"
    time = root.findtext(f"{base}/{{{XADES}}}SigningTime")
    if time is not None:
        try:
            claimed = datetime.fromisoformat(time.strip())
            found.claimed_at = claimed.astimezone(UTC) if claimed.tzinfo else None
        except (ValueError, OverflowError):  # the latter at the ends of what a calendar holds
            pass
    lists = [
        *root.findall(f"{base}/{{{XADES}}}SigningCertificate"),
        *root.findall(f"{base}/{{{XADES}}}SigningCertificateV2"),
    ]
    if len(lists) == 1 and len(lists[0]):
        found.named = _named(lists[0][0])
    return found


def _named(certificate: etree._Element) -> tuple[str, bytes, bytes] | None:
    digest = certificate.find(f"{{{XADES}}}CertDigest")
    if digest is None:
        return None
    method = digest.find(f"{{{DS}}}DigestMethod")
    name = _HASHES.get(method.get("Algorithm", "")) if method is not None else None
    value = digest.findtext(f"{{{DS}}}DigestValue")
    issuer = certificate.findtext(f"{{{XADES}}}IssuerSerialV2")
    if name is None or value is None:
        return None
    try:
        return name, b64decode("".join(value.split())), b64decode("".join((issuer or "").split()))
    except ValueError:
        return None


def check_named(properties: Properties, certificate: x509.Certificate) -> Check:
    """That the signer named the certificate which verified the signature."""
    name = "xades.certificate"
    if properties.named is None:
        reason = "SigningCertificate is missing or cannot be read"
        return undecided(name, Indication.SIG_CONSTRAINTS_FAILURE, reason)
    hash_name, digest, issuer = properties.named
    der = certificate.public_bytes(Encoding.DER)
    if hashlib.new(hash_name, der, usedforsecurity=False).digest() != digest:
        return failed(name, Indication.NO_SIGNING_CERTIFICATE_FOUND, "the signer named another certificate")
    if issuer and not _is_issuer(issuer, der):
        return failed(name, Indication.NO_SIGNING_CERTIFICATE_FOUND, "IssuerSerialV2 names another certificate")
    if hash_name == "sha1":
        reason = "the certificate is named by SHA-1 only"
        return undecided(name, Indication.CRYPTO_CONSTRAINTS_FAILURE, reason)
    return passed(name)


@lru_cache(maxsize=256)
def _is_issuer(issuer_serial: bytes, der: bytes) -> bool:
    certificate = asn1_x509.Certificate.load(der)
    try:
        named = tsp.IssuerSerial.load(issuer_serial, strict=True)
        serial = named["serial_number"].native
        issuers = [each.chosen.hashable for each in named["issuer"] if each.name == "directory_name"]
    except (ValueError, TypeError):
        return False
    return bool(serial == certificate.serial_number and issuers == [certificate.issuer.hashable])


def stamps_in(qualifying: etree._Element) -> list[tuple[bytes, str]]:
    """(token in DER, canonicalisation) of each SignatureTimeStamp; unsigned, so they vouch for themselves."""
    path = f"{{{XADES}}}UnsignedProperties/{{{XADES}}}UnsignedSignatureProperties/{{{XADES}}}SignatureTimeStamp"
    found = []
    for stamp in qualifying.findall(path):
        method = stamp.find(f"{{{DS}}}CanonicalizationMethod")
        algorithm = "" if method is None else method.get("Algorithm", "")
        for token in stamp.findall(f"{{{XADES}}}EncapsulatedTimeStamp"):
            try:
                found.append((b64decode("".join((token.text or "").split())), algorithm))
            except ValueError:
                found.append((b"", algorithm))
    return found
