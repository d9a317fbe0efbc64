"""The loopback adapter keeps every promise of an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from adapters.loopback import LoopbackAdapter
from gateway.model import DeliveryId, Endpoint, Outcome, Outgoing, SendReport
from tests.adapters.conformance import AdapterConformance, Scene, Stage
from tests.unit.deliver.fakes import FakeBody, endpoint


class _Loopback:
    """Behaves inside this process."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        async def receive(_to: Endpoint, got: Outgoing, body: bytes) -> Mapping[DeliveryId, Outcome] | None:
            if scene.behaviour == "is_absent":
                raise ConnectionRefusedError
            self.received.append((got.dispatch_id, body))
            if scene.behaviour == "takes_and_drops":
                raise ConnectionResetError
            return scene.answers

        adapter = LoopbackAdapter(receive)
        try:
            to = replace(endpoint("e1"), is_relay=scene.is_relay)
            return await adapter.send(to, item, FakeBody(content))
        finally:
            await adapter.close()


class TestLoopback(AdapterConformance):
    """The suite on it."""

    @pytest.fixture
    def stage(self) -> Stage:
        return _Loopback()
