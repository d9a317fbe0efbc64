"""The development authority over HTTP [RFC 3161 3.4], and what it was ordered to do wrong.

    POST /         a TimeStampReq, application/timestamp-query; the answer is application/timestamp-reply
    GET /state     counts and standing orders, JSON
    POST /orders   {"kind": …, "calls": N, "seconds": S}: for the next N requests (0: until further notice)
    DELETE /orders takes all orders back

Kinds are those of `issuing.Flaw`, and: down (cut without an answer), slow (answers after S seconds), busy (503),
page (a proxy's page), garbage (bytes that are no answer), expired (by a certificate that has expired), clock (a
time that is S seconds off). Nobody is asked who he is: it is for development, on loopback.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Final

import msgspec
from aiohttp import web

from gateway.clock import Clock
from gateway.simulate.tsa.issuing import Flaw, Stamper, make_reply

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
#: What is wrong with the server rather than with its answer.
SERVICE_KINDS: Final = ("down", "slow", "busy", "page", "garbage", "expired", "clock")
KINDS: Final = (*SERVICE_KINDS, *(each.value for each in Flaw if each))
_MOST_BYTES: Final = 64 * 1024
_SERIAL_BITS: Final = 120


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something to do wrong."""

    kind: str
    #: How many requests it holds for; 0: no limit.
    calls: int = 0
    #: For slow and clock.
    seconds: float = 0.0


class Authority:
    """The server and what it did."""

    def __init__(self, stamper: Stamper, expired: Stamper, clock: Clock) -> None:
        self._stamper, self._expired, self._clock = stamper, expired, clock
        self._orders: list[Order] = []
        self._asked = self._stamped = 0

    def application(self) -> web.Application:
        """To be served."""
        application = web.Application(client_max_size=_MOST_BYTES)
        application.router.add_post("/", self._stamp)
        application.router.add_get("/state", self._state)
        application.router.add_post("/orders", self._order)
        application.router.add_delete("/orders", self._calm)
        return application

    def order(self, order: Order) -> None:
        """It holds from now on; ValueError for an unknown kind."""
        if order.kind not in KINDS:
            raise ValueError(f"unknown kind {order.kind}; known: {', '.join(KINDS)}")
        self._orders.append(order)

    async def _stamp(self, request: web.Request) -> web.StreamResponse:
        self._asked += 1
        if request.content_type != QUERY:
            raise web.HTTPUnsupportedMediaType(text=f"send {QUERY}")
        body, order = await request.read(), self._next()
        kind = order.kind if order is not None else ""
        if kind == "down":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if kind == "busy":
            raise web.HTTPServiceUnavailable(text="busy")
        if kind == "page":
            return web.Response(status=200, text="<html>please log in</html>", content_type="text/html")
        if kind == "garbage":
            return web.Response(body=secrets.token_bytes(900), content_type=REPLY)
        if kind == "slow" and order is not None:
            await asyncio.sleep(order.seconds)
        return web.Response(body=self._answer(body, order), content_type=REPLY)

    def _answer(self, body: bytes, order: Order | None) -> bytes:
        kind = order.kind if order is not None else ""
        now = self._clock.now()
        if order is not None and kind == "clock":
            now += timedelta(seconds=order.seconds)
        stamper = self._expired if kind == "expired" else self._stamper
        flaw = Flaw(kind) if kind and kind not in SERVICE_KINDS else Flaw.NONE
        try:
            answer = make_reply(body, stamper, now=now, serial=secrets.randbits(_SERIAL_BITS), flaw=flaw)
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(text=f"no TimeStampReq: {error}") from error
        self._stamped += 1
        return answer

    def _next(self) -> Order | None:
        if not self._orders:
            return None
        order = self._orders[0]
        if order.calls:
            order.calls -= 1
            if not order.calls:
                self._orders.pop(0)
        return order

    async def _state(self, _request: web.Request) -> web.Response:
        told = {"asked": self._asked, "stamped": self._stamped, "orders": self._orders}
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _order(self, request: web.Request) -> web.Response:
        try:
            self.order(msgspec.json.decode(await request.read(), type=Order))
        except (msgspec.MsgspecError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return await self._state(request)

    async def _calm(self, request: web.Request) -> web.Response:
        self._orders.clear()
        return await self._state(request)
