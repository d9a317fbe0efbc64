"""What an inspector asks the ledger: documents by any spelling of their number, what came later, their lines.

Also the record of who looked something up. Its leaf says that somebody did, and how often something was found; what
he asked for stands beside the leaf, and the leaf commits to it: whoever reads leaves does not learn what is being
looked into. Such events belong to no message and no line, so that no agency's feed and no bundle has them.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import msgspec

from gateway.clock import VIETNAM, instant, micros
from gateway.events import Event
from gateway.ledger.history import EventRow, RecordEvents
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.states import State
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: Documents of one number that are looked at.
MOST_DOCUMENTS: Final = 50_000
#: Zeros that may stand before a number.
_ZEROS: Final = 6
#: What may stand before a number and between it and its notation, where both were sent in one piece.
_BEFORE: Final = ("", "Số ", "Số:", "Số: ")
_AFTER: Final = " /-.,:\u2010\u2011\u2012\u2013\u2014\u2212"
#: No text of more letters comes after it.
_LAST: Final = chr(0x10FFFF)
_LONGEST_QUESTION: Final = 400
_NEVER: Final = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document as an answer names it."""

    id: str
    sender_id: AgencyId
    sender_code: str
    document_ref: str
    number: str
    notation: str
    promulgated_on: date | None
    subject: str
    business_type: str
    sha256: str
    original_id: str | None
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """A document that recalls, updates or replaces another."""

    original_id: str
    id: str
    business_type: str
    number: str
    notation: str
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """What is known of one line."""

    id: str
    message_id: str
    recipient_id: AgencyId
    recipient_code: str
    state: State
    business_status: str
    #: An intermediary's own id of it.
    peer_ref: str
    #: Its system took it in full, or fetched and acknowledged it; not by an operator's word.
    is_handed: bool
    #: The receiver signed for it with a key of its own.
    is_signed: bool
    registered_at: datetime | None
    reported_at: datetime | None
    state_at: datetime


class LookupAct(StrEnum):
    """What somebody did with the ledger that auditors alone are told of."""

    SEARCHED = "searched"
    OPENED = "opened"
    EXPORTED = "exported"
    VERIFIED = "verified"
    COMPARED = "compared"
    #: Lines of the ledger as a file; not auditors alone take them.
    TAKEN = "taken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """One of them."""

    seq: int
    at: datetime
    actor: str
    act: LookupAct
    #: What he asked for.
    question: str
    found: int


class InquiryReads:
    """What is asked. Everything is of what was committed."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def of_number(self, number: str) -> list[Document]:
        """Documents of a number, whatever zeros stand before it, in no order; more than these where some begin so.

        Whoever sent number and notation in one piece has both in the number.
        """
        spellings = [
            f"{word}{'0' * zeros}{spelt}"
            for word in _BEFORE
            for zeros in range(_ZEROS + 1)
            for spelt in {number, number.upper()}
        ]
        spans = [[spelt, spelt] for spelt in spellings]
        spans += [[f"{spelt}{mark}", f"{spelt}{mark}{_LAST}"] for spelt in spellings for mark in _AFTER]
        asked = {"spans": as_json(spans), "limit": MOST_DOCUMENTS}
        return [_document(row) for row in await self._readers.fetch("inquiry_find_documents", asked)]

    async def documents(self, ids: Collection[str]) -> list[Document]:
        """Those of some ids that are documents."""
        return [
            _document(row) for row in await self._readers.fetch("inquiry_list_documents", (as_json(list(ids)),))
        ]

    async def later(self, ids: Collection[str]) -> list[Later]:
        """What recalls, updates or replaces some documents, the earliest first."""
        rows = await self._readers.fetch("inquiry_list_about", (as_json(list(ids)),))
        found = [
            Later(
                original_id=row[0],
                id=row[1],
                business_type=row[2],
                number=row[3],
                notation=row[4],
                accepted_at=instant(row[5]),
            )
            for row in rows
        ]
        return sorted(found, key=lambda each: each.accepted_at)

    async def arrivals(self, ids: Collection[str], recipients: Collection[AgencyId] | None) -> list[Arrival]:
        """The lines of some documents, of some recipients where these are named."""
        asked = {
            "messages": as_json(list(ids)),
            "recipients": as_json(sorted(recipients)) if recipients is not None else None,
        }
        return [_arrival(row) for row in await self._readers.fetch("inquiry_list_lines", asked)]

    async def lookups(
        self,
        *,
        limit: int,
        before: int | None = None,
        actor: str | None = None,
        day: date | None = None,
        text: str = "",
    ) -> list[Lookup]:
        """What was looked up, newest first; by one person, on a day of Vietnam, with a text in the question."""
        start = datetime.combine(day, time(), VIETNAM) if day is not None else None
        asked = {
            "before": before if before is not None else _NEVER, "limit": limit, "actor": actor, "text": text,
            "since": micros(start) if start is not None else 0,
            "until": micros(start + timedelta(days=1)) if start is not None else _NEVER,
        }  # fmt: skip
        return [_lookup(row) for row in await self._readers.fetch("lookup_list", asked)]


async def record_lookup(
    pump: Pump, *, act: LookupAct, actor: str, question: str, found: int, now: datetime
) -> None:
    """Recorded when this returns, hence before the answer is shown."""
    salt, text = secrets.token_hex(16), question[:_LONGEST_QUESTION]
    facts: dict[str, object] = {"act": str(act), "found": found, "question": commitment(salt, text)}
    event = EventRow(kind=Event.LOOKUP_MADE, at=now, actor=actor, facts=facts, note=f"{salt} {text}")
    await pump.submit(RecordEvents(), event)


def commitment(salt: str, question: str) -> str:
    """What the leaf holds of a question."""
    return sha256(f"{salt} {question}".encode()).hexdigest()


def _lookup(row: Sequence[Any]) -> Lookup:
    facts = msgspec.json.decode(row[3])["facts"]
    _, _, question = row[4].partition(" ")
    return Lookup(
        seq=row[0],
        at=instant(row[1]),
        actor=row[2],
        act=LookupAct(facts["act"]),
        question=question,
        found=facts["found"],
    )


def _document(row: Sequence[Any]) -> Document:
    return Document(
        id=row[0], sender_id=AgencyId(row[1]), sender_code=row[2], document_ref=row[3], number=row[4],
        notation=row[5], promulgated_on=_day(row[6]), subject=row[7], business_type=row[8], sha256=row[9],
        original_id=row[10], accepted_at=instant(row[11]),
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _arrival(row: Sequence[Any]) -> Arrival:
    return Arrival(
        id=row[0], message_id=row[1], recipient_id=AgencyId(row[2]), recipient_code=row[3], state=State(row[4]),
        business_status=row[5], peer_ref=row[6], is_handed=bool(row[7]), is_signed=bool(row[8]),
        registered_at=instant(row[9]) if row[9] is not None else None,
        reported_at=instant(row[10]) if row[10] is not None else None,
        state_at=instant(row[11]),
    )  # fmt: skip
