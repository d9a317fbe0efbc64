"""A listening socket in front of an application: limits per connection, drain, close.

- Above `max_connections`, or `max_per_address` from one address, a new connection is told `server_busy` and
  closed, so that one machine cannot lock the others out. As many may be in their TLS handshake, which may take
  ten seconds, and one address begins a tenth of its share of them a second. One more costs no handshake, which
  is as much work as a document: it is closed, after a second of nothing, so that it is not opened again at once.
- An idle connection lives a minute; so does one whose peer no longer confirms what we send.
- What is not HTTP is answered with a problem, not with a page; `unreadable` gives it another form.
- On an interface, only what comes by it is taken, and one of the same name that is made anew is followed.
- With `max_head`, header fields may be as long as that in all, else as HTTP's parser has it (8 KiB each).
- `drain` stops listening, turns the lifecycle's switch (requests that still come on open connections get 503
  `server_stopping` and `Connection: close`), and waits for requests under way, streams and long polls
  included, up to its timeout. `close` ends whatever is left.

It does NOT decide when: the composition root does.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec
import structlog
from aiohttp import web

from gateway.api.problems import PROBLEM_TYPE, problem, problem_response
from gateway.errors import ConfigError, EnvironmentRefusedError, RefusedError
from gateway.failpoints import failpoint
from gateway.ids import uuid7
from gateway.lifecycle import Lifecycle
from gateway.observe import Metrics
from gateway.plain import bind_to_interface
from gateway.ratelimit import RateLimit, count_down, site_of
from gateway.refusals import RETRY_AFTER

_KEEPALIVE: Final = 60.0
_HANDSHAKE: Final = 10.0
_LINGER: Final = 2.0
#: In so many seconds an address may open its whole share of connections anew, and no fewer than so many a second.
_REOPENED_SECONDS: Final = 10.0
_HANDSHAKES_MIN: Final = 20.0
_HANDSHAKES_BURST: Final = 100.0
#: For the peer's part of the end of TLS; then it is cut off.
_FAREWELL: Final = 5.0
#: What is sent and not confirmed for so long ends a connection (TCP_USER_TIMEOUT); the system waits a quarter hour.
_UNCONFIRMED_MS: Final = 60_000
_BACKLOG: Final = 1024
_LINE: Final = 8190
#: What the transport may hand over in one piece, a body behind a head included.
_READ_AT_ONCE: Final = 256 * 1024
#: Handshakes of one address only to be told `server_busy`.
_TOLD_PER_SECOND: Final = 1.0
_TOLD_BURST: Final = 10.0
#: Before a connection that is one too many is closed.
_HELD_BACK: Final = 1.0
#: Before the next try to accept, when there was no descriptor for a connection.
_BREATH: Final = 0.5
#: Between two looks whether an interface is still the one that we listen on.
_LOOK: Final = 2.0

#: Family and address of sockets.
Places = list[tuple[int, Any]]

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
        max_head: int = 0,
        unreadable: Callable[[RefusedError, str], web.Response] = problem_response,
    ) -> None:
        self._lifecycle = lifecycle
        self.max_head, self.unreadable = max_head, unreadable
        self._metrics = metrics
        self._max_connections, self._max_per_address = max_connections, max_per_address
        self._addresses: Counter[str] = Counter()
        self._handshake_rate = RateLimit(
            max(_HANDSHAKES_MIN, max_per_address / _REOPENED_SECONDS), max_per_address + _HANDSHAKES_BURST
        )
        self._told_rate = RateLimit(_TOLD_PER_SECOND, _TOLD_BURST)
        #: Those that are one too many, until they are closed.
        self._turned_away: dict[socket.socket, str] = {}
        self._waiting_away: Counter[str] = Counter()
        #: Those in their handshake.
        self._arriving: Counter[str] = Counter()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        self._sockets: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._following: asyncio.Task[None] | None = None
        #: Connections open now.
        self.connections = 0

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None, interface: str = "") -> int:
        """Listen, with `interface` for what comes by it alone; the port, which the system chose if it was 0."""
        await self._runner.setup()
        places = []
        try:
            places = await _addresses(host, port)
            number = socket.if_nametoindex(interface) if interface else 0
            self._listen(places, tls, interface)
        except OSError as error:
            await self.close()
            raise EnvironmentRefusedError(f"cannot listen on {host}:{port}: {error.strerror}", port=port) from error
        found: int = self._sockets[0].getsockname()[1]
        if interface:
            again = [(family, (address[0], found, *address[2:])) for family, address in places]
            self._following = asyncio.create_task(self._follow(again, tls, interface, number))
        return found

    def _listen(self, places: Places, tls: ssl.SSLContext | None, interface: str) -> None:
        for family, address in places:
            self._sockets.append(_listening(family, address, interface))
        self._accepting = [asyncio.create_task(self._accept(one, tls)) for one in self._sockets]

    async def _follow(self, places: Places, tls: ssl.SSLContext | None, interface: str, number: int) -> None:
        """Listen anew on an interface that was made anew: a socket hears of the old one only, which is gone."""
        while True:
            await asyncio.sleep(_LOOK)
            try:
                found = socket.if_nametoindex(interface)
            except OSError:
                continue  # a VPN that is down
            if found == number:
                continue
            self._close_sockets()
            try:
                self._listen(places, tls, interface)
            except (OSError, ConfigError) as error:
                self._close_sockets()
                _log.warning("listener.interface_lost", interface=interface, error=str(error))
                continue
            number = found
            _log.info("listener.interface_back", interface=interface)

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109 - a setting of the operator's, not of callers
        """Take nothing new and wait; whether everything ended in time."""
        self._stop_listening()
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
        self._stop_listening()
        self._lifecycle.stop()
        for task in self._handshakes:
            task.cancel()
        for opened in list(self._turned_away):
            self._close_away(opened)
        await self._runner.cleanup()

    def _stop_listening(self) -> None:
        if self._following is not None:
            self._following.cancel()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for task in self._accepting:
            task.cancel()
        for each in self._sockets:
            each.close()
        self._accepting, self._sockets = [], []

    async def _accept(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Here and not in asyncio's server, which neither counts nor limits connections before their handshake."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                opened, peer = await loop.sock_accept(listening)
            except OSError as error:  # no descriptors: those there are come back
                _log.warning("connection.not_accepted", error=str(error))
                await asyncio.sleep(_BREATH)
                continue
            address = site_of(peer[0])
            if not self._may_begin(address):
                self._turn_away(opened, address)
                continue
            self._arriving[address] += 1
            task = loop.create_task(self._begin(opened, address, tls))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    def _may_begin(self, address: str) -> bool:
        if self._arriving[address] >= self._max_per_address or len(self._handshakes) >= self._max_connections:
            return False
        now = asyncio.get_running_loop().time()
        try:
            if self._is_full(address):
                self._told_rate.take(address, now)
            self._handshake_rate.take(address, now)
        except RefusedError:
            return False
        return True

    def _turn_away(self, opened: socket.socket, address: str) -> None:
        self._metrics.connections_refused.inc()
        self._turned_away[opened] = address
        self._waiting_away[address] += 1
        if self._waiting_away[address] > self._max_per_address or len(self._turned_away) > self._max_connections:
            self._close_away(opened)
        else:
            asyncio.get_running_loop().call_later(_HELD_BACK, self._close_away, opened)

    def _close_away(self, opened: socket.socket) -> None:
        address = self._turned_away.pop(opened, None)
        if address is None:
            return
        opened.close()
        count_down(self._waiting_away, address)

    async def _begin(self, opened: socket.socket, address: str, tls: ssl.SSLContext | None) -> None:
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNCONFIRMED_MS)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._connection,
                opened,
                ssl=tls,
                ssl_handshake_timeout=_HANDSHAKE if tls else None,
                ssl_shutdown_timeout=_FAREWELL if tls else None,
            )
        except OSError:  # not TLS, too slow, or gone: what a scanner sends is no event for anybody
            opened.close()
        finally:
            count_down(self._arriving, address)

    def _is_full(self, address: str) -> bool:
        return self.connections >= self._max_connections or self._addresses[address] >= self._max_per_address

    def opened(self, address: str) -> bool:
        """Count a connection; False when it is one too many."""
        if self._is_full(address):
            self._metrics.connections_refused.inc()
            return False
        self.connections += 1
        self._addresses[address] += 1
        self._metrics.connections.set(self.connections)
        return True

    def closed(self, address: str) -> None:
        """A counted connection has ended."""
        self.connections -= 1
        count_down(self._addresses, address)
        self._metrics.connections.set(self.connections)

    def _connection(self) -> web.RequestHandler:
        assert self._runner.server is not None
        kind = _RoomyConnection if self.max_head else _Connection
        return kind(self._runner.server, self)


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
            max_field_size=listener.max_head or _LINE,
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
        refused = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        refused.write(_full())
        refused.close()

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
        response = self._listener.unreadable(RefusedError(code, detail), uuid7().replace("-", ""))
        response.force_close()
        return response


class _RoomyConnection(_Connection):
    """One whose heads may be long, and whose memory is bounded all the same before anybody knows who sends them.

    HTTP's parser bounds each field and their number; together that is far more than any client needs. Counted is
    what comes while no body is awaited: the head of the next request, and, apart, what is sent without waiting for
    answers.
    """

    def __init__(self, server: web.Server, listener: Listener) -> None:
        super().__init__(server, listener)
        self._head_bytes = self._ahead_bytes = 0

    def data_received(self, data: bytes) -> None:
        request = self._current_request
        idle = request is None and not self._messages
        if idle:
            self._head_bytes += len(data)
            self._ahead_bytes = 0
        elif request is None or request.content.is_eof():
            self._ahead_bytes += len(data)
        if max(self._head_bytes, self._ahead_bytes) > self._listener.max_head + _READ_AT_ONCE:
            _log.info("request.unreadable", address=self._address, error="head too long")
            self._abort(RefusedError("request_malformed", "the header fields are too long"))
            return
        super().data_received(data)
        if idle and self._messages:
            self._head_bytes = 0

    def _abort(self, refusal: RefusedError) -> None:
        transport = self.transport
        if transport is not None and self._current_request is None:
            body = self._listener.unreadable(refusal, uuid7().replace("-", "")).body
            assert isinstance(body, bytes)
            transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
        self.force_close()


async def _addresses(host: str, port: int) -> Places:
    """All that a host means, each once; "localhost" is often two."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((each[0], each[4]) for each in found))


def _listening(family: int, address: Any, interface: str) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setblocking(False)  # noqa: FBT003 - the method's own form
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if interface:
            bind_to_interface(found, interface)
        found.bind(address)
        found.listen(_BACKLOG)
    except (OSError, ConfigError):
        found.close()
        raise
    return found


def _full() -> bytes:
    body = msgspec.json.encode(problem(RefusedError("server_busy"), uuid7().replace("-", "")))
    return (
        b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: %d\r\nContent-Type: %s\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (RETRY_AFTER, PROBLEM_TYPE.encode(), len(body), body)
    )
