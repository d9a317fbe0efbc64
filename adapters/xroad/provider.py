"""A service behind our own security server: members of X-Road send to us and fetch from us by its REST protocol.

The security server calls us below /xroad, with the consumer in `X-Road-Client` [PR-REST 4.3];
which agency that is, an operator has said (`gateway agencies token CODE --binding xroad`). The server has proved
who calls, and nobody else can: a request counts only from the networks recorded with the client, which are the
security server's, and, where `xroad_certificates` is set, only with one of its certificates.

The operations are in `provider_calls`, and described for the server's import in `provider_openapi`. Errors are JSON
with X-Road's `type`, `message`, `detail`, and with `code`, a reason of ours. `X-Road-Error` is never set: it says
that a *security server* failed, and one of ours would be taken for that.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.serving import HEADERS, break_off_if_begun, close_unless_read, expect_continue
from adapters.xroad.provider_calls import OPERATIONS, Call, Operation
from adapters.xroad.provider_openapi import DOCUMENT
from gateway.broker import Broker, Claim, Refusal, Visit
from gateway.errors import RefusedError
from gateway.inspection import Exchange
from gateway.model import Caller

BINDING: Final = "xroad"
PATH: Final = "/xroad"
#: Parts of a client's name: with a subsystem, or the member itself.
_PARTS: Final = (3, 4)
_PART: Final = re.compile(r"[A-Za-z0-9'()+,\-.=?_]{1,60}")
_GONE: Final = 499
_WAITING: Final = frozenset({429, 503})
#: What was learnt of a request, for the connection inspector.
_CLAIM: Final = web.RequestKey("claim", Claim)
_CALLER: Final = web.RequestKey("caller", Caller)


def _exchange(
    request: web.Request, response: web.StreamResponse, told: str, visit: Visit, refusal: Refusal | None
) -> Exchange:
    caller = request.get(_CALLER)
    tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
    return Exchange(
        at=visit.at,
        binding=BINDING,
        credential=caller.credential_id if caller else refusal.credential if refusal else "",
        system_id=request[_CLAIM].system_id,
        method=request.method,
        operation=told.removeprefix("xroad."),
        path=request.path,
        status=response.status,
        replayed="Idempotency-Replayed" in response.headers,
        reason=refusal.code if refusal is not None else "",
        detail=refusal.detail if refusal is not None else "",
        trace_id=visit.trace_id,
        address=request.remote or "",
        tls_version=(tls.version() or "") if tls is not None else "",
        body_size=request.content_length,
    )


class XroadProvider:
    """The handlers."""

    def __init__(self, broker: Broker, certificates: Path | None) -> None:
        self._broker = broker
        #: Of the security servers; None: any, or none.
        self._certificates = _digests(certificates) if certificates else None

    def add_to(self, app: web.Application) -> None:
        """Serve below PATH."""
        app.router.add_get(f"{PATH}/openapi.json", _describe)
        for operation in OPERATIONS:
            app.router.add_route(
                operation.method,
                PATH + operation.path,
                self._handler(operation),
                expect_handler=expect_continue,
            )
        app.router.add_route("*", PATH + "/{rest:.*}", self._handler(None), expect_handler=expect_continue)

    def _handler(self, operation: Operation | None) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            started, status = time.perf_counter(), _GONE
            told = f"xroad.{operation.name}" if operation else "xroad.none"
            with self._broker.visit() as visit:
                try:
                    response = await self._answer(request, operation, told, visit)
                    status = response.status
                    return response
                finally:
                    self._broker.account(
                        told,
                        method=request.method,
                        status=status,
                        seconds=time.perf_counter() - started,
                        address=request.remote or "",
                    )

        return handle

    async def _answer(
        self, request: web.Request, operation: Operation | None, told: str, visit: Visit
    ) -> web.StreamResponse:
        refusal = None
        try:
            if operation is None:
                raise RefusedError("not_found", "there is no such operation")  # noqa: TRY301 - told like the others
            response = await self._serve(request, operation, visit)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  # the boundary: whatever it is becomes a refusal
            refusal = await self._broker.refuse(error, told)
            break_off_if_begun(request, error)
            response = _failed(refusal, visit.trace_id)
            close_unless_read(request, response)
        claim = request.get(_CLAIM)
        if _CALLER in request and not response.prepared:
            response.headers.update(self._broker.notices())
        if claim is not None:
            exchange = _exchange(request, response, told, visit, refusal)
            await self._broker.inspected(request.get(_CALLER), claim, exchange)
        return response

    async def _serve(self, request: web.Request, operation: Operation, visit: Visit) -> web.StreamResponse:
        self._require_server(request)
        claim = request[_CLAIM] = Claim(
            binding=BINDING,
            system_id=_client_of(request.headers.getall("X-Road-Client", ())),
            address=request.remote or "",
            # the security server has proved it; a client of ours has no secret to try
            proves=_has_none,
            hands_in=operation.hands_in,
        )
        caller = request[_CALLER] = await self._broker.admit(claim)
        size = request.content_length if request.body_exists else 0
        with self._broker.place(caller, size):
            return await operation.run(Call(request=request, caller=caller, visit=visit, broker=self._broker))

    def _require_server(self, request: web.Request) -> None:
        if self._certificates is None:
            return
        tls = request.transport.get_extra_info("ssl_object") if request.transport is not None else None
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        if der is None:
            raise RefusedError("credential_missing", "a certificate of the security server is needed")
        if hashlib.sha256(der).digest() not in self._certificates:
            raise RefusedError("credential_invalid", "this is no certificate of the security server")


def _has_none(secret: bytes) -> bool:
    return not secret


def _client_of(headers: Sequence[str]) -> str:
    """`instance/class/member[/subsystem]`, its parts decoded; one header, and no other form."""
    if not headers:
        raise RefusedError("credential_missing", "X-Road-Client")
    parts = [unquote(part) for part in headers[0].strip().split("/")]
    if len(headers) > 1 or len(parts) not in _PARTS or not all(map(_PART.fullmatch, parts)):
        raise RefusedError("credential_invalid", "X-Road-Client is instance/class/member/subsystem, once")
    return "/".join(parts)


def _digests(certificates: Path) -> frozenset[bytes]:
    """Of every certificate of a PEM file."""
    end = "-----END CERTIFICATE-----"
    pems = certificates.read_text("ascii").split(end)[:-1]
    return frozenset(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip() + end)).digest() for pem in pems)


def _failed(refusal: Refusal, trace_id: str) -> web.Response:
    side = "Server" if refusal.temporary or refusal.http >= 500 else "Client"  # noqa: PLR2004
    body = {
        "type": f"{side}.Gateway.{refusal.code}",
        "message": refusal.en,
        "detail": refusal.detail,
        "title": refusal.en,
        "status": refusal.http,
        "code": refusal.code,
        "message_vi": refusal.vi,
        "trace_id": trace_id,
    }
    headers = HEADERS | {"Trace-Id": trace_id}
    if refusal.http in _WAITING:
        headers["Retry-After"] = str(refusal.retry_after)
    return web.Response(
        status=refusal.http, body=msgspec.json.encode(body), headers=headers, content_type="application/json"
    )


async def _describe(_request: web.Request) -> web.Response:
    """For whoever imports it: it holds nothing of anybody."""
    return web.Response(body=DOCUMENT, headers=HEADERS, content_type="application/json")
