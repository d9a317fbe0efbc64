"""What each operation does: a judged call and its body in, the reply's fields (or bare bytes) out.

An operation reads only the parameters it needs, and only signed ones, since clients leak headers of earlier calls.
`getEdoc` reads `docId` first and `updateStatus` `docid` first: that is how the vendor's SDK spells them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from gateway.clock import VIETNAM, Clock, instant
from gateway.simulate.axis.agencies import Agencies, spoken
from gateway.simulate.axis.exchange import Exchange
from gateway.simulate.axis.faults import FaultKind, Standing, is_meant
from gateway.simulate.axis.journal import AxisJournal, Handed, Settled
from gateway.simulate.axis.settings import Habits
from gateway.simulate.axis.signing import Call, FailedError
from gateway.simulate.axis.store import SMALL_BYTES, Entry, Store

_RECIPIENTS_MAX = 10_000
_WORDS_MAX = 1000
_RECEIVED = {"initial": "Cho nhan", "processing": "Dang xu ly", "done": "Da nhan", "fail": "Khong nhan duoc"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """What operations work with."""

    habits: Habits
    store: Store
    agencies: Agencies
    exchange: Exchange
    journal: AxisJournal
    clock: Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One judged call."""

    axis: Axis
    call: Call
    body: bytes
    ordered: Mapping[FaultKind, Standing]

    @property
    def offset(self) -> timedelta:
        """How far off the clock is, by order."""
        standing = self.ordered.get(FaultKind.CLOCK_SKEW)
        return timedelta(seconds=standing.order.offset if standing else 0.0)

    def spoken(self, at: int) -> str:
        """A stored instant as this axis writes it."""
        return spoken(instant(at) + self.offset)


#: The reply's fields beside the envelope, or the whole body.
Answer = dict[str, Any] | bytes
Run = Callable[[Asked], Awaitable[Answer]]


async def send(asked: Asked) -> Answer:
    """`sendEdoc`."""
    call = asked.call
    named = call.need("from")
    if named != call.system_id:
        raise FailedError("19", f"Don vi gui {named} khong dung voi ma da dang ky: {call.system_id}")
    told, checks = call.get("hash-file"), asked.axis.habits.checks_hash
    if len(asked.body) <= SMALL_BYTES:
        data = _file(asked.body, told, checks=checks)
    else:
        data = await asyncio.to_thread(_file, asked.body, told, checks=checks)
    copies = 2 if FaultKind.DUPLICATE in asked.ordered else 1
    posted = await asked.axis.exchange.take(
        call.system_id, call.need("messagetype"), data, _recipients(call.get("to")), copies=copies
    )
    return {"DocId": _number(asked, posted.doc_id)}


def _file(body: bytes, told: str, *, checks: bool) -> bytes:
    """The file in the body; the SDK appends one CRLF, and prints the digest's bytes without leading zeros."""
    stripped = body.removesuffix(b"\r\n")
    if not stripped:
        raise FailedError("10", "File rong")
    for candidate in dict.fromkeys((stripped, body)):
        digest = hashlib.sha256(candidate).digest()
        if told.lower() in {digest.hex(), "".join(f"{byte:x}" for byte in digest)}:
            return candidate
    if checks:
        raise FailedError("21", "hash-file khong khop voi file")
    return stripped


