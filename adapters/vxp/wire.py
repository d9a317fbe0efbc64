"""Calls as the axis expects them: every parameter is a header, and an HMAC covers the parameters. Pure.

    XroadVnpt-<name>             one for each parameter; always: systemid, timestamp, Content-Type
    XroadVnpt-sign-header-key    the parameters' names in their order, joined by ";"
    XroadVnpt-sign-header        compact JSON {"XroadVnpt-<name>": "<value>", …} in that order
    XroadVnpt-hash-header        hex HMAC-SHA256(secret, the text of sign-header)
    XroadVnpt-version, User-Agent, Content-Type

The HMAC covers neither path nor body, and answers are unsigned, so only TLS protects them. Each call has headers of
its own and the time of this call: the vendor's SDK keeps both in one object, so that old parameters leak into later
calls and its timestamps grow stale.

`Operation` is the closed list of what this client can ask. None of it changes anything at the axis: `updateStatus`,
which takes an entry off the list, is not among them, so no error elsewhere can send it.
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

_VALUE = re.compile(r"[\x20-\x7e]{1,1000}")
#: What the SDK says of itself; whether the axis looks at it is not known.
_FIXED = {"XroadVnpt-version": "3.0.201608", "User-Agent": "JAVASDKAgent/1.0.0 XRoad/VPCP"}


class Operation(Enum):
    """What may be asked: path, method, body, content type."""

    LIST_RECEIVED = ("getReceivedEdocList", "POST", b"", "application/x-www-form-urlencoded")
    GET = ("getEdoc", "POST", b"{}", "application/json")
    DOWNLOAD = ("downloadEdoc", "GET", None, "application/octet-stream")
    AGENCIES = ("getAgenciesList", "POST", b"", "application/x-www-form-urlencoded")
    AGENCIES_QD20 = ("getAgenciesListQD20", "POST", b"", "application/x-www-form-urlencoded")
    UNITS = ("getSynchronizeUnit", "POST", b"", "application/x-www-form-urlencoded")

    def __init__(self, path: str, method: str, body: bytes | None, content_type: str) -> None:
        self.path = path
        self.method = method
        self.body = body
        self.content_type = content_type


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
