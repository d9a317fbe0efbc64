"""Closes each day after its midnight (Vietnam): a register for each agency that sent something, one event for all.

1. Which day is due: the one after that which was closed last; at first that of the ledger's first event.
2. Whether it may be closed: its end is `MARGIN` ago, every acceptance of it is a leaf, and, where several days are
   missing, the clock has gone evenly for long enough to be believed.
3. Up to which event it looks: all that is a leaf. For a day that is closed late, what a closing on time would have
   seen, so that the days after it get their own.
4. The registers are worked out (`gateway.evidence.registering`); day, registers and event are one transaction.

A crash leaves a day closed or not; the next run goes on from there. Nothing is ever added to a closed day.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from gateway.clock import VIETNAM, Clock, instant, micros
from gateway.condition import UNSEEN, Condition, Health
from gateway.evidence.registering import ONE_DAY, Window, worked_out
from gateway.ledger.registers import CloseDay, CloseDayOperation, ClosedDay, RegisterReads
from gateway.ledger.tree import LogReads, Tree
from gateway.observe import Metrics
from gateway.reconcile import bounds_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: After midnight: whatever was accepted before it has been recorded.
MARGIN: Final = timedelta(minutes=10)
#: Missing days, and for how long the clock must have gone evenly before they are closed: a clock that is wrong
#: would close days that are still to come.
BELIEVED: Final = ((1, MARGIN), (10, timedelta(hours=1)), (10**6, timedelta(days=1)))
#: After a day's end it should have been closed; the alert GatewayRegistersLate says the same.
LATE: Final = timedelta(hours=12)
#: No ledger is older; an event from the time before somebody set the clock could be.
_OLDEST: Final = timedelta(days=3660)
_JUMP: Final = timedelta(minutes=1)
#: Why a day is not closed yet: it goes on; nothing is in the way.
_OPEN, _NONE = ("open", "chưa hết ngày"), ("", "")

_log = structlog.get_logger(__name__)


class Registrar:
    """One per server."""

    name = "registers"
    every = timedelta(minutes=1)

    def __init__(self, readers: Readers, pump: Pump, *, clock: Clock, metrics: Metrics) -> None:
        self._readers, self._pump, self._clock, self._metrics = readers, pump, clock, metrics
        self._reads, self._log_reads, self._close = RegisterReads(readers), LogReads(readers), CloseDayOperation()
        self._wall, self._steady = clock.now(), clock.monotonic()
        #: How it is.
        self.condition = UNSEEN

    async def run_once(self) -> None:
        """Every day that is due and may be closed."""
        while await self._run():
            pass

    async def _run(self) -> bool:
        now = self._clock.now()
        believed = self._even_for(now)
        closed = await self._reads.last()
        day = closed[0].day + ONE_DAY if closed else await self._first(now)  # 1
        if day is None:
            self.condition = Condition.fine("nothing to close yet")
            return False
        self._metrics.registers_until.set(bounds_of(day)[0].timestamp())
        wait = await self._forbidden(day, now, believed)  # 2
        if wait != _NONE:
            self._tell(day, closed, wait, now)
            return False
        await self._close_day(day, closed, now)
        return True

    def _even_for(self, now: datetime) -> timedelta:
        """For how long the wall clock has gone with the monotonic one."""
        gone = timedelta(seconds=self._clock.monotonic() - self._steady)
        if abs(now - self._wall - gone) > _JUMP:
            self._wall, self._steady, gone = now, self._clock.monotonic(), timedelta(0)
        return gone

    async def _first(self, now: datetime) -> date | None:
        row = await self._readers.fetch_one("event_oldest_instant")
        return None if row is None else _day_of(max(instant(row[0]), now - _OLDEST))

    async def _forbidden(self, day: date, now: datetime, believed: timedelta) -> tuple[str, str]:
        """Why the day cannot be closed now, English and Vietnamese; "" when it can."""
        _, end = bounds_of(day)
        if now < end + MARGIN:
            return _OPEN
        missing = (_day_of(now) - day) // ONE_DAY
        needed = next(needed for most, needed in BELIEVED if missing <= most)
        if believed < needed:
            return (
                f"{missing} days are missing; the clock is watched for {needed} before they are closed",
                f"thiếu {missing} ngày; đồng hồ được theo dõi {needed} rồi mới khóa",
            )
        tree = await self._log_reads.tree()
        waiting = {"after": tree.seq, "before": micros(end)}
        if await self._readers.fetch_one("register_find_unsequenced", waiting) is not None:
            return "acceptances that are no leaves yet", "có văn bản đã nhận chưa vào nhật ký"
        return _NONE

    async def _close_day(self, day: date, closed: list[ClosedDay], now: datetime) -> None:
        tree = await self._log_reads.tree()
        window = Window.after(closed, day, await self._until(day, closed, tree, now))  # 3
        seed = secrets.token_bytes(32)
        worked = await worked_out(self._reads, window, seed)  # 4
        after, until = [await self._leaves(each) for each in (window.since, window.until)]
        closing = await asyncio.to_thread(worked.closing, day, after=after, until=until, seed=seed)
        ask = CloseDay(
            closing=closing,
            until_seq=window.until,
            seed=seed,
            books=worked.books,
            before=closed[0].day if closed else None,
            now=self._clock.now(),
        )
        await self._pump.submit(self._close, ask)
        _log.info("register.closed", day=closing.day, registers=closing.registers, documents=closing.documents)

    async def _until(self, day: date, closed: list[ClosedDay], tree: Tree, now: datetime) -> int:
        since = closed[0].until_seq if closed else 0
        _, end = bounds_of(day)
        if _day_of(now) - day <= ONE_DAY:
            return tree.seq
        later = {"after": since, "since": micros(end + MARGIN)}
        row = await self._readers.fetch_one("register_find_first_since", later)
        return tree.seq if row is None else min(tree.seq, row[0] - 1)

    async def _leaves(self, seq: int) -> int:
        """Leaves up to that event."""
        index = await self._log_reads.index_of(seq)
        return 0 if index is None else index + 1

    def _tell(self, day: date, closed: list[ClosedDay], wait: tuple[str, str], now: datetime) -> None:
        until = f"closed until {closed[0].day}" if closed else "none closed yet"
        until_vi = f"đã khóa đến ngày {closed[0].day:%d/%m/%Y}" if closed else "chưa khóa ngày nào"
        is_late = now > bounds_of(day)[1] + LATE
        health = Health.FINE if wait == _OPEN else Health.LATE if is_late else Health.WAITING
        told = Condition(health, f"{health}: {until}: {wait[0]}", f"{until_vi}: {wait[1]}")
        if wait == _OPEN:
            told = Condition.fine(until)
        elif told != self.condition:
            _log.warning("register.waiting", detail=told.words)
        self.condition = told


def _day_of(at: datetime) -> date:
    return at.astimezone(VIETNAM).date()
