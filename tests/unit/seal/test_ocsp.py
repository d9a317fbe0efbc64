"""OCSP answers about our own certificates: who may give them, and what they say as of a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from gateway.seal.ocsp import check_ocsp, is_authorised, names_issuer, read_ocsp
from gateway.seal.path import check_certificate, check_lists, said_of
from gateway.seal.profile import UNREADABLE_CERTIFICATE
from gateway.seal.report import Indication, Verdict
from gateway.seal.trust import Anchor, TrustPurpose, TrustStore
from tests.bundle.making import AT, crl
from tests.bundle.ocsp_cases import ocsp_answer
from tests.pki.build import build
from tests.unit.seal.sealing import SIGNED_AT

DAY = timedelta(days=1)
CHILD, ISSUER = build()["seal-rsa"].certificate, build()["seal-ca"].certificate


@pytest.mark.parametrize(
    ("by", "is_right"),
    [
        ("seal-ca", True),
        ("seal-ocsp", True),
        ("seal-p256", False),
        ("root-ocsp", False),
        ("seal-ocsp-ended", False),
        ("seal-root", False),
        ("impostor-ca", False),
    ],
)
def test_only_the_issuer_and_whom_it_certified_for_this_may_answer(by: str, *, is_right: bool) -> None:
    """Anybody else's answer says nothing about the certificate."""
    found = read_ocsp(ocsp_answer(by=by))
    assert names_issuer(found, ISSUER)
    assert is_authorised(found, ISSUER) is is_right
    assert (check_ocsp(CHILD, ISSUER, [found], AT) is not None) is is_right


def test_answer_is_about_one_certificate_of_one_ca() -> None:
    """Another serial, another issuer's name or key: nothing is said."""
    assert check_ocsp(CHILD, ISSUER, [read_ocsp(ocsp_answer("seal-p256"))], AT) is None
    impostor = build()["impostor-ca"].certificate  # the same name, another key
    assert not names_issuer(read_ocsp(ocsp_answer()), impostor)
    assert not names_issuer(read_ocsp(ocsp_answer()), build()["seal-root"].certificate)


@pytest.mark.parametrize(
    ("words", "indication"),
    [
        ({}, None),
        ({"status": ocsp.OCSPCertStatus.REVOKED}, Indication.REVOKED_NO_POE),
        ({"status": ocsp.OCSPCertStatus.UNKNOWN}, Indication.TRY_LATER),
        ({"at": AT - 9 * DAY, "until": AT - DAY}, Indication.TRY_LATER),
        (
            {"at": AT - 9 * DAY, "until": AT - DAY, "status": ocsp.OCSPCertStatus.REVOKED},
            Indication.REVOKED_NO_POE,
        ),
    ],
    ids=["good", "revoked", "unknown", "ended", "revoked-ended"],
)
def test_what_an_answer_says_as_of_a_time(words: dict[str, Any], indication: Indication | None) -> None:
    """One that ended says nothing of later, but a revocation stays one."""
    check = check_ocsp(CHILD, ISSUER, [read_ocsp(ocsp_answer(**words))], AT)
    assert check is not None
    assert check.indication is indication


def test_revocation_counts_from_its_day_on() -> None:
    """What was sealed before is not touched by it."""
    revoked = read_ocsp(ocsp_answer(status=ocsp.OCSPCertStatus.REVOKED))
    check = check_ocsp(CHILD, ISSUER, [revoked], SIGNED_AT - 2 * DAY)
    assert check is not None
    assert check.verdict is Verdict.PASSED


def test_worst_of_list_and_answer_counts_and_a_fresh_one_stands_in_for_an_ended_one() -> None:
    """They are two ways in which one CA tells."""
    anchors = (Anchor(certificate=build()["seal-root"].certificate, name="root"),)

    def faults(list_: bytes, answer: bytes) -> set[Indication | None]:
        store = TrustStore(
            purpose=TrustPurpose.SEAL,
            anchors=anchors,
            revocations=(x509.load_der_x509_crl(list_),),
            answers=(read_ocsp(answer),),
        )
        checks, _ = check_certificate(CHILD, (ISSUER,), anchors=store, at=AT)
        return {each.indication for each in checks if each.verdict is not Verdict.PASSED}

    ended, revoked = crl("seal-ca", until=SIGNED_AT - DAY), ocsp_answer(status=ocsp.OCSPCertStatus.REVOKED)
    assert faults(crl("seal-ca"), ocsp_answer()) == set()
    assert faults(ended, ocsp_answer()) == set()
    assert faults(crl("seal-ca"), revoked) == {Indication.REVOKED_NO_POE}
    assert faults(crl("seal-ca", revoked="seal-rsa"), ocsp_answer()) == {Indication.REVOKED_NO_POE}


def test_newer_list_of_a_part_hides_no_revocation_that_an_older_one_tells_of() -> None:
    """Nor does it say "not revoked"; an OCSP answer from before the revocation changes neither."""
    part = crl("seal-ca", until=AT + 30 * DAY, is_part=True)
    whole = crl("seal-ca", revoked="seal-rsa")
    lists = [x509.load_der_x509_crl(each) for each in (part, whole)]
    told = check_lists(CHILD, ISSUER, tuple(lists), AT)
    before = check_ocsp(CHILD, ISSUER, [read_ocsp(ocsp_answer())], AT)
    worst = said_of(told, before)
    assert worst is not None
    assert worst.indication is Indication.REVOKED_NO_POE
    alone = check_lists(CHILD, ISSUER, (lists[0],), AT)
    assert alone is not None
    assert alone.indication is Indication.TRY_LATER


@pytest.mark.parametrize("size", [0, 1, 10, 100, 300])
def test_what_is_cut_short_or_garbage_raises_what_callers_expect(size: int) -> None:
    """Foreign bytes never make a traceback."""
    for raw in (ocsp_answer()[:size], bytes(size), b"\x30\x03\x0a\x01\x06"):
        with pytest.raises(UNREADABLE_CERTIFICATE):
            read_ocsp(raw)
