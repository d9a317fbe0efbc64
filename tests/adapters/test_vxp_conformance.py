"""The suites of every adapter and every source, on the client of the axis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.vxp.client import VxpAdapter
from gateway.model import Endpoint, EndpointId, Outgoing, SendReport
from gateway.ports import Source
from gateway.simulate.axis.journal import Settled
from tests.adapters.certificates import issue, server_context
from tests.adapters.conformance import AdapterConformance, AsTheWorkerDoes, Scene, Stage
from tests.adapters.receiver import Act, Request, falls_silent, raw, receiving, says
from tests.adapters.sources import SourceConformance, SourceStage, Trouble
from tests.adapters.vxp_lab import Content, Member, surroundings
from tests.axis_lab import H33, AxisLab, running_axis


def _says(**fields: str) -> Act:
    return says("200 OK", json.dumps({"ErrorDesc": "…"} | fields).encode())


_TAKES = _says(status="OK", ErrorCode="0", DocId="17")


async def _slowly(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(0.3)
    return await _TAKES(request, reader, writer)


class _Axis:
    """One that does what a scene says, over real TLS; the simulator takes no bytes but documents."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._issued = issue("axis")
        (folder / "anchors.pem").write_bytes(self._issued.certificate.public_bytes(Encoding.PEM))
        secret = folder / "secret"
        secret.touch(0o600)
        secret.write_bytes(b"0123456789abcdef")
        self.adapter = VxpAdapter(surroundings(folder))
        self.received: list[tuple[str, bytes]] = []
        self._reached = asyncio.Event()

    async def reached(self) -> None:
        await self._reached.wait()

    async def _stalls(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self._reached.set()
        return await falls_silent(request, reader, writer)

    def _endpoint(self, port: int, scene: Scene) -> Endpoint:
        settings: dict[str, object] = {
            "url": f"https://localhost:{port}",
            "system_id": H33,
            "secret_file": "secret",
            "anchors_file": "anchors.pem",
            "timeout_seconds": 2,
        }
        return Endpoint(id=EndpointId("axis"), name="axis", kind="vxp", settings=settings, is_relay=scene.is_relay)

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        acts: dict[str, Act] = {
            "takes": _TAKES,
            "takes_slowly": _slowly,
            "fails": _says(status="FAIL", ErrorCode="20"),
            "refuses": _says(status="FAIL", ErrorCode="22"),
            "talks_nonsense": says("200 OK", b"<html>Bad Gateway</html>"),
            "is_absent": _TAKES,
            "takes_and_drops": raw(b""),
            "takes_and_stalls": self._stalls,
        }
        adapter = AsTheWorkerDoes(adapter=self.adapter, scene=scene)
        async with receiving(acts[scene.behaviour], server_context(self._issued, self._folder)) as receiver:
            endpoint = self._endpoint(receiver.port, scene)
            if scene.behaviour != "is_absent":
                try:
                    return await adapter.send(endpoint, replace(item, size=len(content)), Content(content))
                finally:
                    await adapter.close()
                    self.received += [
                        (one.headers["xroadvnpt-hash-file"], one.body.removesuffix(b"\r\n"))
                        for one in receiver.requests
                    ]
        return await adapter.send(endpoint, item, Content(content))


class TestVxpAdapter(AdapterConformance):
    """The suite on it."""

    answers_per_delivery: ClassVar[bool] = False
    always_relays: ClassVar[bool] = True

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[Stage]:
        axis = _Axis(tmp_path)
        yield axis
        await axis.adapter.close()


class _Lists:
    """The simulator."""

    def __init__(self, axis: AxisLab) -> None:
        self._axis, self._member = axis, Member(axis)

    async def put(self, content: bytes) -> None:
        await self._axis.put(H33, content)

    def client(self) -> Source:
        return self._member.source()

    async def trouble(self, trouble: Trouble | None) -> None:
        if trouble == "is_absent":
            await self._axis.kill()
            return
        if self._axis.process is None or self._axis.process.has_ended:
            await self._axis.start()
        await self._axis.calm()
        if trouble in {"fails", "talks_nonsense"}:
            await self._axis.order("fail" if trouble == "fails" else "html", operations=["getReceivedEdocList"])

    async def spoil(self, ref: str) -> None:
        await self._axis.order("unfetchable", doc_ids=[ref])

    async def told(self) -> list[bool]:
        return [line.status == "done" for line in self._axis.journal() if isinstance(line, Settled)]


class TestVxpSource(SourceConformance):
    """The other suite."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[SourceStage]:
        async with running_axis(tmp_path) as axis:
            yield _Lists(axis)
