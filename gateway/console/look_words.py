"""What auditors looked up, in words for a person: the record has documents by their ids, and short English words.

The record itself stays as it was written; here it is told. What somebody typed stays as typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

from gateway.console.formats import day
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.ledger.inquiries import Lookup, LookupAct

_DOCUMENT: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:[; ]+(.*))?", re.DOTALL)
_VERIFIED: Final = re.compile(
    r"(.*): (PASSED|FAILED|INDETERMINATE), (own anchors|anchors brought along)", re.DOTALL
)
#: What the desk shows that is no document of the ledger yet: a draft, or a file beside a line.
_AT_DESK: Final = re.compile(r"(draft|desk file) (\S+) (\S+)")
_REGISTER: Final = re.compile(r"register (in|out) (\S+) (\d{4}-\d{2}-\d{2}) - (\d{4}-\d{2}-\d{2})")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: Final[Mapping[str, str]] = {
    "PASSED": N_("passed"),
    "FAILED": N_("failed"),
    "INDETERMINATE": N_("undecided"),
    "own anchors": N_("by this installation's own anchors"),
    "anchors brought along": N_("by the anchors that you brought along"),
    "certificate": N_("printable certificate"),
    "edxml": "edXML",
}


def told(visit: Visit, lookup: Lookup) -> tuple[str, str]:
    """The document that it is about, "" for none; and the rest."""
    question = lookup.question
    if found := _DOCUMENT.fullmatch(question):
        return found[1], _word(visit, found[2] or "")
    if of_desk := _of_desk(visit, lookup):
        return "", of_desk
    if lookup.act is LookupAct.COMPARED and _DAY.fullmatch(question):
        return "", _day(visit, question)
    if lookup.act is LookupAct.VERIFIED and (found := _VERIFIED.fullmatch(question)):
        return "", f"{found[1]}: {_word(visit, found[2])}, {_word(visit, found[3])}"
    if lookup.act is LookupAct.EXPORTED and question.startswith("none: "):
        return "", visit.gettext("that there is none: %(what)s") % {"what": question.removeprefix("none: ")}
    return "", question


def _of_desk(visit: Visit, lookup: Lookup) -> str:
    """What no ledger has yet, and registers as files; "" for what is none of these."""
    if lookup.act is LookupAct.OPENED and (found := _AT_DESK.fullmatch(lookup.question)):
        of_draft, of_file = N_("draft %(key)s of %(office)s"), N_("file of the desk %(key)s of %(office)s")
        kind = of_draft if found[1] == "draft" else of_file
        return visit.gettext(kind) % {"key": found[2], "office": found[3]}
    if lookup.act is LookupAct.TAKEN and (found := _REGISTER.fullmatch(lookup.question)):
        is_in, (first, last) = found[1] == "in", (_day(visit, each) for each in (found[3], found[4]))
        book = N_("incoming register of %(office)s, %(first)s to %(last)s")
        book = book if is_in else N_("outgoing register of %(office)s, %(first)s to %(last)s")
        return visit.gettext(book) % {"office": found[2], "first": first, "last": last}
    return ""


def _day(visit: Visit, text: str) -> str:
    return day(date.fromisoformat(text), visit.preferences.language)


def _word(visit: Visit, text: str) -> str:
    return visit.gettext(_WORDS[text]) if text in _WORDS else text
