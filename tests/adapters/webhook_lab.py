"""A certificate authority, a secrets folder and the webhook adapter, for tests of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.webhook import WebhookAdapter
from gateway.model import (
    Endpoint,
    Outcome,
    Outgoing,
    SendReport,
)
from gateway.ports import Surroundings
from gateway.reach import Reach
from tests.adapters.certificates import Issued, issue, server_context
from tests.adapters.receiver import Act, Receiver, receiving
from tests.unit.deliver.fakes import FakeBody, endpoint, outgoing

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
OK = "HTTP/1.1 200 OK\r\n"


class _Clock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class Lab:
    """A certificate authority, a secrets folder, an adapter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = issue("ca")
        (folder / "anchors.pem").write_bytes(self.ca.certificate.public_bytes(Encoding.PEM))
        (folder / "secrets").mkdir()
        self.write_secret(SECRET)
        self.certificate = issue("receiver", by=self.ca)
        self.adapter = WebhookAdapter(
            Surroundings(secrets=folder / "secrets", folder=folder, clock=_Clock(), reach=Reach(development=True))
        )

    def write_secret(self, secret: bytes, mode: int = 0o600) -> None:
        path = self.folder / "secrets" / "peer"
        path.write_bytes(secret + b"\n")
        path.chmod(mode)

    def context(self, issued: Issued | None = None, client_ca: Issued | None = None) -> ssl.SSLContext:
        return server_context(issued or self.certificate, self.folder, client_ca=client_ca)

    def endpoint(self, port: int, **settings: object) -> Endpoint:
        found: dict[str, object] = {
            "url": f"https://localhost:{port}/edxml?to=1",
            "secret_file": "peer",
            "anchors_file": "anchors.pem",
            "timeout_seconds": 5,
        }
        return replace(endpoint("e1"), kind="webhook", settings=found | settings)

    async def play(
        self, act: Act, item: Outgoing | None = None, content: bytes = b"<edXML/>", **settings: object
    ) -> tuple[SendReport, Receiver]:
        async with receiving(act, self.context()) as receiver:
            to = self.endpoint(receiver.port, **settings)
            report = await self.adapter.send(to, item or outgoing(), FakeBody(content))
            await self.adapter.close()
        return report, receiver


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    it = Lab(tmp_path)
    yield it
    await it.adapter.close()


def only_outcome(report: SendReport) -> Outcome:
    """The outcome of a transmission with one delivery."""
    (outcome,) = report.outcomes.values()
    return outcome
