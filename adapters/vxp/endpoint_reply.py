"""Replies as the vendor's SDK reads them: `{"status", "ErrorCode", "ErrorDesc", …}` in ASCII. Pure.

The SDK decodes replies as US-ASCII, so everything is: texts of errors without accents, other values with JSON's
escapes. `ErrorDesc` ends in our reason code, in brackets, for whoever looks it up; the full text in Vietnamese and
English is beside it (`Reason`), where the SDK does not look.

`ErrorCode` has the numbers of the provincial interfaces, the only list of them that is known: 0 fine, 10 the
request or file, 15 system id or signature, 18 recipient, 19 sender, 20 our trouble (try again), 22 edXML, 23
closed agency.

HTTP says 200 for whatever is the caller's to mend: a client that takes another status for "no answer" would show
nothing. What passes by itself has its own status (429, 503) and `Retry-After`, with the same JSON.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from adapters.serving import HEADERS
from gateway.broker import Refusal

_OK: Final = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Thanh cong"}
_CODES: Final = {
    "credential_missing": "15",
    "credential_invalid": "15",
    "credential_revoked": "15",
    "credential_expired": "15",
    "address_not_allowed": "15",
    "header_not_signed": "15",
    "header_differs": "15",
    "timestamp_invalid": "15",
    "recipient_unknown": "18",
    "recipients_missing": "18",
    "recipients_too_many": "18",
    "sender_unknown": "19",
    "sender_not_permitted": "19",
    "sender_served_elsewhere": "19",
    "sender_closed": "23",
    "recipient_closed": "23",
    "edxml_invalid": "22",
    "xml_not_wellformed": "22",
    "xml_encoding_invalid": "22",
}
_TROUBLE: Final = "20"
_OTHER: Final = "10"
_LETTERS: Final = str.maketrans({"đ": "d", "Đ": "D", "–": "-", "≥": ">=", "×": "x", "’": "'", "…": "..."})


def ascii_of(text: str) -> str:
    """Without accents; what has no letter in ASCII becomes a question mark."""
    plain = unicodedata.normalize("NFD", text.translate(_LETTERS))
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return "".join(character if " " <= character <= "~" else "?" for character in letters)


def fine(**more: object) -> web.Response:
    """An answer to something that was done."""
    return _json(200, _OK | more)


def beginning_of(name: str) -> bytes:
    """What stands before a long value, which the caller writes by itself and closes."""
    return json.dumps(_OK | {name: ""})[:-3].encode()


def failed(refusal: Refusal, trace_id: str) -> web.Response:
    """An answer to something that was not."""
    status = refusal.http if refusal.temporary and refusal.http in {429, 503} else 200
    headers = {"Trace-Id": trace_id}
    if status != 200:  # noqa: PLR2004
        headers["Retry-After"] = str(refusal.retry_after)
    return _json(status, _failure(refusal) | {"TraceId": trace_id}, headers)


def failed_file(refusal: Refusal, trace_id: str) -> web.Response:
    """The same to somebody who would take any body for the file: none, and a status that says so."""
    headers = HEADERS | {"Trace-Id": trace_id, "Reason": refusal.code}
    if refusal.temporary:
        headers["Retry-After"] = str(refusal.retry_after)
    return web.Response(status=refusal.http, headers=headers)


def _failure(refusal: Refusal) -> dict[str, object]:
    code = _CODES.get(refusal.code, _TROUBLE if refusal.temporary else _OTHER)
    words = refusal.detail if refusal.code == "sender_not_permitted" else _said(refusal)
    return {
        "status": "FAIL",
        "ErrorCode": code,
        "ErrorDesc": f"{ascii_of(words)} [{refusal.code}]",
        "Reason": {"code": refusal.code, "vi": refusal.vi, "en": refusal.en, "detail": refusal.detail},
    }


def _said(refusal: Refusal) -> str:
    return f"{refusal.vi.rstrip('.')}: {refusal.detail}" if refusal.detail else refusal.vi


def _json(status: int, value: Mapping[str, object], headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(value, separators=(",", ":")).encode("ascii"),
        headers={**HEADERS, **(headers or {})},
        content_type="application/json",
    )
