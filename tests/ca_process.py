"""A CA for tests that publishes lists and answers OCSP requests, in a process of its own."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gateway.fsio import atomic_replace
from gateway.simulate.layout import free_ports
from tests.forking import Forked
from tests.pki.build import Pki, build

_PKI: Final = """
[defaults]
from = 2025-01-01
until = 2035-01-01
authority_from = 2020-01-01
authority_until = 2045-01-01
list_from = 2026-01-01
list_until = 2028-01-01

[members.ca-root]
authority = true
[members.ca]
authority = true
issuer = "ca-root"
crl = "{url}/root.crl"
[members.person]
common_name = "Nguyễn Văn Mẫu"
user_id = "CCCD:000000000000"
issuer = "ca"
crl = "ldap://ldap.example.vn/ca {url}/ca.crl"
sent = ["ca"]
[members.agency]
common_name = "UBND tỉnh Kiên Giang"
user_id = "MNS:000.00.00.H33"
issuer = "ca"
crl = "{url}/ca.crl"
sent = ["ca"]
[members.asked]
common_name = "Trần Thị Hỏi"
user_id = "CCCD:000000000001"
issuer = "ca"
ocsp = "{url}/ocsp"
sent = ["ca"]
[members.office]
common_name = "Văn thư"
usages = ["key_agreement", "key_encipherment"]
issuer = "ca"
crl = "{url}/ca.crl"
[members.office-asked]
common_name = "Văn thư"
usages = ["key_agreement", "key_encipherment"]
issuer = "ca"
ocsp = "{url}/ocsp-office"
[members.seal]
issuer = "ca"
crl = "{url}/ca.crl"
sent = ["ca"]
[members.stamp-ca]
authority = true
issuer = "ca-root"
crl = "{url}/root.crl"
[members.stamp]
issuer = "stamp-ca"
purpose = "time_stamping"
only_purpose = true
crl = "{url}/stamp.crl"
[members.institution]
issuer = "ca"
ocsp = "{url}/ocsp-institution"
sent = ["ca"]
[members.stranger]
authority = true
[members.strange]
issuer = "stranger"
crl = "{url}/strange.crl"
"""
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)


class Ca:
    """What it says lies in files; its port stays the same when it is started again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._process: Forked | None = None
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def declaration(self) -> Path:
        """Of its PKI."""
        return self.folder / "ca.toml"

    @property
    def pki(self) -> Pki:
        """Root, CA, and those who sign."""
        return build(self.declaration)

    async def start(self) -> None:
        """It answers."""
        self._process = await Forked.start("tests.ca_process", str(self.folder), str(self._port))
        assert await self._process.line(), "the CA did not start"
        if not self.declaration.exists():
            self.declaration.write_text(_PKI.format(url=self.url))
            (self.folder / "anchors").mkdir()
            root = self.pki["ca-root"].certificate.public_bytes(Encoding.PEM)
            (self.folder / "anchors" / "root.pem").write_bytes(root)
            self.publish()

    def publish(self, *revoked: str, signer: str = "ca", age: timedelta = HOUR) -> None:
        """New lists, and answers about those who are to be asked about."""
        self._publish("root.crl", self.crl("ca-root"))
        self._publish("ca.crl", self.crl("ca", *revoked, signer=signer, age=age))
        self._publish("stamp.crl", self.crl("stamp-ca"))
        self._publish("strange.crl", self.crl("stranger"))
        asked = (("asked", "ocsp"), ("office-asked", "ocsp-office"), ("institution", "ocsp-institution"))
        for name, place in asked:
            self._publish(place, self.ocsp(name, is_revoked=name in revoked, signer=signer))

    def _publish(self, name: str, content: bytes) -> None:
        """At once: whoever asks meanwhile gets the old one whole."""
        atomic_replace(self.folder / name, content, 0o644)

    def crl(
        self, issuer: str, *revoked: str, signer: str = "", until: timedelta = DAY, age: timedelta = HOUR
    ) -> bytes:
        """A list that is so old, in DER."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.pki[issuer].certificate.subject)
        builder = builder.last_update(now - age).next_update(now + until)
        for name in revoked:
            serial = self.pki[name].certificate.serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.pki[signer or issuer].key, hashes.SHA256()).public_bytes(Encoding.DER)

    def ocsp(self, name: str, *, is_revoked: bool = False, signer: str = "ca") -> bytes:
        """An answer, by the CA itself unless `signer` names another one."""
        by, now = self.pki["ca"], datetime.now(UTC)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.pki[name].certificate,
            issuer=by.certificate,
            algorithm=hashes.SHA1(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now - timedelta(seconds=5),
            next_update=now + DAY,
            revocation_time=now - DAY if is_revoked else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.pki[signer].certificate)
        return builder.sign(self.pki[signer].key, hashes.SHA256()).public_bytes(Encoding.DER)

    async def kill(self) -> None:
        """As a crash would end it."""
        if self._process is not None:
            await self._process.end(signal.SIGKILL)
            self._process = None


@asynccontextmanager
async def running_ca(folder: Path) -> AsyncIterator[Ca]:
    """It runs until the end of the block, unless it was killed."""
    ca = Ca(folder)
    await ca.start()
    try:
        yield ca
    finally:
        await ca.kill()


class _Handler(BaseHTTPRequestHandler):
    folder: Path

    def do_GET(self) -> None:
        """A list."""
        path = self.folder / self.path.strip("/")
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/ca.crl")
            self.end_headers()
            return
        if not path.is_file():
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(path.read_bytes())

    def do_POST(self) -> None:
        """An answer, whatever was asked."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    _Handler.folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), _Handler)
    print(server.server_address[1], flush=True)  # noqa: T201 - for who started it
    server.serve_forever()
