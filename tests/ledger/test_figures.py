"""Figures: what a report counts is what the events tell, line by line, whatever way a line went."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from gateway.clock import SystemClock, micros
from gateway.directory.directory import Directory
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger.figures import due_of, unanswered
from gateway.ledger.moves import is_arrival
from gateway.ledger.rows import NewMessage
from gateway.model import OutcomeKind
from gateway.reports.figures import Figures, times_of
from gateway.reports.making import Report, make_report
from gateway.reports.periods import Period
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message, status

#: The day of START in Vietnam.
TODAY = date(2026, 11, 22)
PERIOD = Period(first=TODAY, last=TODAY + timedelta(days=2))


def written(
    item: NewMessage, *, sender: str = "sender", priority: int = 0, sandbox: bool = False, **envelope: Any
) -> NewMessage:
    """A document as its sender wrote it."""
    row = replace(item.message, sender_id=sender, priority=priority, sandbox=sandbox, envelope=json.dumps(envelope))
    return replace(item, message=row)


async def report(lab: Lab, period: Period = PERIOD, *, days_later: int = 0, **more: Any) -> Report:
    """As it is made `days_later`."""
    directory = Directory(lab.readers, clock=SystemClock())
    await directory.reload()
    return await make_report(lab.readers, directory, period, now=START + days_later * DAY, **more)


async def live(lab: Lab) -> None:
    """Three days: pushed, relayed, fetched, refused, deferred, held, withdrawn, answered twice."""
    await lab.record(written(message("a1", "a2", "b1", name="d1"), doc_type_name="Công văn"))
    await lab.record(written(message("x1", "x2", name="d2", at=START + MINUTE, fans_out=True), priority=3))
    await lab.record(
        written(message("i1", "i2", name="d3", at=START + HOUR), sender="a1", doc_type_name="CÔNG  VĂN")
    )
    await lab.record(
        written(message("a1", "a3", name="d4", at=START + DAY), doc_type_name="Sổ tay", due_date="2026-11-30")
    )
    await lab.record(written(message("a2", name="d5", at=START + 2 * DAY), sender="i1"))
    await lab.record(written(message("a1", name="test", at=START + HOUR), sandbox=True))
    await lab.record(written(message("a1", name="before", at=START - 2 * DAY)))
    await lab.act(Trigger.HELD, "d4/a3")
    await lab.act(Trigger.HELD, "d5/a2")
    await lab.act(Trigger.WITHDRAWN, "d5/a2", now=START + 2 * DAY + HOUR)
    for at in (START + 2 * HOUR, START + DAY + HOUR):
        for out in await lab.claim(at, room=50):
            kinds = {
                "a1": OutcomeKind.DELIVERED, "a2": OutcomeKind.REFUSED, "b1": OutcomeKind.DEFERRED,
                "x1": OutcomeKind.RELAYED, "x2": OutcomeKind.RELAYED,
            }  # fmt: skip
            later = at + timedelta(seconds=7 * len(out.message_id))
            await lab.finish(out, {one.recipient_id: kinds[one.recipient_id] for one in out.deliveries}, now=later)
    await lab.fetch("d3/i1", now=START + 3 * HOUR)
    await lab.acknowledge("d3/i1", now=START + 4 * HOUR)
    await lab.record(status("01", "d1/a1", at=START + 5 * HOUR))
    await lab.record(status("03", "d1/a1", at=START + 6 * HOUR))
    await lab.record(status("05", "d1/a1", at=START + 7 * HOUR))
    await lab.record(status("03", "d1/a1", at=START + 8 * HOUR))  # said again: the first counts
    await lab.record(status("03", "d2/x1", at=START + 9 * HOUR))
    await lab.record(status("02", "d2/x2", at=START + 9 * HOUR))
    await lab.record(status("03", "d1/b1", at=START + 10 * HOUR))  # what we had not delivered has arrived


async def recount(lab: Lab) -> dict[str, Any]:
    """The same from the leaves of the events; the ledger says only whose a line is, and what is a test."""
    chosen = (
        "SELECT id FROM message WHERE kind = 'document' AND sandbox = 0 AND accepted_at >= ? AND accepted_at < ?"
    )
    start = micros(START) // (86_400 * 10**6) * 86_400 * 10**6 - 7 * 3600 * 10**6
    ids = {row[0] for row in await lab.rows(chosen, start, start + 3 * 86_400 * 10**6)}
    lines = {
        row[0]: row[1:]
        for row in await lab.rows("SELECT id, message_id, recipient_id, created_at FROM delivery")
        if row[1] in ids
    }
    leaves = [json.loads(row[0]) for row in await lab.rows("SELECT leaf FROM event ORDER BY seq")]
    found: dict[str, Any] = {"documents": Counter(), "states": Counter(), "arrival": {}, "registration": {}}
    states = dict.fromkeys(lines, "queued")
    for leaf in leaves:
        kind, facts, key = leaf["kind"], leaf["facts"], leaf.get("delivery")
        if kind == Event.DOCUMENT_ACCEPTED and leaf["message"] in ids:
            found["documents"][facts["sender"]] += 1
        if key not in lines:
            continue
        if "to" in facts:
            states[key] = facts["to"]
            if is_arrival(State(facts["from"]), State(facts["to"])):
                found["arrival"].setdefault(key, (leaf["at"] - lines[key][2]) // 10**6)
        if kind == Event.STATUS_RECORDED and facts["code"] == "03":
            found["registration"].setdefault(key, (leaf["at"] - lines[key][2]) // 10**6)
    found["states"] = Counter(states.values())
    found["received"] = Counter(line[1] for line in lines.values())
    found["recipient"] = {key: line[1] for key, line in lines.items()}
    return found


def _same(told: Report, found: dict[str, Any]) -> None:
    agencies = {each.agency: each.figures for each in told.agencies}
    assert told.states == found["states"]
    assert {key: each.documents for key, each in agencies.items() if each.documents} == found["documents"]
    assert {key: each.received for key, each in agencies.items() if each.received} == found["received"]
    assert told.total.arrival == times_of(list(found["arrival"].values()))
    assert told.total.registration == times_of(list(found["registration"].values()))
    for name, each in agencies.items():
        own = [at for key, at in found["arrival"].items() if found["recipient"][key] == name]
        assert each.arrival == times_of(own), name


async def test_figures_are_those_of_the_events(lab: Lab) -> None:
    """Counted anew from the leaves: documents, lines, states, times."""
    await live(lab)
    told = await report(lab)
    _same(told, await recount(lab))
    assert (told.total.documents, told.total.sent, told.total.received) == (5, 10, 10)
    assert told.total.registered == 3
    assert told.total.arrival.count == 6


async def test_lines_of_before_the_columns_are_told_by_the_history(lab: Lab) -> None:
    """After an upgrade the figures of last year are the same."""
    await live(lab)
    before = await report(lab)
    await lab.writer.fetch("UPDATE delivery SET arrived_at = NULL, registered_at = NULL")
    assert await report(lab) == before


async def test_every_cut_adds_up_to_the_whole(lab: Lab) -> None:
    """No line falls between two types, urgencies, channels, days or states."""
    await live(lab)
    told = await report(lab)
    for part in (told.types, told.business_types, told.priorities, told.channels):
        for name in ("received", "arrived", "registered", "returned", "refused", "dead", "withdrawn", "waiting"):
            assert sum(getattr(each.figures, name) for each in part) == getattr(told.total, name), name
        assert sum(each.figures.arrival.count for each in part) == told.total.arrival.count
        for name in ("lines", "early", "on_time", "late", "overdue", "open"):
            assert sum(getattr(each.figures.due, name) for each in part) == getattr(told.total.due, name), name
    assert told.total.due.lines == 1, "what is held is not owed"
    assert sum(told.states.values()) == sum(each.lines for each in told.days) == told.total.received
    assert {each.key: each.figures.documents for each in told.types} == {"Công văn": 2, "": 3}
    assert [(each.day, each.documents) for each in told.days] == [
        (TODAY, 3), (TODAY + timedelta(days=1), 1), (TODAY + timedelta(days=2), 1),
    ]  # fmt: skip


async def test_refusals_are_told_with_reasons_and_words(lab: Lab) -> None:
    """What the transport refused by its code, what a recipient refused by what it said."""
    await live(lab)
    told = await report(lab)
    assert [(each.state, each.reason, each.lines) for each in told.refusals] == [("refused", "peer_error", 1)]
    assert [each.lines for each in told.returned] == [1]
    assert told.total.returned == 1


async def test_silent_offices_are_named_by_how_they_are_silent(lab: Lab) -> None:
    """Nothing arrived there, or it did and nobody answered."""
    await live(lab)
    told = await report(lab)
    assert [each.agency for each in told.unreached] == ["a2", "a3", "i2"]
    assert [each.agency for each in told.unanswered] == ["i1"]
    assert told.slowest == []


@pytest.mark.parametrize(
    ("answered", "outcome"),
    [(None, "open"), (timedelta(0), "early"), (2 * DAY, "on_time"), (3 * DAY, "late")],
)
async def test_answer_is_held_against_its_day(lab: Lab, answered: timedelta | None, outcome: str) -> None:
    """By the day in Vietnam, whether it is a status 06 or a document that answers."""
    due = (TODAY + timedelta(days=2)).isoformat()
    await lab.record(written(message("a1", "a2", "i1", name="d1"), due_date=due))
    for out in await lab.claim():
        await lab.finish(out)
    if answered is not None:
        await lab.record(status("06", "d1/a1", at=START + answered))
        reply = written(
            message("a1", name="r1", at=START + answered), sender="i1", responses_for=[{"document_id": "ref d1"}]
        )
        await lab.record(reply)
    first = Period(first=TODAY, last=TODAY)
    told = await report(lab, first)
    assert told.total.due.lines == 3
    missing = 3 if answered is None else 1
    assert sum(each.answered_at is None for each in await due_of(lab.readers, "d1")) == missing
    days = (TODAY, TODAY + timedelta(days=2))
    found = await unanswered(lab.readers, days, limit=9)
    owing = ["a1", "a2", "i1"] if answered is None else ["a2"]
    assert found == {days[0]: {}, days[1]: dict.fromkeys(owing, 1)}, "those of the alarm are those of the report"
    assert getattr(told.total.due, outcome) == (3 if answered is None else 2 + (outcome == "open"))
    later = await report(lab, first, days_later=3)
    assert later.total.due.overdue == (3 if answered is None else 1)
    assert later.total.due.open == 0


async def test_nobody_owes_what_never_came_or_was_given_back(lab: Lab) -> None:
    """The alarm and the report agree on whose answer is late, whatever became of the others."""
    due = TODAY.isoformat()
    await lab.record(written(message("a1", "a2", "a3", "b1", "i1", "i2", "x1", name="d1"), due_date=due))
    await lab.record(written(message("i1", name="gone"), due_date=due))
    await lab.act(Trigger.HELD, "d1/a3", "gone/i1")
    await lab.act(Trigger.WITHDRAWN, "gone/i1")
    kinds = {
        "a1": OutcomeKind.DELIVERED, "a2": OutcomeKind.REFUSED,
        "b1": OutcomeKind.DEFERRED, "x1": OutcomeKind.RELAYED,
    }  # fmt: skip
    for out in await lab.claim(START + MINUTE, room=9):
        await lab.finish(out, {one.recipient_id: kinds[one.recipient_id] for one in out.deliveries})
    await lab.record(status("02", "d1/i1", at=START + HOUR))
    await lab.record(status("03", "d1/i2", at=START + HOUR))
    await lab.record(status("06", "d1/x1", at=START + HOUR))
    told = await report(lab, days_later=2)  # the term ended on a Monday
    assert (told.total.due.lines, told.total.due.overdue, told.total.due.on_time) == (3, 2, 1)
    late = {each.agency: each.figures.due.overdue for each in told.agencies if each.figures.due.overdue}
    assert late == {"a1": 1, "i2": 1} == (await unanswered(lab.readers, [TODAY], limit=9))[TODAY]
    assert sorted(each.recipient for each in await due_of(lab.readers, "d1")) == ["a1", "i2", "x1"]


async def test_whoever_took_its_place_answers_for_an_office(lab: Lab) -> None:
    """And whoever took that one's place; nobody else."""
    for gone, heir in (("a1", "a2"), ("a2", "a3")):
        lab.eye.execute("UPDATE agency SET successor_id = ? WHERE id = ?", (heir, gone))
    await lab.record(written(message("a1", "i1", name="d1"), due_date=TODAY.isoformat()))
    for out in await lab.claim():
        await lab.finish(out)
    for name, sender in (("r1", "b1"), ("r2", "a3")):
        answer = message("x2", name=name, at=START + HOUR)
        await lab.record(written(answer, sender=sender, responses_for=[{"document_id": "ref d1"}]))
        owing = ["a1", "i1"] if name == "r1" else ["i1"]
        assert await unanswered(lab.readers, [TODAY], limit=9) == {TODAY: dict.fromkeys(owing, 1)}
    answered = {each.recipient: each.answered_at for each in await due_of(lab.readers, "d1")}
    assert answered == {"a1": START + HOUR, "i1": None}


async def test_period_without_documents_is_a_report_of_nothing(lab: Lab) -> None:
    """Not an error: an inspector may ask about any days."""
    told = await report(lab, Period(first=date(1999, 1, 1), last=date(2001, 1, 1)))
    assert (told.total.documents, told.total.received, told.agencies, told.days) == (0, 0, [], [])


def test_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RefusedError, match="parameter_invalid"):
        Period(first=TODAY, last=TODAY - timedelta(days=1))


def test_nearest_rank() -> None:
    """Both are durations that did occur."""
    assert times_of([5]).median == times_of([5]).p95 == 5
    hundred = times_of(list(range(1, 101)))
    assert (hundred.median, hundred.p95) == (50, 95)
    assert times_of([1, 9]).median == 1
    assert times_of([]).count == 0


def test_every_count_is_a_field() -> None:
    """A figure that is added is filled."""
    assert {"documents", "received", "waiting"} <= set(Figures.__struct_fields__)
