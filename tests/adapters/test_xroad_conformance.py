"""X-Road's adapter and source keep every promise, through a security server with real TLS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.xroad.client_source import XroadSource
from gateway.model import Outgoing, SendReport
from tests.adapters.conformance import AdapterConformance, AsTheWorkerDoes, Scene, Stage
from tests.adapters.sources import SourceConformance, SourceStage, Trouble
from tests.adapters.xroad_lab import XroadLab, told, xroad
from tests.unit.deliver.fakes import FakeBody

__all__ = ["xroad"]

_ORDERS = {"takes_slowly": "slow", "takes_and_drops": "drop", "takes_and_stalls": "stall"}
_ANSWERS = {
    "fails": (503, told(code="server_busy", detail="later")),
    "refuses": (422, told(code="edxml_invalid", detail="no From")),
    "talks_nonsense": (200, b"<html>"),
}


class _Sending:
    """The suite's stage."""

    def __init__(self, lab: XroadLab) -> None:
        self._lab = lab
        self.received = lab.inbox.taken

    async def reached(self) -> None:
        assert self._lab.server is not None
        await self._lab.server.reached.wait()

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        server = self._lab.server
        assert server is not None
        server.orders[:] = [_ORDERS[scene.behaviour]] if scene.behaviour in _ORDERS else []
        self._lab.inbox.answers[:] = [_ANSWERS[scene.behaviour]] if scene.behaviour in _ANSWERS else []
        if scene.behaviour == "is_absent":
            await self._lab.stop()
        adapter = AsTheWorkerDoes(adapter=self._lab.adapter(), scene=scene)
        try:
            to = replace(self._lab.endpoint(), is_relay=scene.is_relay)
            return await adapter.send(to, item, FakeBody(content))
        finally:
            await adapter.close()


class TestXroad(AdapterConformance):
    """The suite on it."""

    answers_per_delivery = False

    @pytest.fixture
    def stage(self, xroad: XroadLab) -> Stage:
        return _Sending(xroad)


class _Waiting:
    """The other suite's stage."""

    def __init__(self, lab: XroadLab) -> None:
        self._lab = lab
        self._count = 0

    async def put(self, content: bytes) -> None:
        self._count += 1
        self._lab.inbox.waiting[f"entry-{self._count}"] = content

    def client(self) -> XroadSource:
        return self._lab.source()

    async def trouble(self, trouble: Trouble | None) -> None:
        if trouble == "is_absent":
            await self._lab.stop()
        elif self._lab.server is None:
            await self._lab.start()
        said = {"fails": (500, told(code="internal_error")), "talks_nonsense": (200, b'{"items": [{"id"')}
        self._lab.inbox.answers[:] = [said[trouble]] if trouble in said else []

    async def spoil(self, ref: str) -> None:
        self._lab.inbox.waiting[ref] = b""

    async def told(self) -> list[bool]:
        return [act == "done" for _, act, _ in self._lab.inbox.settled]


class TestXroadSource(SourceConformance):
    """The suite on it."""

    @pytest.fixture
    def stage(self, xroad: XroadLab) -> SourceStage:
        return _Waiting(xroad)
