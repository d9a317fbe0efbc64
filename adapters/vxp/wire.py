"""Calls as the axis expects them: every parameter is a header, and an HMAC covers the parameters. Pure.

    XroadVnpt-<name>             one for each parameter; always: systemid, timestamp, Content-Type
    XroadVnpt-sign-header-key    the parameters' names in their order, joined by ";"
    XroadVnpt-sign-header        compact JSON {"XroadVnpt-<name>": "<value>", …} in that order
    XroadVnpt-hash-header        hex HMAC-SHA256(secret, the text of sign-header)
    XroadVnpt-version, User-Agent, Content-Type

The HMAC covers neither path nor body, and answers are unsigned, so only TLS protects them. Each call has headers of
its own and the time of this call: the vendor's SDK keeps both in one object, so that old parameters leak into later
calls and its timestamps grow stale.

What may be asked is in two closed lists. `Look` changes nothing at the axis. `Act` does: it sends, and takes
entries off the list. Who only looks is given nothing that can name an `Act`, so no error elsewhere can send one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from gateway.clock import VIETNAM

#: The longest value of a parameter, in characters, so that no header line is longer than 64 KiB. `to` stands twice
#: in the head, the second time with each quote escaped: 1,000 recipients of 35 characters are 38,000, there 40,000.
VALUE_LENGTH_MAX = 60_000

_VALUE = re.compile(rf"[\x20-\x7e]{{1,{VALUE_LENGTH_MAX}}}")
#: What the SDK says of itself; whether the axis looks at it is not known.
_FIXED = {"XroadVnpt-version": "3.0.201608", "User-Agent": "JAVASDKAgent/1.0.0 XRoad/VPCP"}


_FORM, _JSON, _FILE = "application/x-www-form-urlencoded", "application/json", "application/octet-stream"


class _Operation(Enum):
    """Path, method, body, content type."""

    def __init__(self, path: str, method: str, body: bytes | None, content_type: str) -> None:
        self.path = path
        self.method = method
        #: What is sent where the caller has nothing of his own.
        self.body = body
        self.content_type = content_type


class Look(_Operation):
    """What may be asked without changing anything."""

    LIST_RECEIVED = ("getReceivedEdocList", "POST", b"", _FORM)
    LIST_SENT = ("getSentEdocList", "POST", b"", _FORM)
    GET = ("getEdoc", "POST", b"{}", _JSON)
    DOWNLOAD = ("downloadEdoc", "GET", None, _FILE)
    COUNT_DOCUMENTS = ("countReceiveEdoc", "POST", b"{}", _JSON)
    COUNT_STATUSES = ("countReceiveStatus", "POST", b"{}", _JSON)
    AGENCIES = ("getAgenciesList", "POST", b"", _FORM)
    AGENCIES_QD20 = ("getAgenciesListQD20", "POST", b"", _FORM)
    UNITS = ("getSynchronizeUnit", "POST", b"", _FORM)


class Act(_Operation):
    """What changes something."""

    SEND = ("sendEdoc", "POST", b"", _FILE)
    UPDATE_STATUS = ("updateStatus", "POST", b"{}", _JSON)


Operation = Look | Act


def headers_of(
    operation: Operation, parameters: Mapping[str, str], *, system_id: str, secret: bytes, now: datetime
) -> dict[str, str]:
    """All headers of one call but Content-Length; ValueError for a value that no header can carry."""
    signed = dict(parameters) | {
        "systemid": system_id,
        "timestamp": timestamp_of(now),
        "Content-Type": operation.content_type,
    }
    for name, value in signed.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the parameter {name} cannot be sent as a header")
    named = {f"XroadVnpt-{name}": value for name, value in signed.items()}
    text = json.dumps(named, separators=(",", ":"))
    return named | {
        "XroadVnpt-sign-header-key": ";".join(signed),
        "XroadVnpt-sign-header": text,
        "XroadVnpt-hash-header": hmac.new(secret, text.encode(), hashlib.sha256).hexdigest(),
        "Content-Type": operation.content_type,
        **_FIXED,
    }


def timestamp_of(now: datetime) -> str:
    """`ddMMyyyyTHHmmss+SSSS`; what follows the plus is milliseconds padded to four digits, not an offset."""
    local = now.astimezone(VIETNAM)
    return f"{local:%d%m%YT%H%M%S}+{local.microsecond // 1000:04}"


def digest_of(sha256: str, form: str) -> str:
    """The value of `hash-file`: as the SDK prints it (each byte in hex without padding), or padded."""
    return sha256 if form == "padded" else "".join(f"{byte:x}" for byte in bytes.fromhex(sha256))