def _recipients(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        codes = json.loads(text)
    except (ValueError, RecursionError):
        codes = None
    if not isinstance(codes, list) or not all(isinstance(code, str) and code for code in codes):
        raise FailedError("10", "Tham so to khong phai mang JSON")
    if len(codes) > _RECIPIENTS_MAX:
        raise FailedError("10", "Qua nhieu don vi nhan")
    return tuple(codes)


async def list_received(asked: Asked) -> Answer:
    """`getReceivedEdocList`."""
    call, kind = asked.call, asked.call.get("messagetype")
    rows = _filtered(asked, asked.axis.store.rows("entry_list_waiting", call.system_id, kind), created=6)
    listed = [
        {
            "docId": _number(asked, row[0]),
            "serviceType": "eDoc",
            "messageType": row[1],
            "created_time": asked.spoken(row[6]),
            "updated_time": asked.spoken(row[7]),
            "from": row[2],
            "to": _joined(asked, row[3]),
            "status": row[4],
            "status_desc": row[5] or _RECEIVED[row[4]],
        }
        for row in rows
    ]
    return {"data": _disturbed(asked, listed, f"{call.system_id}/{kind}")}


def _disturbed(asked: Asked, listed: list[Any], key: str) -> list[Any]:
    if (disorder := asked.ordered.get(FaultKind.OUT_OF_ORDER)) is not None:
        listed = _shuffled(listed, disorder.befallen)
    if FaultKind.REPEAT in asked.ordered:
        listed = [entry for entry in listed for _ in range(2)]
    if (odd := asked.ordered.get(FaultKind.ODD_FIELDS)) is not None:
        listed = [
            _odd(entry) if is_meant(odd, str(entry.get("docId") or entry.get("senderDocId"))) else entry
            for entry in listed
        ]
    if FaultKind.MALFORMED in asked.ordered:
        listed = [{"from": "000.00.00.G22", "to": ["?"]}, *listed, "khong phai muc"]
    if (frozen := asked.ordered.get(FaultKind.FROZEN)) is not None:
        kept: list[Any] = frozen.kept.setdefault(key, listed)
        return kept
    return listed


def _odd(entry: dict[str, Any]) -> dict[str, Any]:
    if "senderDocId" in entry:
        return {**entry, "notation": 5, "title": {}, "sentTime": []}
    return {
        "docId": entry.get("docId"),
        "from": 5,
        "to": {"code": entry.get("to")},
        "messageType": [],
        "status": {},
    }


def _shuffled(listed: list[Any], call: int) -> list[Any]:
    """The same for the same call of an order, so that what went wrong can be had again."""
    mixed = list(listed)
    random.Random(call).shuffle(mixed)  # noqa: S311 - nothing secret
    if len(mixed) > 1 and mixed[-1] == listed[-1]:
        mixed.insert(0, mixed.pop())
    return mixed


async def get(asked: Asked) -> Answer:
    """`getEdoc`."""
    number, entry = _entry(asked, "docId", "docid", failing="18")
    data = await asked.axis.store.bodies.read(entry.sha256)
    _hand_out(asked, number, entry)
    encode = base64.b64encode
    text = (await asyncio.to_thread(encode, data) if len(data) > SMALL_BYTES else encode(data)).decode()
    if FaultKind.WRONG_BASE64 in asked.ordered:
        text = "%" + text[:-1]
    return {"data": text}


async def download(asked: Asked) -> Answer:
    """`downloadEdoc`."""
    number, entry = _entry(asked, "docId", "docid", failing="100")
    data = await asked.axis.store.bodies.read(entry.sha256)
    _hand_out(asked, number, entry)
    return data


def _hand_out(asked: Asked, number: int, entry: Entry) -> None:
    asked.axis.journal.write(Handed(doc_id=str(number), system=asked.call.system_id, sha256=entry.sha256))


async def update(asked: Asked) -> Answer:
    """`updateStatus`."""
    number, entry = _entry(asked, "docid", "docId", failing="18")
    status, words = asked.call.need("status"), asked.call.get("description")[:_WORDS_MAX]
    if status not in {"done", "fail", "processing"}:
        raise FailedError("10", "status phai la done, fail hoac processing")
    if FaultKind.FORGET in asked.ordered:
        return {}
    system_id = asked.call.system_id
    if not asked.axis.store.settle(number, system_id, status, words) and entry.status != status:
        raise FailedError("10", f"Van ban da ket thuc: {entry.status}")
    asked.axis.journal.write(Settled(doc_id=str(number), system=system_id, status=status, words=words))
    return {}


def _entry(asked: Asked, *names: str, failing: str) -> tuple[int, Entry]:
    text = asked.call.need(*names)
    entry = asked.axis.store.entry(int(text), asked.call.system_id) if _is_id(text) else None
    hidden = asked.ordered.get(FaultKind.UNFETCHABLE)
    if entry is None or (hidden is not None and is_meant(hidden, text)):
        raise FailedError(failing, "Khong tim thay van ban")
    return int(text), entry


async def list_sent(asked: Asked) -> Answer:
    """`getSentEdocList`: one line per recipient."""
    call = asked.call
    wanted = call.get("docId", "docid")
    number = 0 if not wanted else int(wanted) if _is_id(wanted) else -1
    rows = asked.axis.store.rows("line_list_sent", call.system_id, call.get("messagetype"), number)
    listed = [_sent_line(asked, row) for row in _filtered(asked, rows, created=7)]
    return {"data": _disturbed(asked, listed, call.system_id)}


def _sent_line(asked: Asked, row: tuple[Any, ...]) -> dict[str, Any]:
    number, entry_id, message_type, sender, code, title, notation, sent_at, status, words, updated_at, fault = row
    return {
        "serviceType": "eDoc",
        "messageType": message_type,
        "senderDocId": _number(asked, number),
        "receiverDocId": "" if entry_id is None else _number(asked, entry_id),
        "fromCode": sender,
        "toCode": code,
        "title": title,
        "notation": notation,
        "sentTime": asked.spoken(sent_at),
        "receivedTime": asked.spoken(updated_at) if status in {"done", "fail"} else "",
        "sendStatus": "fail" if fault else "done",
        "sendStatusDesc": fault or "Thanh cong",
        "receiveStatus": status or "",
        "receiveStatusDesc": words or _RECEIVED.get(status or "", ""),
    }


async def count_documents(asked: Asked) -> Answer:
    """`countReceiveEdoc`."""
    return {"count": asked.axis.store.rows("entry_count_waiting", asked.call.system_id, "edoc")[0][0]}


async def count_statuses(asked: Asked) -> Answer:
    """`countReceiveStatus`."""
    return {"count": asked.axis.store.rows("entry_count_waiting", asked.call.system_id, "status")[0][0]}


async def list_agencies(asked: Asked) -> Answer:
    """`getAgenciesList`."""
    return {"data": msgspec.Raw(asked.axis.agencies.list_live())}


async def list_agencies_by_level(asked: Asked) -> Answer:
    """`getAgenciesListQD20`."""
    level = asked.call.get("level")
    if level and not (level.isascii() and level.isdigit() and len(level) == 1):
        raise FailedError("10", "Tham so level khong hop le")
    return {"data": msgspec.Raw(asked.axis.agencies.list_level(int(level or 0)))}


async def synchronize(asked: Asked) -> Answer:
    """`getSynchronizeUnit`."""
    return {"data": msgspec.Raw(asked.axis.agencies.list_all())}


class _Registration(msgspec.Struct):
    code: str
    name: str
    id: str | int = ""
    pcode: str = ""
    mail: str = ""
    mobile: str = ""
    fax: str = ""


async def register(asked: Asked) -> Answer:
    """`registerAgency`."""
    try:
        told = msgspec.json.decode(asked.body, type=_Registration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FailedError("10", "Noi dung khong dung dang") from error
    agencies, system_id = asked.axis.agencies, asked.call.system_id
    host = agencies.host_of(told.code)
    if not told.code or not told.name or host.system_id not in {"", system_id}:
        raise FailedError("10", f"Ma don vi khong dang ky duoc: {told.code[:100]}")
    agencies.register(system_id, parent=told.pcode, code=told.code, name=told.name, mail=told.mail)
    return {}


async def delete(asked: Asked) -> Answer:
    """`deleteAgency`."""
    code = asked.call.need("AgencyCode")
    if asked.axis.agencies.host_of(code).system_id != asked.call.system_id or not asked.axis.agencies.delete(code):
        raise FailedError("18", f"Don vi khong thuoc he thong: {code[:100]}")
    return {}


def _number(asked: Asked, value: int) -> str | int:
    return value if asked.axis.habits.doc_ids_as == "number" else str(value)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16  # noqa: PLR2004 - longer is no row


def _joined(asked: Asked, listed: str) -> str | list[str]:
    way = asked.axis.habits.recipients_as
    if way == "text":
        return listed
    codes: list[str] = msgspec.json.decode(listed)
    return codes if way == "array" else ";".join(codes)


def _filtered(asked: Asked, rows: list[Any], *, created: int) -> list[Any]:
    if not asked.axis.habits.filters:
        return rows
    first, last = _day(asked.call.get("fromDate")), _day(asked.call.get("toDate"))
    if first is not None:
        rows = [row for row in rows if instant(row[created]) >= first]
    if last is not None:
        rows = [row for row in rows if instant(row[created]) < last + timedelta(days=1)]
    size, page = asked.call.get("pageSize"), asked.call.get("pageIndex")
    if size.isdigit() and int(size):
        index = int(page) if page.isdigit() and FaultKind.FIRST_PAGE not in asked.ordered else 0
        start = max(index - asked.axis.habits.first_page, 0) * int(size)
        rows = rows[start : start + int(size)]
    return rows


def _day(text: str) -> datetime | None:
    for form in ("%Y/%m/%d", "%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """How an operation is called."""

    method: str
    run: Run
    #: What it says when it is ordered to be empty; None: that order does not concern it.
    empty: Mapping[str, Any] | None = None


_NONE: Mapping[str, Any] = {"data": []}
_ZERO: Mapping[str, Any] = {"count": 0}
OPERATIONS: Mapping[str, Operation] = {
    "sendEdoc": Operation(method="POST", run=send),
    "getReceivedEdocList": Operation(method="POST", run=list_received, empty=_NONE),
    "getEdoc": Operation(method="POST", run=get),
    "downloadEdoc": Operation(method="GET", run=download),
    "updateStatus": Operation(method="POST", run=update),
    "getSentEdocList": Operation(method="POST", run=list_sent, empty=_NONE),
    "countReceiveEdoc": Operation(method="POST", run=count_documents, empty=_ZERO),
    "countReceiveStatus": Operation(method="POST", run=count_statuses, empty=_ZERO),
    "getAgenciesList": Operation(method="POST", run=list_agencies, empty=_NONE),
    "getAgenciesListQD20": Operation(method="POST", run=list_agencies_by_level, empty=_NONE),
    "getSynchronizeUnit": Operation(method="POST", run=synchronize, empty=_NONE),
    "registerAgency": Operation(method="POST", run=register),
    "deleteAgency": Operation(method="POST", run=delete),
}
