"""The loopback adapter keeps every promise of an adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from adapters.loopback import LoopbackAdapter
from gateway.model import DeliveryId, Endpoint, Outcome, OutcomeKind, Outgoing, SendReport
from tests.adapters.conformance import AdapterConformance, AsTheWorkerDoes, Scene, Stage
from tests.unit.deliver.fakes import FakeBody, endpoint

_FAILED = {
    "fails": Outcome(kind=OutcomeKind.DEFERRED, reason="peer_busy"),
    "refuses": Outcome(kind=OutcomeKind.REFUSED, reason="peer_refused"),
}


class _Loopback:
    """Behaves inside this process."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        self._reached = asyncio.Event()

    async def reached(self) -> None:
        await self._reached.wait()

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        async def receive(_to: Endpoint, got: Outgoing, body: bytes) -> Mapping[DeliveryId, Outcome] | None:
            if scene.behaviour == "is_absent":
                raise ConnectionRefusedError
            self.received.append((got.dispatch_id, body))
            self._reached.set()
            if scene.behaviour in {"takes_and_drops", "talks_nonsense"}:
                raise ConnectionResetError
            if scene.behaviour == "takes_and_stalls":
                await asyncio.sleep(2)
                raise ConnectionResetError
            failed = _FAILED.get(scene.behaviour)
            return dict.fromkeys((one.id for one in got.deliveries), failed) if failed else scene.answers

        adapter = AsTheWorkerDoes(adapter=LoopbackAdapter(receive), scene=scene)
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
