"""REST v1 over real TLS on loopback, with the gateway in memory."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.api.app import build_app
from gateway.api.listener import Listener
from gateway.api.route import ApiParts
from gateway.client import GatewayClient
from gateway.clock import SystemClock
from gateway.config.settings import LimitSettings, ServerSettings, Settings, TlsSettings
from gateway.config.values import Size
from gateway.lifecycle import Lifecycle
from gateway.observe import Metrics
from gateway.pki import DevPki, client_tls_context, make_dev_pki, server_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.shares import Shares
from gateway.storage.bodies import Bodies
from gateway.uploads import Uploads
from tests.fakes.authenticator_fake import FakeAuthenticator, caller_of
from tests.fakes.gateway_fake import FakeGateway
from tests.fakes.gateway_shapes import RECIPIENT, SENDER
from tests.fakes.room_fake import FakeRoom

SENDER_TOKEN = "gw_sender-token-000000000000"
RECIPIENT_TOKEN = "gw_recipient-token-0000000000"
DOCUMENT = b"<edXML>" + b"x" * 500 + b"</edXML>"

#: Small enough for tests to pass them by.
SETTINGS = Settings(
    server=ServerSettings(
        request_timeout=timedelta(seconds=20), slow_body_bytes_per_second=Size(1024), max_connections=20
    ),
    limits=LimitSettings(
        max_body=Size(2_000_000), max_attachment=Size(1_000_000), max_attachments=3, requests_per_second=2000
    ),
)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    """A development PKI with a client certificate for H33.01."""
    now = datetime.now(UTC).replace(microsecond=0)
    return make_dev_pki(tmp_path_factory.mktemp("api") / "pki", now=now, client_names=("H33.01",))


@dataclass(kw_only=True)
class Server:
    """A running server and what stands behind it."""

    url: str
    port: int
    gateway: FakeGateway
    authenticator: FakeAuthenticator
    bodies: Bodies
    metrics: Metrics
    lifecycle: Lifecycle
    listener: Listener
    pki: DevPki
    spool: Path
    uploads: Uploads
    #: Disk spoken for by uploads, as far as tests ask.
    rooms: list[FakeRoom]

    def tls(self, *, own: bool = False) -> ssl.SSLContext:
        """A client's context, with the certificate of H33.01 or without."""
        return client_tls_context(self.pki.anchors(TrustPurpose.TLS), self.pki.client("H33.01") if own else None)

    def client(self, token: str | None = SENDER_TOKEN) -> GatewayClient:
        """A typed client with a token."""
        return GatewayClient(self.url, tls=self.tls(), token=token, timeout=20)

    @asynccontextmanager
    async def http(self, token: str | None = SENDER_TOKEN) -> AsyncIterator[aiohttp.ClientSession]:
        """A bare HTTP client."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connector = aiohttp.TCPConnector(ssl=self.tls())
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(
            self.url, connector=connector, headers=headers, timeout=timeout, auto_decompress=False
        ) as session:
            yield session


def _uploads(folder: Path, bodies: Bodies, rooms: list[FakeRoom]) -> Uploads:
    def new_room() -> FakeRoom:
        rooms.append(FakeRoom(size=0))
        return rooms[-1]

    uploads = Uploads(
        folder=folder, bodies=bodies, room=new_room, clock=SystemClock(), lifetime=timedelta(days=1), most=2
    )
    uploads.load()
    return uploads


@asynccontextmanager
async def running(
    folder: Path, pki: DevPki, settings: Settings = SETTINGS, heartbeat: float = 15.0
) -> AsyncIterator[Server]:
    """The server as the composition root would start it."""
    bodies = Bodies(folder / "data")
    gateway = FakeGateway(folder=folder)
    authenticator = FakeAuthenticator()
    authenticator.tokens = {SENDER_TOKEN: caller_of(SENDER), RECIPIENT_TOKEN: caller_of(RECIPIENT)}
    authenticator.certificates = {_fingerprint(pki): caller_of(SENDER, fingerprint="f")}
    lifecycle, metrics = Lifecycle(), Metrics()
    rooms: list[FakeRoom] = []
    uploads = _uploads(folder / "data" / "uploads", bodies, rooms)
    parts = ApiParts(
        gateway=gateway,
        authenticator=authenticator,
        bodies=bodies,
        settings=settings,
        clock=SystemClock(),
        metrics=metrics,
        lifecycle=lifecycle,
        uploads=uploads,
        shares=Shares(settings.limits),
    )
    listener = Listener(
        build_app(parts, heartbeat=heartbeat),
        lifecycle,
        metrics,
        max_connections=settings.server.max_connections,
    )
    tls = replace(
        TlsSettings(),
        certificate=pki.server.certificate,
        key=pki.server.key,
        client_anchors=pki.anchors(TrustPurpose.TLS),
    )
    port = await listener.start("127.0.0.1", 0, server_tls_context(tls))
    try:
        yield Server(
            url=f"https://localhost:{port}",
            port=port,
            gateway=gateway,
            authenticator=authenticator,
            bodies=bodies,
            metrics=metrics,
            lifecycle=lifecycle,
            listener=listener,
            pki=pki,
            spool=folder / "data" / "spool",
            uploads=uploads,
            rooms=rooms,
        )
    finally:
        await listener.close()
        await bodies.close()


@pytest.fixture
async def server(tmp_path: Path, pki: DevPki) -> AsyncIterator[Server]:
    """One server per test."""
    async with running(tmp_path, pki) as found:
        yield found


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log lines of requests go nowhere here."""
    import structlog

    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _drop(_logger: object, _method: str, _event: object) -> str:
    import structlog

    raise structlog.DropEvent


def _fingerprint(pki: DevPki) -> str:
    pem = pki.client("H33.01").certificate.read_bytes()
    der = x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest()
