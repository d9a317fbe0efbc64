"""Certificates at a point in time: path, CRL and OCSP answers, and what is not known is never valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gateway.errors import RevocationError, StorageError
from gateway.seal.report import Report
from gateway.seal.revocation import Answer, RevocationStore, is_stale, read_answer
from gateway.seal.trust import Anchor, TrustPurpose, TrustStore
from gateway.signatures.lookups import require_signed
from gateway.signatures.model import Gathered
from gateway.signatures.path import Brought, check_signer
from tests.pki.weak import answer_with_sha1, list_with_sha1
from tests.unit.seal.stamp_cases import pki

AT = datetime(2026, 11, 29, tzinfo=UTC)
DAY = timedelta(days=1)
CA, LISTED, REVOKED, ASKED = "tsa-ca-with-list", "tsa-listed", "tsa-revoked-after", "tsa-ocsp"


def store() -> TrustStore:
    anchor = Anchor(certificate=pki()["tsa-root"].certificate, name="tsa-root")
    return TrustStore(purpose=TrustPurpose.TSA, anchors=(anchor,))


def crl(issuer: str, *, made: datetime, until: datetime, revoked: dict[str, datetime] | None = None) -> Answer:
    by = pki()[issuer]
    builder = x509.CertificateRevocationListBuilder().issuer_name(by.certificate.subject)
    builder = builder.last_update(made).next_update(until)
    for name, since in (revoked or {}).items():
        serial = pki()[name].certificate.serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(entry)
    return read_answer(builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER))


def ocsp_answer(name: str, *, made: datetime, until: datetime, revoked_at: datetime | None = None) -> Answer:
    member, by = pki()[name], pki()[CA]
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=member.certificate,
        issuer=by.certificate,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD,
        this_update=made,
        next_update=until,
        revocation_time=revoked_at,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).certificates([by.certificate])
    signed = builder.sign(by.key, hashes.SHA256())
    return read_answer(signed.public_bytes(Encoding.DER))


ROOT_LIST = crl("tsa-root", made=AT - DAY, until=AT + DAY)


def judged(
    name: str,
    *told: Answer,
    at: datetime = AT,
    anchors: TrustStore | None = None,
    answers: RevocationStore | None = None,
) -> Report:
    member = pki()[name]
    brought = Brought(
        certificates=tuple(each.public_bytes(Encoding.DER) for each in member.sent),
        crls=tuple(each.der for each in told if each.kind == "crl"),
        ocsps=tuple(each.der for each in told if each.kind == "ocsp"),
    )
    checks = check_signer(
        member.certificate,
        brought,
        store=anchors or store(),
        at=at,
        gathered=Gathered(),
        usage=lambda _: (),
        answers=answers,
    )
    return Report(checks=checks)


def faults(report: Report) -> dict[str, str]:
    return {each.name: str(each.indication) for each in report.faults}


def test_path_and_fresh_answers_pass() -> None:
    """A list of every issuer below the anchor, or an OCSP answer in its place."""
    good = crl(CA, made=AT - DAY, until=AT + DAY)
    report = judged(LISTED, ROOT_LIST, good)
    assert faults(report) == {}
    assert report.check("certificate.path").facts["path"].count("<") == 2
    assert faults(judged(ASKED, ROOT_LIST, ocsp_answer(ASKED, made=AT - DAY, until=AT + DAY))) == {}


def test_without_answers_nothing_is_valid() -> None:
    """None at all, none of one issuer, one that is too old, or one that somebody else signed: try later."""
    good = crl(CA, made=AT - DAY, until=AT + DAY)
    stale = crl(CA, made=AT - 3 * DAY, until=AT - DAY)
    forged = read_answer(_forged(CA))
    for answers in ((), (good,), (ROOT_LIST,), (ROOT_LIST, stale), (ROOT_LIST, forged)):
        report = judged(LISTED, *answers)
        assert faults(report) == {"certificate.revocation": "TRY_LATER"}
        assert report.verdict == "INDETERMINATE"
    assert is_stale(stale, AT)


@pytest.mark.parametrize("is_kept", [False, True], ids=["brought", "kept"])
@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_what_is_signed_with_sha1_proves_nothing(kind: str, tmp_path: Path, *, is_kept: bool) -> None:
    """List or answer, whoever brought it; one that was kept before it was refused too."""
    who, key = {"crl": LISTED, "ocsp": ASKED}[kind], pki()[CA].key
    good = (crl if kind == "crl" else ocsp_answer)({"crl": CA, "ocsp": ASKED}[kind], made=AT - DAY, until=AT + DAY)
    assert faults(judged(who, ROOT_LIST, good)) == {}
    weak = read_answer((list_with_sha1 if kind == "crl" else answer_with_sha1)(good.der, key))
    store_of_ours = RevocationStore(tmp_path / "revocations")
    if is_kept:
        store_of_ours.keep(weak)
    report = judged(who, ROOT_LIST, *(() if is_kept else (weak,)), answers=store_of_ours)
    assert faults(report) == {"certificate.revocation": "TRY_LATER"}
    issuer = pki()[CA].certificate
    assert require_signed(good, [issuer], AT) == good
    with pytest.raises(RevocationError, match="SHA-1"):
        require_signed(weak, [issuer], AT)


def _forged(issuer: str) -> bytes:
    name = pki()[issuer].certificate.subject
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(AT - DAY).next_update(AT + DAY)
    return builder.sign(pki()["foreign-root"].key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_revoked_from_its_day_on_and_not_before(kind: str) -> None:
    """The point in time decides, by a list of later days too."""
    since, later = AT + 10 * DAY, AT + 20 * DAY
    if kind == "crl":
        told = crl(CA, made=later, until=later + DAY, revoked={REVOKED: since})
    else:
        told = ocsp_answer(ASKED, made=later, until=later + DAY, revoked_at=since)
    who = REVOKED if kind == "crl" else ASKED
    root = crl("tsa-root", made=later, until=later + DAY)
    before = faults(judged(who, root, told, at=AT))
    assert before == ({} if kind == "crl" else {"certificate.revocation": "TRY_LATER"})
    assert faults(judged(who, root, told, at=later)) == {"certificate.revocation": "REVOKED_NO_POE"}


def test_path_faults_have_their_own_words() -> None:
    """Expired, foreign, no anchor in force."""
    assert faults(judged("tsa-expired")) == {
        "certificate.validity": "OUT_OF_BOUNDS_NO_POE",
        "certificate.revocation": "TRY_LATER",
    }
    assert faults(judged("foreign-tsa")) == {"certificate.path": "NO_CERTIFICATE_CHAIN_FOUND"}
    early = Anchor(certificate=pki()["tsa-root"].certificate, name="r", trusted_until=AT - DAY)
    only = TrustStore(purpose=TrustPurpose.TSA, anchors=(early,))
    assert faults(judged(LISTED, anchors=only)) == {"certificate.path": "NO_CERTIFICATE_CHAIN_FOUND"}


def test_answers_are_kept_once_and_found_by_certificate_and_time(tmp_path: Path) -> None:
    """The last word before the moment, and the newest; damage is told."""
    kept, member = RevocationStore(tmp_path / "revocations"), pki()[LISTED]
    lists = [crl(CA, made=AT + day * DAY, until=AT + (day + 1) * DAY) for day in range(4)]
    single = ocsp_answer(LISTED, made=AT, until=AT + DAY)
    assert [kept.keep(each) for each in (*lists, single, ROOT_LIST)] == [True] * 6
    assert not kept.keep(lists[0])
    found = kept.about([member.certificate], AT + 1.5 * DAY)
    assert {each.name for each in found} == {lists[1].name, lists[3].name, single.name}
    assert kept.newest(lists[0].subject) == lists[3]
    (tmp_path / "revocations" / lists[3].name).write_bytes(b"nonsense")
    with pytest.raises(StorageError, match="damaged"):
        kept.about([member.certificate], AT)


def test_two_words_of_one_second_are_both_heard(tmp_path: Path) -> None:
    """An instant is a whole second: a CA may have called a certificate good and revoked it within one."""
    kept, member = RevocationStore(tmp_path / "revocations"), pki()[ASKED]
    good = ocsp_answer(ASKED, made=AT, until=AT + DAY)
    revoked = ocsp_answer(ASKED, made=AT, until=AT + DAY, revoked_at=AT - DAY)
    kept.keep(good)
    kept.keep(revoked)
    assert {each.name for each in kept.about([member.certificate], AT + DAY / 2)} == {good.name, revoked.name}


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    """A page of an error, a certificate, a cut file."""
    with pytest.raises(RevocationError):
        read_answer(raw)
    with pytest.raises(RevocationError):
        read_answer(pki()[CA].certificate.public_bytes(Encoding.DER))
