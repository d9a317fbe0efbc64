"""The development time-stamping authority as a process of its own: start, order, kill, start again."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from gateway.simulate.layout import free_ports
from gateway.simulate.tsa.controlling import ask
from tests.forking import Forked


class TsaProcess:
    """One authority; its url stays the same when it is started again."""

    def __init__(self, pki: Path) -> None:
        self._pki, self._process = pki, None
        (self._port,) = free_ports(1)
        self.url = ""

    _process: Forked | None

    async def start(self) -> None:
        """It listens."""
        arguments = ("simulate", "tsa", "--pki", str(self._pki), "--port", str(self._port))
        self._process = await Forked.start("gateway", *arguments)
        told = msgspec.json.decode(await self._process.line())
        self.url = told["url"]

    async def kill(self) -> None:
        """As a crash would end it."""
        if self._process is not None:
            await self._process.end(signal.SIGKILL)
            self._process = None

    async def order(self, kind: str, *, calls: int = 0, seconds: float = 0.0) -> None:
        """It misbehaves from now on."""
        await ask(self.url, "POST", "orders", {"kind": kind, "calls": calls, "seconds": seconds})

    async def calm(self) -> None:
        """It behaves again."""
        await ask(self.url, "DELETE", "orders")

    async def asked(self) -> int:
        """Requests so far."""
        told = await ask(self.url, "GET", "state")
        assert isinstance(told, dict)
        return int(told["asked"])


@asynccontextmanager
async def running_tsa(pki: Path) -> AsyncIterator[TsaProcess]:
    """It runs until the end of the block, unless it was killed."""
    tsa = TsaProcess(pki)
    await tsa.start()
    try:
        yield tsa
    finally:
        await tsa.kill()
