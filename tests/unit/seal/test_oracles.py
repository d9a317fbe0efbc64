"""Foreign verifiers accept the gateway's receipts and refuse altered ones: xmlsec1, signxml and the JDK."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature as PrimitiveError
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidSignature
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from tests.system_tools import require_tool
from tests.unit.seal.sealing import AT
from tests.unit.seal.vector_cases import ANCHORS, FOLDER

ANCHOR = FOLDER / ANCHORS / "seal-root.pem"
ACCEPTED = ("accepted-rsa", "accepted-p256")
REFUSED = (
    *(
        f"{what}-{kind}"
        for what in (
            "document-bit-flipped",
            "transfer-bit-flipped",
            "signed-info-altered",
            "signed-properties-altered",
            "signature-value-altered",
        )
        for kind in ("rsa", "p256")
    ),
    "certificate-expired",
    "certificate-not-yet-valid",
    "certificate-expired-ca",
    "certificate-foreign-ca",
    "certificate-impostor-ca",
    "certificate-issued-by-a-leaf",
)


def xmlsec1_accepts(folder: Path) -> bool:
    command = [
        require_tool("xmlsec1", "xmlsec1"), "--verify",
        "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
        "--trusted-pem", str(ANCHOR), "--verification-time", f"{AT:%Y-%m-%d %H:%M:%S}",
        "--enabled-key-data", "x509", "receipt.xml",
    ]  # fmt: skip
    # The tool reads the verification time as local time.
    done = subprocess.run(command, cwd=folder, capture_output=True, env={"TZ": "UTC"}, timeout=60, check=False)
    if done.returncode == 0:
        assert b"SignedInfo References (ok/all): 3/3" in done.stderr
    return done.returncode == 0


def signxml_accepts(folder: Path) -> bool:
    config = XAdESSignatureConfiguration(
        location="./",
        expect_references=3,
        signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=AT,
    )
    try:
        # Validates against the schemas of XML signatures and XAdES as well.
        results = XAdESVerifier().verify(
            (folder / "receipt.xml").read_bytes(),
            ca_pem_file=str(ANCHOR),
            uri_resolver=lambda uri: (folder / uri).read_bytes(),
            expect_config=config,
        )
    except (InvalidCertificate, InvalidDigest, InvalidSignature, PrimitiveError):
        return False
    assert results[0].signed_data == (folder / "document.edxml").read_bytes()
    return True


@pytest.fixture(scope="module")
def jdk() -> dict[str, bool]:
    """The JDK's verdict on every vector, by name; one run, because it starts slowly."""
    require_tool("javac", "default-jdk-headless")
    program = Path(__file__).with_name("VerifyReceipt.java")
    moment = f"{AT:%Y-%m-%dT%H:%M:%SZ}"
    command = [require_tool("java", "default-jdk-headless"), str(program), str(ANCHOR), moment, *ACCEPTED, *REFUSED]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120, check=True)
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    return {name: verdict == "true" for name, verdict, *_ in lines}


@pytest.mark.parametrize("name", ACCEPTED)
def test_xmlsec1_accepts_a_receipt(name: str) -> None:
    """The paper recipe works: xmlsec1 confirms a receipt beside its two files."""
    assert xmlsec1_accepts(FOLDER / name)


@pytest.mark.parametrize("name", REFUSED)
def test_xmlsec1_refuses_what_was_altered(name: str) -> None:
    """An alteration that the gateway's verifier sees is seen by xmlsec1."""
    assert not xmlsec1_accepts(FOLDER / name)


@pytest.mark.parametrize("name", ACCEPTED)
def test_signxml_accepts_a_receipt(name: str) -> None:
    """Signxml confirms the receipt as XAdES, valid against the schemas, over the exact bytes."""
    assert signxml_accepts(FOLDER / name)


@pytest.mark.parametrize("name", REFUSED)
def test_signxml_refuses_what_was_altered(name: str) -> None:
    """An alteration that the gateway's verifier sees is seen by signxml."""
    assert not signxml_accepts(FOLDER / name)


@pytest.mark.parametrize("name", ACCEPTED)
def test_jdk_accepts_a_receipt(name: str, jdk: dict[str, bool]) -> None:
    """The JDK confirms the receipt with secure validation on, and the path by PKIX."""
    assert jdk[name]


@pytest.mark.parametrize("name", REFUSED)
def test_jdk_refuses_what_was_altered(name: str, jdk: dict[str, bool]) -> None:
    """An alteration that the gateway's verifier sees is seen by the JDK."""
    assert not jdk[name]
