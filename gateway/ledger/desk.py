"""What a clerk's desk reads: what waits for an office, and the lines of its registers.

Every question names the offices that the clerk serves; what is another office's is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import msgspec

from gateway.clock import instant, micros
from gateway.ledger.entries import Beside, Direction, Paper
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.states import State
from gateway.storage.readers import Readers

#: After every id of ours.
_LAST: Final = "~"
#: With more recipients than this a register says how many there are.
_NAMED: Final = 8
#: That the office agreed to give a document back.
_GIVEN_BACK: Final = "15"
#: These urgencies ring.
_URGENT: Final = (4, 3, 2, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A document for an office."""

    seq: int
    delivery_id: str
    message_id: str
    recipient_id: AgencyId
    #: As the sender wrote it: a predecessor's where it wrote to one.
    addressed_to: str
    sender_id: AgencyId
    sender_code: str
    sender_name: str
    code_number: str
    code_notation: str
    issued_on: str
    type_name: str
    subject: str
    business_type: str
    priority: int
    accepted_at: datetime
    state: State
    #: The status last given; "" for none.
    status: str
    #: The request for which its sender waits for 15 or 16; "" for none.
    request_id: str
    due_on: str
    #: Whether the office has reported one of 02 to 06.
    is_handled: bool

    @property
    def code(self) -> str:
        """`number/notation`."""
        return f"{self.code_number}/{self.code_notation}" if self.code_notation else self.code_number


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A line of a register."""

    id: str
    office_id: AgencyId
    direction: Direction
    series: str
    year: int
    number: int
    day: date
    at: datetime
    actor: str
    message_id: str
    delivery_id: str
    paper: Paper
    beside: Beside
    scan_id: str
    voided_at: datetime | None
    voided_why: str
    is_closed: bool
    #: What the office told the sender last.
    status: str
    #: Its sender has recalled it or asked to have it back.
    is_recalled: bool
    #: When its document was accepted here; None for a paper.
    accepted_at: datetime | None = None

    @property
    def is_struck(self) -> bool:
        """Whether the line is shown struck through: voided, given back, or recalled by the office that sent it."""
        given_back = self.is_recalled and (self.direction == "out" or self.status == _GIVEN_BACK)
        return self.voided_at is not None or given_back

    @property
    def code(self) -> str:
        """`number/notation` of the document."""
        paper = self.paper
        return f"{paper.code_number}/{paper.code_notation}" if paper.code_notation else paper.code_number


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskFile:
    """A scan, or a file of a draft."""

    id: str
    office_id: AgencyId
    sha256: str
    size: int
    name: str
    content_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which lines of a register."""

    office_id: AgencyId
    direction: Direction
    first: date
    last: date
    #: The line after which to go on; "": from the newest.
    before: str = ""
    limit: int = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """After which document of the list to go on."""

    priority: int
    seq: int


#: Before the most urgent one.
FIRST_PLACE: Final = Place(priority=9, seq=0)


class Urgent(NamedTuple):
    """What a notification says of a document."""

    delivery_id: str
    #: `number/notation`.
    code: str
    subject: str


