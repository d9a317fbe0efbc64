"""A security server of X-Road to try clients and services with: TLS, the protocol's headers, errors to order.

It plays both servers of a call, the consumer's and the provider's: it judges path and headers, makes
`X-Road-Request-Id`, computes the request hash, passes the request on to a provider, and gives its answer back with
X-Road's headers. Written after the specification and the published source, without the adapter's code, so that the
two are opinions about the same protocol. `orders` hold what is to go wrong next: the type of an error, with `!`
behind it once the provider has the request, or the name of a deed:

    drop, stall, slow, page     cut, say nothing, say it late, say it as a proxy's page
    without NAME, wrong NAME    leave a header of the answer out, or give it that of another request
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import web

CLIENT = "VN/GOV/7700/gateway"
SERVICE = "VN/GOV/G22/documents/exchange"

#: What a server keeps to itself.
_KEPT = re.compile(
    r"transfer-encoding|keep-alive|proxy-.*|te|trailer|upgrade|connection|user-agent|host|content-length|server|expect"
    r"|x-road-request-(id|hash)",
    re.IGNORECASE,
)
#: Of `/r1/<instance>/<class>/<member>/<subsystem>/<service>/<path>`, cut at its slashes.
_PARTS = 8
_SLOW_SECONDS = 0.3
_MOST_BYTES = 400_000_000
#: Method, path and query below the service, the passed headers, the body -> the provider's answer.
Provider = Callable[[str, str, dict[str, str], bytes], Awaitable[web.Response]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """One request as it was passed on."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class SecurityServer:
    """The server and what it saw."""

    provider: Provider
    port: int = 0
    #: Who is registered there, and what they may call.
    clients: tuple[str, ...] = (CLIENT,)
    service: str = SERVICE
    #: Whether a client has to bring a certificate.
    wants_certificate: bool = True
    orders: list[str] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    #: Set whenever something was passed on.
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        order = self.orders.pop(0) if self.orders else ""
        if order.lower().startswith(("client", "server")) and not order.endswith("!"):
            return fault_of(order)
        if kind := self.judged(request):
            return fault_of(kind)
        body = await request.read()
        request_id = str(uuid.uuid4())
        path = "/" + request.raw_path.split("/", _PARTS - 1)[-1]
        headers = dict(request.headers)
        self.passed.append(Passed(method=request.method, path=path, headers=headers, body=body))
        self.reached.set()
        answer = await self.provider(request.method, path, headers, body)
        if order.endswith("!"):  # the provider has it, and then something breaks
            return fault_of(order[:-1])
        if order == "drop":
            assert request.transport is not None
            request.transport.abort()
        elif order == "stall":
            await asyncio.Event().wait()
        elif order == "slow":
            await asyncio.sleep(_SLOW_SECONDS)
        elif order == "page":
            return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")
        self._mark(request, answer, request_id, body, order)
        return answer

    def _mark(self, request: web.Request, answer: web.Response, request_id: str, body: bytes, order: str) -> None:
        marks = {
            "X-Road-Id": request.headers.get("X-Road-Id") or f"VN-{uuid.uuid4()}",
            "X-Road-Client": request.headers["X-Road-Client"],
            "X-Road-Service": "/".join(request.raw_path.split("/", _PARTS - 1)[2:-1]),
            "X-Road-Request-Id": request_id,
            "X-Road-Request-Hash": base64.b64encode(_digest(request, request_id, body)).decode(),
        }
        kind, _, name = order.partition(" ")
        if kind == "without":
            del marks[name]
        elif kind == "wrong":
            marks[name] = base64.b64encode(bytes(64)).decode() if name.endswith("Hash") else "VN/GOV/OTHER/x/y"
        answer.headers.update(marks)

    def judged(self, request: web.Request) -> str:
        """The type of the error that this request is, if it is one."""
        parts = request.raw_path.split("/", _PARTS - 1)
        if len(parts) < _PARTS or parts[1] != "r1":
            return "Client.BadRequest"
        if [unquote(part) for part in parts[2:-1]] != self.service.split("/"):
            return "Server.ServerProxy.UnknownService"
        clients = request.headers.getall("X-Road-Client", [])
        if len(clients) != 1 or len(clients[0].split("/")) not in {3, 4}:
            return "Client.BadRequest"
        if clients[0] not in self.clients:
            return "Server.ClientProxy.UnknownMember"
        assert request.transport is not None
        held = request.transport.get_extra_info("ssl_object")
        if self.wants_certificate and not held.getpeercert():
            return "Server.ClientProxy.SslAuthenticationFailed"
        return ""


def _digest(request: web.Request, request_id: str, body: bytes) -> bytes:
    head = hashlib.sha512()
    head.update(f"{request.method}\r\n{request.raw_path}\r\n".encode())
    for raw_name, raw_value in request.raw_headers:
        name, value = raw_name.decode(), raw_value.decode()
        if not _KEPT.fullmatch(name):
            head.update(f"{name}:{value}\r\n".encode())
    head.update(f"X-Road-Request-Id:{request_id}\r\n".encode())
    if not body:
        return head.digest()
    return hashlib.sha512(head.digest() + hashlib.sha512(body).digest()).digest()


def fault_of(kind: str) -> web.Response:
    """As a server writes it."""
    detail = {"type": kind, "message": f"something about {kind}", "detail": str(uuid.uuid4())}
    status = 500 if kind.lower().startswith("server") else 400
    return web.json_response(detail, status=status, headers={"X-Road-Error": kind})


@asynccontextmanager
async def serving(provider: Provider, context: ssl.SSLContext, port: int = 0) -> AsyncIterator[SecurityServer]:
    """Listen on localhost; the context asks for client certificates."""
    server = SecurityServer(provider=provider)
    async with listening(server, context, "localhost", port):
        yield server


@asynccontextmanager
async def listening(server: SecurityServer, context: ssl.SSLContext, host: str, port: int) -> AsyncIterator[None]:
    """Serve at an address of ours."""
    application = web.Application(client_max_size=_MOST_BYTES)
    application.router.add_route("*", "/{rest:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        server.port = runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()
