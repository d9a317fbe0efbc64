"""A webhook receiver for tests: real TLS, answers by script, remembers what came."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from gateway.pki import DevPki


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes
    #: Every value of `Gateway-Signature`.
    signatures: tuple[str, ...] = ()

    @property
    def deliveries(self) -> dict[str, str]:
        """Delivery id -> recipient code."""
        pairs = (item.strip().partition("=") for item in self.headers["Gateway-Deliveries"].split(","))
        return {key: unquote(value) for key, _, value in pairs}


@dataclass(kw_only=True)
class Reply:
    """One scripted answer."""

    status: int = 200
    json: object | None = None
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Receiver:
    """Listens on a free port of loopback."""

    def __init__(self, pki_folder: Path) -> None:
        self._pki = DevPki(folder=pki_folder)
        self.came: list[Came] = []
        #: Answers to give, first to last.
        self.script: deque[Reply] = deque()
        #: Makes the answers once the script is over: 200 without a body.
        self.answer: Callable[[Came], Reply] = lambda _: Reply()
        self._arrived = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self.port = 0

    def url(self, path: str) -> str:
        """Where to push to."""
        return f"https://localhost:{self.port}{path}"

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._pki.server.certificate, self._pki.server.key)
        return context

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_post("/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.context())
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def close(self) -> None:
        """Stop listening; `start` listens on the same port again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for(self, count: int, seconds: float = 60) -> list[Came]:
        """The first `count` requests, as soon as they came."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.came) >= count)
        return self.came[:count]

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        signatures = tuple(request.headers.getall("Gateway-Signature", []))
        came = Came(path=request.path, headers=dict(request.headers), body=body, signatures=signatures)
        async with self._arrived:
            self.came.append(came)
            self._arrived.notify_all()
        reply = self.script.popleft() if self.script else self.answer(came)
        if reply.json is not None:
            return web.json_response(reply.json, status=reply.status, headers=reply.headers)
        return web.Response(text=reply.text, status=reply.status, headers=reply.headers)
