"""What a jump of the clock does to what waits in the ledger."""

from __future__ import annotations

from datetime import timedelta

from gateway.clock import micros
from gateway.ledger.jumps import ClockJumped, ClockJumpedOperation
from tests.ledger.lab import DAY, HOUR, START, Lab, message

LEASE = timedelta(minutes=15)


async def jump(lab: Lab, by: timedelta) -> None:
    """The clock said START a moment ago."""
    await lab.pump.submit(ClockJumpedOperation(), ClockJumped(now=START + by, jump=by, longest_lease=LEASE))


async def dispatch(lab: Lab) -> tuple[int, int, int]:
    """due_at, give_up_at, created_at of the one there is, from START in seconds."""
    ((due, give_up, created),) = await lab.rows("SELECT due_at, give_up_at, created_at FROM dispatch")
    return tuple((each - micros(START)) // 1_000_000 for each in (due, give_up, created))


async def test_clock_set_back_leaves_a_retry_as_far_away_as_it_was(lab: Lab) -> None:
    """Due in a minute is due in a minute; its life is not shortened."""
    await lab.record(message("a1"))
    await lab.writer.fetch("UPDATE dispatch SET due_at = due_at + 60000000")
    before = await dispatch(lab)
    await jump(lab, -2 * HOUR)
    assert await dispatch(lab) == (before[0] - 7200, before[1], before[2])


async def test_clock_set_forward_gives_nobody_up(lab: Lab) -> None:
    """Forty days that never passed count towards no age; a retry may come early."""
    await lab.record(message("a1"))
    before = await dispatch(lab)
    await jump(lab, 40 * DAY)
    days = 40 * 86_400
    assert await dispatch(lab) == (before[0], before[1] + days, before[2] + days)


async def test_readers_lease_keeps_its_distance_and_its_limit(lab: Lab) -> None:
    """Whichever way the clock is set."""
    await lab.record(message("i1"))
    for by in (2 * HOUR, -2 * HOUR):
        until = micros(START + timedelta(minutes=10))
        await lab.writer.fetch(f"UPDATE delivery SET leased_by = 'reader', leased_until = {until}")
        await jump(lab, by)
        moved = until + by // timedelta(microseconds=1)
        assert await lab.rows("SELECT leased_until FROM delivery") == [(moved,)]
    (found,) = await lab.rows("SELECT count(*) FROM event WHERE kind = 'clock.jumped'")
    assert found == (2,)
