"""The aiohttp applications: REST v1 for agencies, and the operations listener.

`build_app` registers the route table behind the gate and makes the OpenAPI document and its page from the
same table. `build_operations_app` serves /healthz (the process answers), /readyz (it can accept documents;
JSON details, 200 or 503) and /metrics; it knows no caller, so it belongs on loopback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.api.events import HEARTBEAT, EventStreams
from gateway.api.gate import Gate
from gateway.api.headers import SECURITY
from gateway.api.lists import Described
from gateway.api.openapi import build_document, encode_document
from gateway.api.page import POLICY, render_page
from gateway.api.route import ApiParts, Route
from gateway.api.service import ReadinessProbe
from gateway.api.table import routes
from gateway.lifecycle import Lifecycle
from gateway.observe import Metrics

#: The table that an application was built from.
ROUTES: web.AppKey[tuple[Route, ...]] = web.AppKey("routes")


def route_table(public_url: str, heartbeat: float = HEARTBEAT) -> tuple[Route, ...]:
    """The table, with its own description as two of its routes."""
    return routes(EventStreams(heartbeat), _described(public_url))


@cache
def _described(public_url: str) -> Described:
    document = build_document(routes(EventStreams(HEARTBEAT), Described(b"", b"", "")), public_url)
    return Described(encode_document(document), render_page(document), POLICY)


def build_app(parts: ApiParts, *, heartbeat: float = HEARTBEAT) -> web.Application:
    """REST v1; run it with `gateway.api.listener`, whose limits it relies on."""
    table = route_table(parts.settings.server.public_url, heartbeat)
    handlers = {_unrouted(route): route for route in table}
    app = web.Application(middlewares=[Gate(parts, handlers).pass_through])
    app[ROUTES] = table
    for handler, route in handlers.items():
        app.router.add_route(
            route.method,
            route.prefix + (route.pattern or route.path),
            handler,
            name=route.name,
            expect_handler=_expect_continue,
        )
    return app


def build_operations_app(
    probe: ReadinessProbe,
    metrics: Metrics,
    lifecycle: Lifecycle,
    *,
    refresh: Callable[[], Awaitable[None]] | None = None,
) -> web.Application:
    """`refresh` is awaited before metrics are shown, to set the gauges that nobody sets in passing."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n", headers=SECURITY)

    async def readyz(_request: web.Request) -> web.Response:
        found = await probe.readiness()
        ready = found.ready and not lifecycle.stopping.is_set()
        details = {"ready": ready, "stopping": lifecycle.stopping.is_set(), "details": found.details}
        return web.Response(
            body=msgspec.json.encode(details),
            status=200 if ready else 503,
            headers=SECURITY,
            content_type="application/json",
        )

    async def show_metrics(_request: web.Request) -> web.Response:
        if refresh is not None:
            await refresh()
        headers = {**SECURITY, "Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=metrics.render(), headers=headers)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    return app


def _unrouted(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A key for aiohttp's router: the gate calls the route's own handler, with a Call."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        raise AssertionError(f"{route.name} was called past the gate")

    return handler


async def _expect_continue(request: web.Request) -> None:
    """100 for every Expect, as RFC 9110 10.1.1 allows: what is wrong with the request, the gate says."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # nothing of the answer has left by that: an error can still be told
        request.writer.output_size = 0
