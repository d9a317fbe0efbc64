"""X-Road between a system under test and the sandbox's gateway: a simulated security server, in both directions.

`Member`: the system is a member's client. It calls our service through the security server, which is played here;
the gateway behind it, below /xroad, is the real one. `Behind`: the system is a member's service, which the gateway
calls as a client, through the same kind of server and a channel of kind xroad. What the gateway does not see is
noted here: calls that the server refused, answers that were spoiled on purpose, and how a service answered.
"""

from __future__ import annotations

import hashlib
import io
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp import web

from gateway.clock import Clock, rfc3339
from gateway.conformance.exposure import Exposure
from gateway.conformance.places import listener_context, request_of, requests_of
from gateway.conformance.xroad_answers import hands_in, judge_answer
from gateway.pki import KeyPair
from gateway.simulate.reckoning import LedgerView
from gateway.simulate.security_server import SecurityServer, fault_of, listening

#: Names of the system under test and of the gateway, and what each offers.
SYSTEM: Final = "VN/GOV/THU-NGHIEM/QLVB"
OURS: Final = "VN/GOV/TRUC/gateway"
_SERVICE: Final = "documents"
#: Headers that belong to one connection.
_HOPS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "expect", "accept-encoding"})
_SPOILED: Final = "wrong X-Road-Request-Hash"
_LOST: Final = "Server.ServerProxy.NetworkError!"
_SECONDS: Final = 120.0
#: Errors of the server's own -> how the kit tells them.
_FAULTS: Final = {"UnknownMember": "credential_invalid", "UnknownService": "not_found"}
#: What is asked over and over.
_POLLED: Final = frozenset({"askInbox", "call"})

_Watch = Callable[[web.Request, str], Awaitable[str]]


@dataclass(kw_only=True)
class _Server(SecurityServer):
    """Asks before each call what is to go wrong with it."""

    watch: _Watch

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The order is taken before anybody else's turn comes."""
        if order := await self.watch(request, self.judged(request)):
            self.orders.append(order)
        return await super().handle(request)


@dataclass(kw_only=True)
class Link:
    """The server's place in the network, what is behind it, and the notes."""

    exposure: Exposure
    port: int
    pair: KeyPair
    clock: Clock
    #: URL up to the paths of the service behind, and the CA that its certificate leads to.
    target: str
    ca_file: str | None
    notes: list[dict[str, Any]] = field(default_factory=list)
    _session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def serving(self, server: SecurityServer) -> AsyncIterator[None]:
        """Listen, and be able to call."""
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self.ca_file))
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            self._session = session
            async with listening(server, listener_context(self.pair), self.exposure.address, self.port):
                yield

    async def call(self, method: str, path: str, headers: dict[str, str], body: bytes) -> web.Response:
        """What is behind, and its answer; an error of the server's where there is none."""
        assert self._session is not None
        told = {name: value for name, value in headers.items() if name.lower() not in _HOPS}
        try:
            async with self._session.request(
                method,
                self.target + path,
                headers=told,
                data=io.BytesIO(body) if body else None,
                allow_redirects=False,
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            detail = f"{type(error).__name__}: {error}"[:200]
            self.note(method, "call", status=0, reason="connect_failed", detail=detail)
            return fault_of("Server.ServerProxy.NetworkError")
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOPS}
        return web.Response(status=answer.status, body=content, headers=kept)

    def note(self, method: str, operation: str, **more: object) -> None:
        """One more; what the gateway asks twice a second, only when the answer has changed."""
        made = request_of(rfc3339(self.clock.now()), f"xroad-{len(self.notes)}", method, operation) | more
        same = {"at": "", "traceId": ""}
        last = next((each for each in reversed(self.notes) if each["operation"] == operation), None)
        if operation not in _POLLED or last is None or last | same != made | same:
            self.notes.append(made)

    def require_near(self, request: web.Request) -> None:
        """Only from where the sandbox's credentials count."""
        if not self.exposure.admits(request.remote or ""):
            raise web.HTTPForbidden(text="this address is not among the sandbox's networks")


