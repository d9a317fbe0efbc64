"""The application of every protocol that peers speak to us beside REST, each below a path of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from aiohttp import web

from adapters.vxp.endpoint import VxpEndpoint
from adapters.vxp.endpoint_calls import Options
from adapters.vxp.endpoint_reply import failed
from adapters.xroad.provider import XroadProvider
from gateway.broker import Broker, Refusal
from gateway.clock import Clock
from gateway.errors import RefusedError
from gateway.reasons import is_temporary, reason


def build_bindings(broker: Broker, clock: Clock, settings: Mapping[str, object]) -> web.Application:
    """Run it behind a listener with limits of connections and heads, on which it relies."""
    app = web.Application(client_max_size=0)
    window = settings["vxp_window"]
    assert isinstance(window, timedelta)
    certificates = settings["xroad_certificates"]
    assert certificates is None or isinstance(certificates, Path)
    XroadProvider(broker, certificates).add_to(app)
    VxpEndpoint(broker, clock, Options(window=window)).add_to(app)
    return app


def answer_unreadable(error: RefusedError, trace_id: str) -> web.Response:
    """What is no HTTP names no path: JSON that clients of any of the protocols can read."""
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
