"""Opening an epoch: whatever waits is held in one transaction, and goes on under the same ids when released."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.clock import micros
from gateway.errors import StorageError
from gateway.ledger.epochs import Opened, OpenEpoch, OpenEpochOperation
from gateway.model import OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message

LATER = START + DAY


async def opened(lab: Lab, **more: object) -> Opened:
    ask = {"copy": "c", "taken_at": START, "now": LATER, "actor": "operator:0", "note": "the disk died"}
    return await lab.pump.submit(OpenEpochOperation(), OpenEpoch(**(ask | more)))  # type: ignore[arg-type]


async def test_queued_deferred_in_flight_and_handed_out_lines_are_all_held(lab: Lab) -> None:
    """Each of them may have gone further since the copy; attempts that had not ended are unknown."""
    await lab.record(message("a1", name="flying"))
    await lab.claim()
    await lab.record(message("a2", name="failed"))
    [item] = await lab.claim()
    await lab.finish(item, OutcomeKind.DEFERRED)
    await lab.record(message("i1", name="read"))
    await lab.fetch("read/i1")
    await lab.record(message("a3", "i2", name="new"))
    done = await opened(lab)
    assert (done.number, done.held, done.in_flight) == (2, 5, 2)
    rows = await lab.rows("SELECT DISTINCT state, reason FROM delivery")
    assert rows == [("held", "held_after_restore")]
    assert await lab.rows("SELECT DISTINCT state FROM dispatch") == [("held",)]
    assert await lab.rows("SELECT COUNT(*) FROM attempt WHERE ended_at IS NULL") == [(0,)]
    outcomes = [row[0] for row in await lab.rows("SELECT outcome FROM attempt ORDER BY outcome")]
    assert outcomes == ["deferred", "unknown", "unknown"]
    assert await lab.claim(LATER + HOUR) == []
    assert await lab.rescue(LATER + HOUR) == 0


async def test_what_has_ended_or_left_is_not_touched(lab: Lab) -> None:
    """Delivered, refused, held by a person: as they were, and their events too."""
    await lab.record(message("a1", "a2", "a3", name="m"))
    for item, kind in zip(await lab.claim(), (OutcomeKind.DELIVERED, OutcomeKind.REFUSED, None), strict=True):
        if kind:
            await lab.finish(item, kind)
        else:
            await lab.finish(item, OutcomeKind.DEFERRED)
            await lab.act(Trigger.HELD, item.deliveries[0].id)
    before = await lab.rows("SELECT id, state, reason, state_at FROM delivery ORDER BY id")
    assert (await opened(lab)).held == 0
    assert await lab.rows("SELECT id, state, reason, state_at FROM delivery ORDER BY id") == before


async def test_released_line_goes_out_under_the_same_ids_in_the_same_series(lab: Lab) -> None:
    """So that a receiver that has it already dedupes."""
    await lab.record(message("a1", name="m"))
    [first] = await lab.claim()
    await opened(lab)
    await lab.act(Trigger.RELEASED, "m/a1", now=LATER + MINUTE)
    [second] = await lab.claim(LATER + HOUR)
    assert (second.dispatch_id, second.series) == (first.dispatch_id, first.series)
    assert second.attempt_id != first.attempt_id


async def test_fan_out_with_a_line_through_is_held_for_the_others(lab: Lab) -> None:
    """The dispatch waits with what is left of it."""
    await lab.record(message("x1", "x2", name="m", fans_out=True))
    [item] = await lab.claim()
    await lab.finish(item, {"x1": OutcomeKind.DELIVERED, "x2": OutcomeKind.DEFERRED})
    assert (await opened(lab)).held == 1
    assert await lab.state("m/x1") == State.DELIVERED
    assert (await lab.dispatch("m>axis"))["state"] == "held"
    await lab.act(Trigger.RELEASED, "m/x2", now=LATER)
    [item] = await lab.claim(LATER + HOUR)
    assert [one.id for one in item.deliveries] == ["m/x2"]


async def test_handed_out_item_is_read_again_after_its_release(lab: Lab) -> None:
    """It is closed to its reader until then."""
    await lab.record(message("i1", name="m"))
    await lab.fetch("m/i1")
    await opened(lab)
    with pytest.raises(Exception, match="state_forbids"):
        await lab.fetch("m/i1")
    await lab.act(Trigger.RELEASED, "m/i1", now=LATER)
    await lab.fetch("m/i1", now=LATER)
    assert await lab.acknowledge("m/i1", now=LATER) == State.DELIVERED
    assert await lab.rows("SELECT COUNT(*) FROM attempt WHERE ended_at IS NULL") == [(0,)]


async def test_numbers_begin_at_the_instant_and_go_on_from_there(lab: Lab) -> None:
    """The first event of the epoch is its opening; a second restore opens the next one above it."""
    await lab.record(message("a1", name="m"))
    first = await opened(lab)
    assert first.first == micros(LATER)
    seqs = [row[0] for row in await lab.rows("SELECT seq FROM event WHERE seq > ? ORDER BY seq", first.after)]
    assert seqs == list(range(first.first, first.first + 2))
    second = await opened(lab, now=LATER + timedelta(seconds=1))
    assert (second.number, second.after, second.first) == (3, seqs[-1], micros(LATER) + 1_000_000)


async def test_sessions_of_the_console_end(lab: Lab) -> None:
    """Those of the copy that were open; the leaf says how many."""
    user = ("u1", "a.b", "A", "viewer", 0, micros(START))
    await lab.writer.fetch(
        "INSERT INTO user (id, login, name, role, may_preview, created_at) VALUES (?, ?, ?, ?, ?, ?)", user
    )
    for key, ended in (("1", None), ("2", micros(START))):
        row = (key * 64, "u1", micros(START), micros(START), micros(LATER + DAY), "::1", "x", ended)
        await lab.writer.fetch(
            "INSERT INTO session (id, user_id, created_at, seen_at, ends_at, address, agent, ended_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
    assert (await opened(lab)).sessions == 1
    assert await lab.rows("SELECT ended_at FROM session ORDER BY id") == [(micros(LATER),), (micros(START),)]
    [(leaf,)] = await lab.rows("SELECT CAST(leaf AS TEXT) FROM event WHERE kind = 'epoch.opened'")
    assert '"sessions":1' in leaf


async def test_clock_that_went_back_is_refused(lab: Lab) -> None:
    """Two epochs must not share a number."""
    await opened(lab)
    with pytest.raises(StorageError, match="set it right"):
        await opened(lab, now=LATER - DAY)
    assert await lab.rows("SELECT value FROM meta WHERE key = 'epoch'") == [("2",)]
