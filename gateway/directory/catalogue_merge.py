"""A peer's lists of agencies made into one catalogue: who is who, who is above whom. Pure code.

Entries of different lists are one agency where they share a code; entries of one list never are. A code belongs to
the agency that has it as its own (`code`), not to one that had it before (`further_codes`); where the owner is
deleted, the one that had it before takes over from it. Ids say who is above whom, within their list.

What is not sound is set aside with a reason and never keeps the rest from being read: a code or a name that cannot
be one, an id or a code given twice. An agency set aside still counts as named, so it is not taken for one that has
gone. One that would be above itself, or is absurdly deep, is taken with nobody above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from gateway.directory.fold import proper
from gateway.ports import CatalogueEntry

#: Codes of both forms, and the odd ones that catalogues hold; nothing that only looks like a Latin letter.
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,49}")
_MAIL: Final = re.compile(r"[!-~]{1,60}@[!-~]{1,60}")
_LONGEST_NAME = 500
_SHOWN, _SHOWN_CODE = 50, 60
_PART = 500
#: Levels that are believed; a real catalogue has six. Deeper ones would be compared one by one.
_DEEPEST = 40
_LONGEST_REF = 64
#: Part of every digest: another way of reading makes every agency a changed one.
_FORMAT = "1"


def form_of(code: str) -> str:
    """The code as it is compared; itself where it is written so already, since there are 250,000."""
    return code if code.isupper() else code.upper()


class Found(msgspec.Struct, gc=False):
    """One agency of the catalogue."""

    #: Its own code first: as they are written, and as they are compared.
    codes: tuple[str, ...]
    forms: tuple[str, ...]
    name: str
    email: str
    kind: str
    deleted: bool
    #: Why it is not taken; a code of `gateway.reasons`.
    fault: str = ""
    #: Places in the catalogue; -1: none.
    parent: int = -1
    successor: int = -1
    #: The last list that has told of it.
    listing: str = ""

    @property
    def form(self) -> str:
        """Its own code as it is compared."""
        return self.forms[0]

    def take_code(self, code: str, form: str) -> None:
        """One more."""
        same = self.forms is self.codes and form is code
        self.codes += (code,)
        self.forms = self.codes if same else (*self.forms, form)

    def lose_code(self, form: str) -> None:
        """One that is another's."""
        kept = [place for place, each in enumerate(self.forms) if each != form]
        self.codes, self.forms = tuple(self.codes[i] for i in kept), tuple(self.forms[i] for i in kept)


