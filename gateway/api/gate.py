"""What happens to every request, in this order; one middleware, so that a request pays for it once.

1. trace id (W3C traceparent, else a new one), bound to every log line and answered as `Trace-Id`
2. no such route or method; draining
3. who asks (client certificate or bearer token, checked now), how fast, how much at once
4. path, query and JSON body against the route's declaration
5. the handler; its struct becomes JSON
6. whatever was raised becomes problem+json; an unknown exception is logged with its traceback and shown as
   `internal_error`. Once bytes of an answer have left, an error can only break the connection off.
7. one log line, metrics, and a place in the connection inspector

It does NOT retry, and it never writes a credential or a body into a log.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler as AiohttpHandler
from prometheus_client import Counter, Histogram

from gateway.api import connection
from gateway.api.callers import authenticate
from gateway.api.headers import SECURITY, trace_id_of
from gateway.api.intake import media_type, read_small
from gateway.api.parameters import read_json, read_path, read_query
from gateway.api.problems import problem_response
from gateway.api.route import PREFIX, ApiParts, Call, Route
from gateway.api.service import AcceptedAnswer
from gateway.errors import RefusedError, StorageError
from gateway.failpoints import failpoint, failpoint_soon
from gateway.model import Caller
from gateway.outage import HEADER, header_of
from gateway.parsing.pool import LARGE_BYTES
from gateway.ratelimit import site_of
from gateway.refusals import refusal_of

_NO_ROUTE: Final = "none"
_INTERNAL: Final = 500
_TOO_FAST: Final = 429
#: Whoever asks too fast waits so long for being told, in seconds: a client that does not heed `Retry-After` is
#: slowed to an answer a second on each of its connections, instead of being refused a thousand times in it. Drawn,
#: so that its connections do not come back all at once.
_HELD_BACK: Final = (0.5, 1.5)
#: What the log says of a client that left before its answer, as nginx does.
_GONE: Final = 499

#: A trace id needs to be unique, not secret; the system's generator costs twenty times as much.
_draw: Final = random.Random()  # noqa: S311


class Gate:
    """The middleware of one application."""

    def __init__(
        self, parts: ApiParts, routes: Mapping[Callable[..., Awaitable[web.StreamResponse]], Route]
    ) -> None:
        self._parts = parts
        self._routes = routes
        self._encoder = msgspec.json.Encoder()
        # bound once: the lazy proxy would build a logger for every line
        self._log: Any = structlog.get_logger("gateway.api").bind()
        self._counted: dict[tuple[str, int], Counter] = {}
        self._timed: dict[str, Histogram] = {}
        self._shares = parts.shares

    @web.middleware
    async def pass_through(self, request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
        """The seven steps."""
        started = time.perf_counter()
        trace_id = trace_id_of(request.headers.get("traceparent")) or f"{_draw.getrandbits(128):032x}"
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        route = self._routes.get(handler)
        name = _NO_ROUTE if route is None else route.name
        status, replayed = _GONE, False
        self._parts.lifecycle.begin()
        try:
            response = await self._answer(request, route, handler, trace_id)
            status, replayed = response.status, "Idempotency-Replayed" in response.headers
            return response
        finally:
            self._parts.lifecycle.end()
            seconds = time.perf_counter() - started
            self._account(request, name, status, seconds)
            answered = (status, replayed)
            connection.note(
                self._parts, request, operation=name, answered=answered, seconds=seconds, trace_id=trace_id
            )

    async def _answer(
        self, request: web.Request, route: Route | None, handler: AiohttpHandler, trace_id: str
    ) -> web.StreamResponse:
        try:
            if route is None:
                await _refuse_unrouted(request, handler)
            assert route is not None
            response = await self._serve(request, route, trace_id)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of a request: recorded, answered, and on
            response = self._refuse(request, error, trace_id)
            if response.status == _TOO_FAST:
                await self._parts.lifecycle.stopped_within(_draw.uniform(*_HELD_BACK))
        if not response.prepared:
            response.headers["Trace-Id"] = trace_id
            outages = self._parts.outages(self._parts.clock.now()) if connection.CALLER in request else ()
            if outages:  # strangers learn no names of channels
                response.headers[HEADER] = header_of(outages)
            if self._parts.lifecycle.stopping.is_set():
                response.force_close()
        return response

    async def _serve(self, request: web.Request, route: Route, trace_id: str) -> web.StreamResponse:
        parts = self._parts
        if parts.lifecycle.stopping.is_set():
            raise RefusedError("server_stopping")
        call = Call(
            request=request,
            route=route,
            parts=parts,
            at=parts.clock.now(),
            trace_id=trace_id,
            _caller=await self._caller(request, route),
            path=None,
            query=None,
            body=None,
        )
        with self._place(call):
            await self._check(call)
            answer = await route.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if isinstance(answer, AcceptedAnswer):
            # one was paid at the door, when nobody knew how many there would be
            self._shares.handed_in.charge(call.caller.agency_id, answer.deliveries - 1, parts.clock.monotonic())
            response = _Accepted(
                body=answer.body, status=answer.status, headers=SECURITY, content_type="application/json"
            )
            if answer.replayed:
                response.headers["Idempotency-Replayed"] = "true"
            return response
        body = self._encoder.encode(answer)
        return web.Response(body=body, status=route.status, headers=SECURITY, content_type="application/json")

    async def _caller(self, request: web.Request, route: Route) -> Caller | None:
        clock, site = self._parts.clock, site_of(request.remote or "")
        if not route.authenticated:
            share = self._shares.log_files if route.prefix != PREFIX else self._shares.enrolments
            share.take(site, clock.monotonic())
            return None
        # paid before it is known who asks, so that many at once cannot all ask for nothing
        self._shares.strangers.take(site, clock.monotonic())
        try:
            caller = await authenticate(self._parts, request)
        except StorageError:  # nobody's fault but ours
            self._shares.strangers.give_back(site)
            raise
        request[connection.CALLER] = caller
        self._shares.strangers.give_back(site)
        self._shares.requests.take(caller.agency_id, clock.monotonic())
        if route.hands_in:
            self._shares.handed_in.take(caller.agency_id, clock.monotonic())
        return caller

    @contextmanager
    def _place(self, call: Call) -> Iterator[None]:
        """One of the agency's places; a large body takes one of its few places for such, too."""
        if not call.route.authenticated:
            yield
            return
        agency, size = call.caller.agency_id, call.request.content_length
        with ExitStack() as stack:
            stack.enter_context(self._shares.under_way.one(agency))
            if call.route.raw and (size is None or size > LARGE_BYTES):
                stack.enter_context(self._shares.uploads.one(agency))
            yield

    async def _check(self, call: Call) -> None:
        route, request = call.route, call.request
        if route.path_type is not None:
            call.path = read_path(route.path_type, request.match_info)
        # `yarl` parses the query string only when it is asked for
        if route.query_type is not None or request.query_string:
            call.query = read_query(route.query_type, request.query)
        if route.decoder is not None:
            media_type(call)
            call.raw = await read_small(call)
            call.body = read_json(route.decoder, call.raw)

    def _refuse(self, request: web.Request, error: Exception, trace_id: str) -> web.StreamResponse:
        refusal = request[connection.REFUSAL] = refusal_of(error)
        if refusal.code == "internal_error":
            self._log.error("request.failed", path=request.path, exc_info=error)
        elif not isinstance(error, RefusedError):
            self._log.warning("request.failed", path=request.path, code=refusal.code, error=str(error))
        if request.writer.output_size and request.transport is not None:
            request.transport.abort()
            raise ConnectionResetError("the answer broke off") from error
        response = problem_response(refusal, trace_id)
        if refusal.code in _UNREAD:
            response.force_close()
        return response

    def _account(self, request: web.Request, name: str, status: int, seconds: float) -> None:
        metrics = self._parts.metrics
        if (name, status) not in self._counted:
            self._counted[name, status] = metrics.requests.labels(name, status)
            self._timed[name] = metrics.request_seconds.labels(name)
        self._counted[name, status].inc()
        self._timed[name].observe(seconds)
        write = self._log.warning if status >= _INTERNAL else self._log.info
        write(
            "request.answered",
            route=name,
            method=request.method,
            status=status,
            ms=round(seconds * 1000, 1),
            address=request.remote,
        )


class _Accepted(web.Response):
    """The 202, with a point on either side of its leaving."""

    async def write_eof(self, data: bytes = b"") -> None:
        failpoint("reply.before")
        await super().write_eof(data)
        failpoint_soon("reply.after")


#: Refusals that leave a body unread: a connection with the rest of it in the way is not used again.
_UNREAD: Final = frozenset({"body_too_large", "body_too_slow", "body_cut_off", "media_type_unsupported"})


async def _refuse_unrouted(request: web.Request, handler: AiohttpHandler) -> None:
    try:
        await handler(request)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        raise RefusedError("method_not_allowed", f"{allowed} only", headers={"Allow": allowed}) from error
    except web.HTTPException as error:
        raise RefusedError("not_found") from error
