"""Whether a time stamp on a signature proves when it existed at the latest [RFC 3161].

The token is verified by pyHanko against the anchors of time-stamping authorities, at the time it states. A
stamp that proves nothing is a note of the report, never a fault of the signature: then the signer's time stays
claimed, and certificates are judged at the time of the check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from asn1crypto import cms, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pyhanko.sign.general import CMSExtractionError, extract_certificate_info
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from gateway.seal.report import Check, Indication, Report, Verdict, passed, undecided
from gateway.signatures.algorithms import HASHES
from gateway.signatures.asn1 import UNREADABLE
from gateway.signatures.model import Gathered
from gateway.signatures.path import Brought, Trust, check_signer
from gateway.signatures.usage import stamping_faults

_NAME: Final = "stamp"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """What a token came to."""

    #: None where it proves nothing.
    proven_at: datetime | None
    check: Check

    @property
    def note(self) -> str:
        """What a report says where it proves nothing."""
        return "" if self.proven_at is not None else f"time stamp: {self.check.reason}"


def read_stamp(
    token: bytes, digest: Callable[[str], bytes], *, trust: Trust, gathered: Gathered, brought: Brought
) -> Stamp:
    """Verify a token; `digest` gives the digest of what should be stamped, by the hash's name."""
    try:
        return _verified(token, digest, trust, gathered, brought)
    except (*UNREADABLE, CMSExtractionError, SignatureValidationError, InvalidSignature) as error:
        return _nothing(f"the time stamp cannot be read: {str(error)[:200]}", Indication.FORMAT_FAILURE)


def _verified(  # noqa: PLR0911 - one for each reason
    token: bytes, digest: Callable[[str], bytes], trust: Trust, gathered: Gathered, brought: Brought
) -> Stamp:
    signed = cms.ContentInfo.load(token, strict=True)["content"]
    if not isinstance(signed, cms.SignedData) or len(signed["signer_infos"]) != 1:
        return _nothing("the time stamp is no signed token", Indication.FORMAT_FAILURE)
    held = signed["encap_content_info"]["content"]
    info = held.parsed if isinstance(held, core.ParsableOctetString) else None
    if not isinstance(info, tsp.TSTInfo):
        return _nothing("the time stamp holds no TSTInfo", Indication.FORMAT_FAILURE)
    hash_name = info["message_imprint"]["hash_algorithm"]["algorithm"].native
    signer_info = signed["signer_infos"][0]
    own_hash = signer_info["digest_algorithm"]["algorithm"].native
    if hash_name not in HASHES or own_hash not in HASHES:
        return _nothing(f"the time stamp uses {hash_name} and {own_hash}", Indication.CRYPTO_CONSTRAINTS_FAILURE)
    if info["message_imprint"]["hashed_message"].native != digest(hash_name):
        return _nothing("the time stamp is about something else", Indication.HASH_FAILURE)
    certificates = extract_certificate_info(signed)
    intact, valid = validate_sig_integrity(
        signer_info,
        certificates.signer_cert,
        expected_content_type="tst_info",
        actual_digest=hashlib.new(own_hash, bytes(held)).digest(),
    )
    if not (intact and valid):
        return _nothing("the time stamp's own signature does not hold", Indication.SIG_CRYPTO_FAILURE)
    at: datetime = info["gen_time"].native.astimezone(UTC)
    checks = check_signer(
        x509.load_der_x509_certificate(certificates.signer_cert.dump()),
        Brought(
            certificates=tuple(each.dump() for each in certificates.other_certs),
            crls=brought.crls,
            ocsps=brought.ocsps,
        ),
        store=trust.stamps,
        at=at,
        gathered=gathered,
        usage=stamping_faults,
        answers=trust.answers,
    )
    report = Report(checks=checks)
    if report.verdict is not Verdict.PASSED:
        worst = report.faults[0]
        return _nothing(f"its authority: {worst.reason}", worst.indication or Indication.GENERIC, at)
    if at > trust.at:
        return _nothing("the time stamp is of a later time than now", Indication.SIG_CONSTRAINTS_FAILURE, at)
    return Stamp(proven_at=at, check=passed(_NAME, at=at.isoformat()))


def _nothing(reason: str, indication: Indication, at: datetime | None = None) -> Stamp:
    facts = {} if at is None else {"stated": at.isoformat()}
    return Stamp(proven_at=None, check=undecided(_NAME, indication, reason, **facts))
