"""Queues of what needs a person: parked statuses with candidates, conflicts, quarantine, documents that went wrong.

Reading; and `settle`, by which a person says that something has been dealt with, so that it waits no more. A parked
status is matched and dismissed by `gateway.admin.statuses`, a misrouted document forwarded by `gateway.admin.mass`:
here is what these pages show, with what to suggest. Parked statuses come in pages of `PARKED`; each other queue
shows `MOST` rows, and what is beyond waits its turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.admin.belonging import offices_named
from gateway.admin.statuses import spoken_for
from gateway.candidates import About, Candidate, Ranked, ranked, spellings
from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger.params import as_json
from gateway.ledger.settled import Settle, SettleOperation
from gateway.model import Agency, AgencyId
from gateway.states import State

#: Rows of a queue, candidates of a status, and lines looked at for those.
MOST: Final = 200
#: Parked statuses of one page: each is looked for among the documents.
PARKED: Final = 50
CANDIDATES: Final = 5
_LOOKED_AT: Final = 100
#: A document that was returned longer ago waits for nobody.
RETURNED_WITHIN: Final = timedelta(days=90)
#: No status is looked for among older documents.
_ANSWERED_WITHIN: Final = timedelta(days=730)

_SETTLE = SettleOperation()
Id = Annotated[str, Meta(min_length=1, max_length=40)]


class SettleProblem(Change, kw_only=True):
    """Somebody has dealt with it."""

    kind: Literal["conflict", "flag", "misrouted"]
    #: A document, a status, a delivery.
    subject: Id


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How many wait in a queue."""

    count: int
    #: There may be more.
    least: bool = False


def tally(*lists: Sequence[object]) -> Tally:
    """Of what a queue shows; each list holds `MOST` at most."""
    return Tally(count=sum(map(len, lists)), least=any(len(each) >= MOST for each in lists))


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownLine:
    """A delivery as lists for people show it."""

    id: str
    message_id: str
    recipient_id: AgencyId
    recipient_code: str
    state: State
    reason: str
    detail: str
    state_at: datetime
    business_status: str
    kind: str
    sender_id: AgencyId
    sender_code: str
    code_number: str
    code_notation: str
    promulgated_on: str
    subject: str
    priority: int
    #: Names, or codes where the directory has none.
    recipient: str = ""
    sender: str = ""

    @property
    def code(self) -> str:
        """Number and notation."""
        return f"{self.code_number}/{self.code_notation}" if self.code_notation else self.code_number


