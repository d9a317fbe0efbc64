"""The receipt's verifier, apart from its vectors."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal.report import Check, Indication, Report, Verdict, failed, passed, undecided
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_receipt
from tests.unit.seal.sealing import AT, DOCUMENT, TRANSFER, sealed
from tests.unit.seal.vector_cases import ANCHORS, FOLDER

STORE = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.SEAL)
GOOD = sealed("seal-rsa").encode()
LISTED = sealed("seal-listed").encode()


def verify(receipt: bytes, *, store: TrustStore = STORE, at: datetime = AT) -> Report:
    digest = hashlib.sha256(DOCUMENT).digest()
    return verify_receipt(receipt, document_sha256=digest, transfer=TRANSFER, anchors=store, at=at)


def test_passed_report_says_what_was_not_examined() -> None:
    """PASSED is never read as more than it is: no time stamp, no revocation list of this issuer."""
    report = verify(GOOD)
    assert report.verdict is Verdict.PASSED
    assert any("time stamp" in each for each in report.not_examined)
    assert any("revocation" in each for each in report.not_examined)


def test_passed_report_holds_the_facts_it_rests_on() -> None:
    """Digests, subject and path are in the report, for somebody who compares them by eye."""
    report = verify(GOOD)
    assert report.check("document.digest").facts["actual"] == hashlib.sha256(DOCUMENT).hexdigest()
    assert "CN=seal-rsa" in report.check("signing_certificate.binding").facts["subject"]
    assert "CN=seal-root" in report.check("certificate.path").facts["path"]
    with pytest.raises(KeyError):
        report.check("certificate.revocation")


@given(position=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_receipt_is_found(position: int, bit: int) -> None:
    """There is no byte of a receipt that may be changed, the last line feed aside."""
    altered = bytearray(GOOD)
    altered[position] ^= 1 << bit
    report = verify(bytes(altered))
    outside_the_root = position >= GOOD.rindex(b">") + 1 or position == GOOD.index(b"\n")
    assert report.verdict is not Verdict.PASSED or (outside_the_root and chr(altered[position]).isspace())


@pytest.mark.parametrize("whose", ["issuer", "subject"])
def test_certificate_whose_names_cannot_be_decoded_is_a_finding(whose: str) -> None:
    """A certificate that loads may still hold a name that is none: the parts are decoded lazily."""
    text = GOOD.decode()
    start = text.index("<ds:X509Certificate>") + len("<ds:X509Certificate>")
    end = text.index("</ds:X509Certificate>")
    der = bytearray(base64.b64decode(text[start:end]))
    certificate = x509.load_der_x509_certificate(bytes(der))
    name = getattr(certificate, whose).public_bytes()
    der[bytes(der).index(name) + name.rindex(b"\x0c") + 2] = 0xFF  # a UTF8String that is none
    altered = text[:start] + base64.b64encode(bytes(der)).decode() + text[end:]
    report = verify(altered.encode())
    assert report.verdict is not Verdict.PASSED
    assert report.check("certificate.present").indication is Indication.NO_SIGNING_CERTIFICATE_FOUND


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_report(noise: bytes) -> None:
    """Nothing that a file holds raises."""
    assert verify(noise).verdict is Verdict.FAILED
    assert verify(GOOD[:1500] + noise + GOOD[1500:]).verdict is not Verdict.PASSED or not noise


def test_anchor_no_longer_trusted_at_the_time_gives_no_path() -> None:
    """The time of verification chooses the anchors too."""
    ended = replace(STORE.anchors[0], trusted_until=datetime(2026, 1, 1, tzinfo=UTC))
    report = verify(GOOD, store=replace(STORE, anchors=(ended,)))
    assert report.check("certificate.path").indication is Indication.NO_CERTIFICATE_CHAIN_FOUND
    assert report.verdict is Verdict.INDETERMINATE


def test_receipt_verified_after_its_certificate_expired_is_indeterminate() -> None:
    """Without a time stamp, a receipt outlives its certificate only by the evidence around it."""
    report = verify(GOOD, at=datetime(2029, 1, 1, tzinfo=UTC))
    assert report.verdict is Verdict.INDETERMINATE
    assert report.check("certificate.validity").indication is Indication.OUT_OF_BOUNDS_NO_POE
    assert report.check("signing_time").verdict is Verdict.PASSED


def test_revocation_list_out_of_date_decides_nothing() -> None:
    """A list that ended before the time of verification cannot say that nothing was revoked since."""
    report = verify(LISTED, at=datetime(2028, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert report.check("certificate.validity").verdict is Verdict.INDETERMINATE
    late = datetime(2027, 12, 31, tzinfo=UTC)
    assert verify(LISTED, at=late).check("certificate.revocation").verdict is Verdict.PASSED


def test_revocation_after_the_time_of_verification_does_not_count() -> None:
    """What was revoked later was good at the time."""
    receipt = sealed("seal-revoked", signed_at=datetime(2026, 5, 1, tzinfo=UTC)).encode()
    assert verify(receipt, at=datetime(2026, 5, 2, tzinfo=UTC)).verdict is Verdict.PASSED
    later = verify(receipt, at=datetime(2026, 6, 2, tzinfo=UTC))
    assert later.check("certificate.revocation").indication is Indication.REVOKED_NO_POE


@pytest.mark.parametrize("purpose", [TrustPurpose.TLS, TrustPurpose.TSA])
def test_store_of_another_purpose_is_wrong_use(purpose: TrustPurpose) -> None:
    """TLS anchors can never vouch for a seal, not even by a slip in the caller."""
    with pytest.raises(ValueError, match="seal anchors"):
        verify(GOOD, store=replace(STORE, purpose=purpose))


def test_naive_time_of_verification_is_wrong_use() -> None:
    """An instant without zone is refused instead of read as local."""
    with pytest.raises(ValueError, match="time zone"):
        verify(GOOD, at=AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ((), Verdict.INDETERMINATE),
        ((passed("a"),), Verdict.PASSED),
        ((passed("a"), undecided("b", Indication.TRY_LATER, "later")), Verdict.INDETERMINATE),
        (
            (undecided("b", Indication.TRY_LATER, "later"), failed("c", Indication.HASH_FAILURE, "no")),
            Verdict.FAILED,
        ),
    ],
)
def test_verdict_of_a_report_is_its_worst_check(checks: tuple[Check, ...], verdict: Verdict) -> None:
    """A report without checks proves nothing; one failure outweighs everything."""
    assert Report(checks=checks).verdict is verdict


def test_verifier_loads_neither_network_nor_database_code(tmp_path: Path) -> None:
    """The auditors' verifier runs where there is neither."""
    program = (
        "import sys, gateway.seal.verify\n"
        "unwanted = {'aiohttp', 'asyncio', 'sqlite3', 'pysqlite3', 'aiosqlite', 'http', 'urllib.request'}\n"
        "print(sorted(unwanted & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
