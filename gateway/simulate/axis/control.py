"""Orders to a running axis, over a Unix socket in its folder that only its owner may open. JSON in, JSON out.

    POST /orders {kind, operations, system, calls, seconds, …}    GET /orders    DELETE /orders[?id=N]
    POST /send {sender, to, count, size, …}      documents of made-up content, as if their system had sent them
    POST /report {reporter, code, doc_id or about: {…}}    a status
    POST /put {system, message_type, sender, to, content}    any bytes (base64) as an entry that nobody sent
    POST /secret {system, secret}    POST /catalogue {rename, add, delete, seed}
    GET /state    POST /wait {event, operation, system, outcome, status, count, seconds}

A wrong order is HTTP 400 with a sentence. `wait` returns when the journal has so many lines that fit (old ones
count), or 408: nobody has to poll.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from gateway.simulate.axis.answers import reference
from gateway.simulate.axis.faults import Faults, Order
from gateway.simulate.axis.journal import Line, Put
from gateway.simulate.axis.making import Wanted, make_document
from gateway.simulate.axis.operations import OPERATIONS, Axis
from gateway.simulate.axis.settings import PLAYED
from gateway.simulate.axis.signing import FailedError
from gateway.simulate.writing import Named, Reference, Report, status_xml

_BODY_BYTES_MAX = 256 * 1024 * 1024
_BATCH = 20

Shape = TypeVar("Shape")


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document that a status is about."""

    organ_id: str
    number: str
    notation: str
    date: date
    document_id: str


class Reporting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A status to send."""

    reporter: str
    code: str
    #: The message it is about: described, or by the DocId that its sender got.
    about: About | None = None
    doc_id: str = ""
    words: str = ""
    to: tuple[str, ...] = ()


class Placing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes to put into a list."""

    system: str
    content: str
    message_type: str = "edoc"
    sender: str = "000.00.00.G22"
    to: tuple[str, ...] = ()


class NewSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret that holds from now on."""

    system: str
    secret: Annotated[str, msgspec.Meta(min_length=8)]


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many agencies change."""

    rename: Annotated[int, msgspec.Meta(ge=0)] = 0
    add: Annotated[int, msgspec.Meta(ge=0)] = 0
    delete: Annotated[int, msgspec.Meta(ge=0)] = 0
    seed: int = 1


