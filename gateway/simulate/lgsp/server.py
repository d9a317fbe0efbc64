"""The facade's HTTP: login, send, list, get, update, agencies, each behind its token, its headers and its orders.

Every call but the login wants a bearer token; without one the answer is 401 with the text `licenseInfo:invalid`,
as seen at a real facade. All but the agencies want `X-SystemId` and `X-SecretKey` too, else code 15. What was
asked is done and synced before anything is answered, so an order to cut the connection cuts off an answer and
nothing else.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
from aiohttp import web

from gateway.clock import Clock
from gateway.simulate.lgsp.desk import Desk, FailedError
from gateway.simulate.lgsp.faults import Faults, Operation, Order
from gateway.simulate.lgsp.settings import Account, FacadeSettings
from gateway.simulate.lgsp.tokens import Tokens

#: What may come around a document in its form.
_FORM_BYTES = 65_536
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

#: What a call comes to: JSON of success.
_Act = Callable[[web.Request, Account], Awaitable[dict[str, object]]]


class _Login(msgspec.Struct, rename="camel"):
    username: str
    password: str
    application_code: str | None = None


class FacadeServer:
    """The handlers."""

    def __init__(self, settings: FacadeSettings, folder: Path, desk: Desk, clock: Clock) -> None:
        self._settings, self._folder, self._desk = settings, folder, desk
        self._accounts = {account.username: account for account in settings.accounts}
        self._tokens = Tokens(clock, settings.token_seconds, settings.clock_ahead_seconds)
        self._faults = Faults(folder / "faults.json")

    def application(self) -> web.Application:
        """To be served."""
        application = web.Application(client_max_size=self._settings.max_bytes + _FORM_BYTES)
        router = application.router
        router.add_post("/v1/auth/login", self._login)
        router.add_post("/v1/sendEdoc", self._guarded("send", self._desk.send))
        router.add_get("/v1/syncReceivedEdocList", self._guarded("list", self._desk.list))
        router.add_get("/v1/getEdoc", self._guarded("get", self._desk.get))
        router.add_post("/v1/updateStatus", self._guarded("update", self._desk.update))
        router.add_get("/v1/getAgenciesList", self._guarded("agencies", self._desk.agencies))
        router.add_get("/", self._about)
        return application

    def end_tokens(self) -> None:
        """None of those issued is good any more."""
        self._tokens.end_all()

    async def _about(self, _request: web.Request) -> web.Response:
        """For a person, and for whoever only wants to see whether somebody is here."""
        return web.Response(text="LGSP facade (simulator): see /v1/…\n")

    async def _login(self, request: web.Request) -> web.StreamResponse:
        order = self._faults.next("login")
        if (answer := await self._before(order)) is not None:
            return answer
        try:
            given = msgspec.json.decode(await request.read(), type=_Login)
        except msgspec.DecodeError:
            return _failed(10, "yêu cầu sai cú pháp", status=400)
        account = self._accounts.get(given.username)
        if (
            account is None
            or not self._is_secret(account.password_file, given.password)
            or (given.application_code or "") != account.application_code
            or request.query.get("allow_anonymous") != "true"
        ):
            return web.json_response({"success": False, "message": "Sai tên đăng nhập hoặc mật khẩu"}, status=401)
        token = self._tokens.issue(account.username)
        return await self._after(request, order, {"success": True, "message": "", "data": {"token": token}})

    def _guarded(self, operation: Operation, act: _Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            order = self._faults.next(operation)
            if (answer := await self._before(order)) is not None:
                return answer
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            username = self._tokens.account_of(token) if kind.lower() == "bearer" else None
            if username is None:
                return web.Response(status=401, text="licenseInfo:invalid")
            account = self._accounts[username]
            if operation != "agencies" and not self._is_known(request, account):
                return _failed(15, "sai SystemId/SecretKey")
            if order is not None and order.do == "empty":
                return web.json_response({"success": True, "message": "", "count": 0, "data": []})
            try:
                return await self._after(request, order, await act(request, account))
            except FailedError as error:
                return _failed(error.code, error.words)

        return handle

    def _is_known(self, request: web.Request, account: Account) -> bool:
        return request.headers.get("X-SystemId") == account.system_id and self._is_secret(
            account.secret_file, request.headers.get("X-SecretKey", "")
        )

    def _is_secret(self, file: str, given: str) -> bool:
        secret = (self._folder / file).read_bytes().strip()
        return hmac.compare_digest(secret, given.encode("utf-8", "surrogateescape"))

    async def _before(self, order: Order | None) -> web.Response | None:
        """What is answered instead of doing anything."""
        if order is None:
            return None
        if order.do == "unauthorised":
            self._tokens.end_all()
            return web.Response(status=401, text="licenseInfo:invalid")
        if order.do == "page":
            return web.Response(status=502, text=_PAGE, content_type="text/html")
        if order.do == "busy":
            return web.Response(status=503, text="busy")
        if order.do == "code":
            return _failed(order.code, order.words or "theo lệnh thử nghiệm")
        if order.do == "slow":
            await asyncio.sleep(timedelta(seconds=order.seconds).total_seconds())
        return None

    async def _after(
        self, request: web.Request, order: Order | None, told: dict[str, object]
    ) -> web.StreamResponse:
        """The answer to what was done."""
        listed = told.get("data")
        if order is not None and order.do == "malformed" and isinstance(listed, list):
            told = told | {"data": [{"from": "?", "to": 5}, *listed, "không phải mục"]}
        content = msgspec.json.encode(told.get("bare", told))
        deed = order.do if order is not None else ""
        if deed == "truncated":
            content = content[: len(content) // 2]
        elif deed == "stall":
            await asyncio.Event().wait()
        elif deed == "cut" and request.transport is not None:
            request.transport.abort()
        return web.Response(body=content, content_type="application/json")


def _failed(code: int, words: str, *, status: int = 200) -> web.Response:
    data = {"docId": None, "status": "FAIL", "errorCode": str(code), "errorDesc": words}
    return web.json_response({"success": False, "message": words, "data": data}, status=status)
