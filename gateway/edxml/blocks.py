"""Readers of the blocks that documents and statuses share: parties, answers, staff, dates, extensions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from gateway.edxml.dates import read_date, read_instant
from gateway.edxml.envelope import Party, ResponseFor, StaffInfo
from gateway.edxml.notes import Notes
from gateway.edxml.organ_ids import Scheme, scheme_of
from gateway.edxml.scan import Node
from gateway.edxml.texts import text_of

MAX_EXTENSIONS = 64

_MAX_NUMBER = 9


def fields_of(node: Node | None) -> dict[str, Node]:
    """First child of each folded name."""
    return {} if node is None else {kid.name: kid for kid in reversed(node.kids)}


def read_party(node: Node) -> Party:
    """From or To."""
    texts = {kid.name: text_of(kid) for kid in reversed(node.kids) if kid.text}
    get = texts.get
    return Party(
        organ_id=get("organid", ""),
        organization_in_charge=get("organizationincharge", ""),
        organ_name=get("organname", ""),
        organ_add=get("organadd", ""),
        email=get("email", ""),
        telephone=get("telephone", ""),
        fax=get("fax", ""),
        website=get("website", ""),
    )


def read_staff(node: Node | None) -> StaffInfo | None:
    """StaffInfo, None when it is missing."""
    if node is None:
        return None
    parts = fields_of(node)
    return StaffInfo(
        department=text_of(parts.get("department")),
        staff=text_of(parts.get("staff")),
        email=text_of(parts.get("email")),
        mobile=text_of(parts.get("mobile")),
    )


def read_response(node: Node, notes: Notes) -> ResponseFor:
    """ResponseFor; one vendor's swap of OrganId and Code is put right."""
    parts = fields_of(node)
    organ_id, code = text_of(parts.get("organid")), _code(parts.get("code"))
    if "/" in organ_id and code and scheme_of(code) is not Scheme.OPAQUE:
        notes.add("EDX-STS-04", node)
        organ_id, code = code, organ_id
    day, text = read_day(parts.get("promulgationdate"), notes)
    return ResponseFor(
        organ_id=organ_id,
        code=code,
        promulgation_date=day,
        promulgation_date_text=text,
        document_id=text_of(parts.get("documentid")),
    )


def _code(node: Node | None) -> str:
    """`number/notation`, from text or from the two parts."""
    if node is None or not node.kids:
        return text_of(node)
    parts = fields_of(node)
    number, notation = text_of(parts.get("codenumber")), text_of(parts.get("codenotation"))
    return f"{number}/{notation}" if notation else number


def read_day(node: Node | None, notes: Notes) -> tuple[date | None, str]:
    """A date and its text; one that cannot be read is noted."""
    text = text_of(node)
    if not text:
        return None, ""
    day = read_date(text)
    if day is None:
        notes.add("EDX-DATE-01", node, text)
    return day, text


def read_moment(node: Node | None, notes: Notes) -> tuple[datetime | None, str]:
    """An instant and its text; one that cannot be read is noted."""
    text = text_of(node)
    if not text:
        return None, ""
    at = read_instant(text)
    if at is None:
        notes.add("EDX-DATE-01", node, text)
    return at, text


def read_number(node: Node | None, notes: Notes, rule: str = "EDX-NUM-01") -> int | None:
    """A small whole number, None when missing; anything else is noted under `rule`."""
    text = text_of(node)
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER:
        return int(text)
    notes.add(rule, node, text)
    return None


def read_listed(node: Node | None, listed: Iterable[int], notes: Notes, rule: str) -> int:
    """A number of a code list; a blank is 0 without a word, an unknown one is 0 with a note."""
    number = read_number(node, notes, rule)
    if number is None:
        return 0
    if number in listed:
        return number
    notes.add(rule, node, text_of(node))
    return 0


def unknown_leaves(parent: Node | None, known: frozenset[str]) -> list[tuple[str, str]]:
    """Local name and text of every leaf below the children of `parent` that we know of no meaning for."""
    if parent is None:
        return []
    found: list[tuple[str, str]] = []
    waiting = [kid for kid in reversed(parent.kids) if kid.name not in known]
    while waiting and len(found) < MAX_EXTENSIONS:
        node = waiting.pop()
        if node.kids:
            waiting += reversed(node.kids)
        else:
            found.append((node.local, text_of(node)))
    return found
