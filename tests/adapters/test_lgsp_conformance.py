"""The facade's adapter and source keep every promise, against the simulator as a process of its own."""

from __future__ import annotations

import asyncio

import pytest

from adapters.lgsp.source import LgspSource
from gateway.model import Outgoing, SendReport
from tests.adapters.conformance import AdapterConformance, AsTheWorkerDoes, Scene, Stage
from tests.adapters.lgsp_lab import FacadeLab, facade, facade_folder
from tests.adapters.sources import SourceConformance, SourceStage, Trouble
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["facade", "facade_folder"]

_ORDERS: dict[str, dict[str, object]] = {
    "takes_slowly": {"on": "send", "do": "slow", "seconds": 0.3},
    "fails": {"on": "send", "do": "code", "code": 20},
    "refuses": {"on": "send", "do": "code", "code": 22},
    "talks_nonsense": {"on": "send", "do": "truncated"},
    "takes_and_drops": {"on": "send", "do": "cut"},
    "takes_and_stalls": {"on": "send", "do": "stall"},
}


class _Sending:
    """The suite's stage."""

    def __init__(self, lab: FacadeLab) -> None:
        self._lab, self._adapter = lab, lab.adapter()
        self._before = 0

    @property
    def received(self) -> list[tuple[str, bytes]]:
        return [(taken.sha256, self._lab.content(taken)) for taken in self._lab.taken()]

    @received.setter
    def received(self, value: list[tuple[str, bytes]]) -> None:
        raise NotImplementedError

    async def reached(self) -> None:
        while len(self._lab.taken()) == self._before:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.01)

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        self._before = len(self._lab.taken())
        order = _ORDERS.get(scene.behaviour)
        self._lab.order(*([order] if order else []))
        if scene.behaviour == "is_absent":
            await self._lab.stop()
        try:
            adapter = AsTheWorkerDoes(adapter=self._adapter, scene=scene)
            return await adapter.send(self._lab.endpoint(is_relay=scene.is_relay), item, FakeBody(content))
        finally:
            await self._adapter.close()


class TestLgsp(AdapterConformance):
    """The suite on it."""

    answers_per_delivery = False

    @pytest.fixture
    async def stage(self, facade: FacadeLab) -> Stage:
        facade.settings('unreadable_to = "other"')
        await facade.start()
        return _Sending(facade)


class _Waiting:
    """The other suite's stage."""

    def __init__(self, lab: FacadeLab) -> None:
        self._lab = lab

    async def put(self, content: bytes) -> None:
        adapter = self._lab.adapter()
        report = await adapter.send(self._lab.endpoint("other"), outgoing(), FakeBody(content))
        assert report.answered
        await adapter.close()

    def client(self) -> LgspSource:
        return self._lab.source()

    async def trouble(self, trouble: Trouble | None) -> None:
        assert self._lab.process is not None
        if trouble == "is_absent":
            await self._lab.stop()
        elif self._lab.process.has_ended:
            await self._lab.start()
        deed = {"fails": "page", "talks_nonsense": "truncated"}.get(trouble or "")
        self._lab.order(*([{"on": "list", "do": deed, "times": 0}] if deed else []))

    async def spoil(self, ref: str) -> None:
        (self._lab.folder / "documents" / f"{ref}.edxml").write_bytes(b"")

    async def told(self) -> list[bool]:
        return [told.status == "done" for told in self._lab.told()]


class TestLgspSource(SourceConformance):
    """The suite on it."""

    @pytest.fixture
    async def stage(self, facade: FacadeLab) -> SourceStage:
        facade.settings('unreadable_to = "gateway"')
        await facade.start()
        return _Waiting(facade)
