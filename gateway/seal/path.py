"""Whether a seal certificate leads to a trusted CA at a given time, and whether it may seal at all.

Own words for what people need told apart (validity, usage, revocation), the `cryptography` path builder for
the rest: signatures, CA flags, path lengths, key usage of CAs, critical extensions it does not know, weak
hashes and weak keys of CAs. Revocation is looked up only in lists and OCSP answers given; without any of an issuer
nothing is said about its certificates and the caller is told so. Fetches nothing.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from itertools import pairwise

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from gateway.seal.answer_signature import is_list_by
from gateway.seal.ocsp import check_ocsp
from gateway.seal.profile import UNREADABLE_CERTIFICATE, usage_faults
from gateway.seal.report import Check, Indication, Verdict, failed, passed, undecided
from gateway.seal.trust import TrustStore

_MAX_INTERMEDIATES = 4


def check_certificate(
    certificate: x509.Certificate, chain: tuple[x509.Certificate, ...], *, anchors: TrustStore, at: datetime
) -> tuple[tuple[Check, ...], tuple[str, ...]]:
    """The checks made, and what could not be examined."""
    checks = [_validity(certificate, at), _usage(certificate)]
    path_check, path = find_path(certificate, chain, anchors.at(at), at)
    checks.append(path_check)
    unexamined: list[str] = []
    for child, issuer in pairwise(path):
        listed = check_lists(child, issuer, anchors.revocations, at)
        if told := said_of(listed, check_ocsp(child, issuer, anchors.answers, at)):
            checks.append(told)
        else:
            unexamined.append(f"revocation of {child.subject.rfc4514_string()}: no list of its issuer")
    return tuple(checks), tuple(unexamined)


def _validity(certificate: x509.Certificate, at: datetime) -> Check:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    facts = {"at": at.isoformat(), "not_before": begin.isoformat(), "not_after": end.isoformat()}
    if begin <= at <= end:
        return passed("certificate.validity", **facts)
    reason = "the seal certificate was not yet valid" if at < begin else "the seal certificate had expired"
    return undecided("certificate.validity", Indication.OUT_OF_BOUNDS_NO_POE, reason, **facts)


def _usage(certificate: x509.Certificate) -> Check:
    try:
        faults = usage_faults(certificate)
    except UNREADABLE_CERTIFICATE as error:
        faults = (f"its extensions cannot be read: {error}",)
    if faults:
        reason = f"the certificate may not seal: {'; '.join(faults)}"
        return failed("certificate.usage", Indication.CHAIN_CONSTRAINTS_FAILURE, reason)
    return passed("certificate.usage")


@lru_cache(maxsize=256)  # the seals of one bundle are mostly of one certificate, judged at one time
def find_path(
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    trusted: tuple[x509.Certificate, ...],
    at: datetime,
    *,
    name: str = "certificate.path",
) -> tuple[Check, tuple[x509.Certificate, ...]]:
    """The way from a certificate to a trusted CA as of `at`, itself first; empty where there is none."""
    indication = Indication.NO_CERTIFICATE_CHAIN_FOUND
    if not trusted:
        return undecided(name, indication, "no anchor of the store was trusted at that time"), ()
    builder = PolicyBuilder().store(Store(list(trusted))).time(at).max_chain_depth(_MAX_INTERMEDIATES)
    # The leaf's usage is judged by whoever asks; here CAs must be CAs, whatever else they carry.
    ca_policy = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _must_be_ca)
        .require_present(x509.KeyUsage, Criticality.AGNOSTIC, _must_sign_certificates)
    )
    builder = builder.extension_policies(ca_policy=ca_policy, ee_policy=ExtensionPolicy.permit_all())
    try:
        verified = builder.build_client_verifier().verify(certificate, list(chain))
    except (verification.VerificationError, *UNREADABLE_CERTIFICATE) as error:
        reason = f"the certificate does not lead to a trusted CA: {error}"
        return undecided(name, indication, reason, issuer=certificate.issuer.rfc4514_string()), ()
    path = tuple(verified.chain)
    return passed(name, path=" < ".join(each.subject.rfc4514_string() for each in path)), path


def issued_lists(
    lists: tuple[x509.CertificateRevocationList, ...], issuer: x509.Certificate, *, is_sha1_taken: bool = False
) -> tuple[x509.CertificateRevocationList, ...]:
    """Those that this CA signed."""
    own = (each for each in lists if each.issuer == issuer.subject)
    return tuple(each for each in own if is_list_by(each, issuer, is_sha1_taken=is_sha1_taken))


def said_of(*told: Check | None) -> Check | None:
    """What a list and OCSP answers say together; None where none of them says anything.

    A revocation counts wherever it is told; where one source has ended, the other may do.
    """
    return min((each for each in told if each is not None), key=_rank, default=None)


def _must_be_ca(
    _policy: verification.Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints
) -> None:
    if not constraints.ca:
        raise ValueError("basicConstraints says that it is no CA")


def _must_sign_certificates(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage
) -> None:
    if not usage.key_cert_sign:
        raise ValueError("keyUsage of a CA lacks keyCertSign")


def check_lists(
    child: x509.Certificate,
    issuer: x509.Certificate,
    lists: tuple[x509.CertificateRevocationList, ...],
    at: datetime,
) -> Check | None:
    """What an issuer's lists say of a certificate as of then; None when no list of the issuer is at hand."""
    name, serial = "certificate.revocation", f"{child.serial_number:x}"
    own = issued_lists(lists, issuer)
    if not own:
        return None
    for each in own:
        entry = each.get_revoked_certificate_by_serial_number(child.serial_number)
        if entry is not None and entry.revocation_date_utc <= at:
            revoked_at = entry.revocation_date_utc.isoformat()
            reason = f"the certificate was revoked on {revoked_at}"
            return undecided(name, Indication.REVOKED_NO_POE, reason, serial=serial, revoked_at=revoked_at)
    newest = max(own, key=lambda each: each.last_update_utc)
    until = newest.next_update_utc
    if until is not None and until < at:
        reason = f"the issuer's newest revocation list ended on {until.isoformat()}"
        return undecided(name, Indication.TRY_LATER, reason, serial=serial)
    return believed(passed(name, serial=serial, list_of=newest.last_update_utc.isoformat()), newest, issuer)


def believed(told: Check, newest: x509.CertificateRevocationList, issuer: x509.Certificate) -> Check:
    """What the issuer's newest list says, unless it says "not revoked" without the right or the reach to say so.

    A CA's certificate may allow it no lists [RFC 5280 6.3.3]; what is critical in a list makes it one of a part.
    """
    if told.verdict is not Verdict.PASSED:
        return told
    if any(extension.critical for extension in newest.extensions):
        return undecided(told.name, Indication.TRY_LATER, "the issuer's list covers only a part")
    if not _may_sign_lists(issuer):
        return undecided(told.name, Indication.TRY_LATER, "keyUsage of the list's issuer lacks cRLSign")
    return told


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _rank(check: Check) -> int:
    if check.indication is Indication.REVOKED_NO_POE:
        return 0
    return 1 if check.verdict is Verdict.PASSED else 2
