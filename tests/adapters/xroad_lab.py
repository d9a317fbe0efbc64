"""A security server with a provider behind it, and the gateway's clients of it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.xroad.client import XroadAdapter
from adapters.xroad.client_source import XroadSource
from gateway.clock import SystemClock
from gateway.model import Endpoint, EndpointId
from gateway.ports import Surroundings
from gateway.simulate.security_server import CLIENT, SERVICE, SecurityServer, serving
from tests.adapters.certificates import issue, server_context


@dataclass
class Inbox:
    """The provider: takes documents, dedupes by Idempotency-Key, and keeps what waits for us."""

    taken: list[tuple[str, bytes]] = field(default_factory=list)
    waiting: dict[str, bytes] = field(default_factory=dict)
    settled: list[tuple[str, str, bytes]] = field(default_factory=list)
    #: What it answers next instead: status and body.
    answers: list[tuple[int, bytes]] = field(default_factory=list)

    async def __call__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> web.Response:
        """One request."""
        if self.answers:
            status, content = self.answers.pop(0)
            return web.Response(status=status, body=content, content_type="application/json")
        bare, _, query = path.partition("?")
        parts = bare.strip("/").split("/")
        if (method, parts) == ("POST", ["documents"]):
            self.taken.append((headers["Idempotency-Key"], body))
            return web.json_response({"message_id": f"m-{headers['Idempotency-Key']}"}, status=202)
        if (method, parts) == ("GET", ["inbox"]):
            items = [
                {"id": ref, "kind": "document", "sender": "G22", "size": len(content), "sha256": ""}
                for ref, content in self.waiting.items()
                if query == "kind=document"
            ]
            return web.json_response({"items": items})
        ref, act = parts[1], parts[2]
        if method == "GET" and act == "content":
            if not self.waiting[ref]:
                return web.json_response({"code": "body_damaged"}, status=503)
            return web.Response(body=self.waiting[ref], content_type="application/xml")
        if ref in self.waiting:
            del self.waiting[ref]
            self.settled.append((ref, act, body))
        return web.json_response({})


@dataclass
class XroadLab:
    """Certificates, a provider, a security server that can come and go."""

    folder: Path
    stack: AsyncExitStack
    inbox: Inbox = field(default_factory=Inbox)
    server: SecurityServer | None = None
    port: int = 0

    def __post_init__(self) -> None:
        self._ca, self._clients = issue("security server's CA"), issue("information systems' CA")
        (self.folder / "anchors.pem").write_bytes(self._ca.certificate.public_bytes(Encoding.PEM))
        issue("gateway", by=self._clients).write(self.folder / "gateway.pem")
        self._registered: list[Path] = []

    def context(self) -> ssl.SSLContext:
        """What the server listens with: client certificates are asked for, and judged by it."""
        context = server_context(issue("security server", by=self._ca), self.folder, client_ca=self._clients)
        context.verify_mode = ssl.CERT_OPTIONAL
        for path in self._registered:
            context.load_verify_locations(path)
        return context

    def trust(self, certificate: Path) -> None:
        """Register an information system's own certificate; counts from the next start."""
        self._registered.append(certificate)

    async def start(self) -> SecurityServer:
        """At the port that it had before."""
        self.server = await self.stack.enter_async_context(serving(self.inbox, self.context(), self.port))
        self.port = self.server.port
        return self.server

    async def stop(self) -> None:
        """Nobody listens there any more."""
        await self.stack.aclose()
        self.server = None

    def surroundings(self) -> Surroundings:
        """For clients."""
        return Surroundings(secrets=self.folder, folder=self.folder, clock=SystemClock(), timeout_seconds=2.0)

    def endpoint(self, **settings: object) -> Endpoint:
        """The channel."""
        given: dict[str, object] = {
            "url": f"https://localhost:{self.port}",
            "client": CLIENT,
            "service": SERVICE,
            "anchors_file": "anchors.pem",
            "certificate_file": "gateway.pem",
            "key_file": "gateway.pem",
            "hash_check": "computed",
            "timeout_seconds": 2,
        }
        return Endpoint(id=EndpointId("x"), name="g22", kind="xroad", settings=given | settings)

    def adapter(self) -> XroadAdapter:
        """A sender."""
        return XroadAdapter(self.surroundings())

    def source(self, **settings: object) -> XroadSource:
        """A reader that remembers nothing."""
        return XroadSource(self.endpoint(**settings), self.surroundings())


def told(**values: object) -> bytes:
    """JSON."""
    return json.dumps(values).encode()


@pytest.fixture
async def xroad(tmp_path: Path) -> AsyncIterator[XroadLab]:
    """Running."""
    async with AsyncExitStack() as stack:
        lab = XroadLab(tmp_path, stack)
        await lab.start()
        yield lab
