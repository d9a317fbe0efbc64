"""What can be asked of the endpoint: one function per operation, all of them below.

Each reads only the parameters that it needs, all of which must have been signed. A `docId` is a string of ours: of
what waits, the delivery's id; of what was sent, the document's. `updateStatus` with `done` takes an entry off the
list for good, with `fail` as well: a person then talks to the receiver. `to` of a call that sends is not followed:
recipients are those of the document, which the receipt covers, and an old value of that header may have leaked in
(decision 23). Where it names others, the receipt has a finding and the connection inspector shows both.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web

from adapters.serving import send_file
from adapters.vxp.endpoint_catalogue import Catalogue
from adapters.vxp.endpoint_content import send_base64
from adapters.vxp.endpoint_inspection import Seen
from adapters.vxp.endpoint_lists import sent_row, waiting_row
from adapters.vxp.endpoint_reply import fine
from adapters.vxp.endpoint_signature import PREFIX, Signed
from adapters.vxp.reply import codes_of
from gateway.broker import Broker, Handed, Kind, SentFilter, Visit
from gateway.errors import RefusedError
from gateway.inspection import compared
from gateway.model import Caller

#: Entries of a list where the client names no size, and at most.
MOST_LISTED: Final = 1000
#: Sent messages of a page, as long as their lines are not too many (`gateway.broker.MOST_LINES`).
MOST_SENT: Final = 1000
#: Pages that a client may pass over: what is further back, REST finds.
_MOST_PAGES: Final = 1000
#: The body of registerAgency.
_MOST_JSON: Final = 64 * 1024
_MOST_FACT: Final = 500
_PRINTED: Final = tuple(f"{byte:x}" for byte in range(256))
_CRLF: Final = b"\r\n"
_FIELDS: Final = ("id", "pcode", "code", "name", "mail", "mobile", "fax")
#: Message types of calls that send a document, whatever its kind.
_DOCUMENTS: Final = frozenset({"edoc", "replacement", "revocation", "update"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What an operator may set."""

    #: How far the time of signing may be from ours; none: it is not looked at.
    window: timedelta = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request whose caller is known."""

    request: web.Request
    signed: Signed
    caller: Caller
    visit: Visit
    seen: Seen
    broker: Broker
    catalogue: Catalogue


Run = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One of them."""

    run: Run
    hands_in: bool = False
    #: It answers with a file, and a client would take any other body for it.
    file: bool = False


async def _send(call: Call) -> web.StreamResponse:
    signed, request = call.signed, call.request
    sender, digest = signed.value("from"), signed.value("hash-file").lower()
    if sender != signed.system_id:
        raise _not_registered(sender, signed.system_id)
    message_type = signed.value("messagetype").lower()
    if message_type != "status" and message_type not in _DOCUMENTS:
        raise RefusedError("parameter_invalid", "messagetype is edoc or status")
    named = () if message_type == "status" else _named(signed)
    handed = Handed(
        stream=request.content,
        announced=request.content_length,
        matches=lambda sha256: digest in (sha256, as_sdk_prints(sha256)),
        ending=_CRLF,
        status_only=message_type == "status",
        named=named,
    )
    try:
        taken = await call.broker.accept(call.caller, call.visit, handed)
    except RefusedError as error:
        if error.code == "sender_not_permitted":
            raise _not_registered(str(error.facts.get("organ_id", "")), signed.system_id) from error
        raise
    call.seen.replayed = taken.replayed
    if named and set(named) != set(taken.recipients):
        call.seen.named = compared(f"{PREFIX}to", json.dumps(taken.recipients), json.dumps(named))
    return fine(DocId=taken.message_id)


def _named(signed: Signed) -> tuple[str, ...]:
    """Whom `to` of this call names; one that is not rightly signed is nobody's word, and no reason to refuse."""
    try:
        return codes_of(signed.optional("to"))
    except RefusedError:
        return ()


def as_sdk_prints(sha256: str) -> str:
    """Hexadecimal as the vendor's SDK prints it: bytes below 16 with one digit."""
    return "".join(map(_PRINTED.__getitem__, bytes.fromhex(sha256)))


def _not_registered(sender: str, system_id: str) -> RefusedError:
    # word for word what the national axis says
    return RefusedError("sender_not_permitted", f"Don vi gui {sender} khong dung voi ma da dang ky: {system_id}")


async def _list_received(call: Call) -> web.StreamResponse:
    limit, skip = _page(call.signed, MOST_LISTED)
    page = await call.broker.waiting(call.caller, _kind(call.signed), limit, skip)
    return fine(data=[waiting_row(item) for item in page.items])


async def _get(call: Call) -> web.StreamResponse:
    body = await call.broker.hand_out(call.caller, call.signed.value("docId", "docid"))
    return await send_base64(call.request, body, call.visit.trace_id)


async def _download(call: Call) -> web.StreamResponse:
    body = await call.broker.hand_out(call.caller, call.signed.value("docId", "docid"))
    return await send_file(call.request, body, {"Trace-Id": call.visit.trace_id})


