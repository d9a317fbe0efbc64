"""What members of X-Road can ask: one function per operation, all of them below.

Bodies are documents and statuses as they are; what is fetched stays until `done` or `fail`. A header
`Idempotency-Key`, which security servers pass on, names a request: sent again it gets the same answer.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from adapters.serving import HEADERS, send_file
from gateway.broker import Broker, Catalogued, Handed, Kind, SentFilter, SentLine, Visit
from gateway.clock import rfc3339
from gateway.errors import RefusedError
from gateway.model import Caller

#: Entries of a list where the client names no limit, and at most.
MOST_LISTED: Final = 1000
MOST_SENT: Final = 1000
_MOST_SKIPPED: Final = 1_000_000
_MOST_JSON: Final = 16 * 1024
_KEY_LENGTH: Final = 255
_ID: Final = re.compile(r"[0-9a-zA-Z-]{0,64}")
_DONE: Final = 200
_ACCEPTED: Final = 202


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request whose caller is known."""

    request: web.Request
    caller: Caller
    visit: Visit
    broker: Broker


Run = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One of them; `name` is its operationId."""

    name: str
    method: str
    path: str
    run: Run
    hands_in: bool = False


async def _submit(call: Call) -> web.StreamResponse:
    return await _accept(call, status_only=call.request.headers.get("Gateway-Kind", "").lower() == "status")


async def _submit_status(call: Call) -> web.StreamResponse:
    return await _accept(call, status_only=True)


async def _accept(call: Call, *, status_only: bool) -> web.StreamResponse:
    request = call.request
    handed = Handed(
        stream=request.content,
        announced=request.content_length,
        # the security servers have signed the message; what came is what was sent
        matches=lambda _: True,
        status_only=status_only,
        idempotency_key=_key_of(request),
    )
    taken = await call.broker.accept(call.caller, call.visit, handed)
    answer: dict[str, Any] = msgspec.json.decode(taken.answer)
    headers = {"Idempotency-Replayed": "true"} if taken.replayed else {}
    return _json(call, {"message_id": taken.message_id, "accepted": answer}, status=_ACCEPTED, headers=headers)


async def _inbox(call: Call) -> web.StreamResponse:
    limit, skip = _page(call.request, MOST_LISTED)
    page = await call.broker.waiting(call.caller, _kind(call.request), limit, skip)
    items = [
        {
            "id": item.ref,
            "kind": item.kind,
            "sender": item.sender_code,
            "recipient": item.recipient_code,
            "document_id": item.document_ref,
            "number": item.number,
            "notation": item.notation,
            "subject": item.subject,
            "business_type": item.business_type,
            "priority": item.priority,
            "size": item.size,
            "sha256": item.sha256,
            "accepted_at": rfc3339(item.accepted_at),
            "fetched": item.fetched,
        }
        for item in page.items
    ]
    return _json(call, {"items": items, "more": page.more})


async def _content(call: Call) -> web.StreamResponse:
    body = await call.broker.hand_out(call.caller, call.request.match_info["id"])
    digest = base64.b64encode(bytes.fromhex(body.sha256)).decode()
    headers = {"Trace-Id": call.visit.trace_id, "Repr-Digest": f"sha-256=:{digest}:"}
    return await send_file(call.request, body, headers)


async def _done(call: Call) -> web.StreamResponse:
    await call.broker.done(call.caller, call.request.match_info["id"])
    return _json(call, {"state": "done"})


async def _fail(call: Call) -> web.StreamResponse:
    content = await call.broker.read(call.request.content, call.request.content_length, _MOST_JSON)
    told: object = {}
    if content:
        try:
            told = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RefusedError("request_malformed", "the body is no JSON") from error
    if not isinstance(told, Mapping):
        raise RefusedError("request_malformed", "the body is no JSON object")
    why = " ".join(str(told[name]) for name in ("reason", "detail") if isinstance(told.get(name), str))
    await call.broker.fail(call.caller, call.request.match_info["id"], why)
    return _json(call, {"state": "held"})


async def _sent(call: Call) -> web.StreamResponse:
    limit, skip = _page(call.request, MOST_SENT)
    kind: Kind | None = _kind(call.request) if "kind" in call.request.query else None
    lines = await call.broker.sent(call.caller, SentFilter(kind=kind or "", limit=limit, skip=skip))
    return _json(call, {"items": _messages(lines)})


async def _one_sent(call: Call) -> web.StreamResponse:
    lines = await call.broker.sent(call.caller, SentFilter(message_id=call.request.match_info["id"]))
    found = _messages(lines)
    if not found:
        raise RefusedError("not_found")
    return _json(call, found[0])


def _messages(lines: Any) -> list[dict[str, object]]:
    """Lines gathered under their messages, in the order in which these come."""
    found: dict[str, dict[str, object]] = {}
    for line in lines:
        message = found.setdefault(line.message_id, _message(line))
        deliveries = message["deliveries"]
        assert isinstance(deliveries, list)
        deliveries.append(
            {
                "id": line.delivery_id,
                "recipient": line.recipient_code,
                "state": line.state,
                "state_at": rfc3339(line.state_at),
                "reason": line.reason,
                "detail": line.detail,
                "business_status": line.business_status,
            }
        )
    return list(found.values())


def _message(line: SentLine) -> dict[str, object]:
    return {
        "id": line.message_id,
        "kind": line.kind,
        "sender": line.sender_code,
        "document_id": line.document_ref,
        "number": line.number,
        "notation": line.notation,
        "subject": line.subject,
        "accepted_at": rfc3339(line.accepted_at),
        "deliveries": [],
    }


async def _agencies(call: Call) -> web.StreamResponse:
    """A page of the directory: the whole of it is too much for one message through two security servers."""
    limit, after = _page(call.request, MOST_LISTED)[0], call.request.query.get("after", "")
    if not _ID.fullmatch(after):
        raise RefusedError("parameter_invalid", "after is the id of an agency")
    items: list[dict[str, object]] = []
    async for page in call.broker.catalogue(after):
        items += map(_agency, page)
        if len(items) > limit:
            break
    return _json(call, {"items": items[:limit], "more": len(items) > limit})


def _agency(agency: Catalogued) -> dict[str, object]:
    return {
        "id": agency.id,
        "parent_id": agency.parent_id,
        "code": agency.code,
        "codes": list(agency.codes),
        "name": agency.name,
        "kind": agency.kind,
        "closed": agency.closed_at is not None,
    }


#: In the order of the description.
OPERATIONS: Final = (
    Operation(name="submitDocument", method="POST", path="/documents", run=_submit, hands_in=True),
    Operation(name="submitStatus", method="POST", path="/statuses", run=_submit_status, hands_in=True),
    Operation(name="listSent", method="GET", path="/documents", run=_sent),
    Operation(name="showSent", method="GET", path="/documents/{id}", run=_one_sent),
    Operation(name="listInbox", method="GET", path="/inbox", run=_inbox),
    Operation(name="fetchContent", method="GET", path="/inbox/{id}/content", run=_content),
    Operation(name="acknowledge", method="POST", path="/inbox/{id}/done", run=_done),
    Operation(name="reportUnusable", method="POST", path="/inbox/{id}/fail", run=_fail),
    Operation(name="listAgencies", method="GET", path="/agencies", run=_agencies),
)


def _kind(request: web.Request) -> Kind:
    told = request.query.get("kind", "document")
    if told == "document":
        return "document"
    if told == "status":
        return "status"
    raise RefusedError("parameter_invalid", "kind is document or status")


def _page(request: web.Request, most: int) -> tuple[int, int]:
    limit, skip = _number(request, "limit", most), _number(request, "skip", 0)
    if not 1 <= limit <= most or skip > _MOST_SKIPPED:
        raise RefusedError("parameter_invalid", f"limit is 1 to {most}, skip at most {_MOST_SKIPPED}")
    return limit, skip


def _number(request: web.Request, name: str, usual: int) -> int:
    told = request.query.get(name)
    if told is None:
        return usual
    if not (told.isascii() and told.isdecimal() and len(told) < 8):  # noqa: PLR2004
        raise RefusedError("parameter_invalid", f"{name} is a whole number")
    return int(told)


def _key_of(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip().strip('"')
    if not key or len(key) > _KEY_LENGTH or not all(" " <= character <= "~" for character in key):
        raise RefusedError("idempotency_key_invalid")
    return key


def _json(
    call: Call, value: object, *, status: int = _DONE, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        headers={**HEADERS, "Trace-Id": call.visit.trace_id, **(headers or {})},
        content_type="application/json",
        charset="utf-8",
    )
