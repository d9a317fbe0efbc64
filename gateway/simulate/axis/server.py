"""The axis on HTTP: takes a call, misbehaves as ordered, answers in the shape that clients read.

    {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong", …}      HTTP 200, FAIL alike

A call goes: orders of this operation and system, wait, cut or a page in its place; else signature, operation (which
commits), journal; then what is ordered to befall the answer. Words are unaccented ASCII. Header lines may have
`signing.HEADER_BYTES_MAX` bytes, where HTTP servers usually stop at 8 KB: a thousand recipients need 40.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.clock import rfc3339
from gateway.simulate.axis.faults import FaultKind, Faults, Standing, is_meant
from gateway.simulate.axis.journal import Called
from gateway.simulate.axis.operations import OPERATIONS, Asked, Axis, Operation
from gateway.simulate.axis.signing import (
    HEADER_BYTES_MAX,
    PREFIX,
    Call,
    FailedError,
    claimed_system,
    judge,
    one,
)

_PAGE = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
)
_ENVELOPE: Final = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong"}
_JSON = "application/json"
_SHOWN = 200
#: How long calls under way may take when the process is told to end; a slow one is cut.
_SHUTDOWN_SECONDS = 2.0

Ordered = Mapping[FaultKind, Standing]


class Server:
    """The listener."""

    def __init__(self, *, axis: Axis, faults: Faults, secret_of: Callable[[str], bytes | None]) -> None:
        self._axis = axis
        self._faults = faults
        self._secret_of = secret_of
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Listen; the port."""
        application = web.Application(client_max_size=self._axis.habits.body_bytes_max)
        for name, operation in OPERATIONS.items():
            application.router.add_route(operation.method, f"/{name}", self._serve)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=context).start()
        found: int = self._runner.addresses[0][1]
        return found

    async def close(self) -> None:
        """Let the calls under way end."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.path.strip("/")
        system_id = claimed_system(request.headers)
        ordered = self._faults.take(name, system_id, now=self._axis.clock.monotonic())
        slow = ordered.get(FaultKind.SLOW)
        if slow is not None and is_meant(slow, one(request.headers, f"{PREFIX}docId")):
            await asyncio.sleep(slow.order.delay)
        if FaultKind.CUT_BEFORE in ordered:
            self._note(request, name, system_id, ordered, "cut")
            return _cut(request)
        body = await request.read()
        page = _page(ordered)
        if page is not None:
            self._note(request, name, system_id, ordered, "page")
            return page
        try:
            answer = await self._run(OPERATIONS[name], request, body, ordered)
        except FailedError as error:
            self._note(request, name, system_id, ordered, "FAIL", error)
            answer = {"status": "FAIL", "ErrorCode": error.code, "ErrorDesc": error.words}
        else:
            self._note(request, name, system_id, ordered, "OK")
        return await _told(request, answer, ordered, self._date(ordered))

    async def _run(
        self, operation: Operation, request: web.Request, body: bytes, ordered: Ordered
    ) -> dict[str, Any] | bytes:
        if (failing := ordered.get(FaultKind.FAIL)) is not None:
            raise FailedError(failing.order.code, failing.order.words)
        call = self._judge(request, ordered)
        if self._axis.habits.needs_length and request.method == "POST" and request.content_length is None:
            raise FailedError("20", "Unexpected end of Stream")
        if FaultKind.EMPTY in ordered and operation.empty is not None:
            return {**_ENVELOPE, **operation.empty}
        answer = await operation.run(Asked(axis=self._axis, call=call, body=body, ordered=ordered))
        return answer if isinstance(answer, bytes) else {**_ENVELOPE, **answer}

    def _judge(self, request: web.Request, ordered: Ordered) -> Call:
        hours = self._axis.habits.window_hours
        call = judge(
            request.headers,
            self._secret_of,
            now=self._axis.clock.now() + _offset(ordered),
            window=timedelta(hours=hours) if hours else None,
        )
        if FaultKind.HMAC in ordered:
            raise FailedError("15", "Sai hash-header")
        return call

    def _date(self, ordered: Ordered) -> dict[str, str]:
        if FaultKind.CLOCK_SKEW not in ordered:
            return {}
        return {"Date": format_datetime(self._axis.clock.now() + _offset(ordered), usegmt=True)}

    def _note(
        self,
        request: web.Request,
        operation: str,
        system_id: str,
        ordered: Ordered,
        outcome: str,
        error: FailedError | None = None,
    ) -> None:
        self._axis.journal.write(
            Called(
                at=rfc3339(self._axis.clock.now()),
                operation=operation,
                method=request.method,
                system=_plain(system_id),
                agent=_plain(request.headers.get("User-Agent", "")),
                doc=_plain(one(request.headers, f"{PREFIX}docId")),
                outcome=outcome,
                code=error.code if error else "",
                words=error.words if error else "",
                faults=tuple(ordered),
            )
        )


def _page(ordered: Ordered) -> web.Response | None:
    if (html := ordered.get(FaultKind.HTML)) is not None:
        return web.Response(text=_PAGE, content_type="text/html", status=html.order.http_status)
    if FaultKind.NOT_JSON in ordered:
        return web.Response(text="OK", content_type="text/plain")
    return None


async def _told(
    request: web.Request, answer: dict[str, Any] | bytes, ordered: Ordered, headers: Mapping[str, str]
) -> web.StreamResponse:
    bare = isinstance(answer, bytes)
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    if FaultKind.CUT_AFTER in ordered:
        return _cut(request)
    kind = "application/octet-stream" if bare else _JSON
    if FaultKind.TRUNCATED in ordered:
        body = body[: len(body) // 2]
    if FaultKind.CUT_BODY not in ordered:
        return web.Response(body=body, content_type=kind, headers=headers)
    response = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": kind})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _cut(request)
    return response


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _offset(ordered: Ordered) -> timedelta:
    skew = ordered.get(FaultKind.CLOCK_SKEW)
    return timedelta(seconds=skew.order.offset if skew else 0.0)


def _plain(text: str) -> str:
    """Foreign header bytes as text that JSON can carry."""
    return text[:_SHOWN].encode("utf-8", "replace").decode("utf-8", "replace")
