"""The development time-stamping authority as a process of its own: start, order, kill, start again."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway.simulate.tsa.controlling import ask


class TsaProcess:
    """One authority; its url stays the same when it is started again."""

    def __init__(self, pki: Path) -> None:
        self._pki, self._process = pki, None
        self._port = 0
        self.url = ""

    _process: Process | None

    async def start(self) -> None:
        """It listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "simulate", "tsa", "--pki", str(self._pki), "--port", str(self._port),
            stdout=PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            told = msgspec.json.decode(await self._process.stdout.readline())
        self.url = told["url"]
        self._port = urlsplit(self.url).port or 0

    async def kill(self) -> None:
        """As a crash would end it."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.communicate()
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