class Member:
    """A client of our service."""

    def __init__(self, link: Link) -> None:
        self._link, self._trick = link, ""
        self._server = _Server(
            provider=self._provide,
            clients=(SYSTEM,),
            service=f"{OURS}/{_SERVICE}",
            wants_certificate=False,
            watch=self._watch,
        )

    @property
    def channel(self) -> tuple[str, dict[str, object]]:
        """It fetches."""
        return "inbox", {}

    @property
    def access(self) -> dict[str, str]:
        """Its security server, its name, and whom it calls."""
        url = self._link.exposure.url(self._link.port)
        return {"xroad_url": url, "xroad_client": SYSTEM, "xroad_service": self._server.service}

    def served(self) -> AbstractAsyncContextManager[None]:
        """The security server."""
        return self._link.serving(self._server)

    def requests(self, entries: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:  # noqa: ARG002
        """What the gateway cannot know of; the rest the inspector tells."""
        return self._link.notes

    async def seen(self, view: LedgerView, vendor: str) -> LedgerView:  # noqa: ARG002
        """As it is."""
        return view

    async def play(self, trick: str) -> None:
        """`spoil_hash`: the answer to the next document names the hash of another request."""
        self._trick = trick

    async def _watch(self, request: web.Request, fault: str) -> str:
        link = self._link
        link.require_near(request)
        if fault:
            named = request.headers.get("X-Road-Client", "")
            reason = _FAULTS.get(fault.rpartition(".")[2], "request_malformed" if named else "credential_missing")
            detail = f"{fault}; X-Road-Client: {named[:100] or '-'}; {request.path[:100]}"
            link.note(request.method, "securityServer", status=500, reason=reason, detail=detail)
            return ""
        if not hands_in(request.method, request.path):
            return ""
        digest = hashlib.sha256(await request.read()).hexdigest()
        spoils, self._trick = self._trick == "spoil_hash", ""
        link.note(request.method, "answerSpoiled" if spoils else "handedIn", detail=digest)
        return _SPOILED if spoils else ""

    async def _provide(self, method: str, path: str, headers: dict[str, str], body: bytes) -> web.Response:
        self._server.passed.clear()  # documents are large, and nobody looks at them here
        return await self._link.call(method, path, headers, body)


class Behind:
    """A service that we call."""

    def __init__(self, link: Link, ca_file: str) -> None:
        self._link, self._ca_file, self._trick = link, ca_file, ""
        self._server = _Server(
            provider=self._provide,
            clients=(OURS,),
            service=f"{SYSTEM}/{_SERVICE}",
            wants_certificate=False,
            watch=self._watch,
        )

    @property
    def channel(self) -> tuple[str, dict[str, object]]:
        """Of kind xroad, quick, since a developer waits."""
        return "xroad", {
            "url": self._link.exposure.url(self._link.port),
            "client": OURS,
            "service": self._server.service,
            "anchors_file": self._ca_file,
            "hash_check": "computed",
            "timeout_seconds": 30,
            "poll_seconds": 0.5,
            "poll_seconds_min": 0.3,
        }

    @property
    def access(self) -> dict[str, str]:
        """Who calls it as what, and where."""
        return {"xroad_client": OURS, "xroad_service": self._server.service, "service_url": self._link.target}

    def served(self) -> AbstractAsyncContextManager[None]:
        """The security server."""
        return self._link.serving(self._server)

    def requests(self, entries: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """How it answered, and what came of what it had for us."""
        return self._link.notes + requests_of(entries)

    async def seen(self, view: LedgerView, vendor: str) -> LedgerView:  # noqa: ARG002
        """As it is."""
        return view

    async def play(self, trick: str) -> None:
        """`lose_answer`: the service has the next document, and the gateway does not learn of it.

        `call_unnamed`: a request that no security server has brought.
        """
        if trick == "call_unnamed":
            answer = await self._link.call("GET", "/inbox?kind=document", {}, b"")
            self._link.note("GET", "calledUnnamed", status=answer.status)
        else:
            self._trick = trick

    async def _watch(self, request: web.Request, fault: str) -> str:
        self._link.require_near(request)
        if fault or self._trick != "lose_answer" or not hands_in(request.method, request.path):
            return ""
        self._trick = ""
        self._link.note(request.method, "answerLost", detail=request.headers.get("Idempotency-Key", ""))
        return _LOST

    async def _provide(self, method: str, path: str, headers: dict[str, str], body: bytes) -> web.Response:
        self._server.passed.clear()
        answer = await self._link.call(method, path, headers, body)
        if "X-Road-Error" not in answer.headers:
            content = answer.body if isinstance(answer.body, bytes) else b""
            operation, reason, detail = judge_answer(method, path, answer.status, content)
            key = headers.get("Idempotency-Key", "")
            self._link.note(method, operation, status=answer.status, reason=reason, detail=detail, key=key)
        return answer
