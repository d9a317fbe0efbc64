"""Judges the tree of a message by the XSDs and turns libxml2's errors into findings people can act on.

1. The tree is first tried as it was received: what a strict reader takes needs nothing else. That is the
   usual case and the cheap one, the more so as a schema without keys is asked.
2. Otherwise it is normalised, so that dialect, order and prefixes no longer matter.
3. The lenient schema gives the errors, 4. the strict one the warnings, one finding per element and at most
   `MOST_FINDINGS`. Dialects C and D are older than what the strict schemas describe: no warnings for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Protocol, cast

from lxml import etree

from gateway.edxml.envelope import Dialect, Finding, MessageKind
from gateway.edxml.normalise import Normalised, normalise, plain_path
from gateway.edxml.schema_files import quick_schema, schema
from gateway.validate_rules import finding

MOST_FINDINGS = 50

#: Two of these make it unclear who sends, what or about what; of the others the first is used.
_IDENTITY = frozenset({"From", "DocumentId", "OrganId", "StatusCode", "Subject"})

_KEY = re.compile(r"Not all fields of key identity-constraint '(?:\{[^}]*\})?([\w.]+)'")
_EXPECTED = re.compile(r"Expected is (.*)")
_NAME = re.compile(r"\{[^}]*\}(\w+)")
_TOO_LONG = re.compile(r"length of '(\d+)'.* maximum length of '(\d+)'")
_SET = re.compile(r"is not an element of the set \{(.*)\}")
_EMPTY = re.compile(r"(?:The value|:) '' is not ")

_TYPE = etree.ErrorTypes
_NUMBER = ("một số nguyên không âm", "a whole number, 0 or more")
_BOOLEAN = ("true hoặc false", "true or false")


class _Entry(Protocol):
    """What libxml2 tells of one error."""

    path: str | None
    message: str
    type: int


class Depth(StrEnum):
    """How much the schemas are asked."""

    #: Errors and warnings.
    FULL = "full"
    #: Errors only.
    FAST = "fast"


def schema_findings(skeleton: etree._Element, kind: MessageKind, dialect: Dialect, depth: Depth) -> list[Finding]:
    """What the schemas say about a message."""
    strict = depth is Depth.FULL and dialect in (Dialect.A, Dialect.B)
    usual = quick_schema(kind) if strict else schema(kind, strict=False)
    if usual.validate(skeleton):  # 1
        return []
    normalised = normalise(skeleton, kind)  # 2
    by_path: dict[str, Finding] = {}
    for found in _errors(normalised, kind):  # 3
        by_path.setdefault(found.path, found)
    if strict:
        for found in _warnings(normalised, kind):  # 4
            by_path.setdefault(found.path, found)
    return _capped(list(by_path.values()))


def _capped(found: list[Finding]) -> list[Finding]:
    if len(found) <= MOST_FINDINGS:
        return found
    left_out = len(found) - MOST_FINDINGS + 1
    return [*found[: MOST_FINDINGS - 1], finding("EDX-SCH-22", "", count=left_out)]


def _errors(normalised: Normalised, kind: MessageKind) -> list[Finding]:
    found = [
        finding("EDX-SCH-03", f"{parent}/{name}") for parent, name in normalised.duplicates if name in _IDENTITY
    ]
    for path, _message, error_type in _breaches(normalised.root, kind, strict=False):
        if error_type in {_TYPE.SCHEMAV_CVC_IDC, _TYPE.SCHEMAV_ELEMENT_CONTENT}:
            found.append(finding("EDX-SCH-01", path))
        elif error_type == _TYPE.SCHEMAV_CVC_MINLENGTH_VALID:
            found.append(finding("EDX-SCH-02", path))
        else:
            found.append(finding("EDX-SCH-04", path))
    return found


def _warnings(normalised: Normalised, kind: MessageKind) -> list[Finding]:
    found = [
        finding("EDX-SCH-13", f"{parent}/{name}") for parent, name in normalised.duplicates if name not in _IDENTITY
    ]
    found += [_warning(*breach) for breach in _breaches(normalised.root, kind, strict=True)]
    found += [finding("EDX-SCH-21", path) for path in normalised.out_of_order]
    return found


def _warning(path: str, message: str, error_type: int) -> Finding:
    if _EMPTY.search(message):
        return finding("EDX-SCH-12", path)
    warn = _WARNERS.get(error_type)
    return (warn and warn(path, message)) or finding("EDX-SCH-18", path)


def _missing(path: str, _message: str) -> Finding:
    return finding("EDX-SCH-11", path)


def _empty(path: str, _message: str) -> Finding:
    return finding("EDX-SCH-12", path)


def _misformatted(path: str, _message: str) -> Finding:
    is_instant = path.endswith("/Timestamp")
    return finding("EDX-SCH-14", path, expected="yyyy/MM/dd HH:mm:ss" if is_instant else "yyyy/MM/dd")


def _too_long(path: str, message: str) -> Finding | None:
    sizes = _TOO_LONG.search(message)
    return finding("EDX-SCH-15", path, length=sizes[1], limit=sizes[2]) if sizes else None


def _not_listed(path: str, message: str) -> Finding | None:
    values = _SET.search(message)
    return finding("EDX-SCH-16", path, expected=values[1].replace("'", "")) if values else None


def _mistyped(path: str, _message: str) -> Finding:
    vi, en = _BOOLEAN if path.endswith("/Direction") else _NUMBER
    return finding("EDX-SCH-17", path, expected_vi=vi, expected_en=en)


#: libxml2's error types -> how they are told.
_WARNERS: dict[int, Callable[[str, str], Finding | None]] = {
    _TYPE.SCHEMAV_CVC_IDC: _missing,
    _TYPE.SCHEMAV_ELEMENT_CONTENT: _missing,
    _TYPE.SCHEMAV_CVC_MINLENGTH_VALID: _empty,
    _TYPE.SCHEMAV_CVC_PATTERN_VALID: _misformatted,
    _TYPE.SCHEMAV_CVC_MAXLENGTH_VALID: _too_long,
    _TYPE.SCHEMAV_CVC_ENUMERATION_VALID: _not_listed,
    _TYPE.SCHEMAV_CVC_DATATYPE_VALID_1_2_1: _mistyped,
    _TYPE.SCHEMAV_CVC_MAXINCLUSIVE_VALID: _mistyped,
}


def _breaches(root: etree._Element, kind: MessageKind, *, strict: bool) -> list[tuple[str, str, int]]:
    """(path of the element meant, libxml2's text, its type) for each error."""
    judge = schema(kind, strict=strict)
    if judge.validate(root):
        return []
    log = cast("Iterable[_Entry]", judge.error_log)
    raw = [(plain_path(entry.path or ""), entry.message, entry.type) for entry in log]
    breaches = []
    unread = [_missing_child(path, text)[0] for path, text, kind_ in raw if _is_content(kind_)]
    for path, text, error_type in raw:
        key = _KEY.search(text)
        if key:
            # Behind a gap in a sequence libxml2 sees nothing, so what it then misses may well be there.
            if path not in unread:
                breaches.append((f"{path}/{key[1].partition('.')[2].replace('.', '/')}", text, error_type))
        elif _is_content(error_type):
            parent, name = _missing_child(path, text)
            breaches.append((f"{parent}/{name}", text, error_type))
        else:
            breaches.append((path, text, error_type))
    return breaches


def _is_content(error_type: int) -> bool:
    return bool(error_type == _TYPE.SCHEMAV_ELEMENT_CONTENT)


def _missing_child(path: str, message: str) -> tuple[str, str]:
    """Parent and name of the element that a content model misses: the last of the list libxml2 expected."""
    expected = _EXPECTED.search(message)
    names = _NAME.findall(expected[1]) if expected else []
    parent = path if message.find("Missing child element") >= 0 else path.rpartition("/")[0]
    return parent, names[-1] if names else path.rpartition("/")[2]
