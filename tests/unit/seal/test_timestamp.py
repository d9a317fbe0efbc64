"""Time stamps: every vector gives its expected report, and `openssl ts` agrees, both ways."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc3161_client
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.seal.ocsp import read_ocsp
from gateway.seal.report import Indication, Verdict
from gateway.seal.timestamp import Asked, ask, check_reply, verify_stamp
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.simulate.tsa.issuing import POLICY, make_reply
from tests.bundle.making import crl
from tests.system_tools import require_tool
from tests.unit.seal.stamp_cases import ANCHORS, AT, FOLDER, IMPRINT, NOTE, cases, pki, request, stamper

NAMES = sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))
ACCEPTED = [name for name in NAMES if name.startswith("accepted-")]
#: What `openssl ts -verify` judges as well: shape, signature, purpose, certificate id, path.
REFUSED_BY_ALL = [
    "wrong-imprint", "wrong-nonce", "rejected", "granted-without-a-token", "signature-broken",
    "signature-over-other-content", "certificate-id-of-another", "certificate-id-missing", "certificates-missing",
    "certificate-no-purpose", "certificate-other-purpose", "certificate-two-purposes", "certificate-not-critical",
    "certificate-expired", "certificate-foreign-ca", "shape-html", "shape-empty", "shape-cut",
]  # fmt: skip
_CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
default_policy = {policy}
digests = sha256
signer_digest = sha256
ess_cert_id_alg = {ess}
ess_cert_id_chain = no
accuracy = secs:1
"""


@pytest.fixture(scope="module")
def anchors() -> TrustStore:
    return TrustStore.load(FOLDER / ANCHORS, TrustPurpose.TSA)


@pytest.mark.parametrize("name", NAMES)
def test_vector_gives_its_expected_report(name: str, anchors: TrustStore) -> None:
    """A defect is refused for its own reason, and whatever else is wrong is reported beside it."""
    expected = json.loads((FOLDER / name / "expected.json").read_bytes())
    raw, at = (FOLDER / name / "reply.tsr").read_bytes(), datetime.fromisoformat(expected["at"])
    imprint, fresh = bytes.fromhex(expected["imprint"]), expected["fresh"]
    if fresh is None:
        stamp = verify_stamp(raw, imprint, anchors=anchors, at=at)
    else:
        asked = Asked(request=b"", imprint=imprint, nonce=int(fresh["nonce"], 16), policy=fresh["policy"])
        stamp = check_reply(raw, asked, anchors=anchors, at=at)
    assert {each.name: str(each.indication) for each in stamp.report.faults} == expected["faults"]
    assert stamp.report.verdict == expected["verdict"]
    assert all(each.reason for each in stamp.report.faults)


def test_vectors_on_disk_are_those_that_the_script_makes(tmp_path: Path) -> None:
    """Regenerating the vectors changes nothing, so nobody edited one by hand."""
    made = {f"{case.name}/{name}": content for case in cases() for name, content in case.files().items()}
    made |= {
        f"{ANCHORS}/{path.name}": path.read_bytes()
        for path in pki().write_anchors(tmp_path / ANCHORS, "tsa-root").iterdir()
    }
    lying = {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.glob("*/*")}
    assert made.keys() == lying.keys()
    assert [name for name in made if made[name] != lying[name]] == []


def openssl_accepts(reply: Path, *, request_file: Path, at: datetime) -> bool:
    command = [
        require_tool("openssl", "openssl"), "ts", "-verify", "-in", str(reply), "-queryfile", str(request_file),
        "-CAfile", str(FOLDER / ANCHORS / "tsa-root.pem"), "-attime", str(int(at.timestamp())),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode == 0 and b"Verification: OK" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ACCEPTED)
def test_openssl_and_the_rust_client_accept_what_we_accept(name: str) -> None:
    """Two other verifiers come to the same verdict about good stamps."""
    folder = FOLDER / name
    assert openssl_accepts(folder / "reply.tsr", request_file=folder / "request.tsq", at=AT)
    verifier = rfc3161_client.VerifierBuilder(roots=[pki()["tsa-root"].certificate]).build()
    answer = rfc3161_client.decode_timestamp_response((folder / "reply.tsr").read_bytes())
    assert verifier.verify_message(answer, NOTE)


@pytest.mark.parametrize("name", REFUSED_BY_ALL)
def test_openssl_refuses_what_we_refuse(name: str) -> None:
    """The vectors are wrong by the standard, not by our taste."""
    folder = FOLDER / name
    assert not openssl_accepts(folder / "reply.tsr", request_file=folder / "request.tsq", at=AT)


@pytest.mark.parametrize(("who", "ess"), [("tsa-rsa", "sha256"), ("tsa-p256", "sha384"), ("tsa-rsa", "sha1")])
def test_stamp_made_by_openssl_is_accepted(who: str, ess: str, anchors: TrustStore, tmp_path: Path) -> None:
    """A request of ours is understood by another server, and its answer by us."""
    member, asked = pki()[who], ask(IMPRINT, policy=POLICY)
    for name, content in {
        "query": asked.request,
        "signer": member.certificate.public_bytes(Encoding.PEM),
        "key": member.key_pem,
        "chain": member.sent[0].public_bytes(Encoding.PEM),
        "serial": b"01\n",
        "config": _CONFIG.format(folder=tmp_path, policy=POLICY, ess=ess).encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
    command = [
        require_tool("openssl", "openssl"), "ts", "-reply", "-config", "config", "-queryfile", "query",
        "-signer", "signer", "-inkey", "key", "-chain", "chain", "-out", "reply",
    ]  # fmt: skip
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=True)
    now = datetime.now(UTC)
    stamp = check_reply((tmp_path / "reply").read_bytes(), asked, anchors=anchors, at=now)
    assert stamp.report.verdict is Verdict.PASSED, stamp.report.faults
    assert stamp.not_later_than is not None
    assert abs(stamp.not_later_than - now) < timedelta(minutes=1)