class DeskReads:
    """The questions."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def waiting(self, offices: Iterable[AgencyId], *, limit: int, after: Place = FIRST_PLACE) -> list[Item]:
        """Documents that nobody has handled, the most urgent first, of these the oldest."""
        asked = {
            "offices": as_json(sorted(offices)),
            "priority": after.priority,
            "after": after.seq,
            "limit": limit,
        }
        return [_item(row) for row in await self._readers.fetch("desk_list_waiting", asked)]

    async def urgent(self, offices: Iterable[AgencyId], *, limit: int) -> list[list[Urgent]]:
        """Of these the urgent ones, by urgency, the most urgent first; of each so many, the newest first."""
        asked = {"offices": as_json(sorted(offices)), "limit": limit}
        return [
            [Urgent(*row) for row in await self._readers.fetch("desk_list_newest", asked | {"priority": each})]
            for each in _URGENT
        ]

    async def asked_back(self, offices: Iterable[AgencyId], *, limit: int) -> list[Item]:
        """Documents whose senders wait for 15 or 16."""
        asked = {"offices": as_json(sorted(offices)), "limit": limit}
        return [_item(row) for row in await self._readers.fetch("desk_list_asked", asked)]

    async def item(self, offices: Iterable[AgencyId], delivery_id: str) -> Item | None:
        """One document of some offices."""
        asked = {"id": delivery_id, "offices": as_json(sorted(offices))}
        row = await self._readers.fetch_one("desk_read_item", asked)
        return None if row is None else _item(row)

    async def desks_of(self, offices: Iterable[AgencyId]) -> frozenset[AgencyId]:
        """Those of some offices that keep a desk although documents are brought to them."""
        rows = await self._readers.fetch("desk_office_list", (as_json(sorted(offices)),))
        return frozenset(AgencyId(row[0]) for row in rows)

    async def has_software(self, office_id: AgencyId, now: datetime) -> bool:
        """Whether a system of the office connects here."""
        row = await self._readers.fetch_one("desk_has_software", {"office": office_id, "now": micros(now)})
        return bool(row and row[0])

    async def next_number(self, office_id: AgencyId, direction: Direction, series: str, year: int) -> int:
        """The number that the next line would get."""
        row = await self._readers.fetch_one("entry_next_number", (office_id, direction, series, year))
        assert row is not None, "an aggregate has a row"
        return int(row[0])

    async def entry(self, offices: Iterable[AgencyId], entry_id: str) -> Entry | None:
        """One line of some offices."""
        row = await self._readers.fetch_one("entry_read_one", {"id": entry_id, "offices": as_json(sorted(offices))})
        return None if row is None else _entry(row)

    async def entry_of(self, offices: Iterable[AgencyId], delivery_id: str) -> Entry | None:
        """The line of a document that came; one that was struck out is none."""
        row = await self._readers.fetch_one("entry_find_of_delivery", (delivery_id,))
        return None if row is None else await self.entry(offices, row[0])

    async def was_struck(self, delivery_id: str) -> bool:
        """Whether a line of a document that came was struck out."""
        return await self._readers.fetch_one("entry_find_struck_of_delivery", (delivery_id,)) is not None

    async def twin(self, office_id: AgencyId, direction: Direction, twin: str) -> Entry | None:
        """A valid line of the same document."""
        row = await self._readers.fetch_one("entry_find_twin", (office_id, direction, twin))
        return None if row is None else await self.entry((office_id,), row[0])

    async def entries(self, span: Span) -> list[Entry]:
        """Lines of a register, newest first."""
        asked = {
            "office": span.office_id,
            "direction": span.direction,
            "first": span.first.isoformat(),
            "last": span.last.isoformat(),
            "before": span.before or _LAST,
            "limit": span.limit,
        }
        return [_entry(row) for row in await self._readers.fetch("entry_list_of_office", asked)]

    async def series(self, office_id: AgencyId, year: int) -> dict[str, int]:
        """The series that were used in a year, with the number last given."""
        return {row[0]: row[1] for row in await self._readers.fetch("entry_list_series", (office_id, year))}

    async def receivers(self, office_id: AgencyId) -> list[str]:
        """Units and persons of an office that got what came of late, the last first."""
        return [row[0] for row in await self._readers.fetch("entry_list_receivers", (office_id,))]

    async def file(self, offices: Iterable[AgencyId], file_id: str) -> DeskFile | None:
        """A file of some offices."""
        row = await self._readers.fetch_one("desk_file_read", {"id": file_id, "offices": as_json(sorted(offices))})
        return None if row is None else file_of(row)

    async def files_held(self, office_id: AgencyId, since: datetime) -> int:
        """Bytes of the files that an office has brought since an instant, and of all that its drafts have."""
        row = await self._readers.fetch_one(
            "desk_file_sum_of_office", {"office": office_id, "since": micros(since)}
        )
        assert row is not None, "an aggregate has a row"
        return int(row[0])

    async def due_days(self, today: date) -> list[tuple[AgencyId, Direction, date]]:
        """Days of registers that are over and not closed, oldest first."""
        rows = await self._readers.fetch("entry_day_list_due", (today.isoformat(),))
        return [(AgencyId(office), direction, date.fromisoformat(day)) for office, direction, day in rows]


def file_of(row: Sequence[Any]) -> DeskFile:
    """A row of `desk_file`."""
    key, office, sha256, size, name, content_type = row
    return DeskFile(
        id=key, office_id=AgencyId(office), sha256=sha256, size=size, name=name, content_type=content_type
    )


def _item(row: Sequence[Any]) -> Item:
    return Item(
        seq=row[0],
        delivery_id=row[1],
        message_id=row[2],
        recipient_id=AgencyId(row[3]),
        addressed_to=row[4],
        sender_id=AgencyId(row[5]),
        sender_code=row[6],
        sender_name=row[7],
        code_number=row[8],
        code_notation=row[9],
        issued_on=row[10],
        type_name=row[11],
        subject=row[12],
        business_type=row[13],
        priority=row[14],
        accepted_at=instant(row[15]),
        state=State(row[16]),
        status=row[17],
        request_id=row[18],
        due_on=row[19],
        is_handled=bool(row[20]),
    )


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(
        id=row[0],
        office_id=AgencyId(row[1]),
        direction=row[2],
        series=row[3],
        year=row[4],
        number=row[5],
        day=date.fromisoformat(row[6]),
        at=instant(row[7]),
        actor=row[8],
        message_id=row[9],
        delivery_id=row[10],
        paper=Paper(
            issuer=row[11],
            code_number=row[12],
            code_notation=row[13],
            issued_on=row[14],
            type_name=row[15],
            subject=row[16],
            signer=row[17],
            recipients=_recipients(row[18]) if row[9] else row[18],
        ),
        beside=Beside(receiver=row[19], passed_on=row[20], due_on=row[21], copies=row[22], note=row[23]),
        scan_id=row[24],
        voided_at=None if row[25] is None else instant(row[25]),
        voided_why=row[26],
        is_closed=bool(row[27]),
        status=row[28],
        is_recalled=bool(row[29]),
        accepted_at=None if row[30] is None else instant(row[30]),
    )


def _recipients(listed: str) -> str:
    """As a register names them."""
    parties = msgspec.json.decode(listed, type=list[dict[str, Any]])
    names = [str(party.get("organ_name") or party.get("organ_id") or "") for party in parties]
    return "; ".join(names) if len(names) <= _NAMED else f"{len(names)} nơi nhận"
