"""What somebody looks for in the ledger, as one frozen value with a form for addresses.

`parse` reads the fields of a query string, `Filter.address` writes them in one order, so that the same filter has
one address. An unknown field, a value that is none of its kind and words without a letter are refused by name. It
knows nothing of the database; `gateway.search.words` makes the expression of the index from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal, cast
from urllib.parse import urlencode

from gateway.clock import VIETNAM, micros
from gateway.directory.fold import fold, proper, words
from gateway.edxml.codes import PRIORITIES, STATUS_CODES
from gateway.errors import RefusedError
from gateway.states import State

#: Of a line whose recipient's system has reported nothing; of one whose state has no reason.
NO_STATUS: Final = "none"
NO_REASON: Final = "none"
#: Characters of one value, values of one field.
_LONGEST: Final = 200
_MOST: Final = 20
#: Channels: a fault that many of them share is seen to at once.
_MOST_CHANNELS: Final = 100

Kind = Literal["document", "status", "all"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Fields that are empty do not filter; several values of one are alternatives."""

    #: Number and notation as people write them: `125/UBND-VP`, `0125`, `UBND-VP`.
    code: str = ""
    #: Words of the subject, with or without diacritics.
    subject: str = ""
    #: Words of anything: subject, number, names and descriptions of files, who signed.
    text: str = ""
    #: Ids of agencies, of channels.
    sender: tuple[str, ...] = ()
    recipient: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    #: Names of document types, folded: `cong van`.
    type: tuple[str, ...] = ()
    #: 0 to 4, as in `PRIORITIES`.
    urgency: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    #: Business status: two digits, or `none`.
    status: tuple[str, ...] = ()
    #: Codes of reasons for the state, of other releases too; or `none`.
    reason: tuple[str, ...] = ()
    #: First and last day of acceptance, in Vietnam.
    since: date | None = None
    until: date | None = None
    #: First day of the state, likewise.
    changed: date | None = None
    kind: Kind = "document"

    @property
    def address(self) -> str:
        """The filter as a query string; "" for the one that filters nothing."""
        return urlencode(self.pairs)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Its fields as an address has them, those that filter."""
        texts = ((name, _text(getattr(self, name))) for name in FIELDS)
        return [(name, text) for name, text in texts if text and (name, text) != ("kind", "document")]

    @property
    def begins_at(self) -> int:
        """Microseconds: lines from here on."""
        return 0 if self.since is None else _day(self.since)

    @property
    def changed_at(self) -> int:
        """Microseconds: lines whose state is no older."""
        return 0 if self.changed is None else _day(self.changed)

    @property
    def ends_at(self) -> int:
        """Microseconds: lines before."""
        return _NEVER if self.until is None else _day(self.until + timedelta(days=1))


#: Names of its fields, in the order of an address.
FIELDS: Final = tuple(each.name for each in fields(Filter))
#: Later than any instant.
_NEVER: Final = 2**62
#: Days that every zone has whole.
_FIRST_DAY: Final = date(1900, 1, 1)
_LAST_DAY: Final = date(9000, 1, 1)


def parse(pairs: Iterable[tuple[str, str]]) -> Filter:
    """The filter of a query string's fields; empty ones, as forms send them, do not filter."""
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        if name not in FIELDS:
            raise RefusedError("parameter_invalid", f"{name[:80]}: no such field; there are {', '.join(FIELDS)}")
        value = proper(text.replace("\0", " "))
        if len(value) > _LONGEST * (1 if name in _SINGLE else _MOST):
            raise RefusedError("parameter_invalid", f"{name}: longer than {_LONGEST} characters")
        if value:
            given.setdefault(name, []).append(value)
    found: dict[str, Any] = {}
    for name, values in given.items():
        if name in _SINGLE:
            if len(values) > 1:
                raise RefusedError("parameter_invalid", f"{name}: given more than once")
            found[name] = _SINGLE[name](name, values[0])
        else:
            found[name] = _several(name, values)
    return Filter(**found)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return value.isoformat() if isinstance(value, date) else str(value or "")


def _several(name: str, values: Iterable[str]) -> tuple[str, ...]:
    parts = dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip())
    most = _MOST_CHANNELS if name == "channel" else _MOST
    if len(parts) > most:
        raise RefusedError("parameter_invalid", f"{name}: more than {most} values")
    known = _KNOWN.get(name)
    if known is not None:
        for part in parts:
            if part not in known:
                told = ", ".join(known) if len(known) <= _MOST else "those there are"
                raise RefusedError("parameter_invalid", f"{name}: {part[:80]} is none of {told}")
    if name == "reason" and not all(map(_CODE.fullmatch, parts)):
        raise RefusedError("parameter_invalid", "reason: not a code such as peer_refused, or none")
    if name == "type":
        return tuple(dict.fromkeys(fold(part) for part in parts))
    return tuple(parts)


def _words(name: str, value: str) -> str:
    if not words(value):
        raise RefusedError("parameter_invalid", f"{name}: no letter or digit in it")
    return value


def _date(name: str, value: str) -> date:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise RefusedError("parameter_invalid", f"{name}: not a day such as 2026-11-29") from None
    return max(_FIRST_DAY, min(found, _LAST_DAY))


def _kind(name: str, value: str) -> Kind:
    if value not in ("document", "status", "all"):
        raise RefusedError("parameter_invalid", f"{name}: not document, status or all")
    return cast("Kind", value)


_SINGLE: Final[dict[str, Callable[[str, str], object]]] = {
    "code": _words,
    "subject": _words,
    "text": _words,
    "since": _date,
    "until": _date,
    "changed": _date,
    "kind": _kind,
}
#: What may be a code of a reason.
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_KNOWN: Final = {
    "state": tuple(str(each) for each in State),
    "status": (NO_STATUS, *STATUS_CODES),
    "urgency": tuple(map(str, PRIORITIES)),
}


def _day(day: date) -> int:
    return micros(datetime(day.year, day.month, day.day, tzinfo=VIETNAM).astimezone(UTC))
