"""The receipt's writer."""

from __future__ import annotations

import hashlib
import re
import subprocess
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SealError
from gateway.seal.profile import DS, XADES
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_receipt
from gateway.seal.writer import issuer_serial
from tests.pki.build import build
from tests.system_tools import require_tool
from tests.unit.seal.sealing import AT, SIGNED_AT, TRANSFER, SignedSealer, signer
from tests.unit.seal.vector_cases import ANCHORS, FOLDER

DIGEST = hashlib.sha256(b"document").digest()


class RecordingSigner:
    """A signer that keeps what it was given."""

    def __init__(self, member: str) -> None:
        self.inner = signer(member)
        self.certificate = self.inner.certificate
        self.chain = self.inner.chain
        self.algorithm = self.inner.algorithm
        self.signed: list[bytes] = []

    def sign(self, data: bytes) -> bytes:
        self.signed.append(data)
        return self.inner.sign(data)


def canonical(receipt: bytes, tag: str) -> bytes:
    element = next(etree.fromstring(receipt).iter(tag))
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False, with_tail=False)


@given(
    digest=st.binary(min_size=32, max_size=32),
    transfer=st.binary(max_size=200),
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}", fullmatch=True).filter(lambda n: n != "transfer.json"),
    signed_at=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_what_is_signed_is_the_canonical_form_of_what_is_written(
    digest: bytes, transfer: bytes, name: str, signed_at: datetime
) -> None:
    """The text signed without a tree is the canonicalisation of the parsed file, and a slice of it."""
    recorder = RecordingSigner("seal-p256")
    receipt = SignedSealer(recorder).seal(
        document_sha256=digest, document_name=name, transfer=transfer, signed_at=signed_at
    )
    signed_info = canonical(receipt, f"{{{DS}}}SignedInfo")
    properties = canonical(receipt, f"{{{XADES}}}SignedProperties")
    assert recorder.signed == [signed_info]
    assert signed_info in receipt
    assert properties in receipt
    values = [element.text for element in etree.fromstring(signed_info).iter(f"{{{DS}}}DigestValue")]
    hashed = (digest, hashlib.sha256(transfer).digest(), hashlib.sha256(properties).digest())
    assert values == [_base64(each) for each in hashed]


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def test_same_inputs_and_an_rsa_key_give_the_same_receipt() -> None:
    """Nothing in a receipt is random, so a repeated submission can be answered with the same bytes."""
    sealer = SignedSealer(signer("seal-rsa"))
    first = sealer.seal(document_sha256=DIGEST, transfer=TRANSFER, signed_at=SIGNED_AT)
    assert sealer.seal(document_sha256=DIGEST, transfer=TRANSFER, signed_at=SIGNED_AT) == first


def test_signing_time_of_another_zone_is_written_in_utc_and_cut_to_seconds() -> None:
    """SigningTime is one instant in one writing, whatever zone the caller's clock has."""
    local = datetime(2026, 11, 22, 16, 30, 0, 999_999, timezone(timedelta(hours=7)))
    receipt = SignedSealer(signer("seal-rsa")).seal(document_sha256=DIGEST, transfer=TRANSFER, signed_at=local)
    assert b"<xades:SigningTime>2026-11-22T09:30:00Z</xades:SigningTime>" in receipt


def test_seals_made_in_parallel_all_verify() -> None:
    """One sealer serves many threads, as signing runs beside the event loop."""
    sealer = SignedSealer(signer("seal-rsa"))
    anchors = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.SEAL)
    digests = [hashlib.sha256(bytes((number,))).digest() for number in range(32)]

    def seal(digest: bytes) -> bytes:
        return sealer.seal(document_sha256=digest, transfer=digest, signed_at=SIGNED_AT)

    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(seal, digests))
    for digest, receipt in zip(digests, receipts, strict=True):
        report = verify_receipt(receipt, document_sha256=digest, transfer=digest, anchors=anchors, at=AT)
        assert report.faults == ()


@pytest.mark.parametrize("name", ["", "../transfer", "a b", "a&b", 'a"b', "a/b", "#x", "văn.bản", ".x", "x" * 101])
def test_name_that_is_not_plain_is_refused(name: str) -> None:
    """The writer escapes nothing, so it takes no name that would need it."""
    sealer = SignedSealer(signer("seal-p256"))
    with pytest.raises(SealError):
        sealer.seal(document_sha256=DIGEST, document_name=name, transfer=b"", signed_at=SIGNED_AT)
    with pytest.raises(SealError):
        sealer.seal(document_sha256=DIGEST, transfer_name=name, transfer=b"", signed_at=SIGNED_AT)


def test_unfit_digest_type_or_time_is_refused() -> None:
    """A hex digest, a broken media type, one name for both files and a naive time are mistakes of the caller."""
    sealer = SignedSealer(signer("seal-p256"))
    with pytest.raises(SealError, match="32 bytes"):
        sealer.seal(document_sha256=DIGEST.hex().encode(), transfer=b"", signed_at=SIGNED_AT)
    with pytest.raises(SealError, match="media type"):
        sealer.seal(document_sha256=DIGEST, document_type="<b>", transfer=b"", signed_at=SIGNED_AT)
    with pytest.raises(SealError, match="different names"):
        sealer.seal(document_sha256=DIGEST, transfer_name="document.edxml", transfer=b"", signed_at=SIGNED_AT)
    with pytest.raises(SealError, match="time zone"):
        sealer.seal(document_sha256=DIGEST, transfer=b"", signed_at=SIGNED_AT.replace(tzinfo=None))


def test_issuer_serial_is_the_structure_of_the_standard(tmp_path: Path) -> None:
    """IssuerSerialV2 decodes as GeneralNames with one directoryName, and the serial number [RFC 5035 5]."""
    certificate = build()["seal-rsa"].certificate
    file = tmp_path / "issuer.der"
    file.write_bytes(issuer_serial(certificate))
    command = [require_tool("openssl", "openssl"), "asn1parse", "-inform", "DER", "-in", str(file)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    kinds = [re.sub(r".*d=(\d).*(?:cons|prim): (.*?) *$", r"\1 \2", line) for line in lines]
    assert kinds[:4] == ["0 SEQUENCE", "1 SEQUENCE", "2 cont [ 4 ]", "3 SEQUENCE"]
    assert lines[-1].split(":")[-1] == f"{certificate.serial_number:X}"
    assert certificate.issuer.public_bytes() in file.read_bytes()


@pytest.mark.parametrize("serial", [1, 0x7F, 0x80, 0xFF00, 1 << 158])
def test_serial_number_with_its_highest_bit_set_stays_positive(serial: int) -> None:
    """A DER integer gets a zero byte before it where its first bit would read as a sign."""
    member = build()["seal-p256"]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(member.certificate.subject)
        .issuer_name(member.certificate.issuer)
        .public_key(member.key.public_key())
        .serial_number(serial)
        .not_valid_before(SIGNED_AT)
        .not_valid_after(AT)
        .sign(member.key, hashes.SHA256())
    )
    encoded = issuer_serial(certificate)
    length = serial.bit_length() // 8 + 1
    assert encoded.endswith(bytes((0x02, length)) + serial.to_bytes(length, "big"))
