"""The provincial facade (LGSP) that a system under test and the sandbox's gateway meet at: the simulator's, noted.

The gateway itself is a client of such facades, never one. So the developer's system has one account of the
simulated facade and the gateway another, behind which the test offices are; documents go from one to the other as
they do in a province. What the system called is told here, with the facade's codes in words of the gateway's
reasons; what it took is what it has settled by `updateStatus`: an entry that still waits is not taken, whatever the
ledger says.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.clock import Clock, rfc3339
from gateway.conformance.exposure import Exposure
from gateway.conformance.offices import OFFICES
from gateway.conformance.places import listener_context, request_of, requests_of
from gateway.fsio import make_private_dir, write_durably
from gateway.pki import DevPki
from gateway.simulate.layout import Layout
from gateway.simulate.lgsp.desk import Desk
from gateway.simulate.lgsp.server import FacadeServer
from gateway.simulate.lgsp.settings import Account, AgencyEntry, FacadeSettings
from gateway.simulate.lgsp.store import Store
from gateway.simulate.reckoning import LedgerDelivery, LedgerView
from gateway.states import State

_OWN, _VENDOR = "gateway", "vendor"
_SYSTEMS: Final = {_OWN: "H33.GATEWAY", _VENDOR: "H33.VENDOR"}
_APPLICATION: Final = "EDOC"
_TYPES: Final = ("edoc", "status")
#: Codes of the facade; others are errors of its own.
_CODES: Final = {
    "10": "request_malformed",
    "15": "credential_invalid",
    "18": "recipient_unknown",
    "19": "sender_not_permitted",
    "21": "request_malformed",
    "22": "xml_not_wellformed",
    "23": "recipient_closed",
}
#: Statuses of entries that are not settled, and of those that were not taken.
_WAITING: Final = frozenset({"initial", "processing"})
_REFUSED: Final = frozenset({"fail", "02"})
_UNAUTHORISED: Final = 401
#: Calls whose body is a little JSON.
_SMALL: Final = frozenset({"login", "updateStatus"})
#: Answers that are longer hold a document, and are no refusal.
_REPLY_BYTES: Final = 65_536


@dataclass(kw_only=True, slots=True)
class Facade:
    """One sandbox's."""

    layout: Layout
    exposure: Exposure
    port: int
    organ_id: str
    pki: DevPki
    ca_file: str
    clock: Clock
    notes: list[dict[str, Any]] = field(default_factory=list)
    #: docIds that the system has fetched.
    _fetched: set[str] = field(default_factory=set)
    #: Tokens that it was given.
    _issued: set[str] = field(default_factory=set)
    _store: Store | None = None
    _server: FacadeServer | None = None

    @property
    def channel(self) -> tuple[str, dict[str, object]]:
        """The gateway's account."""
        return "lgsp", {
            "url": self.exposure.url(self.port),
            "anchors_file": self.ca_file,
            "username": _OWN,
            "application_code": _APPLICATION,
            "system_id": _SYSTEMS[_OWN],
            "password_file": "lgsp.password",
            "secret_file": "lgsp.secret",
            "poll_seconds": 0.5,
            "poll_seconds_min": 0.3,
        }

    @property
    def access(self) -> dict[str, str]:
        """The system's account."""
        folder = self.layout.simulate / "lgsp"
        return {
            "lgsp_url": self.exposure.url(self.port),
            "lgsp_username": _VENDOR,
            "lgsp_password_file": str(folder / f"{_VENDOR}.password"),
            "lgsp_application_code": _APPLICATION,
            "lgsp_system_id": _SYSTEMS[_VENDOR],
            "lgsp_secret_file": str(folder / f"{_VENDOR}.secret"),
        }

    def prepare(self) -> None:
        """Its folder, and everybody's secrets."""
        folder = self.layout.simulate / "lgsp"
        make_private_dir(folder)
        for name in (_OWN, _VENDOR):
            for what in ("password", "secret"):
                secret = secrets.token_hex(16).encode()
                write_durably(folder / f"{name}.{what}", secret)
                if name == _OWN:
                    write_durably(self.layout.secrets / f"lgsp.{what}", secret)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The facade, with a note of every call."""
        folder, settings = self.layout.simulate / "lgsp", self._settings()
        store = self._store = Store(folder)
        server = self._server = FacadeServer(settings, folder, Desk(settings, store, self.clock), self.clock)
        application = server.application()

        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._note(request, handler)

        application.middlewares.append(note)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            context = listener_context(self.pki.server)
            await web.TCPSite(runner, self.exposure.address, self.port, ssl_context=context).start()
            yield
        finally:
            await runner.cleanup()
            store.close()

    def requests(self, entries: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Its calls, and what came of its documents at the gateway."""
        return self.notes + requests_of(entries)

    async def seen(self, view: LedgerView, vendor: str) -> LedgerView:
        """What waits at the facade is not taken; what the system called failed is refused."""
        entries = self._entries()

        def seen(line: LedgerDelivery) -> LedgerDelivery:
            if line.recipient_code != vendor or line.state not in {State.IN_FLIGHT, State.DELIVERED}:
                return line
            doc_id, status = entries.get(view.messages[line.message_id].sha256, ("", "initial"))
            if status in _WAITING:
                return replace(line, state=State.IN_FLIGHT if doc_id in self._fetched else State.QUEUED)
            return replace(line, state=State.REFUSED if status in _REFUSED else State.DELIVERED)

        lines = {key: seen(line) for key, line in view.deliveries.items()}
        return LedgerView(messages=view.messages, deliveries=lines, attempts=view.attempts)

    async def play(self, trick: str) -> None:
        """`end_tokens`: all of them at once, as after half an hour."""
        if trick == "end_tokens" and self._server is not None:
            self._server.end_tokens()
            self._add("", "tokensEnded")

    def _settings(self) -> FacadeSettings:
        behind = {_OWN: tuple(office.code for office in OFFICES), _VENDOR: (self.organ_id,)}
        return FacadeSettings(
            accounts=tuple(
                Account(
                    username=name,
                    password_file=f"{name}.password",
                    application_code=_APPLICATION,
                    system_id=_SYSTEMS[name],
                    secret_file=f"{name}.secret",
                    hosts=codes,
                )
                for name, codes in behind.items()
            ),
            agencies=(
                AgencyEntry(code=self.organ_id),
                *(AgencyEntry(code=each.code, name=f"Đơn vị thử: {each.words.vi}") for each in OFFICES),
            ),
        )

    def _entries(self) -> dict[str, tuple[str, str]]:
        """Digest -> docId and status, of what came for the system."""
        if self._store is None:
            return {}
        return {
            taken.sha256: (taken.doc_id, status.lower())
            for kind in _TYPES
            for taken, status in self._store.entries(_VENDOR, kind)
        }

    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self.exposure.admits(request.remote or ""):
            raise web.HTTPForbidden(text="this address is not among the sandbox's networks")
        operation = request.path.rpartition("/")[2]
        # the simulator reads it again, from memory
        given = _object(await request.read()) if operation in _SMALL else {}
        is_own = request.headers.get("X-SystemId") == _SYSTEMS[_OWN] or given.get("username") == _OWN
        try:
            response = await handler(request)
        except web.HTTPException as error:
            self._add(request.method, operation, status=error.status, reason="not_found")
            raise
        if not is_own:
            self._learn(request, operation, given, response)
        return response

    def _learn(
        self, request: web.Request, operation: str, given: dict[str, Any], response: web.StreamResponse
    ) -> None:
        body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
        told = _object(body) if len(body) < _REPLY_BYTES else {"success": True}
        reason, detail = self._refusal(request, operation, response.status, told)
        more: dict[str, object] = {}
        if not reason and operation == "login":
            self._issued.add(str(_inside(told).get("token")))
        elif not reason and operation == "getEdoc":
            self._fetched.add(request.query.get("docId", ""))
        elif not reason and operation == "updateStatus":
            more = self._settled(given)
        size = request.content_length or 0
        self._add(
            request.method, operation, status=response.status, reason=reason, detail=detail, bodySize=size, **more
        )

    def _refusal(self, request: web.Request, operation: str, status: int, told: dict[str, Any]) -> tuple[str, str]:
        """Why it was refused, and with what; nothing where it was not."""
        if status == _UNAUTHORISED and operation == "login":
            return "credential_invalid", "username, password, applicationCode, allow_anonymous=true"
        if status == _UNAUTHORISED:
            token = request.headers.get("Authorization", "").partition(" ")[2]
            if not token:
                return "credential_missing", "Authorization: Bearer …"
            expired = token in self._issued
            return ("credential_expired" if expired else "credential_invalid"), "Authorization: Bearer …"
        if told.get("success") is not False:
            return "", ""
        inside = _inside(told)
        code, words = str(inside.get("errorCode", "")), str(inside.get("errorDesc", ""))
        missing = [name for name in ("X-SystemId", "X-SecretKey") if name not in request.headers]
        if code == "15" and missing:
            return "credential_missing", ", ".join(missing)
        return _CODES.get(code, "peer_error"), f"{code} {words}"

    def _settled(self, given: dict[str, Any]) -> dict[str, object]:
        """What was said about which document, by its digest."""
        assert self._store is not None
        taken = self._store.taken.get(str(given.get("docId")))
        return {"about": taken.sha256 if taken else "", "told": str(given.get("status", ""))}

    def _add(self, method: str, operation: str, **more: object) -> None:
        number = f"lgsp-{len(self.notes)}"
        self.notes.append(request_of(rfc3339(self.clock.now()), number, method, operation) | more)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _inside(told: dict[str, Any]) -> dict[str, Any]:
    data = told.get("data")
    return data if isinstance(data, dict) else {}
