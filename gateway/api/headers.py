"""Header fields: what every answer carries, and how the ones of requests are read.

Readers raise RefusedError with the code of the field concerned; they do no I/O.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from multidict import CIMultiDict, CIMultiDictProxy

from gateway.errors import RefusedError

#: On every answer; a handler may replace Cache-Control and Content-Security-Policy.
SECURITY: Final[CIMultiDictProxy[str]] = CIMultiDictProxy(
    CIMultiDict(
        {
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "Server": "gateway",
            "Strict-Transport-Security": "max-age=31536000",
            "X-Content-Type-Options": "nosniff",
        }
    )
)

_KEY_LENGTH: Final = 255
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")
#: An RFC 8941 string: printable ASCII, with \" and \\ as its only escapes.
_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ESCAPE: Final = re.compile(r'\\(["\\])')
_DIGEST: Final = re.compile(r"\s*([a-z0-9-]+)=:([A-Za-z0-9+/=]*):\s*")
_DIGEST_BYTES: Final = {"sha-256": 32, "sha-512": 64}
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_NO_TRACE: Final = "0" * 32
_BEARER: Final = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]{1,500})", re.IGNORECASE)
_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A part of a file: `length` bytes from `start`."""

    start: int
    length: int


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id of a W3C traceparent; None when there is none that can be used."""
    if traceparent is None:
        return None
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    return None if match is None or match[1] == _NO_TRACE or traceparent.startswith("ff") else match[1]


def bearer_of(authorization: str | None) -> str | None:
    """The bearer token; another scheme or a damaged one is `credential_invalid`."""
    if authorization is None:
        return None
    match = _BEARER.fullmatch(authorization.strip())
    if match is None:
        raise RefusedError("credential_invalid", "Authorization must be: Bearer <token>")
    return match[1]


def idempotency_key_of(value: str | None) -> str | None:
    """The key, given as the IETF draft's quoted string or bare."""
    if value is None:
        return None
    key = value.strip()
    if key.startswith('"'):
        match = _QUOTED.fullmatch(key)
        if match is None:
            raise RefusedError("idempotency_key_invalid", "the quoted string is damaged")
        key = _ESCAPE.sub(r"\1", match[1])
    if not _PRINTABLE.fullmatch(key) or len(key) > _KEY_LENGTH:
        raise RefusedError("idempotency_key_invalid", f"it has {len(key)} characters, or some outside ASCII")
    return key


def digests_of(value: str | None) -> dict[str, bytes]:
    """The digests of a Content-Digest or Repr-Digest (RFC 9530) that we can check; unknown ones are ignored."""
    if value is None:
        return {}
    found: dict[str, bytes] = {}
    for item in value.split(","):
        match = _DIGEST.fullmatch(item)
        if match is None:
            raise RefusedError("request_malformed", "a digest must be written as sha-256=:BASE64:")
        try:
            digest = b64decode(match[2], validate=True)
        except binascii.Error as error:
            raise RefusedError("request_malformed", f"the digest {match[1]} is not base64") from error
        if match[1] in _DIGEST_BYTES:
            if len(digest) != _DIGEST_BYTES[match[1]]:
                raise RefusedError("request_malformed", f"the digest {match[1]} has a wrong length")
            found[match[1]] = digest
    return found


def repr_digest(sha256_hex: str) -> str:
    """Repr-Digest of an answer, so that its reader can check it."""
    return f"sha-256=:{b64encode(bytes.fromhex(sha256_hex)).decode('ascii')}:"


def span_of(value: str | None, size: int) -> Span | None:
    """The one range asked for (RFC 9110 14.1.2); None: send it whole, as for anything we do not understand."""
    match = _RANGE.fullmatch(value.strip()) if value else None
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        start = size - length
    else:
        start = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < start:
            return None
        length = last - start + 1
    if length <= 0 or start >= size:
        headers = {"Content-Range": f"bytes */{size}"}
        raise RefusedError("range_not_satisfiable", f"the file has {size} bytes", headers=headers)
    return Span(start=start, length=length)


def matches_tag(value: str | None, tag: str) -> bool:
    """Whether an If-None-Match names `tag` (without quotes)."""
    if value is None:
        return False
    return value.strip() == "*" or tag in _TAG.findall(value)


def disposition(name: str) -> str:
    """Content-Disposition for saving under `name` (RFC 6266), an ASCII fallback first."""
    clean = "".join(character for character in name if character.isprintable() and character not in '/\\"')
    clean = clean.strip(". ") or "document"
    fallback = clean.encode("ascii", "replace").decode("ascii").replace("?", "_").replace("%", "_")
    if fallback == clean:
        return f'attachment; filename="{clean}"'
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(clean, safe='')}"
