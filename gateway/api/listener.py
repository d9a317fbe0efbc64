"""A listening socket in front of an application: limits per connection, drain, close.

- Above `max_connections`, or `max_per_address` from one address, a new connection is told `server_busy` and
  closed, so that one machine cannot lock the others out; a TLS handshake may take ten seconds, an idle
  connection lives a minute.
- What is not HTTP is answered with a problem, not with a page.
- `drain` stops listening, turns the lifecycle's switch (requests that still come on open connections get 503
  `server_stopping` and `Connection: close`), and waits for requests under way, streams and long polls
  included, up to its timeout. `close` ends whatever is left.

It does NOT decide when: the composition root does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import Counter
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from gateway.api.lifecycle import Lifecycle
from gateway.api.problems import PROBLEM_TYPE, RETRY_AFTER, problem, problem_response
from gateway.api.ratelimit import site_of
from gateway.errors import EnvironmentRefusedError, RefusedError
from gateway.failpoints import failpoint
from gateway.ids import uuid7
from gateway.observe import Metrics

_KEEPALIVE: Final = 60.0
_HANDSHAKE: Final = 10.0
_LINGER: Final = 2.0
_BACKLOG: Final = 1024
_LINE: Final = 8190

_log: Any = structlog.get_logger("gateway.listener")


class Listener:
    """One application on one socket."""

    def __init__(
        self,
        app: web.Application,
        lifecycle: Lifecycle,
        metrics: Metrics,
        *,
        max_connections: int = 2000,
        max_per_address: int = 2000,
    ) -> None:
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._max_connections, self._max_per_address = max_connections, max_per_address
        self._addresses: Counter[str] = Counter()
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        self._server: asyncio.Server | None = None
        #: Connections open now.
        self.connections = 0

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen; the port, which the system chose if it was 0."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._connection,
                host,
                port,
                ssl=tls,
                backlog=_BACKLOG,
                reuse_address=True,
                ssl_handshake_timeout=_HANDSHAKE if tls else None,
            )
        except OSError as error:
            await self._runner.cleanup()
            raise EnvironmentRefusedError(f"cannot listen on {host}:{port}: {error.strerror}", port=port) from error
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109 - a setting of the operator's, not of callers
        """Take nothing new and wait; whether everything ended in time."""
        if self._server is not None:
            self._server.close()
        self._lifecycle.stop()
        failpoint("stop.drain.before")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._lifecycle.idle()
                failpoint("stop.drain.after")
                return True
        return False

    async def close(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
        self._lifecycle.stop()
        await self._runner.cleanup()

    def opened(self, address: str) -> bool:
        """Count a connection; False when it is one too many."""
        if self.connections >= self._max_connections or self._addresses[address] >= self._max_per_address:
            self._metrics.connections_refused.inc()
            return False
        self.connections += 1
        self._addresses[address] += 1
        self._metrics.connections.set(self.connections)
        return True

    def closed(self, address: str) -> None:
        """A counted connection has ended."""
        self.connections -= 1
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        self._metrics.connections.set(self.connections)

    def _connection(self) -> web.RequestHandler:
        assert self._runner.server is not None
        return _Connection(self._runner.server, self)


class _Connection(web.RequestHandler):
    """aiohttp's connection with a cap, and with problems for what is not HTTP."""

    def __init__(self, server: web.Server, listener: Listener) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_KEEPALIVE,
            access_log=None,  # type: ignore[arg-type]  # None switches it off, as in AppRunner
            logger=logging.getLogger("gateway.listener"),
            lingering_time=_LINGER,
            max_line_size=_LINE,
            max_field_size=_LINE,
            auto_decompress=False,
        )
        self._listener = listener
        self._counted = False
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._address = site_of((transport.get_extra_info("peername") or ("",))[0])
        self._counted = self._listener.opened(self._address)
        if self._counted:
            super().connection_made(transport)
            return
        self.force_close()
        assert isinstance(transport, asyncio.Transport)
        transport.write(_full())
        transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._counted:
            self._listener.closed(self._address)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the HTTP parser refused, or an error that passed the gate."""
        if isinstance(exc, ConnectionError):
            raise exc  # the client has gone: nobody reads an answer, and it is no fault of ours
        code = "request_malformed" if status < 500 else "internal_error"  # noqa: PLR2004
        if code == "internal_error":
            _log.error("request.failed", address=request.remote, exc_info=exc)
        else:
            _log.info("request.unreadable", address=request.remote, error=type(exc).__name__)
        if request.writer.output_size:
            raise ConnectionResetError("the answer broke off")
        detail = (message or "").splitlines()[0][:200] if code == "request_malformed" and message else ""
        response = problem_response(RefusedError(code, detail), uuid7().replace("-", ""))
        response.force_close()
        return response


def _full() -> bytes:
    body = msgspec.json.encode(problem(RefusedError("server_busy"), uuid7().replace("-", "")))
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: %d\r\nContent-Type: %s\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (RETRY_AFTER, PROBLEM_TYPE.encode(), len(body), body)
    )
