"""The gateway dies between a peer's acceptance and our record of it, once for each kind of channel."""

from __future__ import annotations

import pytest

from gateway.seal.trust import TrustPurpose
from tests.journeys.crossing import Channel, CrossingConformance, Peer
from tests.journeys.installation import Installation
from tests.journeys.receiver import Receiver


class _Webhook:
    """An office's receiver over TLS."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def channel(self, installation: Installation) -> Channel:
        anchors = installation.pki.anchors(TrustPurpose.TLS) / "root.pem"
        settings = {"url": self._receiver.url("/"), "secret_file": "pushed", "anchors_file": str(anchors)}
        return Channel(kind="webhook", settings=settings)

    async def copies(self) -> list[str]:
        return [came.headers["Idempotency-Key"] for came in self._receiver.came]


class TestWebhook(CrossingConformance):
    """It is sent again under the same key."""

    @pytest.fixture
    def peer(self, receiver: Receiver) -> Peer:
        return _Webhook(receiver)
