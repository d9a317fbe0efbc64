"""What a report counts, read from the ledger: documents of a span of time and their lines, in cells.

A span is that of acceptance: a document and all its lines belong to the day on which it was accepted, and stand as
they stand now. Documents of tests are left out, and so are status messages. A cell is what is alike in the columns
that a report is cut by; its durations come along, since a median cannot be put together from medians. Everything is
read in one snapshot, a portion of the span at a time, so that figures agree with each other and no sort is large.

It does NOT say what counts as late or slow (`gateway.reports`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import msgspec

from gateway.clock import VIETNAM, instant, micros
from gateway.ledger.params import as_json
from gateway.model import AgencyId, EndpointId
from gateway.states import State
from gateway.storage.readers import Reader, Readers

#: A span is read in at most so many portions of whole days: a sort of a tenth of a year's lines is small yet, and
#: few portions make few cells.
MOST_PORTIONS: Final = 12
_DAY: Final = timedelta(days=1) // timedelta(microseconds=1)
_OFFSET: Final = timedelta(hours=7) // timedelta(microseconds=1)
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentCell:
    """Documents that are alike."""

    sender: AgencyId
    business_type: str
    #: As its sender wrote it; "" where it says none.
    type_name: str
    priority: int
    documents: int
    #: For all their recipients.
    lines: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LineCell:
    """Lines that are alike."""

    recipient: AgencyId
    endpoint: EndpointId
    business_type: str
    type_name: str
    priority: int
    state: State
    #: 01 to 16; "" where the recipient has said nothing.
    business_status: str
    #: Of what was refused or given up.
    reason: str
    lines: int
    #: Of them: its recipient has reported 03.
    registered: int
    #: Seconds from the line's beginning to its arrival by the channel, of those that arrived so.
    arrivals: list[int]
    #: Likewise to the first 03.
    registrations: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class DueLine:
    """A line that was answered, or on which an answer is due: its office has it, and has not given it back."""

    recipient: AgencyId
    endpoint: EndpointId
    business_type: str
    type_name: str
    priority: int
    day: date
    #: When the recipient, or who took its place, first reported 06 or sent a document that answers it.
    answered_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    """A line whose answer has not come."""

    message_id: str
    delivery_id: str
    #: On which it was due.
    day: date
    number: str
    notation: str
    subject: str
    sender_id: AgencyId


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCount:
    """A day of Vietnam; one on which nothing was accepted is told, too."""

    day: date
    documents: int
    lines: int
    arrived: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """What the ledger says of some days."""

    #: The last of them.
    last: date
    days: list[DayCount]
    documents: list[DocumentCell]
    lines: list[LineCell]
    due: list[DueLine]
    #: What recipients said that refused -> how many lines.
    returned: dict[str, int]


async def portions(readers: Readers, first: date, last: date) -> AsyncIterator[Portion]:
    """The days from one to another, both included, in order; days at either end without a document are left out."""
    async with readers.snapshot() as reader:
        span = await reader.fetch_one("figures_read_span", _span(first, last))
        if span is None or span[0] is None:
            return
        day, end = (instant(at).astimezone(VIETNAM).date() for at in span)
        step = timedelta(days=-(-((end - day).days + 1) // MOST_PORTIONS))
        while day <= end:
            upto = min(end, day + step - timedelta(days=1))
            yield await _portion(reader, day, upto)
            day += step


async def _portion(reader: Reader, first: date, last: date) -> Portion:
    """Each line is looked at once, for its cell; the rest is told by what comes along."""
    span = _span(first, last)
    by_day = span | {"offset": _OFFSET, "day": _DAY}
    days = {_EPOCH + timedelta(days=day): found for day, *found in await reader.fetch("figures_count_days", by_day)}
    documents = await reader.fetch("figures_count_documents", span)
    rows = await reader.fetch("figures_count_lines", by_day)
    # of a hundred thousand lines: too much to be taken apart in the event loop
    lines, arrived, returned = await asyncio.to_thread(_lines, rows)
    return Portion(
        last=last,
        days=[_day_count(first + timedelta(days=each), days, arrived) for each in range((last - first).days + 1)],
        documents=await asyncio.to_thread(lambda: [_document_cell(row) for row in documents]),
        lines=lines,
        due=[due for row in await reader.fetch("figures_list_due", span) if (due := _due(row)) is not None],
        returned=dict(await reader.fetch("figures_count_returned", {"lines": as_json(returned)})),
    )


async def due_of(readers: Readers, message_id: str) -> list[DueLine]:
    """The lines of one document on which an answer is due."""
    rows = await readers.fetch("due_list_of_message", (message_id,))
    return [due for row in rows if (due := _due(row)) is not None]


async def unanswered(readers: Readers, days: Iterable[date], *, limit: int) -> dict[date, dict[AgencyId, int]]:
    """Days -> offices that have not answered what was due then -> lines, of `limit` a day at most."""
    async with readers.snapshot() as reader:
        return {
            day: {
                AgencyId(key): count
                for key, count in await reader.fetch(
                    "due_count_unanswered", {"day": day.isoformat(), "limit": limit}
                )
            }
            for day in days
        }


async def unanswered_of(
    readers: Readers, office: AgencyId, days: Iterable[date], *, limit: int
) -> list[Unanswered]:
    """The lines of one office among them, the earliest day first."""
    params = {"office": office, "days": as_json([each.isoformat() for each in days]), "limit": limit}
    return [
        Unanswered(
            message_id=row[0], delivery_id=row[1], day=date.fromisoformat(row[2]), number=row[3], notation=row[4],
            subject=row[5], sender_id=AgencyId(row[6]),
        )
        for row in await readers.fetch("due_list_unanswered", params)
    ]  # fmt: skip


def _span(first: date, last: date) -> dict[str, int]:
    start = datetime.combine(first, time(), VIETNAM)
    end = datetime.combine(last, time(), VIETNAM) + timedelta(days=1)
    return {"since": micros(start), "until": micros(end)}


def _day_count(day: date, found: Mapping[date, Sequence[int]], arrived: Mapping[date, int]) -> DayCount:
    documents, lines = found.get(day, (0, 0))
    return DayCount(day=day, documents=documents, lines=lines, arrived=arrived.get(day, 0))


def _document_cell(row: tuple[Any, ...]) -> DocumentCell:
    sender, business_type, type_name, priority, documents, lines = row
    return DocumentCell(
        sender=AgencyId(sender),
        business_type=business_type,
        type_name=type_name,
        priority=priority,
        documents=documents,
        lines=lines,
    )


def _lines(rows: Sequence[tuple[Any, ...]]) -> tuple[list[LineCell], dict[date, int], list[int]]:
    """The cells; day -> lines that arrived; numbers of those that were returned."""
    arrived, returned = Counter[int](), list[int]()
    for row in rows:
        arrived.update(_numbers(row[12]))
        returned += _numbers(row[13])
    by_day = {_EPOCH + timedelta(days=day): lines for day, lines in arrived.items()}
    return [_line_cell(row) for row in rows], by_day, returned


def _line_cell(row: tuple[Any, ...]) -> LineCell:
    recipient, endpoint, business_type, type_name, priority, state, status, reason, lines, registered = row[:10]
    return LineCell(
        recipient=AgencyId(recipient),
        endpoint=EndpointId(endpoint),
        business_type=business_type,
        type_name=type_name,
        priority=priority,
        state=State(state),
        business_status=status,
        reason=reason,
        lines=lines,
        registered=registered,
        arrivals=_numbers(row[10]),
        registrations=_numbers(row[11]),
    )


def _numbers(text: str) -> list[int]:
    return msgspec.json.decode(text, type=list[int])


def _due(row: tuple[Any, ...]) -> DueLine | None:
    recipient, day, answered_at, endpoint, business_type, type_name, priority = row
    try:
        due = date.fromisoformat(day)
    except ValueError:
        return None
    return DueLine(
        recipient=AgencyId(recipient),
        endpoint=EndpointId(endpoint),
        business_type=business_type,
        type_name=type_name,
        priority=priority,
        day=due,
        answered_at=None if answered_at is None else instant(answered_at),
    )
