"""Whether a service behind a security server answered one of our calls as docs/connect-xroad.md says. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

#: The last part of a call's path -> its operation, as the kit calls it.
_ASKS: Final = {"inbox": "askInbox", "content": "askContent", "done": "askDone", "fail": "askFail"}
_DENIED: Final = frozenset({401, 403})
_BUSY: Final = frozenset({409, 429, 503})


def hands_in(method: str, path: str) -> bool:
    """Whether a call brings a document or a status."""
    return method == "POST" and path.rpartition("/")[2] in {"documents", "statuses"}


def judge_answer(method: str, path: str, status: int, body: bytes) -> tuple[str, str, str]:
    """Operation, reason and detail; of a document that was taken, the detail is its message_id."""
    bare = path.partition("?")[0]
    operation = "askDocuments" if hands_in(method, bare) else _ASKS.get(bare.rpartition("/")[2], "ask")
    reason, detail = _of_status(status)
    if reason:
        return operation, reason, detail
    told = _object(body)
    if operation == "askDocuments":
        message_id = told.get("message_id")
        if not isinstance(message_id, str) or not message_id:
            return operation, "peer_reply_invalid", f'HTTP {status}, {{"message_id": "…"}} ?'
        return operation, "", message_id
    if operation == "askInbox" and not _is_list(told.get("items")):
        return operation, "peer_reply_invalid", f'HTTP {status}, {{"items": [{{"id", "kind", …}}]}} ?'
    if operation == "askContent" and not body:
        return operation, "peer_reply_invalid", f"HTTP {status}, 0 byte"
    return operation, "", ""


def _of_status(status: int) -> tuple[str, str]:
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return "", ""
    if status in _DENIED:
        return "peer_credential_rejected", f"HTTP {status}"
    if status in _BUSY:
        return "peer_busy", f"HTTP {status}"
    is_own = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.BAD_REQUEST
    return ("peer_error" if is_own else "peer_refused"), f"HTTP {status}"


def _is_list(items: object) -> bool:
    return isinstance(items, list) and all(isinstance(each, dict) and each.get("id") for each in items)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