async def _update(call: Call) -> web.StreamResponse:
    # whoever spells it `docid` here spells it `docId` in getEdoc, and that one leaks into this call
    ref, status = call.signed.value("docid", "docId"), call.signed.value("status").lower()
    if status == "done":
        await call.broker.done(call.caller, ref)
    elif status == "fail":
        await call.broker.fail(call.caller, ref, call.signed.optional("description") or "")
    elif status == "processing":
        if not await call.broker.receives(call.caller, ref):
            raise RefusedError("not_found")
    else:
        raise RefusedError("parameter_invalid", "status is done, fail or processing")
    return fine()


async def _list_sent(call: Call) -> web.StreamResponse:
    ref, (limit, skip) = call.signed.optional("docId", "docid"), _page(call.signed, MOST_SENT)
    told = (call.signed.optional("messagetype") or "").lower()
    kind: Kind | None = "status" if told == "status" else "document" if told else None
    wanted = SentFilter(kind=kind or "", limit=limit, skip=skip)
    if ref:
        try:
            lines = await call.broker.sent(call.caller, SentFilter(message_id=ref))
            return fine(data=[sent_row(line) for line in lines])
        except RefusedError:
            # that of an entry it received leaked in from getEdoc
            if not await call.broker.receives(call.caller, ref):
                raise
    return fine(data=[sent_row(line) for line in await call.broker.sent(call.caller, wanted)])


async def _count_documents(call: Call) -> web.StreamResponse:
    return fine(count=await call.broker.count(call.caller, "document"))


async def _count_statuses(call: Call) -> web.StreamResponse:
    return fine(count=await call.broker.count(call.caller, "status"))


async def _agencies(call: Call) -> web.StreamResponse:
    return await call.catalogue.send(call.request, "agencies")


async def _agencies_qd20(call: Call) -> web.StreamResponse:
    level = call.signed.optional("level")
    if level is not None and not (level.isdecimal() and len(level) <= 2):  # noqa: PLR2004
        raise RefusedError("parameter_invalid", "level is a number")
    return await call.catalogue.send(call.request, "qd20", int(level) if level else None)


async def _units(call: Call) -> web.StreamResponse:
    return await call.catalogue.send(call.request, "units")


async def _register(call: Call) -> web.StreamResponse:
    body = await call.broker.read(call.request.content, call.request.content_length, _MOST_JSON)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError("request_malformed", "the body is no JSON") from error
    if not isinstance(told, Mapping):
        raise RefusedError("request_malformed", "the body is no JSON object")
    facts = {name: _fact(told[name]) for name in _FIELDS if not _is_empty(told.get(name))}
    if not facts.get("code") or not facts.get("name"):
        raise RefusedError("parameter_invalid", "code and name are needed")
    return fine(taskId=await call.broker.open_task(call.caller, "register_agency", facts))


async def _delete(call: Call) -> web.StreamResponse:
    facts = {"code": _fact(call.signed.value("AgencyCode"))}
    return fine(taskId=await call.broker.open_task(call.caller, "delete_agency", facts))


#: Path -> operation.
OPERATIONS: Final[Mapping[str, Operation]] = {
    "sendEdoc": Operation(run=_send, hands_in=True),
    "getReceivedEdocList": Operation(run=_list_received),
    "getEdoc": Operation(run=_get),
    "downloadEdoc": Operation(run=_download, file=True),
    "updateStatus": Operation(run=_update),
    "getSentEdocList": Operation(run=_list_sent),
    "countReceiveEdoc": Operation(run=_count_documents),
    "countReceiveStatus": Operation(run=_count_statuses),
    "getAgenciesList": Operation(run=_agencies),
    "getAgenciesListQD20": Operation(run=_agencies_qd20),
    "getSynchronizeUnit": Operation(run=_units),
    "registerAgency": Operation(run=_register, hands_in=True),
    "deleteAgency": Operation(run=_delete, hands_in=True),
}


def _kind(signed: Signed) -> Kind:
    told = signed.value("messagetype").lower()
    if told == "status":
        return "status"
    if told in _DOCUMENTS:
        return "document"
    raise RefusedError("parameter_invalid", "messagetype is edoc or status")


def _page(signed: Signed, most: int) -> tuple[int, int]:
    """How many, and how many are passed over. Some count pages from 0: the first of theirs comes twice then."""
    size, index = _number(signed, "pageSize"), _number(signed, "pageIndex")
    limit = min(size, most) if size else most
    return limit, min(max(index - 1, 0), _MOST_PAGES) * limit


def _number(signed: Signed, name: str) -> int:
    told = signed.optional(name)
    return int(told) if told and told.isascii() and told.isdecimal() and len(told) < 7 else 0  # noqa: PLR2004


def _is_empty(value: object) -> bool:
    return value is None or value == ""


def _fact(value: object) -> str:
    if not isinstance(value, str | int | float):
        raise RefusedError("parameter_invalid", "a field is neither text nor a number")
    return "".join(character if character.isprintable() else " " for character in str(value))[:_MOST_FACT]
