"""Whether a certificate was good at a point in time: its path, and its revocation by the answers that are at hand.

The path and the answers are judged by pyhanko-certvalidator (RFC 5280, RFC 6960), which fetches nothing here:
anchors, chain and answers are arguments, so that the same call gives the same report in ten years. Anchors count as
far as their notes let them at that time. OCSP answers count for certificates that name a responder.

*Passed* only with a path and, for every certificate below the anchor, an answer of that time or later that does not
revoke it. No answer, or one whose successor was due, is INDETERMINATE (TRY_LATER), never valid; a revocation up to
that time is REVOKED_NO_POE. An OCSP answer that tells of a later revocation decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    DisallowedAlgorithmError,
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    PathBuildingError,
    PathError,
    RevokedError,
    ValidationError,
)
from pyhanko_certvalidator.path import ValidationPath

from gateway.seal.report import Check, Indication, Report, failed, passed, undecided
from gateway.seal.revocation import Answer
from gateway.seal.trust import TrustStore

PATH: Final = "certificate.path"
REVOCATION: Final = "certificate.revocation"
_WEAK: Final = frozenset({"md2", "md5", "sha1"})


async def validate(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    *,
    anchors: TrustStore,
    at: datetime,
    answers: Sequence[Answer],
) -> Report:
    """The report as of `at`; awaits nothing but its own work. ValueError for a naive `at`."""
    if at.tzinfo is None:
        raise ValueError("at needs a time zone")
    trusted = anchors.at(at)
    if not trusted:
        reason = "no anchor of the store was trusted at that time"
        return Report(checks=(undecided(PATH, Indication.NO_CERTIFICATE_CHAIN_FOUND, reason),))
    try:
        await _valid_path(certificate, chain, trusted, at, None)
    except (PathError, ValidationError) as error:
        return Report(checks=(_path_fault(error),))
    lists = [*answers, *(_of_store(each) for each in anchors.revocations)]
    try:
        path = await _valid_path(certificate, chain, trusted, at, lists)
    except (PathError, ValidationError) as error:
        return Report(checks=(passed(PATH), _revocation_fault(error)))
    names = " < ".join(each.subject.human_friendly for each in reversed(list(path.iter_certs(include_root=True))))
    facts = {"at": at.isoformat(), "answers": str(len(lists))}
    return Report(checks=(passed(PATH, path=names), passed(REVOCATION, **facts)))


def _of_store(found: x509.CertificateRevocationList) -> Answer:
    return Answer(
        kind="crl",
        subject="",
        this_update=found.last_update_utc,
        next_update=found.next_update_utc,
        der=found.public_bytes(Encoding.DER),
    )


async def _valid_path(
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    at: datetime,
    answers: Sequence[Answer] | None,
) -> ValidationPath:
    """With `answers` None, revocation is left out."""
    given = answers or ()
    context = ValidationContext(
        trust_roots=[_asn1(each) for each in trusted],
        other_certs=[_asn1(each) for each in chain],
        moment=at,
        allow_fetching=False,
        crls=[asn1_crl.CertificateList.load(each.der) for each in given if each.kind == "crl"],
        ocsps=[asn1_ocsp.OCSPResponse.load(each.der) for each in given if each.kind == "ocsp"],
        revocation_mode="soft-fail" if answers is None else "require",
        # a list made after `at` tells as well how it stood then: entries bear their own dates
        retroactive_revinfo=True,
        weak_hash_algos=_WEAK,
    )
    return await CertificateValidator(_asn1(certificate), validation_context=context).async_validate_path()


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _path_fault(error: Exception) -> Check:
    told = str(error)[:500]
    if isinstance(error, ExpiredError | NotYetValidError):
        return undecided(PATH, Indication.OUT_OF_BOUNDS_NO_POE, told)
    if isinstance(error, DisallowedAlgorithmError):
        return failed(PATH, Indication.CRYPTO_CONSTRAINTS_FAILURE, told)
    if isinstance(error, PathBuildingError):
        return undecided(PATH, Indication.NO_CERTIFICATE_CHAIN_FOUND, told)
    return undecided(PATH, Indication.CHAIN_CONSTRAINTS_FAILURE, told)


def _revocation_fault(error: Exception) -> Check:
    told = str(error)[:500]
    if isinstance(error, RevokedError):
        facts = {"revoked_at": error.revocation_dt.isoformat(), "why": error.reason.human_friendly}
        return undecided(REVOCATION, Indication.REVOKED_NO_POE, told, **facts)
    if isinstance(error, InsufficientRevinfoError):
        return undecided(REVOCATION, Indication.TRY_LATER, told)
    return undecided(REVOCATION, Indication.CHAIN_CONSTRAINTS_FAILURE, told)
