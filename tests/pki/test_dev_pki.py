"""The development PKI and the TLS contexts, by real handshakes."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import stat
import subprocess
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gateway.config.settings import TlsSettings
from gateway.errors import ConfigError, KeyFileError, StorageError, TrustStoreError
from gateway.pki import (
    DevPki,
    KeyPair,
    client_tls_context,
    issue_client,
    issue_server,
    make_dev_pki,
    server_key_pin,
    server_tls_context,
)
from gateway.seal.keys import Certificates, PemSigner
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_receipt
from tests.pki.build import build
from tests.system_tools import require_tool
from tests.unit.seal.sealing import SignedSealer

OFFICE = "000.01.32.H32"
#: Handshakes look at the machine's clock, so the PKI is made at it.
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    """One PKI for the whole file; tests that alter it take a copy."""
    folder = tmp_path_factory.mktemp("pki") / "dev"
    return make_dev_pki(folder, now=NOW, client_names=(OFFICE,))


def settings(pki: DevPki) -> TlsSettings:
    return TlsSettings(
        certificate=pki.server.certificate, key=pki.server.key, client_anchors=pki.anchors(TrustPurpose.TLS)
    )


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> tuple[ssl.SSLObject, ...]:
    """Both ends of a finished handshake, with one exchange of data so that TLS 1.3 alerts are seen."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=name),
    )
    for act in (ssl.SSLObject.do_handshake, lambda end: end.write(b"x"), lambda end: end.read(1)):
        _until_done(act, ends)
    return ends


def _until_done(act: Callable[[ssl.SSLObject], object], ends: tuple[ssl.SSLObject, ...]) -> None:
    waiting = list(ends)
    for _ in range(10):
        for end in tuple(waiting):
            try:
                act(end)
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
        if not waiting:
            return
    raise AssertionError("the handshake does not end")


def certificate_of(pair: KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0]


def test_files_are_private_and_folders_too(made: DevPki) -> None:
    """Nobody but the owner reads keys, nor sees which there are."""
    for path in (made.folder, *made.folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_existing_pki_is_not_overwritten(made: DevPki) -> None:
    """A second run cannot destroy keys that certificates in use were made with."""
    before = made.server.key.read_bytes()
    with pytest.raises(KeyFileError, match="holds a PKI already"):
        make_dev_pki(made.folder, now=NOW)
    with pytest.raises(StorageError):
        issue_client(made.folder, OFFICE, OFFICE, now=NOW)
    assert made.server.key.read_bytes() == before


def test_seal_of_the_development_pki_gives_a_receipt_that_passes(made: DevPki) -> None:
    """The made key, certificate and anchors fit together."""
    signer = PemSigner.load(made.seal.key, made.seal.certificate)
    assert Certificates.load(made.seal.certificate).findings(NOW) == ()
    digest = hashlib.sha256(b"document").digest()
    receipt = SignedSealer(signer).seal(document_sha256=digest, transfer=b"{}", signed_at=NOW)
    store = TrustStore.load(made.anchors(TrustPurpose.SEAL), TrustPurpose.SEAL)
    report = verify_receipt(receipt, document_sha256=digest, transfer=b"{}", anchors=store, at=NOW)
    assert report.faults == ()


def test_purposes_share_no_anchor(made: DevPki) -> None:
    """A common root would let a TLS certificate vouch for a seal."""
    ours = set(TrustPurpose) - {TrustPurpose.SIGNERS}  # whoever signs documents has a CA elsewhere
    stores = [TrustStore.load(made.anchors(purpose), purpose) for purpose in ours]
    keys = [each.certificate.public_key() for store in stores for each in store.anchors]
    assert all(keys.count(key) == 1 for key in keys)


def test_tls_key_does_not_seal(made: DevPki) -> None:
    """A receipt made with the server's TLS key fails on usage and on the path."""
    signer = PemSigner.load(made.server.key, made.server.certificate)
    digest = hashlib.sha256(b"document").digest()
    receipt = SignedSealer(signer).seal(document_sha256=digest, transfer=b"{}", signed_at=NOW)
    store = TrustStore.load(made.anchors(TrustPurpose.SEAL), TrustPurpose.SEAL)
    report = verify_receipt(receipt, document_sha256=digest, transfer=b"{}", anchors=store, at=NOW)
    assert {each.name for each in report.faults} == {"certificate.usage", "certificate.path"}


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_accepts_the_certificates_for_their_purpose_only(made: DevPki, purpose: str) -> None:
    """The server's certificate is none for clients and the other way round."""
    openssl = require_tool("openssl", "openssl")
    anchors = made.anchors(TrustPurpose.TLS)
    for pair, due in ((made.server, "sslserver"), (made.client(OFFICE), "sslclient")):
        command = [
            openssl, "verify", "-x509_strict", "-purpose", purpose,
            "-trusted", str(anchors / "enrolment-ca.pem"), "-trusted", str(anchors / "root.pem"),
            "-untrusted", str(pair.certificate), str(pair.certificate),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (done.returncode == 0) == (purpose == due), done.stderr


def test_server_key_pin_is_the_digest_that_openssl_computes(made: DevPki, tmp_path: Path) -> None:
    """The pin printed with an enrolment code can be computed by hand [RFC 7469 2.4]."""
    openssl = require_tool("openssl", "openssl")
    command = [openssl, "x509", "-in", str(made.server.certificate), "-pubkey", "-noout"]
    public = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    info = b64decode(b"".join(public.splitlines()[1:-1]))
    assert b64decode(server_key_pin(certificate_of(made.server))) == hashlib.sha256(info).digest()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_client_without_certificate_connects_and_is_anonymous(made: DevPki, name: str) -> None:
    """Token systems and browsers have no certificate; the server's is verified by every loopback name."""
    client = client_tls_context(made.anchors(TrustPurpose.TLS))
    server_end, client_end = handshake(server_tls_context(settings(made)), client, name)
    assert server_end.getpeercert(binary_form=True) is None
    assert client_end.version() == "TLSv1.3"


def test_client_with_certificate_is_seen_by_its_fingerprint(made: DevPki) -> None:
    """What authenticates a system per request is the DER that the server gets."""
    client = client_tls_context(made.anchors(TrustPurpose.TLS), made.client(OFFICE))
    server_end, _ = handshake(server_tls_context(settings(made)), client)
    der = server_end.getpeercert(binary_form=True)
    assert der is not None
    assert x509.load_der_x509_certificate(der) == certificate_of(made.client(OFFICE))


def test_old_client_gets_tls_1_2_with_forward_secrecy(made: DevPki) -> None:
    """An old Java or .NET stack without TLS 1.3 gets ECDHE-RSA with AES-GCM."""
    client = client_tls_context(made.anchors(TrustPurpose.TLS))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA")
    server_end, _ = handshake(server_tls_context(settings(made)), client)
    assert server_end.cipher() == ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128)


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "AES256-SHA"])
def test_cipher_without_forward_secrecy_or_authentication_is_refused(made: DevPki, cipher: str) -> None:
    """No static RSA and no CBC, however old the peer."""
    client = client_tls_context(made.anchors(TrustPurpose.TLS))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(cipher)
    with pytest.raises(ssl.SSLError):
        handshake(server_tls_context(settings(made)), client)


