"""The console's aiohttp application: the table of routes behind the gate, and the assets beside it.

Run it with `gateway.api.listener`, whose limits it relies on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from gateway.accounts.provider import Provider
from gateway.console.assets import Assets
from gateway.console.gate import Gate
from gateway.console.live import Live
from gateway.console.outlook import Outlooks
from gateway.console.parts import ConsoleParts
from gateway.console.rendering import set_up
from gateway.console.route import Route
from gateway.console.routes import ROUTES
from gateway.console.server import ConsoleServer
from gateway.lifecycle import Lifecycle
from gateway.ratelimit import RateLimit

#: The largest form without files, in bytes.
MOST_FORM: Final = 1024 * 1024
_MINUTE: Final = 60
#: What strangers of one address ask for: one page a second for every second connection that it may have, and at
#: once what ten seconds let through. Whoever comes by a commune's router, or by a proxy, signs in with three.
_STRANGERS_SECONDS: Final = 10


def build_console(server: ConsoleServer, lifecycle: Lifecycle) -> web.Application:
    """Every page of the table."""
    settings = server.foundation.settings.console
    tries = settings.tries_per_minute
    strangers = max(settings.max_connections_per_address / 2, 1)
    parts = ConsoleParts(
        server=server,
        lifecycle=lifecycle,
        live=Live(server.gateway.feed, lifecycle),
        assets=Assets(),
        tries=RateLimit(tries / _MINUTE, tries),
        strangers=RateLimit(strangers, _STRANGERS_SECONDS * strangers),
        outlooks=Outlooks(server),
        provider=Provider(settings.oidc, server.foundation.settings.storage),
        pages={route.path: route.permission for route in ROUTES if route.method == "GET"},
    )
    handlers = {_unrouted(route): route for route in ROUTES}
    app = web.Application(middlewares=[Gate(parts, handlers).pass_through], client_max_size=MOST_FORM)
    set_up(app)
    app.on_startup.append(lambda _app: parts.conformance.clean_up(server.foundation))
    app.on_cleanup.append(lambda _app: parts.close())
    for handler, route in handlers.items():
        app.router.add_route(route.method, route.path, handler)
    return app


def _unrouted(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A key for aiohttp's router: the gate calls the route's own handler, with a Visit."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        raise AssertionError(f"{route.path} was called past the gate")

    return handler
