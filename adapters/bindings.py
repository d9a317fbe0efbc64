"""The application of every protocol that peers speak to us beside REST, each below a path of its own.

Without TLS there is one alone, the axis's, whose requests are signed. An X-Road client is believed for the security
server that brings it, and without TLS nothing says that it is one. A path that nobody serves answers 404, in JSON.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from aiohttp import web

from adapters.serving import close_unless_read, expect_continue
from adapters.vxp.endpoint import PATH as VXP_PATH
from adapters.vxp.endpoint import VxpEndpoint
from adapters.vxp.endpoint_calls import Options
from adapters.vxp.endpoint_reply import failed
from adapters.xroad.provider import PATH as XROAD_PATH
from adapters.xroad.provider import XroadProvider
from gateway.broker import Broker, Refusal
from gateway.clock import Clock
from gateway.errors import RefusedError
from gateway.reasons import is_temporary, reason

#: What log and metrics call a path that nobody serves.
_NOWHERE: Final = "bindings.none"


def build_bindings(broker: Broker, clock: Clock, settings: Mapping[str, object]) -> web.Application:
    """All of them. Run it behind a listener with limits of connections and heads, on which it relies."""
    app = web.Application(client_max_size=0)
    certificates = settings["xroad_certificates"]
    assert certificates is None or isinstance(certificates, Path)
    XroadProvider(broker, certificates).add_to(app)
    _add_vxp(app, broker, clock, settings)
    _add_nowhere(app, broker, f"{VXP_PATH} and {XROAD_PATH} are served here")
    return app


def build_plain(broker: Broker, clock: Clock, settings: Mapping[str, object]) -> web.Application:
    """What may be spoken without TLS; behind the same kind of listener."""
    app = web.Application(client_max_size=0)
    _add_vxp(app, broker, clock, settings)
    _add_nowhere(app, broker, f"without TLS only {VXP_PATH} is served")
    return app


def _add_vxp(app: web.Application, broker: Broker, clock: Clock, settings: Mapping[str, object]) -> None:
    window = settings["vxp_window"]
    assert isinstance(window, timedelta)
    VxpEndpoint(broker, clock, Options(window=window)).add_to(app)


def _add_nowhere(app: web.Application, broker: Broker, told: str) -> None:
    """Last, so that it gets what no protocol took."""

    async def handle(request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        with broker.visit() as visit:
            response = answer_unreadable(RefusedError("not_found", told), visit.trace_id)
            close_unless_read(request, response)
            broker.account(
                _NOWHERE,
                method=request.method,
                status=response.status,
                seconds=time.perf_counter() - started,
                address=request.remote or "",
            )
            return response

    app.router.add_route("*", "/{rest:.*}", handle, expect_handler=expect_continue)


def answer_unreadable(error: RefusedError, trace_id: str) -> web.Response:
    """What belongs to no protocol, such as what is no HTTP: JSON that clients of any of them can read."""
    entry = reason(error.code)
    refusal = Refusal(
        code=error.code,
        http=entry.http,
        detail=error.detail,
        vi=entry.vi,
        en=entry.en,
        temporary=is_temporary(error.code),
        retry_after=5,
    )
    response = failed(refusal, trace_id)
    response.set_status(entry.http)
    return response
