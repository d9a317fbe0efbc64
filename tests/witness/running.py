"""A witness as a process of its own, over TLS: start, ask, kill, start again."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from pathlib import Path

import aiohttp
import msgspec

from gateway.clock import SystemClock
from gateway.failpoints import VARIABLE
from gateway.transparency.keys import read_vkeys
from gateway.transparency.note import VerifierKey
from gateway.witness.making import follow, make
from tests.forking import Forked


class WitnessProcess:
    """One witness; its address stays the same when it is started again."""

    def __init__(self, folder: Path, port: int, logs: list[VerifierKey], name: str = "example.vn/witness") -> None:
        self.folder, self._port = folder, port
        make(
            folder,
            name,
            names=["localhost", "127.0.0.1"],
            host="127.0.0.1",
            port=port,
            clock=SystemClock(),
            profile="development",
        )
        follow(folder, logs, SystemClock())
        self._process: Forked | None = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}/"

    @property
    def vkey(self) -> VerifierKey:
        return read_vkeys((self.folder / "witness.vkey").read_bytes())[0]

    @property
    def anchors(self) -> Path:
        return self.folder / "tls.pem"

    @property
    def setting(self) -> str:
        """As `[log] witnesses` takes it."""
        return f"{self.url} {self.vkey} {self.anchors}"

    async def start(self, failpoints: str = "") -> None:
        """It listens."""
        environment = {**os.environ, VARIABLE: failpoints}
        words = ("witness", "serve", str(self.folder))
        self._process = await Forked.start("gateway", *words, environment=environment)
        told = msgspec.json.decode(await self._process.line())
        assert told["vkey"] == str(self.vkey)

    async def kill(self) -> None:
        """As a crash would end it; also waits for one that has come by itself."""
        if self._process is not None:
            await self._process.end(signal.SIGKILL)
            self._process = None

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        async with asyncio.timeout(60):
            return (await self._process.finished())[0]

    async def post(self, body: bytes) -> tuple[int, bytes]:
        """Status and answer; status 0 where the connection broke."""
        context = ssl.create_default_context(cafile=self.anchors)
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
                session.post(f"{self.url}add-checkpoint", data=body) as response,
            ):
                return response.status, await response.read()
        except aiohttp.ClientError:
            return 0, b""
