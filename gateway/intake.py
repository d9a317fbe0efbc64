"""Whether a new message may come in at all: free disk, the writer's queue, the sender's quota.

Asked before anything is written. Disk that uploads under way may still need is spoken for (`room`); what they
have written already counts twice, as gone and as reserved, so that the error is on the safe side. The quota
counts bytes x recipients per agency and day (Vietnam); the day's use is read once per agency and then counted
along in memory, since this process is the only one that accepts.

An agency that hands in much at once takes turns with itself (`turn`), so that others need not wait for all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from gateway.clock import VIETNAM
from gateway.config.settings import LimitSettings
from gateway.config.storage import StorageSettings
from gateway.errors import RefusedError
from gateway.ledger.reads import Reads
from gateway.model import Agency, AgencyId
from gateway.storage.bodies import Bodies
from gateway.storage.pump import Pump

#: What a refused sender is told to wait, in seconds.
RETRY_AFTER_DISK = 300
RETRY_AFTER_BUSY = 5
#: What an agency may have accepted at the same time, in seconds of its share.
_TURN_SECONDS = 0.1
_TURNS_MIN = 2
_DAY_SECONDS = 86_400


class Room:
    """Disk that one request was promised."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.size = 0

    def grow(self, size: int) -> None:
        """Have `size` bytes in all promised; refused like any other when the disk has no more."""
        if size > self.size:
            self._intake.check_room(size - self.size)
            self.take(size)

    def take(self, size: int) -> None:
        """Have `size` bytes in all promised, whether the disk has them or not."""
        self._intake.reserved += size - self.size
        self.size = size

    def shrink(self, size: int) -> None:
        """Have no more than `size` bytes promised."""
        self.take(min(size, self.size))


class Intake:
    """Says yes, or raises RefusedError."""

    def __init__(
        self, *, bodies: Bodies, pump: Pump, reads: Reads, storage: StorageSettings, limits: LimitSettings
    ) -> None:
        self._bodies = bodies
        self._pump = pump
        self._reads = reads
        self._min_free = storage.min_free_bytes
        self._max_waiting = storage.max_waiting_writes
        self._default_quota = limits.daily_quota
        self._used: dict[tuple[str, str], int] = {}
        self._turns_at_once = max(_TURNS_MIN, round(limits.deliveries_per_second * _TURN_SECONDS))
        #: agency -> its turns, and how many have or want one.
        self._turns: dict[AgencyId, tuple[asyncio.Semaphore, int]] = {}
        #: Bytes that uploads and unpacked copies under way may need.
        self.reserved = 0
        self.stopping = False

    def check_room(self, size: int = 0) -> None:
        """Refuse before anything is written when stopping, short of disk, or behind with writing."""
        if self.stopping:
            raise RefusedError("server_stopping", retry_after=RETRY_AFTER_BUSY)
        if self._bodies.free_bytes() - self.reserved < self._min_free + size:
            raise RefusedError("disk_nearly_full", retry_after=RETRY_AFTER_DISK)
        if self._pump.waiting >= self._max_waiting:
            raise RefusedError("server_busy", retry_after=RETRY_AFTER_BUSY)

    @contextmanager
    def room(self, size: int) -> Iterator[Room]:
        """`check_room`, and nobody else is promised these bytes until the context ends, whatever ends it."""
        room = Room(self)
        try:
            room.grow(size)
            yield room
        finally:
            room.shrink(0)

    def lasting_room(self) -> Room:
        """For what takes longer than a request; whoever asks gives it back."""
        return Room(self)

    @asynccontextmanager
    async def turn(self, agency_id: AgencyId) -> AsyncIterator[None]:
        """Wait until few enough others of the agency are being accepted, first come, first served."""
        places, users = self._turns.get(agency_id) or (asyncio.Semaphore(self._turns_at_once), 0)
        self._turns[agency_id] = places, users + 1
        try:
            async with places:
                yield
        finally:
            users = self._turns.pop(agency_id)[1] - 1
            if users:
                self._turns[agency_id] = places, users

    def quota_of(self, agency: Agency) -> int:
        """Bytes x recipients a day."""
        return self._default_quota if agency.daily_quota_bytes is None else agency.daily_quota_bytes

    async def reserve(self, sender: Agency, cost: int, now: datetime) -> str:
        """Count the cost and give the day it counts for; refuse when it would go over the quota.

        Counted before the message is recorded, so that many requests at once cannot all fit into what is left.
        """
        local = now.astimezone(VIETNAM)
        day = local.date().isoformat()
        slot = (sender.id, day)
        if slot not in self._used:
            used = await self._reads.usage(sender.id, day)
            self._used = {key: value for key, value in self._used.items() if key[1] == day}
            self._used.setdefault(slot, used)
        if self._used[slot] + cost > self.quota_of(sender):
            seconds = local.hour * 3600 + local.minute * 60 + local.second
            detail = f"{self._used[slot]} of {self.quota_of(sender)} bytes x recipients are used today"
            raise RefusedError("quota_exceeded", detail, retry_after=_DAY_SECONDS - seconds)
        self._used[slot] += cost
        return day

    def give_back(self, sender: Agency, day: str, cost: int) -> None:
        """The message was not recorded, so it cost nothing."""
        slot = (sender.id, day)
        if slot in self._used:
            self._used[slot] -= cost
