"""Paths, query strings and JSON bodies, checked against their declared structs.

A wrong parameter is `parameter_invalid` with its name in `detail`; a wrong path is `not_found`, since no such
thing can exist; JSON that does not parse is `request_malformed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from multidict import MultiMapping

from gateway.api.models import Request
from gateway.api.queries import Query
from gateway.errors import RefusedError

_WHERE: Final = re.compile(r" - at `\$?\.?([^`]*)`$")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")
_MAX_DETAIL: Final = 300


def read_path(kind: type[Query], values: Mapping[str, str]) -> Query:
    """The path's variables."""
    try:
        return msgspec.convert(dict(values), kind, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError("not_found") from error


def read_query(kind: type[Query] | None, values: MultiMapping[str]) -> Query | None:
    """The query string; a parameter that is given twice or not declared is refused."""
    if kind is None:
        if values:
            raise RefusedError("parameter_invalid", f"{next(iter(values))[:80]}: this route takes no parameters")
        return None
    plain = dict(values)
    if len(plain) != len(values):
        twice = next(name for name in plain if len(values.getall(name)) > 1)
        raise RefusedError("parameter_invalid", f"{twice[:80]}: given more than once")
    # "null" would be taken for None where a parameter may be absent
    for name, value in plain.items():
        if value.lower() == "null" or value != value.strip() or "\0" in value:
            raise RefusedError("parameter_invalid", f"{name[:80]}: not a value")
    try:
        return msgspec.convert(plain, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(error) from error


def read_json(decoder: msgspec.json.Decoder[Any], data: bytes) -> Request:
    """A JSON body."""
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _refusal(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError("request_malformed", f"the JSON does not parse: {error}"[:_MAX_DETAIL]) from error
    assert isinstance(value, Request)
    return value


def _refusal(error: msgspec.ValidationError) -> RefusedError:
    text = str(error)
    unknown = _UNKNOWN.search(text)
    where = _WHERE.search(text)
    path = where[1] if where else ""
    if unknown is not None:
        name = f"{path}.{unknown[1]}" if path else unknown[1]
        return RefusedError("parameter_invalid", f"{name}: no such parameter"[:_MAX_DETAIL])
    message = _WHERE.sub("", text).replace("`", "")
    return RefusedError("parameter_invalid", (f"{path}: {message}" if path else message)[:_MAX_DETAIL])