class Problems:
    """What was not taken: how often for which reason, and the first of each."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        #: (reason, code, detail)
        self.shown: list[tuple[str, str, str]] = []

    def add(self, reason: str, code: str, detail: str = "") -> None:
        """One more."""
        count = self.counts[reason] = self.counts.get(reason, 0) + 1
        if count <= _SHOWN:
            self.shown.append((reason, _printable(code), _printable(detail)))

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())


class Merged:
    """The catalogue; `take` every entry, then `finish`."""

    def __init__(self) -> None:
        self.agencies: list[Found] = []
        self.entries = 0
        self.problems = Problems()
        self._places: dict[str, int] = {}
        self._listing = ""
        self._refs: dict[str, int] = {}
        self._parents: list[tuple[int, str]] = []

    def take(self, entry: CatalogueEntry) -> None:
        """One entry."""
        self.entries += 1
        if entry.listing != self._listing:
            self._end_list()
            self._listing = entry.listing
        if not _CODE.fullmatch(entry.code):
            self.problems.add("catalogue_code_invalid", entry.code)
            return
        place = self._place_of(entry)
        if place is None:
            return
        known = self._refs.setdefault(entry.ref, place) if 0 < len(entry.ref) <= _LONGEST_REF else place
        if known != place:
            self._fault(place, "catalogue_id_twice", f"{entry.ref}: {self.agencies[known].codes[0]}")
        elif entry.parent_ref and self.agencies[place].parent < 0:
            parent = self._refs.get(entry.parent_ref)
            if parent is None:
                self._parents.append((place, entry.parent_ref))
            else:
                self.agencies[place].parent = parent

    def finish(self) -> Iterator[None]:
        """No entry follows. Go through it to its end: it stops now and then, for others to have their turn."""
        self._end_list()
        yield
        levels = bytearray(len(self.agencies))
        for start in range(len(self.agencies)):
            if start % _PART == 0:
                yield
            self._level(start, levels)

    def place_of(self, form: str) -> int | None:
        """Where the agency of a code stands."""
        return self._places.get(form)

    def from_the_top(self) -> Iterator[list[int]]:
        """All places, parents before their children, some hundred at once."""
        children: dict[int, list[int]] = {}
        for place, agency in enumerate(self.agencies):
            if place % _PART == 0:
                yield []  # for others to have their turn
            children.setdefault(agency.parent, []).append(place)
        level = children.get(-1, [])
        while level:
            below: list[int] = []
            for start in range(0, len(level), _PART):
                part = level[start : start + _PART]
                yield part
                for place in part:
                    below += children.get(place, ())
            level = below

    def digest_of(self, place: int, *, with_parent: bool) -> bytes:
        """Sixteen bytes that change with whatever the directory would take of the agency."""
        agency = self.agencies[place]
        parent = self.agencies[agency.parent].codes[0] if with_parent else ""
        state = "deleted" if agency.deleted else ""
        text = "\x1f".join((_FORMAT, agency.kind, agency.name, agency.email, parent, state, *agency.codes))
        return blake2b(text.encode(), digest_size=16).digest()

    def _place_of(self, entry: CatalogueEntry) -> int | None:
        """Where the entry belongs; None where another of the same list has said it."""
        form = form_of(entry.code)
        place = self._places.get(form)
        if place is not None and self.agencies[place].listing != self._listing:
            self._join(place, entry)
            return place
        if place is not None and self.agencies[place].form == form:
            return self._again(place, entry)
        if place is None:
            for code in entry.further_codes:
                before = self._places.get(form_of(code))
                if before is not None and self.agencies[before].listing != self._listing:
                    self._join(before, entry)
                    return before
        else:  # its own code, which an earlier entry had before it
            self.agencies[place].lose_code(form)
        return self._add(entry, form)

    def _add(self, entry: CatalogueEntry, form: str) -> int:
        place = len(self.agencies)
        name = proper(entry.name) if len(entry.name) <= 2 * _LONGEST_NAME else entry.name
        sound = 0 < len(name) <= _LONGEST_NAME and name.isprintable()
        codes = (entry.code,)
        agency = Found(
            codes=codes,
            forms=codes if form is entry.code else (form,),
            name=name if sound else "",
            email=_email(entry.email),
            kind=entry.kind,
            deleted=entry.deleted,
            listing=self._listing,
        )
        self.agencies.append(agency)
        former = self._places.get(form)
        self._places[form] = place
        if entry.deleted and former is not None:
            agency.successor = former
        self._add_codes(place, entry.further_codes)
        if not sound and not entry.deleted:
            self._fault(place, "catalogue_name_invalid", name[:_SHOWN_CODE])
        return place

    def _join(self, place: int, entry: CatalogueEntry) -> None:
        """What a further list says of an agency; the first that said something keeps the word."""
        agency = self.agencies[place]
        agency.listing = self._listing
        agency.deleted |= entry.deleted
        if not agency.email:
            agency.email = _email(entry.email)
        self._add_codes(place, (entry.code, *entry.further_codes))

    def _again(self, place: int, entry: CatalogueEntry) -> int | None:
        """A code that stands twice in one list: the living one counts; two that are the same are one."""
        agency = self.agencies[place]
        if agency.deleted and not entry.deleted and not agency.fault:
            name = proper(entry.name[: 2 * _LONGEST_NAME])
            if 0 < len(name) <= _LONGEST_NAME and name.isprintable():
                agency.name, agency.deleted, agency.kind = name, False, entry.kind
                self._add_codes(place, entry.further_codes)
                return place
        if proper(entry.name[: 2 * _LONGEST_NAME]) == agency.name:
            return place
        if entry.deleted:
            return None
        self.problems.add("catalogue_code_twice", entry.code, agency.name[:_SHOWN_CODE])
        return None

    def _add_codes(self, place: int, codes: tuple[str, ...]) -> None:
        agency = self.agencies[place]
        for code in codes:
            if not _CODE.fullmatch(code):
                self.problems.add("catalogue_code_invalid", code, agency.codes[0])
                continue
            form = form_of(code)
            owner = self._places.get(form)
            if owner is None:
                self._places[form] = place
                agency.take_code(code, form)
            elif owner != place and self.agencies[owner].deleted and self.agencies[owner].form == form:
                self.agencies[owner].successor = place

    def _fault(self, place: int, reason: str, detail: str) -> None:
        agency = self.agencies[place]
        agency.fault = agency.fault or reason
        self.problems.add(reason, agency.codes[0], detail)

    def _end_list(self) -> None:
        for place, ref in self._parents:
            parent = self._refs.get(ref)
            if parent is not None and self.agencies[place].parent < 0:
                self.agencies[place].parent = parent
        self._refs, self._parents = {}, []

    def _level(self, start: int, levels: bytearray) -> None:
        """How far down an agency and those above it stand, from 1 at the top; 0: not known yet."""
        path: dict[int, None] = {}
        place = start
        while place >= 0 and not levels[place] and place not in path:
            path[place] = None
            place = self.agencies[place].parent
        if place in path:  # everybody from here on is above himself
            above = list(path)
            for each in above[above.index(place) :]:
                self._put_on_top(each)
        for each in reversed(path):
            parent = self.agencies[each].parent
            if parent >= 0 and levels[parent] >= _DEEPEST:
                self._put_on_top(each)
                parent = -1
            levels[each] = levels[parent] + 1 if parent >= 0 else 1

    def _put_on_top(self, place: int) -> None:
        self.agencies[place].parent = -1
        self.problems.add("catalogue_circle", self.agencies[place].codes[0])


class Digests:
    """One digest over those of all agencies, in whatever order a peer lists them."""

    def __init__(self) -> None:
        self._groups: list[list[bytes]] = [[] for _ in range(256)]

    def add(self, digest: bytes) -> None:
        """That of one more agency."""
        self._groups[digest[0]].append(digest)

    def parts(self) -> Iterator[bytes]:
        """All of them in their order, in parts."""
        return (b"".join(sorted(group)) for group in self._groups)


def _email(text: str) -> str:
    text = text.strip()
    return text if _MAIL.fullmatch(text) else ""


def _printable(text: str) -> str:
    return "".join(mark if mark.isprintable() else "?" for mark in text[:_SHOWN_CODE])
