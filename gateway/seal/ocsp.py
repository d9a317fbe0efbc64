"""OCSP answers about our own certificates: who may give them, and what they say as of a time. Pure.

An answer counts if it names the issuer's key and name, and is signed by the issuer, or by a responder whose
certificate that issuer signed itself for this purpose and which was valid when the answer was made
[RFC 6960 4.2.2.2]. What it says is bounded by its own times: one that had ended before `at` tells of a revocation
only. Nothing is asked of anybody here, and a responder's own revocation is not looked up: its certificate is what
the CA puts up with (`id-pkix-ocsp-nocheck`).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.seal.answer_signature import is_answer_by
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.seal.report import Check, Indication, passed, undecided

_UNREADABLE = (*UNREADABLE_CERTIFICATE, x509.ExtensionNotFound)
_MOST_CERTIFICATES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class OcspAnswer:
    """What a responder says about one certificate."""

    response: ocsp.OCSPResponse
    status: ocsp.OCSPCertStatus
    serial: int
    produced_at: datetime
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None

    def says_at(self, at: datetime) -> bool:
        """Whether it says something as of then: one that has ended tells of a revocation only."""
        return self.revoked_at is not None or self.next_update is None or self.next_update >= at


def read_ocsp(der: bytes) -> OcspAnswer:
    """A successful answer about exactly one certificate; raises one of UNREADABLE_CERTIFICATE for anything else."""
    with warnings.catch_warnings(action="ignore"):  # of names that are merely too long for X.520
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise ValueError("it tells of an error")
        single, *more = response.responses
        if more:
            raise ValueError("it is about several certificates")
        return OcspAnswer(
            response=response,
            status=single.certificate_status,
            serial=single.serial_number,
            produced_at=response.produced_at_utc,
            this_update=single.this_update_utc,
            next_update=single.next_update_utc,
            revoked_at=single.revocation_time_utc,
        )


def names_issuer(answer: OcspAnswer, issuer: x509.Certificate) -> bool:
    """Whether the answer is about a certificate of this CA: by the hashes of its name and its key."""
    try:
        single = next(iter(answer.response.responses))
        # a request about any certificate has the hashes of its issuer
        asked = ocsp.OCSPRequestBuilder().add_certificate(issuer, issuer, single.hash_algorithm).build()
    except _UNREADABLE:
        return False
    name = hashlib.new(single.hash_algorithm.name, issuer.subject.public_bytes(), usedforsecurity=False).digest()
    return (single.issuer_key_hash, single.issuer_name_hash) == (asked.issuer_key_hash, name)


def is_authorised(answer: OcspAnswer, issuer: x509.Certificate, *, is_sha1_taken: bool = False) -> bool:
    """Whether the issuer signed it, or a responder that it certified and that was valid when it answered."""
    signers = (issuer, *_responders(answer, issuer))
    return any(is_answer_by(answer.response, each, is_sha1_taken=is_sha1_taken) for each in signers)


def check_ocsp(
    child: x509.Certificate,
    issuer: x509.Certificate,
    answers: Iterable[OcspAnswer],
    at: datetime,
    *,
    is_stamp: bool = False,
) -> Check | None:
    """What they say of a certificate as of then; None where none is about it. The worst they know counts.

    `is_stamp`: it stamps times, so that a revocation of whatever day counts: whoever has its key dates as he likes.
    """
    name, serial = "certificate.revocation", f"{child.serial_number:x}"
    own = [each for each in answers if each.serial == child.serial_number and names_issuer(each, issuer)]
    own = [each for each in own if is_authorised(each, issuer)]
    if not own:
        return None
    for each in own:
        if each.revoked_at is not None and (is_stamp or each.revoked_at <= at):
            revoked_at = each.revoked_at.isoformat()
            reason = f"the certificate was revoked on {revoked_at}"
            return undecided(name, Indication.REVOKED_NO_POE, reason, serial=serial, revoked_at=revoked_at)
    newest = max(own, key=lambda each: each.this_update)
    if newest.status is ocsp.OCSPCertStatus.UNKNOWN:
        return undecided(name, Indication.TRY_LATER, "the CA's responder does not know it", serial=serial)
    if newest.next_update is not None and newest.next_update < at:
        reason = f"the newest OCSP answer ended on {newest.next_update.isoformat()}"
        return undecided(name, Indication.TRY_LATER, reason, serial=serial)
    return passed(name, serial=serial, answer_of=newest.this_update.isoformat())


def _responders(answer: OcspAnswer, issuer: x509.Certificate) -> Iterator[x509.Certificate]:
    for each in answer.response.certificates[:_MOST_CERTIFICATES]:
        try:
            usage = each.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            each.verify_directly_issued_by(issuer)
            begin, end = each.not_valid_before_utc, each.not_valid_after_utc
        except (*_UNREADABLE, InvalidSignature):
            continue
        if ExtendedKeyUsageOID.OCSP_SIGNING in usage and begin <= answer.produced_at.astimezone(UTC) <= end:
            yield each
