"""What a jump of the wall clock does to the ledger: an event, and waits that keep their distance.

Nothing that was recorded changes; the order of records is that of their numbers. Only what lies ahead is moved:
when the clock went back, a retry due in a minute is due in a minute and not in hours; when it went forward, nobody
is given up for time that never passed, and a reader keeps its lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.storage.pump import Transaction

_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockJumped:
    """The clock said `now - jump` a moment ago, and says `now`."""

    now: datetime
    jump: timedelta
    longest_lease: timedelta


class ClockJumpedOperation:
    """Records jumps and moves what waits."""

    name = "clock_jumped"

    async def apply(self, tx: Transaction, payloads: Sequence[ClockJumped]) -> Sequence[None]:
        """Nothing to give back."""
        for found in payloads:
            now, jump = micros(found.now), found.jump // _MICROSECOND
            await history.append(
                tx,
                [
                    history.EventRow(
                        kind=Event.CLOCK_JUMPED,
                        at=found.now,
                        actor="gateway",
                        facts={"seconds": round(found.jump / _SECOND)},
                    )
                ],
            )
            if jump < 0:
                await tx.fetch("dispatch_shift_waits", {"jump": jump, "now": now})
            else:
                await tx.fetch("dispatch_shift_lives", {"jump": jump})
            longest = micros(found.now + found.longest_lease)
            await tx.fetch("delivery_shift_leases", {"jump": jump, "before": now - jump, "longest": longest})
        return [None] * len(payloads)
