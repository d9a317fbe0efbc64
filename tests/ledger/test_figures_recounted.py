"""Every figure of a report against a recount by brute force: line by line, from the leaves of the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from gateway.clock import VIETNAM, instant
from gateway.events import Event
from gateway.ledger.moves import is_arrival
from gateway.model import OutcomeKind
from gateway.reports.comparing import COLUMNS, value_of
from gateway.reports.figures import Figures
from gateway.reports.making import Report
from gateway.reports.periods import Period
from gateway.states import State
from gateway.workdays import Workdays
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, status
from tests.ledger.test_figures import report, written

_OFFICES = ("a1", "a2", "a3", "b1", "i1", "i2", "x1", "x2")
_KINDS = (OutcomeKind.DELIVERED, OutcomeKind.RELAYED, OutcomeKind.DEFERRED, OutcomeKind.REFUSED)
#: What a recipient may report, one after another.
_REPORTS = ((), ("01",), ("03",), ("01", "03", "06"), ("03", "06"), ("02",), ("01", "02"))
#: What each of the histories is about.
_TOLD = ("arrived", "registered", "returned", "refused", "waiting", "due_early", "due_late", "due_overdue")
_DOCUMENTS, _DAYS = 60, 40
_TODAY = (START + 60 * DAY).astimezone(VIETNAM).date()
#: What each outcome of a line is counted as.
_COUNTED = {
    State.DELIVERED: "arrived", State.ACKNOWLEDGED: "arrived", State.REFUSED: "refused", State.DEAD: "dead",
    State.WITHDRAWN: "withdrawn", State.HANDED_OVER: "handed_over",
}  # fmt: skip


@dataclass
class Line:
    """A line, as the leaves tell it."""

    document: dict[str, Any]
    recipient: str
    channel: str
    begun_at: int
    state: State = State.QUEUED
    arrival: int | None = None
    #: Code -> when it was first recorded.
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def due(self) -> str:
        """What became of its answer; "" where none is due."""
        day, answered = self.document["due"], self.statuses.get("06")
        has_it = self.state in {State.RELAYED, State.DELIVERED, State.ACKNOWLEDGED}
        waits_for_it = self.recipient in {"i1", "i2"} and self.state in {State.QUEUED, State.IN_FLIGHT}
        if not day or (answered is None and ("02" in self.statuses or not (has_it or waits_for_it))):
            return ""
        told = None if answered is None else instant(answered)
        return "due_" + Workdays().outcome(date.fromisoformat(day), told, _TODAY)


async def lived(lab: Lab, seed: int) -> None:
    """Documents of weeks, most days without any, and whatever may become of them."""
    random = Random(seed)
    days = sorted(random.choices(range(_DAYS), k=_DOCUMENTS))
    for number, day in enumerate(days):
        at = START + day * DAY + number * MINUTE
        to = random.sample(_OFFICES, random.randint(1, len(_OFFICES)))
        item = message(*to, name=f"d{number}", at=at)
        due = (at + timedelta(days=random.randint(0, 30))).date().isoformat()
        about: dict[str, Any] = random.choice(
            ({}, {"due_date": due}, {"due_date": due, "doc_type_name": "Công văn"})
        )
        sender = random.choice(("sender", "a1", "i1"))
        await lab.record(written(item, sender=sender, priority=random.randint(0, 3), **about))
        for out in await lab.claim(at + MINUTE, room=50):
            kinds = {one.recipient_id: random.choice(_KINDS) for one in out.deliveries}
            await lab.finish(out, kinds, now=at + MINUTE + timedelta(seconds=random.randint(1, 9)))
        for name in to:
            for code in random.choice(_REPORTS):
                later = at + random.randint(1, 500) * HOUR
                await lab.record(status(code, f"d{number}/{name}", at=later))


async def recounted(lab: Lab) -> tuple[list[dict[str, Any]], list[Line]]:
    """Documents and their lines: what they are about from the rows, what became of them from the leaves."""
    documents = {
        row[0]: {"sender": row[1], "priority": row[2], "at": row[3]}
        | {"due": json.loads(row[4]).get("due_date", ""), "type": json.loads(row[4]).get("doc_type_name", "")}
        for row in await lab.rows(
            "SELECT id, sender_id, priority, accepted_at, envelope FROM message WHERE kind = 'document'"
        )
    }
    rows = await lab.rows("SELECT id, message_id, recipient_id, endpoint_id, created_at FROM delivery")
    lines = {row[0]: Line(documents[row[1]], *row[2:]) for row in rows if row[1] in documents}
    for (text,) in await lab.rows("SELECT leaf FROM event ORDER BY seq"):
        leaf = json.loads(text)
        line, facts = lines.get(leaf.get("delivery")), leaf["facts"]
        if line is None:
            continue
        if "to" in facts:
            line.state = State(facts["to"])
            if is_arrival(State(facts["from"]), line.state) and line.arrival is None:
                line.arrival = (leaf["at"] - line.begun_at) // 10**6
        if leaf["kind"] == Event.STATUS_RECORDED:
            line.statuses.setdefault(facts["code"], leaf["at"])
    return list(documents.values()), list(lines.values())


def added(documents: Iterable[dict[str, Any]], lines: list[Line]) -> dict[str, int | None]:
    """The columns, but for what was sent, of some documents and lines."""
    arrivals = [line.arrival for line in lines if line.arrival is not None]
    registrations = [(line.statuses["03"] - line.begun_at) // 10**6 for line in lines if "03" in line.statuses]
    found: dict[str, int | None] = dict.fromkeys(COLUMNS, 0)
    found |= {"documents": len(list(documents)), "received": len(lines), "registered": len(registrations)}
    found["returned"] = sum("02" in line.statuses for line in lines)
    for line in lines:
        for key in (_COUNTED.get(line.state, "waiting"), line.due):
            if key:
                found[key] = (found[key] or 0) + 1
    found["due_lines"] = sum(bool(line.due) for line in lines)
    for name, times in (("arrival", sorted(arrivals)), ("registration", sorted(registrations))):
        for rank, percent in (("median", 50), ("p95", 95)):
            found[f"{name}_{rank}"] = times[-(-len(times) * percent // 100) - 1] if times else None
    return found


def figures_of(figures: Figures, lacking: Iterable[str] = ()) -> dict[str, int | None]:
    """The same of a report."""
    return {key: value_of(figures, key) for key in COLUMNS if key not in {"sent", *lacking}}


@pytest.mark.parametrize("seed", range(3))
async def test_every_figure_is_that_of_a_recount_by_brute_force(lab: Lab, seed: int) -> None:
    """In the whole and in every cut, day by day: counts, times, terms."""
    await lived(lab, seed)
    documents, lines = await recounted(lab)
    told = await report(lab, Period(first=START.date(), last=_TODAY), days_later=60)

    def expected(
        of_document: Callable[[dict[str, Any]], bool], of_line: Callable[[Line], bool]
    ) -> dict[str, int | None]:
        found = added(filter(of_document, documents), list(filter(of_line, lines)))
        return {key: found[key] for key in COLUMNS if key != "sent"}

    assert figures_of(told.total) == expected(lambda _: True, lambda _: True)
    assert all(value_of(told.total, key) for key in _TOLD), "the history has all of them"
    assert told.total.sent == len(lines)
    for agency in told.agencies:
        name = agency.agency
        wanted = expected(lambda each: each["sender"] == name, lambda each: each.recipient == name)  # noqa: B023
        assert figures_of(agency.figures) == wanted, name
    cuts: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
        ("types", lambda each: str(each["type"])),
        ("priorities", lambda each: str(each["priority"])),
    )
    for part, key in cuts:
        rows = getattr(told, part)
        assert {row.key for row in rows} == {key(each) for each in documents}
        for row in rows:
            wanted = expected(
                lambda each: key(each) == row.key,  # noqa: B023
                lambda each: key(each.document) == row.key,  # noqa: B023
            )
            assert figures_of(row.figures) == wanted, (part, row.key)
    await _channels_and_days(lab, told, documents, lines)


async def _channels_and_days(lab: Lab, told: Report, documents: list[dict[str, Any]], lines: list[Line]) -> None:
    names = dict(await lab.rows("SELECT id, name FROM endpoint"))
    for row in told.channels:
        wanted = added((), [line for line in lines if names.get(line.channel, line.channel) == row.key])
        del wanted["documents"], wanted["sent"]
        assert figures_of(row.figures, ("documents",)) == wanted
    days = sorted(_day(each["at"]) for each in documents)
    whole = range((days[-1] - days[0]).days + 1)
    assert [each.day for each in told.days] == [days[0] + timedelta(days=number) for number in whole]
    for day in told.days:
        own = [line for line in lines if _day(line.document["at"]) == day.day]
        arrived = sum(line.state in {State.DELIVERED, State.ACKNOWLEDGED} for line in own)
        assert (day.documents, day.lines, day.arrived) == (days.count(day.day), len(own), arrived), day.day


def _day(micros: int) -> date:
    return instant(micros).astimezone(VIETNAM).date()


async def test_what_it_is_held_against_is_the_report_of_that_period(lab: Lab) -> None:
    """As it would be told by itself, at the same time."""
    await lived(lab, 9)
    middle = START.date() + timedelta(days=20)
    first, second = Period(first=START.date(), last=middle), Period(first=middle + timedelta(days=1), last=_TODAY)
    alone = await report(lab, first, days_later=60)
    heard: list[tuple[int, int]] = []
    told = await report(lab, second, days_later=60, against=first, progress=lambda *each: heard.append(each))
    assert told.earlier is not None
    assert (told.earlier.first, told.earlier.last, told.earlier.total) == (first.first, first.last, alone.total)
    assert figures_of(told.total) == figures_of((await report(lab, second, days_later=60)).total)
    assert heard == sorted(heard)
    assert all(done <= days == first.days + second.days for done, days in heard)