class Waiting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines of the journal to wait for; empty: any."""

    event: str = "called"
    operation: str = ""
    system: str = ""
    outcome: str = ""
    status: str = ""
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0

    def fits(self, line: Line) -> bool:
        """Whether a line is one of those."""
        told = {
            name: value for name in ("operation", "system", "outcome", "status") if (value := getattr(self, name))
        }
        return line.__struct_config__.tag == self.event and all(
            getattr(line, name, "") == value for name, value in told.items()
        )


class Control:
    """The socket."""

    def __init__(self, *, axis: Axis, faults: Faults, systems: Sequence[str]) -> None:
        self._axis = axis
        self._faults = faults
        self._systems = {*systems, PLAYED}
        self._runner: web.AppRunner | None = None

    async def start(self, path: Path) -> None:
        """Listen."""
        await asyncio.to_thread(path.unlink, missing_ok=True)
        application = web.Application(client_max_size=_BODY_BYTES_MAX, middlewares=[_sentences])
        application.router.add_routes(
            [
                web.post("/orders", self._order),
                web.get("/orders", self._orders),
                web.delete("/orders", self._withdraw),
                web.post("/send", self._send),
                web.post("/report", self._report),
                web.post("/put", self._put),
                web.post("/secret", self._secret),
                web.post("/catalogue", self._catalogue),
                web.get("/state", self._state),
                web.post("/wait", self._wait),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(path)).start()
        await asyncio.to_thread(path.chmod, 0o600)

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _order(self, request: web.Request) -> web.Response:
        order = await _read(request, Order)
        unknown = set(order.operations) - set(OPERATIONS)
        if unknown:
            raise ValueError(f"there is no operation {', '.join(sorted(unknown))}")
        self._known(order.system)
        standing = self._faults.add(order, now=self._axis.clock.monotonic())
        return _json(standing.told())

    async def _orders(self, _request: web.Request) -> web.Response:
        now = self._axis.clock.monotonic()
        return _json({"orders": [each.told() for each in self._faults.standing(now=now)]})

    async def _withdraw(self, request: web.Request) -> web.Response:
        number = request.query.get("id")
        return _json({"removed": self._faults.remove(int(number) if number else None)})

    async def _send(self, request: web.Request) -> web.Response:
        wanted = await _read(request, Wanted)
        agencies, exchange = self._axis.agencies, self._axis.exchange
        system_id = agencies.host_of(wanted.sender).system_id or PLAYED
        sent = []
        for place in range(wanted.count):
            data = make_document(wanted, place, agencies.name_of, self._axis.clock.now())
            posted = await exchange.take(system_id, "edoc", data)
            sent.append({"doc_id": str(posted.doc_id), "sha256": posted.sha256, **_entries(posted.entries)})
            if place % _BATCH == 0:
                await asyncio.sleep(0)  # calls of clients go on meanwhile
        return _json({"sent": sent})

    async def _report(self, request: web.Request) -> web.Response:
        told = await _read(request, Reporting)
        agencies = self._axis.agencies
        report = Report(
            reporter=Named(code=told.reporter, name=agencies.name_of(told.reporter)),
            about=self._reference(told),
            code=told.code,
            description=told.words,
        )
        system_id = agencies.host_of(told.reporter).system_id or PLAYED
        data = status_xml(report, self._axis.clock.now())
        posted = await self._axis.exchange.take(system_id, "status", data, told.to)
        return _json({"doc_id": str(posted.doc_id), "sha256": posted.sha256, **_entries(posted.entries)})

    def _reference(self, told: Reporting) -> Reference:
        if (about := told.about) is not None:
            return Reference(
                organ_id=about.organ_id,
                number=about.number,
                notation=about.notation,
                issued_on=about.date,
                document_id=about.document_id,
            )
        rows = self._axis.store.rows("sent_read", int(told.doc_id or 0))
        if not rows:
            raise ValueError(f"nothing was sent with the DocId {told.doc_id}")
        sender, notation, document_id, _, sent_at = rows[0]
        return reference(sender, notation, document_id, sent_at)

    async def _put(self, request: web.Request) -> web.Response:
        told = await _read(request, Placing)
        self._known(told.system)
        data = base64.b64decode(told.content, validate=True)
        sha256 = await self._axis.store.bodies.keep(data)
        number = self._axis.store.put(told.system, told.message_type, told.sender, told.to, sha256)
        self._axis.journal.write(Put(doc_id=str(number), system=told.system, sha256=sha256))
        return _json({"doc_id": str(number), "sha256": sha256})

    async def _secret(self, request: web.Request) -> web.Response:
        told = await _read(request, NewSecret)
        self._known(told.system)
        self._axis.store.run("secret_write", told.system, told.secret.encode())
        return _json({})

    async def _catalogue(self, request: web.Request) -> web.Response:
        told = await _read(request, Change)
        codes = self._axis.agencies.change(rename=told.rename, add=told.add, delete=told.delete, seed=told.seed)
        return _json({"codes": codes, "version": self._axis.agencies.newest[0]})

    async def _state(self, _request: web.Request) -> web.Response:
        sent, entries, waiting, errands, agencies = self._axis.store.rows("axis_count_all")[0]
        return _json(
            {
                "sent": sent,
                "entries": entries,
                "waiting": waiting,
                "errands": errands,
                "agencies": agencies,
                "catalogue_version": self._axis.agencies.newest[0],
                "systems": sorted(self._systems - {PLAYED}),
            }
        )

    async def _wait(self, request: web.Request) -> web.Response:
        told = await _read(request, Waiting)
        try:
            async with asyncio.timeout(told.seconds):
                lines = await self._axis.journal.wait(told.fits, told.count)
        except TimeoutError:
            return _json({"error": "it did not happen in that time"}, status=408)
        return _json({"lines": lines})

    def _known(self, system_id: str) -> None:
        if system_id and system_id not in self._systems:
            raise ValueError(f"there is no system {system_id}")


@web.middleware
async def _sentences(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except FailedError as error:
        return _json({"error": f"{error.code} {error.words}"}, status=400)
    except (ValueError, binascii.Error) as error:  # msgspec's, too
        return _json({"error": str(error)}, status=400)
    return answer


async def _read(request: web.Request, shape: type[Shape]) -> Shape:
    return msgspec.json.decode(await request.read() or b"{}", type=shape)


def _entries(entries: Sequence[tuple[int, str]]) -> dict[str, Any]:
    return {"entries": [{"doc_id": str(number), "system": system_id} for number, system_id in entries]}


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)