def test_pss_is_accepted(anchors: TrustStore) -> None:
    """RSASSA-PSS, as some authorities sign."""
    asked = request()
    raw = make_reply(asked.request, stamper("tsa-rsa", pss=True), now=AT, serial=1)
    assert check_reply(raw, asked, anchors=anchors, at=AT).report.verdict is Verdict.PASSED


def test_anchor_trusted_only_later_proves_nothing(tmp_path: Path) -> None:
    """The notes beside anchors say from when until when stamps below them count."""
    folder = pki().write_anchors(tmp_path / "tsa", "tsa-root")
    (folder / "tsa-root.toml").write_text("trusted_from = 2027-01-01\n", "utf-8")
    store = TrustStore.load(folder, TrustPurpose.TSA)
    raw = make_reply(request().request, stamper("tsa-p256"), now=AT, serial=1)
    stamp = verify_stamp(raw, IMPRINT, anchors=store, at=AT)
    assert stamp.report.verdict is Verdict.INDETERMINATE
    assert [each.name for each in stamp.report.faults] == ["stamp.path"]


@pytest.mark.parametrize(
    ("who", "status", "indication"),
    [
        ("tsa-listed", ocsp.OCSPCertStatus.GOOD, None),
        ("tsa-listed", ocsp.OCSPCertStatus.REVOKED, Indication.REVOKED_NO_POE),
        ("tsa-revoked-before", ocsp.OCSPCertStatus.GOOD, Indication.REVOKED_NO_POE),
    ],
)
def test_revocation_counts_whether_list_or_answer_tells_of_it(
    anchors: TrustStore, who: str, status: ocsp.OCSPCertStatus, indication: Indication | None
) -> None:
    """A list that does not know of it yet hides nothing that an OCSP answer says, nor the other way round."""
    store = replace(anchors, answers=(read_ocsp(answer_about(who, status)),))
    raw = make_reply(request().request, stamper(who), now=AT, serial=1)
    faults = verify_stamp(raw, IMPRINT, anchors=store, at=AT).report.faults
    assert [(each.name, each.indication) for each in faults] == (
        [("stamp.revocation", indication)] if indication else []
    )


def test_list_of_a_part_does_not_clear_whoever_stamped(anchors: TrustStore) -> None:
    """Whoever collects the evidence chooses the lists: one of CAs alone names no stamper."""
    (whole,) = (
        each for each in anchors.revocations if each.issuer == pki()["tsa-ca-with-list"].certificate.subject
    )
    part = x509.load_der_x509_crl(crl("tsa-ca-with-list", until=AT + timedelta(days=7), is_part=True, pki=pki()))
    raw = make_reply(request().request, stamper("tsa-listed"), now=AT, serial=1)

    def faults(*lists: x509.CertificateRevocationList) -> list[Indication | None]:
        store = replace(anchors, revocations=lists)
        return [each.indication for each in verify_stamp(raw, IMPRINT, anchors=store, at=AT).report.faults]

    assert faults(whole) == []
    assert faults(part) == [Indication.TRY_LATER]


def answer_about(who: str, status: ocsp.OCSPCertStatus) -> bytes:
    """What the CA that has a list says of a stamper by OCSP."""
    authority = pki()["tsa-ca-with-list"]
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=pki()[who].certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=AT - timedelta(hours=1),
        next_update=AT + timedelta(days=7),
        revocation_time=AT + timedelta(hours=1) if is_revoked else None,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, authority.certificate)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_nonces_are_never_the_same() -> None:
    """Each request has its own, so that an old answer cannot be played again."""
    assert len({ask(IMPRINT).nonce for _ in range(100)}) == 100
    assert rfc3161_client.__name__  # the strict parser is there
    assert hashlib.sha256(NOTE).digest() == IMPRINT


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_answer_never_passes_and_never_breaks(data: st.DataObject) -> None:
    """Any one byte changed: a finding, or what is proved stays what it was."""
    store = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.TSA)
    asked = request()
    good = (FOLDER / "accepted-p256" / "reply.tsr").read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    raw = good[:at] + bytes((data.draw(st.integers(0, 255)),)) + good[at + 1 :]
    stamp = check_reply(raw, asked, anchors=store, at=AT)
    if stamp.report.verdict is Verdict.PASSED:
        assert stamp.token is not None
        assert stamp.token.imprint == IMPRINT
        assert stamp.token.gen_time == AT


@given(raw=st.binary(max_size=600))
@settings(max_examples=300, deadline=None)
def test_noise_is_a_finding(raw: bytes) -> None:
    """Whatever a server says, it is no traceback."""
    store = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.TSA)
    assert check_reply(raw, request(), anchors=store, at=AT).report.verdict is not Verdict.PASSED
