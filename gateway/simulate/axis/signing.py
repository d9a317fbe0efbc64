"""A call's headers, judged as the axis can judge them: HMAC, values, time. Pure.

    XroadVnpt-sign-header-key   names joined by ";"
    XroadVnpt-sign-header       {"XroadVnpt-<name>": "<value>", …}
    XroadVnpt-hash-header       hex HMAC-SHA256(secret, the text of sign-header as it was received)

1. The HMAC is checked over the text as received, never over JSON written anew.
2. Every signed name was really sent, with no other value, and the names agree with sign-header-key, in order.
3. Parameters are read from what was signed. A client may leak those of earlier calls (the vendor's SDK does), even
   `docId` beside `docid`, which are one header to HTTP: so an operation names the spelling it reads first.

Refusals carry a code and unaccented words, since clients decode replies as ASCII.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from gateway.clock import VIETNAM

PREFIX: Final = "XroadVnpt-"
#: Bytes of one header line: `to` with a thousand recipients of 35 characters, escaped once more in sign-header.
HEADER_BYTES_MAX: Final = 131_072

_TIMESTAMP = re.compile(r"(\d{8}T\d{6})\+(\d{4})")
_SHOWN = 60


class FailedError(Exception):
    """The call is answered with FAIL."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        #: Without accents, since the vendor's SDK decodes replies as ASCII.
        self.words = _unaccented(words)
        super().__init__(f"{code} {self.words}")


class Headers(Protocol):
    """The request's headers, several of one name included."""

    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]:
        """Every value of a name, in any case."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call whose signature is right."""

    system_id: str
    #: Signed names as they were spelt, without the prefix.
    parameters: Mapping[str, str]

    def get(self, *names: str) -> str:
        """The first of these spellings that was signed; empty when none was."""
        return next((self.parameters[name] for name in names if name in self.parameters), "")

    def need(self, *names: str) -> str:
        """The same, and FAIL where there is none."""
        value = self.get(*names)
        if not value:
            raise FailedError("10", f"Thieu tham so {names[0]} trong sign-header")
        return value


def claimed_system(headers: Headers) -> str:
    """Who the caller says it is; for orders and the journal, before anything is checked."""
    return one(headers, f"{PREFIX}systemid")


def one(headers: Headers, name: str) -> str:
    """The first value of a header, or nothing."""
    return next(iter(headers.getall(name, ())), "")


def judge(
    headers: Headers, secret_of: Callable[[str], bytes | None], *, now: datetime, window: timedelta | None
) -> Call:
    """The call, or FailedError."""
    text = one(headers, f"{PREFIX}sign-header")
    system_id = claimed_system(headers)
    secret = secret_of(system_id)
    if secret is None:
        raise FailedError("15", f"SystemId chua dang ky: {system_id[:_SHOWN]}")
    due = hmac.new(secret, text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(
        due.encode(), one(headers, f"{PREFIX}hash-header").encode("utf-8", "surrogateescape")
    ):
        raise FailedError("15", "Sai hash-header")
    signed = _signed(text)
    if one(headers, f"{PREFIX}sign-header-key").split(";") != [name[len(PREFIX) :] for name in signed]:
        raise FailedError("15", "sign-header-key khong khop sign-header")
    _compare(signed, headers)
    parameters = {name[len(PREFIX) :]: value for name, value in signed.items()}
    missing = [name for name in ("systemid", "timestamp", "Content-Type") if name not in parameters]
    if missing:
        raise FailedError("15", f"sign-header thieu {', '.join(missing)}")
    _judge_time(parameters["timestamp"], now, window)
    return Call(system_id=system_id, parameters=parameters)


def _compare(signed: Mapping[str, str], headers: Headers) -> None:
    # docId beside docid are one header to HTTP, and some libraries send only the last of them
    values: dict[str, set[str]] = {}
    for name, value in signed.items():
        values.setdefault(name.lower(), set()).add(value)
    for name, due in values.items():
        sent = headers.getall(name, ())
        if not sent or not due.issuperset(sent):
            raise FailedError("15", f"Header {name[:_SHOWN]} khac voi sign-header")


def _unaccented(words: str) -> str:
    plain = unicodedata.normalize("NFD", words.replace("đ", "d").replace("Đ", "D"))
    kept = "".join(each for each in plain if not unicodedata.combining(each))
    return kept.encode("ascii", "replace").decode()


def _signed(text: str) -> dict[str, str]:
    try:
        pairs = json.loads(text, object_pairs_hook=_pairs)
    except (ValueError, RecursionError) as error:
        raise FailedError("15", "sign-header khong phai JSON") from error
    if not isinstance(pairs, dict) or not all(
        isinstance(value, str) and name.startswith(PREFIX) for name, value in pairs.items()
    ):
        raise FailedError("15", "sign-header khong dung dang")
    return pairs


def _pairs(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise FailedError("15", f"sign-header co hai lan {name[:_SHOWN]}")
        found[name] = value
    return found


def _judge_time(text: str, now: datetime, window: timedelta | None) -> None:
    match = _TIMESTAMP.fullmatch(text)
    try:
        at = datetime.strptime(match[1], "%d%m%YT%H%M%S").replace(tzinfo=VIETNAM) if match else None
    except ValueError:
        at = None
    if at is None:
        raise FailedError("15", "Sai timestamp")
    if window is not None and abs(now - at.astimezone(UTC)) > window:
        raise FailedError("15", "timestamp ngoai thoi gian cho phep")
