"""Our ledger of one day against a peer's own books, in both directions. Pure: rows in, a report out.

Outgoing, over the day in Vietnam's time:

    missing_there   we have the peer's id of it, and its list does not
    extra_there     its list has one of that day, under our name, that no line of ours knows
    unreadable_there    a line of its list that cannot be read: what is missing there may be it
    failed_there    it could not pass it on to a recipient
    stuck           it took it more than a day ago (on this day or before), the recipient answers, no status came
    undecided       nobody knows whether it has it; a person decides

Incoming, as the list stands now:

    not_read        listed, and not yet seen here; no fault unless it stays so
    unaccepted      listed, seen, and not accepted
    unacknowledged  accepted here and still listed: the peer was not told
    listed_again    the peer was told, and lists it still
    count_differs   its count is not the length of its own list

Each finding names what a person needs to look further; of a kind, MOST at most are named, all are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import msgspec

from gateway.clock import VIETNAM, rfc3339
from gateway.ports import Listed, SentRecord

#: Named of each kind of finding.
MOST: Final = 200
#: Before it nobody expects a status.
PATIENCE: Final = timedelta(days=1)

_FINAL_HERE = frozenset({"acknowledged", "withdrawn"})


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ours that the peer took."""

    delivery: str
    message: str
    recipient: str
    ref: str
    state: str
    business_status: str
    expects_status: bool
    kind: str
    document_id: str
    sent_at: datetime


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What we know of an entry of its list."""

    message: str
    acknowledged: bool
    failure: str
    refused: bool


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One finding's case."""

    ref: str
    recipient: str = ""
    document_id: str = ""
    message: str = ""
    delivery: str = ""
    at: str = ""
    words: str = ""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """All cases of one kind."""

    count: int
    items: list[Item]


class Direction(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers and findings."""

    numbers: dict[str, int]
    findings: dict[str, Kind]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A day's comparison."""

    channel: str
    day: str
    made_at: str
    outgoing: Direction
    incoming: Direction
    #: Cases of every kind but `not_read`, and days that were left out.
    findings: int
    #: Looks at its list that had failed until then: more of them later tell of an outage.
    failed_looks: int = 0
    #: Earlier days that nobody compared and that are too long ago to be made up for.
    left_out: list[str] = []


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """The day in Vietnam's time."""
    start = datetime.combine(day, time(), VIETNAM)
    return start, start + timedelta(days=1)


def outgoing(
    day: date, ours: Sequence[Sent], theirs: Sequence[SentRecord], undecided: Iterable[Item], *, now: datetime
) -> Direction:
    """What we sent; of lines before the day only whether they are stuck: each night looks at the last ones."""
    start, end = bounds_of(day)
    unreadable, theirs = (
        [each for each in theirs if each.unreadable],
        [each for each in theirs if not each.unreadable],
    )
    of_day = [line for line in ours if start <= line.sent_at < end]
    there, here = {record.ref for record in theirs}, {line.ref for line in ours}
    listed = [record for record in theirs if record.sent_at is not None and start <= record.sent_at < end]
    refs = {line.ref for line in of_day}
    found = {
        "missing_there": [_of_line(line) for line in of_day if line.ref not in there],
        "extra_there": [_of_record(record) for record in listed if record.ref not in here],
        "unreadable_there": [_of_record(record) for record in unreadable],
        "failed_there": [_of_record(record) for record in theirs if record.failed and record.ref in refs],
        "stuck": [_of_line(line) for line in ours if line.sent_at < end and _is_stuck(line, now)],
        "undecided": list(undecided),
    }
    numbers = {
        "transmissions_here": len(refs),
        "recipients_here": len(of_day),
        "transmissions_there": len({record.ref for record in listed}),
        "recipients_there": len(listed),
        "answered": sum(1 for line in of_day if line.business_status),
    }
    return Direction(numbers=numbers, findings=_kinds(found))


def incoming(
    came: tuple[int, int, int], listed: Sequence[Listed], known: Mapping[str, Known], counted: tuple[int, int]
) -> Direction:
    """What came on the day (entries, accepted, acknowledged), and what stands in the list now."""
    found: dict[str, list[Item]] = {
        "not_read": [], "unaccepted": [], "unacknowledged": [], "listed_again": [], "count_differs": [],
    }  # fmt: skip
    for entry in listed:
        kind, words = _standing(known.get(entry.ref))
        message = known[entry.ref].message if entry.ref in known else ""
        found[kind].append(Item(ref=entry.ref, message=message, at=entry.claimed_at, words=words))
    for name, count in zip(("document", "status"), counted, strict=True):
        length = sum(1 for entry in listed if entry.kind == name)
        if count != length:
            found["count_differs"].append(Item(ref=name, words=f"counted {count}, listed {length}"))
    numbers = {"came": came[0], "accepted": came[1], "acknowledged": came[2], "listed_now": len(listed)}
    return Direction(numbers=numbers, findings=_kinds(found))


def report_of(
    channel: str,
    day: date,
    made_at: datetime,
    out: Direction,
    into: Direction,
    *,
    failed_looks: int = 0,
    left_out: Sequence[str] = (),
) -> Report:
    """Both."""
    findings = sum(kind.count for each in (out, into) for name, kind in each.findings.items() if name != "not_read")
    return Report(
        channel=channel,
        day=day.isoformat(),
        made_at=rfc3339(made_at),
        outgoing=out,
        incoming=into,
        findings=findings + len(left_out),
        failed_looks=failed_looks,
        left_out=list(left_out),
    )


def _standing(known: Known | None) -> tuple[str, str]:
    if known is None:
        return "not_read", ""
    if known.acknowledged:
        return "listed_again", ""
    if known.message:
        return "unacknowledged", ""
    return ("unaccepted", known.failure) if known.failure or known.refused else ("not_read", "")


def _is_stuck(line: Sent, now: datetime) -> bool:
    waits = line.expects_status and not line.business_status and line.state not in _FINAL_HERE
    return waits and line.kind == "document" and now - line.sent_at > PATIENCE


def _of_line(line: Sent) -> Item:
    return Item(
        ref=line.ref,
        recipient=line.recipient,
        document_id=line.document_id,
        message=line.message,
        delivery=line.delivery,
        at=rfc3339(line.sent_at),
        words=line.state,
    )


def _of_record(record: SentRecord) -> Item:
    at = rfc3339(record.sent_at) if record.sent_at else ""
    return Item(
        ref=record.ref, recipient=record.recipient_code, document_id=record.notation, at=at, words=record.words
    )


def _kinds(found: Mapping[str, list[Item]]) -> dict[str, Kind]:
    return {name: Kind(count=len(items), items=items[:MOST]) for name, items in found.items()}
