"""One route: what registers its handler, checks its parameters and writes its part of the OpenAPI document.

A handler gets a `Call` with everything already checked against the declaration and returns a Response struct
(encoded here), an AcceptedAnswer (sent byte for byte) or, where it streams, a finished aiohttp response. It
raises RefusedError for whatever it will not do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from aiohttp import web

from gateway.api.models import Request, Response
from gateway.api.queries import Query
from gateway.api.service import AcceptedAnswer, Arrival, Authenticator, Gateway, Uploads
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import RefusedError
from gateway.inspection import Inspection
from gateway.lifecycle import Lifecycle
from gateway.message_signatures import Presented
from gateway.model import Caller
from gateway.observe import Metrics
from gateway.outage import Outage
from gateway.shares import Shares
from gateway.storage.bodies import Bodies

PREFIX: Final = "/api/v1"
#: The header field that names what a signature covers (RFC 9421 4.1).
_SIGNED: Final = "Signature-Input"
#: What every authenticated route may answer, beside its own codes.
COMMON: Final = (
    "credential_missing",
    "credential_invalid",
    "credential_revoked",
    "credential_expired",
    "address_not_allowed",
    "rate_limited",
    "server_busy",
    "server_stopping",
    "storage_unavailable",
    "internal_error",
    "request_malformed",
    "parameter_invalid",
)
#: What every route that reads a body may answer.
BODY: Final = (
    "media_type_unsupported",
    "body_too_large",
    "body_cut_off",
    "body_too_slow",
    "digest_mismatch",
)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiParts:
    """What handlers are given by the composition root."""

    gateway: Gateway
    authenticator: Authenticator
    bodies: Bodies
    settings: Settings
    clock: Clock
    metrics: Metrics
    lifecycle: Lifecycle
    uploads: Uploads
    shares: Shares
    inspection: Inspection = field(default_factory=Inspection)
    #: What is announced to systems now.
    outages: Callable[[datetime], Sequence[Outage]] = lambda _now: ()


@dataclass(kw_only=True, slots=True)
class Call:
    """One request, checked."""

    request: web.Request
    route: Route
    parts: ApiParts
    #: When it arrived.
    at: datetime
    trace_id: str
    _caller: Caller | None
    path: Query | None
    query: Query | None
    body: Request | None
    #: The bytes of a JSON body.
    raw: bytes | None = None

    @property
    def caller(self) -> Caller:
        """Who asks; only `/enrol` has nobody."""
        if self._caller is None:
            raise RefusedError("credential_missing")
        return self._caller

    @property
    def gateway(self) -> Gateway:
        """The facade."""
        return self.parts.gateway

    def arrival(self, idempotency_key: str | None = None) -> Arrival:
        """The circumstances, for the acts that record them."""
        return Arrival(
            caller=self.caller,
            at=self.at,
            trace_id=self.trace_id,
            idempotency_key=idempotency_key,
            request=self.presented(),
        )

    def presented(self) -> Presented | None:
        """The request with its signatures; None where it has none."""
        request = self.request
        if _SIGNED not in request.headers:
            return None
        fields: dict[str, str] = {}
        for name, value in request.headers.items():
            key = name.lower()
            fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
        uri = f"{request.scheme}://{request.host}{request.raw_path}"
        return Presented(method=request.method, target_uri=uri, fields=fields, body=self.raw)


Answer: TypeAlias = "Response | AcceptedAnswer | web.StreamResponse"
Handler: TypeAlias = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """A request header that a route reads."""

    name: str
    description: str
    schema: dict[str, object]
    example: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The declaration."""

    method: Literal["GET", "POST", "HEAD", "PATCH", "DELETE", "OPTIONS"]
    #: Below PREFIX.
    path: str
    #: operationId, and the route's name in logs and metrics.
    name: str
    summary: str
    tag: str
    handler: Handler
    path_type: type[Query] | None = None
    query_type: type[Query] | None = None
    headers: tuple[Header, ...] = ()
    #: JSON body.
    request: type[Request] | None = None
    #: Media types of a body that the handler reads itself.
    raw: tuple[str, ...] = ()
    #: Struct of the `metadata` part, where multipart is taken too.
    multipart: type[Request] | None = None
    status: int = 200
    #: JSON answer; None where `produces` says otherwise.
    response: type[Response] | None = None
    produces: tuple[str, ...] = ("application/json",)
    #: Further statuses that are no problems, such as 206 and 304.
    also: tuple[tuple[int, str], ...] = ()
    #: Reason codes of its own.
    problems: tuple[str, ...] = ()
    authenticated: bool = True
    #: Where it lies: of another place than REST v1, which anybody may fetch from without a credential.
    prefix: str = PREFIX
    #: For aiohttp, where the last part of the path has slashes of its own.
    pattern: str = ""
    #: Whether it is work for others or for the disk, of which an agency has a share of its own.
    hands_in: bool = False
    description: str = ""
    decoder: msgspec.json.Decoder[Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Build the decoder once."""
        if self.request is not None:
            object.__setattr__(self, "decoder", msgspec.json.Decoder(self.request))

    @property
    def codes(self) -> tuple[str, ...]:
        """Every reason code it may answer with."""
        own = self.problems + (("not_found",) if self.path_type else ())
        if self.request or self.raw:
            own += BODY
        return tuple(dict.fromkeys(own + COMMON))


def checked(value: object, kind: type[T]) -> T:
    """`value` as `kind`, which the declaration promises."""
    assert isinstance(value, kind)
    return value
