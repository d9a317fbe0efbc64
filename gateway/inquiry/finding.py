"""Finds what an inspector means: all documents of a number, grouped by issuer and year, with what came after them.

1. What was typed is a number and notation in any spelling; else an id, a DocumentId or a digest.
2. The year is that of the document's own date, of its acceptance where it bears none.
3. The office is issuer or recipient; those whose successor it is count as it.
4. What the filters leave out is counted, too: nobody is told that there is no such document where there is one.
5. Each look-up is recorded before its answer is given (`gateway.ledger.inquiries`).

It changes nothing else, and decides nothing: candidates are shown with their own numbers, for a person to choose.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from gateway.clock import VIETNAM
from gateway.directory.directory import Directory
from gateway.directory.fold import number_key, proper, squeezed
from gateway.errors import RefusedError
from gateway.inquiry.grades import Standing, standing_of
from gateway.ledger import pages
from gateway.ledger.inquiries import Arrival, Document, InquiryReads, Later, LookupAct, record_lookup
from gateway.ledger.registers import RegisterReads
from gateway.model import Agency, AgencyId
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: Candidates that are shown; more is a question that is too wide.
MOST_SHOWN: Final = 200
_LONGEST: Final = 200
_FIRST_YEAR, _LAST_YEAR = 1945, 9998
#: What people write before a number.
_WORD: Final = re.compile(r"\As[oố][\s:.]*(?=\d)", re.IGNORECASE)
_DASHES: Final = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")

#: What the office that is asked about has to do with the document.
Role = Literal["any", "issuer", "recipient"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What somebody asks."""

    #: As typed: `125/UBND-VP`.
    text: str
    year: int | None = None
    #: The office's code.
    office: str = ""
    role: Role = "any"

    def __post_init__(self) -> None:
        if not squeezed(self.text) or len(self.text) > _LONGEST:
            raise RefusedError("parameter_invalid", f"number: 1 to {_LONGEST} characters, with a letter or a digit")
        if self.year is not None and not _FIRST_YEAR <= self.year <= _LAST_YEAR:
            raise RefusedError("parameter_invalid", f"year: {_FIRST_YEAR} to {_LAST_YEAR}")

    @property
    def told(self) -> str:
        """For the record of look-ups."""
        parts = (self.text, str(self.year or ""), self.office, self.role if self.office else "")
        return "; ".join(part for part in parts if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A document that may be meant."""

    document: Document
    #: What recalls, updates or replaces it, the earliest first.
    later: tuple[Later, ...]
    standing: Standing
    #: Its lines for the office that was asked about, where it is a recipient.
    office_lines: tuple[Arrival, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Candidates of one issuer and year."""

    issuer: Agency | None
    issuer_id: AgencyId
    year: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """What can be proved where nothing was found: days that are closed, of the year that was asked for."""

    issuer: Agency
    #: As registers have it: `125/UBND-VP`.
    number: str
    first: date
    last: date


class Unproved(StrEnum):
    """Why the absence of a document cannot be proved."""

    NO_ISSUER = "no_issuer"
    #: Registers hold number and notation together.
    NO_NOTATION = "no_notation"
    #: No day of the year is closed.
    OPEN = "open"
    #: The issuer sent one of that number within those days; it bears another year, or went elsewhere.
    EXISTS = "exists"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The answer."""

    question: Question
    office: Agency | None
    groups: tuple[Group, ...]
    #: How many there are, those not shown included.
    count: int
    #: How many have the number but not the year or the office.
    others: int
    #: Where there is none.
    absence: Absence | Unproved | None


class Inquiries:
    """Answers questions, each look-up on record."""

    def __init__(self, readers: Readers, directory: Directory, pump: Pump) -> None:
        self._readers, self._directory, self._pump = readers, directory, pump
        self._reads = InquiryReads(readers)

    async def ask(self, question: Question, *, actor: str, now: datetime) -> Found:
        """All candidates; RefusedError for an office that nobody knows."""
        office = await self._directory.require(question.office, now) if question.office else None
        offices = await self._with_predecessors(office) if office else frozenset[AgencyId]()
        everywhere = await self._of_number(question)
        documents = await self._candidates(question, offices, everywhere)
        await record_lookup(
            self._pump,
            act=LookupAct.SEARCHED,
            actor=actor,
            question=question.told,
            found=len(documents),
            now=now,
        )
        shown = sorted(documents, key=lambda each: each.accepted_at, reverse=True)[:MOST_SHOWN]
        groups = await self._grouped(shown, offices)
        return Found(
            question=question,
            office=office,
            groups=groups,
            count=len(documents),
            others=len(everywhere) - len(documents),
            absence=None if documents else await self._absence(question, office, everywhere),
        )

    async def _with_predecessors(self, office: Agency) -> frozenset[AgencyId]:
        rows = await self._readers.fetch("agency_list_predecessors", (office.id,))
        return frozenset({office.id, *(AgencyId(row[0]) for row in rows)})

    async def _of_number(self, question: Question) -> list[Document]:
        number, notation = number_key(question.text)
        found = await self._reads.of_number(number) if number else []
        fitting = [each for each in found if _fits(each, number, notation)]
        if not fitting:
            fitting = await self._reads.documents(await pages.meant(self._readers, question.text.strip()))
        return fitting

    async def _candidates(
        self, question: Question, offices: frozenset[AgencyId], everywhere: Sequence[Document]
    ) -> list[Document]:
        fitting = [each for each in everywhere if question.year is None or year_of(each) == question.year]
        if not offices:
            return fitting
        issued = {each.id for each in fitting if each.sender_id in offices}
        received = set[str]()
        if question.role != "issuer":
            lines = await self._reads.arrivals([each.id for each in fitting], offices)
            received = {line.message_id for line in lines}
        wanted = {"any": issued | received, "issuer": issued, "recipient": received}[question.role]
        return [each for each in fitting if each.id in wanted]

    async def _grouped(self, documents: Sequence[Document], offices: frozenset[AgencyId]) -> tuple[Group, ...]:
        ids = [each.id for each in documents]
        lines, later = defaultdict[str, list[Arrival]](list), defaultdict[str, list[Later]](list)
        for line in await self._reads.arrivals(ids, None):
            lines[line.message_id].append(line)
        for each in await self._reads.later(ids):
            later[each.original_id].append(each)
        groups = defaultdict[tuple[AgencyId, int], list[Candidate]](list)
        for document in documents:
            own = lines[document.id]
            candidate = Candidate(
                document=document,
                later=tuple(later[document.id]),
                standing=standing_of(own),
                office_lines=tuple(line for line in own if line.recipient_id in offices),
            )
            groups[document.sender_id, year_of(document)].append(candidate)
        issuers = await self._directory.agencies({key for key, _ in groups})
        found = [
            Group(issuer=issuers.get(key), issuer_id=key, year=year, candidates=tuple(candidates))
            for (key, year), candidates in groups.items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.year, each.issuer.name if each.issuer else "")))

    async def _absence(
        self, question: Question, office: Agency | None, everywhere: Sequence[Document]
    ) -> Absence | Unproved:
        """The closed days of the year, as far as they follow one another up to the last.

        Days are those of acceptance. What bears another year's date and was accepted on one of them is there, too.
        """
        if office is None or question.role == "recipient":
            return Unproved.NO_ISSUER
        if not (number := register_number(question.text)):
            return Unproved.NO_NOTATION
        registers = RegisterReads(self._readers)
        newest = await registers.last(1)
        year = question.year or (newest[0].day.year if newest else _FIRST_YEAR)
        days = [day.day for day, _ in await registers.days(date(year, 1, 1), date(year, 12, 31))]
        if not days:
            return Unproved.OPEN
        first = last = days[-1]
        for day in reversed(days[:-1]):
            if first - day != timedelta(days=1):
                break
            first = day
        accepted = {
            each.accepted_at.astimezone(VIETNAM).date() for each in everywhere if each.sender_id == office.id
        }
        if any(first <= day <= last for day in accepted):
            return Unproved.EXISTS
        return Absence(issuer=office, number=number, first=first, last=last)


def year_of(document: Document) -> int:
    """Of its own date, else of its acceptance."""
    if document.promulgated_on is not None:
        return document.promulgated_on.year
    return document.accepted_at.astimezone(VIETNAM).year


def register_number(text: str) -> str:
    """What was typed as a register would have it: `Số 125/UBND–VP` is `125/UBND-VP`; "" without notation."""
    plain = proper(unicodedata.normalize("NFKC", text)).translate(_DASHES)
    number, _, notation = (part.strip() for part in _WORD.sub("", plain, count=1).partition("/"))
    return f"{number}/{notation}" if number and notation else ""


def _fits(document: Document, number: str, notation: str) -> bool:
    # some write the notation into the number, or the number into the notation
    known, suffix = number_key(f"{document.number}/{document.notation}")
    return known == number and notation in {"", suffix}


def ids_of(groups: Iterable[Group]) -> list[str]:
    """The documents of an answer."""
    return [each.document.id for group in groups for each in group.candidates]
