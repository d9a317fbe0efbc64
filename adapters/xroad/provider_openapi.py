"""The description that a security server imports: OpenAPI 3.0, as its administrators' interface takes it.

Made from the table of operations, so that it cannot name a path that is not served. The server's `servers.url` is
replaced by whoever imports it: there it says where we are. Pure; the same table gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from adapters.xroad.provider_calls import MOST_LISTED, MOST_SENT, OPERATIONS, Operation

_TEXT: Final = {"type": "string"}
_BINARY: Final = {"type": "string", "format": "binary"}
_INTRODUCTION: Final = (
    "Official documents (văn bản điện tử) in edXML between agencies. Errors are JSON with type, message, detail "
    "and a code of the gateway's. Which agency the client in X-Road-Client is, an operator has said."
)
_SUMMARIES: Final[Mapping[str, str]] = {
    "submitDocument": "Hand in a document in edXML; durable and sealed when this answers.",
    "submitStatus": "Hand in a status message in edXML.",
    "listSent": "What you sent, newest first, with a line per recipient.",
    "showSent": "One of them.",
    "listInbox": "What waits for you, oldest first; listing consumes nothing.",
    "fetchContent": "The bytes of one entry; it stays until it is acknowledged.",
    "acknowledge": "You have stored it for good: it leaves the list. Repeating this is harmless.",
    "reportUnusable": "You cannot use it: a person is told, and it leaves the list.",
    "listAgencies": "The directory, a page at a time.",
}
_QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "listSent": ("kind", "limit", "skip"),
    "listInbox": ("kind", "limit", "skip"),
    "listAgencies": ("limit", "after"),
}


def document() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Gateway for official documents", "version": "1.0.0", "description": _INTRODUCTION},
        "servers": [
            {"url": "https://localhost:8444/xroad", "description": "The gateway, as the server reaches it."}
        ],
        "paths": paths,
        "components": {"schemas": {"Fault": _fault(), "Entry": _entry(), "Sent": _sent(), "Agency": _agency()}},
    }


def _operation(operation: Operation) -> dict[str, object]:
    name = operation.name
    found: dict[str, object] = {
        "operationId": name,
        "summary": _SUMMARIES[name],
        "responses": _responses(operation),
    }
    parameters = [_query(each, name) for each in _QUERIES.get(name, ())]
    if "{id}" in operation.path:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": _TEXT})
    if operation.hands_in:
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": _TEXT})
        body = {"application/xml": {"schema": _BINARY}, "application/octet-stream": {"schema": _BINARY}}
        found["requestBody"] = {"required": True, "content": body}
    if name == "reportUnusable":
        words = {"type": "object", "properties": {"reason": _TEXT, "detail": _TEXT}}
        found["requestBody"] = {"required": False, "content": {"application/json": {"schema": words}}}
    return found | ({"parameters": parameters} if parameters else {})


def _query(name: str, operation: str) -> dict[str, object]:
    if name == "kind":
        schema: dict[str, object] = {"type": "string", "enum": ["document", "status"]}
    elif name == "after":
        schema = {"type": "string", "description": "The id of the last agency of the page before."}
    else:
        most = MOST_SENT if operation == "listSent" else MOST_LISTED
        bounds = {"minimum": 1, "maximum": most} if name == "limit" else {"minimum": 0}
        schema = {"type": "integer", **bounds}
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _responses(operation: Operation) -> dict[str, object]:
    fault = {"application/json": {"schema": _ref("Fault")}}
    failed = {"description": "An error of the gateway's.", "content": fault}
    if operation.name == "fetchContent":
        return {"200": {"description": "The bytes.", "content": {"application/octet-stream": {"schema": _BINARY}}},
                "default": failed}  # fmt: skip
    status, schema = _success(operation.name)
    content = {"application/json": {"schema": schema}}
    return {status: {"description": "Done.", "content": content}, "default": failed}


def _success(name: str) -> tuple[str, dict[str, object]]:
    lists = {"listSent": "Sent", "listInbox": "Entry", "listAgencies": "Agency"}
    if name in lists:
        items = {"type": "array", "items": _ref(lists[name])}
        return "200", {"type": "object", "required": ["items"], "properties": {"items": items, "more": _BOOLEAN}}
    if name == "showSent":
        return "200", _ref("Sent")
    if name.startswith("submit"):
        return "202", {
            "type": "object",
            "required": ["message_id"],
            "properties": {"message_id": _TEXT, "accepted": {"type": "object"}},
        }
    return "200", {"type": "object", "properties": {"state": _TEXT}}


_BOOLEAN: Final = {"type": "boolean"}


def _ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties}


def _fault() -> dict[str, object]:
    words = dict.fromkeys(("type", "message", "detail", "code", "message_vi", "trace_id"), _TEXT)
    return _object(**words, status={"type": "integer"})


def _entry() -> dict[str, object]:
    names = ("id", "kind", "sender", "recipient", "document_id", "number", "notation", "subject", "business_type",
             "sha256", "accepted_at")  # fmt: skip
    return _object(**dict.fromkeys(names, _TEXT), priority={"type": "integer"}, size={"type": "integer"},
                   fetched=_BOOLEAN)  # fmt: skip


def _sent() -> dict[str, object]:
    names = ("id", "kind", "sender", "document_id", "number", "notation", "subject", "accepted_at")
    line = _object(**dict.fromkeys(
        ("id", "recipient", "state", "state_at", "reason", "detail", "business_status"), _TEXT
    ))  # fmt: skip
    return _object(**dict.fromkeys(names, _TEXT), deliveries={"type": "array", "items": line})


def _agency() -> dict[str, object]:
    codes = {"type": "array", "items": _TEXT}
    return _object(
        **dict.fromkeys(("id", "parent_id", "code", "name", "kind"), _TEXT), codes=codes, closed=_BOOLEAN
    )


#: As it is served, and as it lies in `docs/`.
DOCUMENT: Final = msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"
