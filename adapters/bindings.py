"""The application of every protocol that peers speak to us beside REST, each below a path of its own.

Without TLS there is one alone, the axis's, whose requests are signed. An X-Road client is believed for the security
server that brings it, and without TLS nothing says that it is one. A path that nobody serves answers 404, in JSON.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from aiohttp import web

from adapters.serving import close_unless_read, expect_continue
from adapters.vxp.endpoint import BINDING as VXP
from adapters.vxp.endpoint import PATH as VXP_PATH
from adapters.vxp.endpoint import VxpEndpoint
from adapters.vxp.endpoint_calls import Options
from adapters.vxp.endpoint_reply import failed
from adapters.xroad.provider import BINDING as XROAD
from adapters.xroad.provider import PATH as XROAD_PATH
from adapters.xroad.provider import XroadProvider
from gateway.broker import Broker, Refusal
from gateway.clock import Clock
from gateway.errors import RefusedError
from gateway.ports import Served
from gateway.reasons import is_temporary, reason

#: Name -> what operators are told of it.
SERVED: Final = {VXP: Served(path=VXP_PATH), XROAD: Served(path=XROAD_PATH, is_vouched=True)}
#: What log and metrics call a path that nobody serves.
_NOWHERE: Final = "bindings.none"


@dataclass(frozen=True, kw_only=True, slots=True)
class BindingOptions:
    """What operators set for one of them alone: keys of `[bindings]`, each of the form PROTOCOL_NAME."""

    xroad_certificates: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file with the certificates of our X-Road security servers; "
            "empty: their addresses alone count",
            "vi": "tệp PEM chứa chứng thư các máy chủ bảo mật X-Road của mình; để trống: chỉ xét địa chỉ của chúng",
        },
    )
    vxp_window: timedelta = field(
        default=timedelta(hours=24),
        metadata={
            "doc": "how far a time of signing may be from ours; "
            "the SDK signs with its object's, so make that daily; 0s: any",
            "vi": "giờ ký được lệch với giờ ở đây bao nhiêu; "
            "SDK ký bằng giờ tạo đối tượng, nên hãy tạo mới hằng ngày; 0s: tùy ý",
        },
    )

    @property
    def peer_certificates(self) -> Path | None:
        """PEM file of the certificates that the listener asks peers for; None: it asks for none."""
        return self.xroad_certificates


def build_bindings(broker: Broker, clock: Clock, options: BindingOptions) -> web.Application:
    """All of them. Run it behind a listener with limits of connections and heads, on which it relies."""
    app = web.Application(client_max_size=0)
    XroadProvider(broker, options.xroad_certificates).add_to(app)
    _add_vxp(app, broker, clock, options)
    _add_nowhere(app, broker, f"{VXP_PATH} and {XROAD_PATH} are served here")
    return app


def build_plain(broker: Broker, clock: Clock, options: BindingOptions) -> web.Application:
    """What may be spoken without TLS; behind the same kind of listener."""
    app = web.Application(client_max_size=0)
    _add_vxp(app, broker, clock, options)
    _add_nowhere(app, broker, f"without TLS only {VXP_PATH} is served")
    return app


def _add_vxp(app: web.Application, broker: Broker, clock: Clock, options: BindingOptions) -> None:
    VxpEndpoint(broker, clock, Options(window=options.vxp_window)).add_to(app)


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
