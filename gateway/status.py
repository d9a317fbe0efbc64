"""Correlation: which deliveries a status message is about.

A status names its document only by (OrganId, Code, PromulgationDate, DocumentId). The ladder, first rung that
holds: exact DocumentId; number, notation and day; number, notation and year; else it is parked for a person.
The reporter must be a recipient. 15 and 16 answer the newest open request; 01 to 06 go to the newest delivery
of that document to that reporter which it can have seen (a recall carries the id of what it recalls, and waits
for its reader while that one is still answered), or to the newest where it can have seen none. What several
senders' documents match alike is ambiguous and parked.

A 13 comes from the sender of the document and is itself a request: see `requested`. It does NOT judge whether
a status may follow another: `gateway.ledger.judgement` does, inside the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.edxml.envelope import BusinessType, Envelope, MessageKind, ResponseFor
from gateway.ledger.reads import Match
from gateway.model import AgencyId

TAKE_BACK = "13"
ANSWERS = frozenset({"15", "16"})


class Lookup(Protocol):
    """What correlation asks of the ledger (`gateway.ledger.reads.Reads`)."""

    async def match_by_document_ref(
        self, document_ref: str, senders: list[AgencyId] | None, reporters: list[AgencyId]
    ) -> list[Match]:
        """Lines by exact DocumentId, newest first."""
        ...

    async def match_by_code(
        self, number: str, notation: str, day: str, senders: list[AgencyId] | None, reporters: list[AgencyId]
    ) -> list[Match]:
        """Lines by number, notation and day pattern, newest first."""
        ...

    async def match_by_request(self, request_id: str, recipient_id: AgencyId) -> list[Match]:
        """The recipient's lines that await an answer to a request."""
        ...

    async def match_line(self, message_id: str, recipient_id: AgencyId) -> list[Match]:
        """The recipient's line of one message."""
        ...

    async def match_original(
        self, sender_id: str, *, document_ref: str, number: str, notation: str, day: str, not_this: str
    ) -> list[str]:
        """The sender's own documents that a request may mean, newest first."""
        ...

    async def is_known_document(self, document_ref: str, number: str, notation: str) -> bool:
        """Whether such a document was ever accepted."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Correlation:
    """What was found."""

    #: The lines the status is about: the document's own first, then that of the request it answers.
    matches: tuple[Match, ...] = ()
    matched_by: str = ""
    #: A reason code when nothing (or too much) was found.
    parked: str = ""


async def correlate(
    lookup: Lookup, envelope: Envelope, *, senders: list[AgencyId] | None, reporters: list[AgencyId]
) -> Correlation:
    """Find the lines of a status 01 to 06, 15 or 16.

    `senders`: the agencies that ResponseFor/OrganId may mean, None when it says nothing usable;
    `reporters`: the agency that reports and those it succeeded.
    """
    about = envelope.responses_for[0] if envelope.responses_for else ResponseFor()
    number, notation = split_code(about.code)
    if about.document_id:
        matches = await lookup.match_by_document_ref(about.document_id, senders, reporters)
        if matches:
            return await _choose(lookup, matches, "document_ref", envelope.status_code)
    for rung, day in (("code_date", _day(about)), ("code_year", _year(about))) if number else ():
        matches = await lookup.match_by_code(number, notation, day, senders, reporters)
        if matches:
            return await _choose(lookup, matches, rung, envelope.status_code)
    known = await lookup.is_known_document(about.document_id, number, notation)
    return Correlation(parked="reporter_not_recipient" if known else "status_document_unknown")


async def _choose(lookup: Lookup, matches: Sequence[Match], rung: str, code: str) -> Correlation:
    if len({match.sender_id for match in matches}) > 1:
        return Correlation(parked="status_ambiguous")
    asked = next((match for match in matches if match.request_id is not None), None)
    seen = next((match for match in matches if match.seen), matches[0])
    best = asked if asked is not None and code in ANSWERS else seen
    return await exactly(lookup, best, code, matched_by=rung)


async def exactly(lookup: Lookup, line: Match, code: str, *, matched_by: str = "delivery") -> Correlation:
    """A status about this very line; an answer (15, 16) also closes the other half of its request.

    The line may be the original's (whose request is open) or the request's own.
    """
    if code not in ANSWERS:
        return Correlation(matches=(line,), matched_by=matched_by)
    asked = await lookup.match_by_request(line.message_id, line.recipient_id)
    if asked:
        return Correlation(matches=(asked[0], line), matched_by=matched_by)
    request = await lookup.match_line(line.request_id, line.recipient_id) if line.request_id else []
    return Correlation(matches=(line, *request), matched_by=matched_by)


async def requested(lookup: Lookup, envelope: Envelope, *, sender_id: AgencyId, message_id: str) -> tuple[str, ...]:
    """The ids of the sender's own documents that a 13, recall, update or replacement means; newest each."""
    found: list[str] = []
    for about in _abouts(envelope):
        number, notation = split_code(about.code)
        ids = await lookup.match_original(
            sender_id,
            document_ref=about.document_id,
            number=number,
            notation=notation,
            day=_day(about) or _year(about),
            not_this=message_id,
        )
        if ids and ids[0] not in found:
            found.append(ids[0])
    return tuple(found)


def is_request(envelope: Envelope) -> bool:
    """Whether the message asks for a change of an earlier one."""
    if envelope.kind is MessageKind.STATUS:
        return envelope.status_code == TAKE_BACK
    return envelope.business.type is not BusinessType.NEW


def withdraws(envelope: Envelope) -> bool:
    """Whether the earlier one, where it has not left, is not to leave at all."""
    return envelope.kind is MessageKind.STATUS or envelope.business.type is BusinessType.RECALL


def _abouts(envelope: Envelope) -> tuple[ResponseFor, ...]:
    if envelope.kind is MessageKind.STATUS or envelope.business.type is BusinessType.RECALL:
        named = tuple(item for item in envelope.responses_for if item.document_id or item.code)
        # A recall that names nothing repeats the id of what it recalls.
        return named or (ResponseFor(document_id=envelope.document_id),)
    if envelope.business.type is BusinessType.UPDATE:
        return (ResponseFor(document_id=envelope.business.document_id or envelope.document_id),)
    return tuple(ResponseFor(document_id=item.document_id) for item in envelope.business.replacements)


def split_code(code: str) -> tuple[str, str]:
    """`267/VPCP-TTĐT` -> (`267`, `VPCP-TTĐT`); a notation may hold further slashes."""
    number, _, notation = code.partition("/")
    return number.strip(), notation.strip()


def _day(about: ResponseFor) -> str:
    return about.promulgation_date.isoformat() if about.promulgation_date else ""


def _year(about: ResponseFor) -> str:
    return f"{about.promulgation_date.year}-%" if about.promulgation_date else "%"
