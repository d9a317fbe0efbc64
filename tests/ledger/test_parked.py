"""Parked statuses: matched once by a person and judged like any other, or dismissed; nothing is lost."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.errors import RefusedError
from gateway.ledger.judgement import Judgement
from gateway.ledger.parked import Resolve, ResolveOperation
from gateway.ledger.rows import StatusEffect
from gateway.states import State, Trigger
from tests.ledger.lab import HOUR, START, SUBJECT, Lab, message, status

PARKED = StatusEffect(
    id="p",
    delivery_id=None,
    reporter_id="a1",
    code="03",
    reported_at=START,
    description=SUBJECT,
    matched_by="",
    parked="status_ambiguous",
)


def resolve(*delivery_ids: str, code: str = "03", to: str = "") -> Resolve:
    """Match the parked status `p` with these lines and send it on, or dismiss it."""
    carried = message(*((to,) if to else ()), name="s", kind="status", at=START + HOUR, expects_status=False)
    return Resolve(
        status_id="p",
        message_id="s",
        reporter_id="a1",
        code=code,
        actor="operator:0",
        note=SUBJECT,
        now=START + HOUR,
        effects=tuple(
            StatusEffect(
                id=f"p/{place}",
                delivery_id=delivery_id,
                reporter_id="a1",
                code=code,
                reported_at=START,
                description=SUBJECT,
                matched_by="person",
            )
            for place, delivery_id in enumerate(delivery_ids)
        ),
        dispatches=carried.dispatches,
        deliveries=carried.deliveries,
    )


async def _document_and_parked_status(lab: Lab) -> None:
    await lab.record(message("a1", name="m"))
    await lab.record(message(name="s", kind="status", statuses=(PARKED,)))
    assert await lab.readers.fetch("status_count_parked") == [(1,)]


async def test_matched_status_moves_its_line_and_goes_to_the_sender(lab: Lab) -> None:
    """From then on it is a status like any other; the parked row stays, marked."""
    await _document_and_parked_status(lab)
    verdicts = await lab.pump.submit(ResolveOperation(), resolve("m/a1", to="b1"))
    assert verdicts == (Judgement(moves=True),)
    assert await lab.rows("SELECT state, business_status FROM delivery WHERE id = 'm/a1'") == [
        ("acknowledged", "03")
    ]
    rows = await lab.rows(
        "SELECT id, delivery_id, matched_by, moved, parked, resolution, resolved_by FROM status ORDER BY rowid"
    )
    assert rows == [
        ("p", None, None, 0, "status_ambiguous", "matched", "operator:0"),
        ("p/0", "m/a1", "person", 1, None, None, None),
    ]
    assert await lab.readers.fetch("status_count_parked") == [(0,)]
    assert "s" in await lab.claimed_messages(START + HOUR)


async def test_events_of_a_match_name_the_person_and_hold_no_free_text(lab: Lab) -> None:
    """Who matched what is history; why is kept beside it."""
    await _document_and_parked_status(lab)
    await lab.pump.submit(ResolveOperation(), resolve("m/a1", to="b1"))
    rows = await lab.rows("SELECT kind, actor, leaf FROM event WHERE actor = 'operator:0' ORDER BY seq")
    kinds = ["status.matched", "document.readdressed", "status.recorded", "delivery.acknowledged"]
    assert [kind for kind, _, _ in rows] == kinds
    assert json.loads(rows[0][2])["facts"] == {"status": "p", "code": "03", "reporter": "a1"}
    assert all(SUBJECT.encode() not in leaf for _, _, leaf in rows)
    assert await lab.rows("SELECT resolved_why FROM status WHERE id = 'p'") == [(SUBJECT,)]
    assert await lab.rows("SELECT note FROM event WHERE kind = 'status.matched'") == [(SUBJECT,)]


async def test_matched_status_is_judged_against_what_was_reported_meanwhile(lab: Lab) -> None:
    """What contradicts is kept and flagged, whoever matched it."""
    await _document_and_parked_status(lab)
    await lab.record(status("05", "m/a1"))
    assert await lab.pump.submit(ResolveOperation(), resolve("m/a1")) == (
        Judgement(moves=False, flag="status_backwards"),
    )
    assert await lab.rows("SELECT business_status FROM delivery WHERE id = 'm/a1'") == [("05",)]


async def test_match_with_a_withdrawn_line_is_flagged(lab: Lab) -> None:
    """A person's match is no exception."""
    await _document_and_parked_status(lab)
    await lab.act(Trigger.WITHDRAWN, "m/a1")
    [verdict] = await lab.pump.submit(ResolveOperation(), resolve("m/a1"))
    assert (verdict.moves, verdict.flag) == (True, "status_after_withdrawal")
    assert await lab.state("m/a1") is State.WITHDRAWN


async def test_dismissed_status_stays_and_moves_nothing(lab: Lab) -> None:
    """Nothing is deleted; it only waits for nobody any more."""
    await _document_and_parked_status(lab)
    assert await lab.pump.submit(ResolveOperation(), resolve()) == ()
    assert await lab.rows("SELECT parked, resolution, resolved_why FROM status") == [
        ("status_ambiguous", "dismissed", SUBJECT)
    ]
    assert await lab.state("m/a1") is State.QUEUED
    assert await lab.readers.fetch("status_count_parked") == [(0,)]
    [(kind, delivery_id)] = await lab.rows("SELECT kind, delivery_id FROM event WHERE actor = 'operator:0'")
    assert (kind, delivery_id) == ("status.dismissed", None)


@pytest.mark.parametrize("first_matches", [True, False])
async def test_of_two_decisions_at_once_the_first_holds(lab: Lab, first_matches: bool) -> None:  # noqa: FBT001
    """Whoever is second is told, and nothing of his is recorded."""
    await _document_and_parked_status(lab)
    operation = ResolveOperation()
    decisions = [resolve("m/a1", to="b1"), resolve()]
    if not first_matches:
        decisions.reverse()
    results = await asyncio.gather(
        *(lab.pump.submit(operation, decision) for decision in decisions), return_exceptions=True
    )
    assert isinstance(results[1], RefusedError)
    assert results[1].code == "state_forbids"
    [(kind,)] = await lab.rows("SELECT kind FROM event WHERE kind IN ('status.matched', 'status.dismissed')")
    assert kind == ("status.matched" if first_matches else "status.dismissed")
    assert await lab.rows("SELECT count(*) FROM delivery WHERE message_id = 's'") == [(int(first_matches),)]
