"""Has each checkpoint stamped once, and says when that has not worked for too long.

The newest goes first, since it vouches for all before it; then what an outage left, a portion a run, so that no
server is flooded. A stamp that cannot be had is due again with the next run, for as long as it takes. Beyond
`[stamps] grace` the state is *late*: a metric, a detail of /readyz, a finding of doctor, an alert. It refuses no
document and stops nothing.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import structlog

from gateway.clock import Clock, instant
from gateway.condition import UNSEEN, UNSET, Condition, Health
from gateway.config.settings import StampSettings
from gateway.errors import StampError
from gateway.evidence.stamping import Stamping
from gateway.ledger.stamps import KeepStampOperation, NewStamp
from gateway.observe import Metrics
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: Checkpoints that a run stamps at most.
PORTION = 60

_log = structlog.get_logger(__name__)


class Stamper:
    """One per server."""

    name = "stamps"

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        stamping: Stamping,
        *,
        settings: StampSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._readers, self._pump, self._stamping = readers, pump, stamping
        self._settings, self._clock, self._metrics = settings, clock, metrics
        self._keep = KeepStampOperation()
        #: Checkpoints of at most so many leaves have their stamps: they are not looked at again.
        self._done = 0
        #: How it is.
        self.condition = UNSEEN if settings.servers else UNSET

    @property
    def every(self) -> timedelta:
        """As the setting says."""
        return self._settings.every

    async def run_once(self) -> None:
        """Stamp what waits, as far as servers go along, then tell how it is."""
        if not self._settings.servers:
            return
        fault = await self._work_off()
        await self._tell(fault)

    async def _work_off(self) -> str:
        rows = await self._readers.fetch("checkpoint_list_unstamped", {"after": self._done, "limit": PORTION})
        for size, note in rows:
            try:
                stamped = await self._stamping.stamp(sha256(note).digest())
            except StampError as error:
                return str(error)
            new = NewStamp(size=size, server=stamped.server, at=stamped.not_later_than, token=stamped.token)
            await self._pump.submit(self._keep, new)
            self._metrics.stamped_at.set(self._clock.now().timestamp())
        return ""

    async def _tell(self, fault: str) -> None:
        waiting, oldest, size, newest = (
            await self._readers.fetch("checkpoint_count_unstamped", {"after": self._done})
        )[0]
        # what lies before the oldest that waits is done; without one, all that there was
        self._done = newest if size is None else size - 1
        now, metrics = self._clock.now(), self._metrics
        age = timedelta() if oldest is None else max(now - instant(oldest), timedelta())
        is_late = age > self._settings.grace
        metrics.stamps_waiting.set(waiting)
        metrics.stamps_oldest_seconds.set(age.total_seconds())
        metrics.stamps_late.set(1 if is_late else 0)
        for url, told in self._stamping.faults.items():
            metrics.stamp_server_up.labels(server=url).set(0 if told else 1)
        self.condition = _condition(waiting, age, fault, is_late=is_late, own=self._own())
        if is_late:
            _log.error("stamps.late", waiting=waiting, seconds=round(age.total_seconds()), detail=fault)

    def _own(self) -> bool:
        return all(server.own for server in self._settings.servers)


def _condition(waiting: int, age: timedelta, fault: str, *, is_late: bool, own: bool) -> Condition:
    independence = " (by a server of our own: not independent)" if own else ""
    if not waiting:
        return Condition.fine(f"stamped{independence}")
    health = Health.LATE if is_late else Health.WAITING
    why = f": {fault}" if fault else ""
    told = f"{waiting} without a stamp, the oldest for {round(age.total_seconds())} s{independence}{why}"
    whose = " (máy chủ của chính mình: không độc lập)" if own else ""
    told_vi = f"{waiting} mốc chưa có dấu thời gian, lâu nhất {round(age.total_seconds() / 60)} phút{whose}{why}"
    return Condition(health, f"{health}: {told}", told_vi)