def test_protocols_before_tls_1_2_are_off(made: DevPki) -> None:
    """Neither side may go below."""
    for context in (server_tls_context(settings(made)), client_tls_context(made.anchors(TrustPurpose.TLS))):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_client_certificate_of_a_foreign_ca_is_refused(made: DevPki, tmp_path: Path) -> None:
    """A certificate that leads to no anchor ends the handshake instead of being ignored."""
    stranger = make_dev_pki(tmp_path / "other", now=NOW, client_names=(OFFICE,))
    client = client_tls_context(made.anchors(TrustPurpose.TLS), stranger.client(OFFICE))
    with pytest.raises(ssl.SSLError):
        handshake(server_tls_context(settings(made)), client)


def test_expired_client_certificate_is_refused(made: DevPki, tmp_path: Path) -> None:
    """Validity is checked in the handshake."""
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    old = issue_client(folder, "old", OFFICE, now=NOW - timedelta(days=399))
    with pytest.raises(ssl.SSLError):
        handshake(server_tls_context(settings(made)), client_tls_context(made.anchors(TrustPurpose.TLS), old))


def test_server_certificate_cannot_be_used_by_a_client(made: DevPki) -> None:
    """A simulator's server certificate leads to an anchor of the same store, and is for servers."""
    client = client_tls_context(made.anchors(TrustPurpose.TLS), made.server)
    with pytest.raises(ssl.SSLError):
        handshake(server_tls_context(settings(made)), client)


def test_server_of_another_name_or_ca_is_refused_by_the_client(made: DevPki, tmp_path: Path) -> None:
    """A client verifies name and path of the server."""
    server = server_tls_context(settings(made))
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(server, client_tls_context(made.anchors(TrustPurpose.TLS)), "axis.example")
    foreign = build().write_anchors(tmp_path, "tls-root")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client_tls_context(foreign))


def test_simulator_gets_a_server_certificate_of_its_names(made: DevPki, tmp_path: Path) -> None:
    """Simulated peers are reached over TLS that is verified like any other."""
    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    pair = issue_server(folder, "axis", now=NOW, names=("axis.test",))
    context = server_tls_context(replace(settings(made), certificate=pair.certificate, key=pair.key))
    handshake(context, client_tls_context(made.anchors(TrustPurpose.TLS)), "axis.test")


def test_server_key_that_others_may_read_is_refused(made: DevPki, tmp_path: Path) -> None:
    """The TLS key is held to the same rule as the seal's."""
    key = tmp_path / "server.key"
    shutil.copy(made.server.key, key)
    key.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        server_tls_context(replace(settings(made), key=key))


def test_key_and_certificate_that_do_not_match_are_a_configuration_error(made: DevPki) -> None:
    """The message names both files."""
    with pytest.raises(ConfigError, match="not usable together"):
        server_tls_context(replace(settings(made), key=made.seal.key))


def test_empty_folder_of_client_anchors_is_refused(made: DevPki, tmp_path: Path) -> None:
    """A listener that could verify nobody does not start."""
    with pytest.raises(TrustStoreError):
        server_tls_context(replace(settings(made), client_anchors=tmp_path))