@dataclass(frozen=True, kw_only=True, slots=True)
class Misrouted:
    """A document at an office that is closed, or that returned it; and where it may belong."""

    line: ShownLine
    why: Literal["closed", "returned"]
    successor: Agency | None
    #: What the office said that returned it; "" for nothing.
    said: str = ""
    #: The one other office that it names (`suggested`).
    named: Agency | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """A status that matches nothing, or too much."""

    id: str
    message_id: str
    code: str
    reporter_id: AgencyId
    reporter_code: str
    #: Its name, or code.
    reporter: str
    description: str
    recorded_at: datetime
    #: Reason code.
    why: str
    about: About
    candidates: tuple[tuple[Ranked, ShownLine], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Two documents with one business key and different content."""

    newer: str
    older: str
    at: datetime
    #: Number with notation, and whose it is.
    code: str
    sender: str
    newer_subject: str
    older_subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Flagged:
    """A status that contradicts what was reported before."""

    id: str
    message_id: str
    delivery_id: str
    code: str
    #: Reason code.
    flag: str
    at: datetime
    description: str
    line: ShownLine


async def shown(base: Foundation, ids: Iterable[str]) -> list[ShownLine]:
    """Deliveries by their ids, in the order of the ids."""
    wanted = list(ids)
    rows = await base.readers.fetch("delivery_list_shown", (as_json(wanted),)) if wanted else []
    agencies = await base.directory.agencies({AgencyId(key) for row in rows for key in (row[2], row[10]) if key})
    names = {key: agency.name for key, agency in agencies.items()}
    found = {row[0]: _line(row, names) for row in rows}
    return [found[key] for key in wanted if key in found]


def _line(row: tuple[Any, ...], names: Mapping[AgencyId, str]) -> ShownLine:
    recipient, sender = names.get(row[2], row[3]), names.get(row[10], row[11])
    fields = dict(zip(ShownLine.__dataclass_fields__, (*row, recipient, sender), strict=True))
    fields |= {"state": State(row[4]), "state_at": instant(row[7]), "promulgated_on": row[14] or ""}
    return ShownLine(**fields)


async def misrouted(base: Foundation) -> list[Misrouted]:
    """What cannot be used where it is, with the office that took over; those at closed offices first."""
    now = base.clock.now()
    closed = await base.readers.fetch("delivery_list_at_closed", {"now": micros(now), "limit": MOST})
    since = micros(now - RETURNED_WITHIN)
    returned = await base.readers.fetch("delivery_list_returned", {"since": since, "limit": MOST})
    lines = await shown(base, dict.fromkeys(row[0] for row in (*closed, *returned)))
    heirs = await _heirs(base, {line.recipient_id for line in lines})
    at_closed, said = {row[0] for row in closed}, {row[0]: row[1] for row in returned}
    return [
        Misrouted(
            line=line,
            why="closed" if line.id in at_closed else "returned",
            successor=heirs.get(line.recipient_id),
            said=said.get(line.id, ""),
        )
        for line in lines
    ][:MOST]


async def suggested(base: Foundation, items: Sequence[Misrouted]) -> list[Misrouted]:
    """The same, with the office that the sentence names: one alone, beside the returning one and the sender."""
    texts = {each.said for each in items if each.said and each.successor is None}
    named = await offices_named(base.directory, texts, base.clock.now()) if texts else {}
    found: list[Misrouted] = []
    for each in items:
        own = {each.line.recipient_id, each.line.sender_id}
        others = [agency for key, agency in named.get(each.said, {}).items() if key not in own]
        is_clear = each.successor is None and len(others) == 1
        found.append(replace(each, named=others[0]) if is_clear else each)
    return found


async def _heirs(base: Foundation, ids: Iterable[AgencyId]) -> Mapping[AgencyId, Agency]:
    """Who took over, through offices that have closed in their turn; nobody where the last of them has, too."""
    now = base.clock.now()
    found = await base.directory.agencies(ids)
    heirs: dict[AgencyId, Agency] = {}
    for key, agency in found.items():
        seen, heir = {key}, agency
        while heir.closed_at is not None and heir.closed_at <= now and heir.successor_id not in {None, *seen}:
            assert heir.successor_id is not None
            seen.add(heir.successor_id)
            heir = (await base.directory.agencies([heir.successor_id]))[heir.successor_id]
        if heir.id != key and (heir.closed_at is None or heir.closed_at > now):
            heirs[key] = heir
    return heirs


async def parked(base: Foundation, *, after: str = "", limit: int = PARKED) -> list[Parked]:
    """A page of the parked statuses, oldest first, each with what it may be about; `after`: an id."""
    rows = await base.readers.fetch("status_list_parked", {"limit": limit, "after": after})
    return [await _parked(base, row) for row in rows]


async def _parked(base: Foundation, row: tuple[Any, ...]) -> Parked:
    full = await base.readers.fetch_one("status_get_parked", {"key": row[0]})
    assert full is not None, "statuses are never deleted"
    reporter = AgencyId(full[2])
    known = await base.directory.agencies([reporter])
    about = About(number=row[9], notation=row[10], day=row[12], sender_code=row[11], reporter_id=reporter)
    return Parked(
        id=row[0],
        message_id=row[1],
        code=row[2],
        reporter_id=reporter,
        reporter_code=row[3],
        reporter=known[reporter].name if reporter in known else row[3],
        description=row[4],
        recorded_at=instant(row[6]),
        why=row[7],
        about=about,
        candidates=await candidates(base, about, reported_at=instant(row[6])),
    )


async def candidates(
    base: Foundation, about: About, *, reported_at: datetime
) -> tuple[tuple[Ranked, ShownLine], ...]:
    """The deliveries that a status may be about, the likeliest first; what agrees in the recipient may be."""
    now = base.clock.now()
    reporters = await spoken_for(base, AgencyId(about.reporter_id), reported_at)
    known = await base.directory.resolve([about.sender_code], now) if about.sender_code else {}
    params = {
        "numbers": as_json(spellings(about.number)),
        "reporters": as_json(sorted(reporters)),
        "sender": next((agency.id for agency in known.values()), ""),
        "since": micros(now - _ANSWERED_WITHIN),
        "limit": _LOOKED_AT,
    }
    rows = await base.readers.fetch("delivery_list_candidates", params)
    lines = {line.id: line for line in await shown(base, (row[0] for row in rows))}
    best = ranked(about, [_candidate(line) for line in lines.values()], reporters)[:CANDIDATES]
    return tuple((each, lines[each.candidate.delivery_id]) for each in best)


def _candidate(line: ShownLine) -> Candidate:
    return Candidate(
        delivery_id=line.id,
        number=line.code_number,
        notation=line.code_notation,
        day=line.promulgated_on,
        sender_code=line.sender_code,
        recipient_id=line.recipient_id,
        state=line.state,
    )


async def conflicts(base: Foundation) -> list[Conflict]:
    """Documents of one business key with different content, newest first."""
    rows = await base.readers.fetch("event_list_conflicts", (MOST,))
    senders = await base.directory.resolve({row[4] for row in rows}, base.clock.now())
    return [
        Conflict(
            newer=newer,
            older=older,
            at=instant(at),
            code=code,
            sender=senders[sender].name if sender in senders else sender,
            newer_subject=subject,
            older_subject=before,
        )
        for newer, older, at, code, sender, subject, before in rows
    ]


async def flagged(base: Foundation) -> list[Flagged]:
    """Statuses that contradict others, newest first."""
    rows = await base.readers.fetch("status_list_flagged", (MOST,))
    lines = {line.id: line for line in await shown(base, dict.fromkeys(row[2] for row in rows))}
    return [
        Flagged(
            id=row[0],
            message_id=row[1],
            delivery_id=row[2],
            code=row[3],
            flag=row[4],
            at=instant(row[5]),
            description=row[6],
            line=lines[row[2]],
        )
        for row in rows
    ]


async def quarantined(base: Foundation) -> list[ShownLine]:
    """What is kept whole for a person, newest first."""
    return await shown(base, (row[0] for row in await base.readers.fetch("delivery_list_quarantined", (MOST,))))


async def settle(desk: Desk, request: SettleProblem, actor: str) -> Reply:
    """Take it out of its queue; `not_found` where nothing of that kind is there."""
    base = desk.foundation
    message_id = await _document_of(base, request.kind, request.subject)
    ask = Settle(
        kind=request.kind,
        subject=request.subject,
        message_id=message_id,
        why=request.reason,
        actor=actor,
        now=base.clock.now(),
    )
    await base.pump.submit(_SETTLE, ask)
    return {"kind": request.kind, "subject": request.subject}


async def _document_of(base: Foundation, kind: str, subject: str) -> str:
    if kind == "misrouted":
        found: Sequence[str] = [line.message_id for line in await shown(base, [subject])]
    elif kind == "conflict":
        found = [each.newer for each in await conflicts(base) if each.newer == subject]
    else:
        found = [each.line.message_id for each in await flagged(base) if each.id == subject]
    if not found:
        raise RefusedError("not_found", subject)
    return found[0]
