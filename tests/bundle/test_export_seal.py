"""The seal over a bundle: xmlsec1 and signxml accept it, ours finds what was changed."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from gateway.bundle.container import Container
from gateway.bundle.format import DOCUMENT, EXPORT, MIMETYPE
from gateway.seal.report import Report, Verdict
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_export
from tests.bundle.making import AT, made, story, with_, write_anchors
from tests.pki.build import build
from tests.system_tools import require_tool

MEMBERS = ("seal-rsa", "seal-p256")


@pytest.fixture
def anchors(tmp_path: Path) -> TrustStore:
    return TrustStore.load(write_anchors(tmp_path / "anchors") / "seal", TrustPurpose.SEAL)


def unpacked(folder: Path, member: str) -> Path:
    file = folder / "a.asice"
    file.write_bytes(made(with_(story(), export_member=member)))
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "open")
    return folder / "open"


@pytest.mark.parametrize("member", MEMBERS)
def test_xmlsec1_accepts_the_seal_over_a_bundle(tmp_path: Path, member: str) -> None:
    """Every entry is a reference that holds; one changed byte is refused."""
    folder = unpacked(tmp_path, member)
    anchor = tmp_path / "root.pem"
    anchor.write_bytes(build()["seal-root"].certificate.public_bytes(Encoding.PEM))
    command = [
        require_tool("xmlsec1", "xmlsec1"), "--verify",
        "--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
        "--trusted-pem", str(anchor), "--verification-time", f"{AT:%Y-%m-%d %H:%M:%S}",
        "--enabled-key-data", "x509", EXPORT,
    ]  # fmt: skip
    count = sum(1 for path in folder.rglob("*") if path.is_file()) - 1
    done = subprocess.run(command, cwd=folder, capture_output=True, env={"TZ": "UTC"}, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"SignedInfo References (ok/all): {count}/{count}".encode() in done.stderr
    (folder / DOCUMENT).write_bytes((folder / DOCUMENT).read_bytes() + b" ")
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("member", MEMBERS)
def test_signxml_accepts_the_seal_over_a_bundle(tmp_path: Path, member: str) -> None:
    """Against the schemas of XML signatures and XAdES as well."""
    folder = unpacked(tmp_path, member)
    anchor = tmp_path / "root.pem"
    anchor.write_bytes(build()["seal-root"].certificate.public_bytes(Encoding.PEM))
    count = sum(1 for path in folder.rglob("*") if path.is_file()) - 1
    config = XAdESSignatureConfiguration(
        location=".//",
        expect_references=count,
        signature_methods=frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=AT,
    )
    results = XAdESVerifier().verify(
        (folder / EXPORT).read_bytes(),
        ca_pem_file=str(anchor),
        uri_resolver=lambda uri: (folder / uri).read_bytes(),
        expect_config=config,
    )
    assert results[0].signed_data == (folder / DOCUMENT).read_bytes()


def report(data: bytes, anchors: TrustStore, **more: bytes) -> Report:
    container = Container.of(data)
    entries = {name: container.digest_of(name) for name in container.entries if name not in {MIMETYPE, EXPORT}}
    return verify_export(container.bytes_of(EXPORT), entries=entries | more, anchors=anchors, at=AT)


def test_our_verifier_accepts_it_and_names_what_is_missing_or_not_sealed(anchors: TrustStore) -> None:
    """All findings, each with its entry."""
    assert report(made(), anchors).verdict is Verdict.PASSED
    more = report(made(), anchors, **{"certificate.pdf": bytes(32)})
    assert "certificate.pdf" in more.check("seal.entries").reason
    changed = report(made(), anchors, **{DOCUMENT: bytes(32)})
    assert changed.check(f"digest of {DOCUMENT}").verdict is Verdict.FAILED
