"""What the answers at hand say of certificates with which nobody signs, such as those to encrypt to.

Their issuer must be a CA in the folders of anchors itself: nothing comes with them that would lead further. Lists
and OCSP answers are judged as those about a seal are (`gateway.seal`). Fetches nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography import x509

from gateway.seal.ocsp import OcspAnswer, check_ocsp, read_ocsp
from gateway.seal.path import check_lists, said_of
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.seal.report import Check, Verdict
from gateway.seal.revocation import Answer, RevocationStore
from gateway.signatures.lookups import authorities_in, is_issued_by, lookup_of
from gateway.signatures.model import Lookup


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Of one certificate."""

    #: SHA-256, hex.
    certificate: str
    #: Where its CA tells; None where no trusted CA issued it, or the CA tells nowhere and nothing is at hand.
    lookup: Lookup | None
    #: Whether the CA says now that it stands.
    is_good: bool = False
    is_revoked: bool = False
    #: For people.
    reason: str = ""
    #: Until when the newest answer at hand speaks.
    until: datetime | None = None


def told_of(certificates: Sequence[bytes], folders: Sequence[str], answers: str, at: datetime) -> bytes:
    """Encoded `Told` of each certificate (DER), in their order."""
    authorities, store = authorities_in(folders), RevocationStore(Path(answers))
    return msgspec.json.encode([_told(der, authorities, store, at) for der in certificates])


def _told(der: bytes, authorities: Sequence[x509.Certificate], store: RevocationStore, at: datetime) -> Told:
    certificate, digest = x509.load_der_x509_certificate(der), hashlib.sha256(der).hexdigest()
    issuer = next((each for each in authorities if is_issued_by(certificate, each)), None)
    if issuer is None or issuer == certificate:
        return Told(certificate=digest, lookup=None)
    lookup = lookup_of(certificate, issuer)
    found = [each for each in store.about([certificate], at) if each.subject in lookup.subjects]
    check = _said(certificate, issuer, found, at)
    if check is None and not (lookup.crls or lookup.ocsps):
        return Told(certificate=digest, lookup=None)
    return Told(
        certificate=digest,
        lookup=lookup,
        is_good=check is not None and check.verdict is Verdict.PASSED,
        is_revoked=check is not None and "revoked_at" in check.facts,
        reason="" if check is None else check.reason,
        until=max((each.next_update for each in found if each.next_update is not None), default=None),
    )


def _said(
    certificate: x509.Certificate, issuer: x509.Certificate, found: Iterable[Answer], at: datetime
) -> Check | None:
    lists, answers = list[x509.CertificateRevocationList](), list[OcspAnswer]()
    for each in found:
        if each.kind == "crl":
            lists.append(x509.load_der_x509_crl(each.der))
        else:
            answers += _read(each.der)
    return said_of(check_lists(certificate, issuer, tuple(lists), at), check_ocsp(certificate, issuer, answers, at))


def _read(der: bytes) -> Iterator[OcspAnswer]:
    try:
        yield read_ocsp(der)
    except UNREADABLE_CERTIFICATE:
        return
