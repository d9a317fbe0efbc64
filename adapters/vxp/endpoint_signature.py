"""Who signed a call, and what of it: the headers of one request in, what may be believed of them out. Pure.

A call carries each parameter as a header `XroadVnpt-<name>`, the signed text `XroadVnpt-sign-header` (a JSON object
of such names and values) and `XroadVnpt-hash-header`, the HMAC-SHA256 of that text. The order of the judgement:

    read      the text is an object of texts and numbers, each name once; systemid and timestamp are in it
    proves    the HMAC of the text, exactly as it was received, under one secret; in constant time
    fresh     the timestamp is near enough
    value     a parameter that the operation needs was signed, and the header says the same

The vendor's SDK keeps one map of headers for all calls of an object, so parameters of earlier calls turn up in
later ones, signed or not. What an operation does not ask for is therefore never looked at; what it asks for must
be signed. Two spellings of one name (`docId`, `docid`) may both be there, and an HTTP client may send only one of
them.

It does NOT know secrets or who is known.
"""

from __future__ import annotations

import hmac
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from gateway.clock import VIETNAM
from gateway.errors import RefusedError

PREFIX: Final = "XroadVnpt-"
_PREFIX_BYTES: Final = PREFIX.lower().encode()
#: Headers of the signature itself.
_TEXT, _HASH = f"{PREFIX}sign-header", f"{PREFIX}hash-header"
_MOST_NAMES: Final = 64
#: A value without quotes in the signed text, as hand-made JSON has it; bounded, for anybody may send it.
_BARE: Final = re.compile(r':(?!["{\[])([^,:{}"\[\]\s][^,:{}"\[\]]{0,199})(?=[,}])')
_TIMESTAMP: Final = re.compile(r"(\d{2})(\d{2})(\d{4})T(\d{2})(\d{2})(\d{2})(?:\+\d{1,6})?")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """One call's signature, not yet proved."""

    #: The bytes that the HMAC is over.
    text: bytes
    mac: str
    #: Parameters by their exact names, without the prefix.
    values: Mapping[str, str]
    #: What the headers say, by the names' lower-case form.
    sent: Mapping[str, Sequence[str]]
    #: In how many spellings a name was signed.
    spellings: Mapping[str, int]
    system_id: str

    def proves(self, secret: bytes) -> bool:
        """Whether it was made with this secret."""
        return hmac.compare_digest(hmac.new(secret, self.text, sha256).hexdigest(), self.mac)

    def require_fresh(self, now: datetime, window: timedelta) -> None:
        """Refuse a time of signing that is too far from ours; no window: it is not looked at."""
        if not window:
            return
        text = self.value("timestamp")
        signed_at = self.signed_at()
        if signed_at is None:
            raise RefusedError("timestamp_invalid", f"{_shown(text)} is not ddMMyyyyTHHmmss+SSSS")
        if abs(now - signed_at) > window:
            hours = (now - signed_at).total_seconds() / 3600
            raise RefusedError("timestamp_invalid", f"{_shown(text)} differs from our clock by {hours:+.1f} hours")

    def signed_at(self) -> datetime | None:
        """The time of signing; None where it says none."""
        found = _TIMESTAMP.fullmatch(self.values.get("timestamp", ""))
        if found is None:
            return None
        day, month, year, hour, minute, second = map(int, found.groups())
        try:
            return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)
        except ValueError:
            return None

    def value(self, *names: str) -> str:
        """What was signed under the first of these spellings; `header_not_signed` when under none."""
        found = self.optional(*names)
        if found is None:
            raise RefusedError("header_not_signed", " or ".join(f"{PREFIX}{name}" for name in names))
        return found

    def optional(self, *names: str) -> str | None:
        """The same; None where it was not signed."""
        for name in names:
            if name not in self.values:
                continue
            told = self.sent.get(name.lower(), ())
            spellings = self.spellings[name.lower()]
            # of two spellings a client may send one header, with the other's value: what was signed counts
            if self.values[name] not in told and (spellings == 1 or not told):
                raise RefusedError("header_differs", f"{PREFIX}{name}")
            if spellings == 1 and len(set(told)) > 1:
                raise RefusedError("header_differs", f"{PREFIX}{name} was sent {len(told)} times")
            return _text(name, self.values[name])
        return None


def read_signed(headers: Sequence[tuple[bytes, bytes]]) -> Signed:
    """The signature of a request's raw headers; RefusedError for what is none."""
    sent: dict[str, list[str]] = {}
    for raw_name, raw_value in headers:
        name = raw_name.lower()
        if name.startswith(_PREFIX_BYTES):
            value = raw_value.decode("utf-8", "surrogateescape").strip()
            sent.setdefault(name[len(_PREFIX_BYTES) :].decode("latin-1"), []).append(value)
    text, mac = _only(sent, "sign-header"), _only(sent, "hash-header")
    if not _HEX.fullmatch(mac):
        raise RefusedError("credential_invalid", f"{_HASH} is no HMAC-SHA256 in hexadecimal")
    values = _values(text)
    system_id = _text("systemid", values.get("systemid", ""))
    if not system_id:
        raise RefusedError("header_not_signed", f"{PREFIX}systemid")
    return Signed(
        text=text.encode("utf-8", "surrogateescape"),
        mac=mac.lower(),
        values=values,
        sent=sent,
        spellings=Counter(name.lower() for name in values),
        system_id=system_id,
    )


def _text(name: str, value: str) -> str:
    """The value, which nobody behind this could store or look for if it were no Unicode."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RefusedError("request_malformed", f"{PREFIX}{name} is not UTF-8") from error
    return value


def _only(sent: Mapping[str, Sequence[str]], name: str) -> str:
    found = sent.get(name, ())
    if not found:
        raise RefusedError("credential_missing", f"{PREFIX}{name}")
    if len(found) > 1:
        raise RefusedError("header_differs", f"{PREFIX}{name} was sent {len(found)} times")
    return found[0]


def _values(text: str) -> dict[str, str]:
    """The parameters of the signed text."""
    try:
        pairs = _pairs(text)
    except RecursionError as error:
        raise RefusedError("request_malformed", f"{_TEXT} is nested") from error
    except ValueError:
        try:
            pairs = _pairs(_BARE.sub(lambda found: f":{json.dumps(found[1].strip())}", text))
        except (ValueError, RecursionError) as error:
            raise RefusedError("request_malformed", f"{_TEXT} is no JSON object of texts") from error
    values: dict[str, str] = {}
    for name, value in pairs:
        short = name[len(PREFIX) :] if name.lower().startswith(PREFIX.lower()) else name
        if short in values:
            raise RefusedError("header_differs", f"{_shown(name)} was signed twice")
        values[short] = value
    return values


def _pairs(text: str) -> list[tuple[str, str]]:
    """Names and values in their order; ValueError for anything else."""
    # numbers stay as they were written, and nothing is nested
    found = json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    if not isinstance(found, _Pairs) or len(found) > _MOST_NAMES:
        raise ValueError("no object, or too many names")
    if not all(isinstance(value, str) for _, value in found):
        raise ValueError("a value is no text")
    return [(name, value.strip()) for name, value in found]


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with names that stand twice."""


def _shown(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text[:60])
