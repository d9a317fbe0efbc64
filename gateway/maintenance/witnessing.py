"""Has each checkpoint cosigned by every witness, and says which of them lags, refuses, or has seen another log.

Witnesses are asked side by side, each about the newest checkpoint only, since that vouches for all before it: one
that was away for a day is asked once. Nobody waits for it: documents are accepted, checkpoints signed, stamped and
handed out, with the lines that are there.

A witness beyond `[log] witness_grace` is *late*. One that contradicts is an alarm at once and an event: the log
goes on, since whether the witness or somebody with our key is wrong is for a person to find out (docs/runbook.md).
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.condition import UNSEEN, UNSET, Condition, Health
from gateway.config.settings import LogSettings
from gateway.config.values import WitnessAddress
from gateway.errors import CosignatureError, WitnessContradictsError
from gateway.evidence.cosigning import FIRST_PAUSE, LONGEST_PAUSE, WitnessPort, WitnessStanding, cosigned
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.ledger.witnesses import (
    Contradiction,
    ContradictionOperation,
    KeepCosignatureOperation,
    NewCosignature,
    WitnessReads,
)
from gateway.observe import Metrics
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: A look at the newest checkpoint costs one read; it is cosigned soon after it was signed.
_LOOK: Final = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


class Witnessing:
    """One per server."""

    name = "witnesses"

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        port: WitnessPort,
        *,
        settings: LogSettings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._pump, self._port = pump, port
        self._log, self._reads = LogReads(readers), WitnessReads(readers)
        self._settings, self._clock, self._metrics = settings, clock, metrics
        self._keep, self._note = KeepCosignatureOperation(), ContradictionOperation()
        self._standings: dict[str, WitnessStanding] = {}
        #: What has never been cosigned by a witness waits since then.
        self._began_at = clock.now()
        #: How it is.
        self.condition = UNSEEN if settings.witnesses else UNSET

    @property
    def every(self) -> timedelta:
        """As often as checkpoints come, or oftener."""
        return min(self._settings.every, _LOOK)

    async def run_once(self) -> None:
        """Ask whoever has not cosigned the newest checkpoint, then tell how it is."""
        latest = await self._log.latest() if self._settings.witnesses else None
        if latest is None:
            return
        await asyncio.gather(*(self._one(each, latest) for each in self._settings.witnesses))
        await self._tell()

    async def _standing(self, name: str) -> WitnessStanding:
        if name not in self._standings:
            last = await self._reads.last(name)
            self._standings[name] = WitnessStanding(size=0 if last is None else last[0])
        return self._standings[name]

    async def _one(self, witness: WitnessAddress, latest: StoredCheckpoint) -> None:
        name = witness.key.name
        standing = await self._standing(name)
        if standing.size == latest.size or self._clock.monotonic() < standing.paused_until:
            return
        try:
            found = await cosigned(
                self._port,
                witness,
                latest.signed,
                latest.size,
                old=standing.size,
                prove=self._log.consistency,
                clock=self._clock,
            )
        except CosignatureError as error:
            if not standing.fault:
                _log.warning("witnesses.failed", witness=name, detail=str(error))
            standing.failed(str(error), self._clock.monotonic(), first=FIRST_PAUSE, longest=LONGEST_PAUSE)
            if isinstance(error, WitnessContradictsError):
                await self._contradicted(name, error)
            return
        now = self._clock.now()
        new = NewCosignature(size=latest.size, witness=name, at=found.at, line=found.line, now=now)
        await self._pump.submit(self._keep, new)
        if standing.fault:
            _log.info("witnesses.back", witness=name)
        standing.size = latest.size
        standing.succeeded()

    async def _contradicted(self, name: str, error: WitnessContradictsError) -> None:
        told = Contradiction(
            witness=name, since=self._clock.now(), code=error.code, known=error.known, asked=error.size
        )
        if await self._pump.submit(self._note, told):
            _log.error("log.contradicted", witness=name, code=error.code, known=error.known, asked=error.size)

    async def _tell(self) -> None:
        against = {each.witness: each for each in await self._reads.contradictions()}
        now, metrics = self._clock.now(), self._metrics
        late: list[tuple[str, str]] = []
        for witness in self._settings.witnesses:
            name = witness.key.name
            fault = self._standings[name].fault
            lag = now - await self._waiting_since(name, now)
            is_late = lag > self._settings.witness_grace
            metrics.witness_up.labels(witness=name).set(0 if fault else 1)
            metrics.witness_lag_seconds.labels(witness=name).set(max(lag.total_seconds(), 0.0))
            metrics.witness_late.labels(witness=name).set(1 if is_late else 0)
            metrics.witness_contradicts.labels(witness=name).set(1 if name in against else 0)
            if is_late:
                late.append(
                    (
                        f"{name} for {round(lag.total_seconds())} s: {fault or 'not asked yet'}",
                        f"{name} chưa ký {round(lag.total_seconds() / 60)} phút: {fault or 'chưa hỏi'}",
                    )
                )
        known = {each.key.name for each in self._settings.witnesses}
        self.condition = _condition(
            [each for name, each in against.items() if name in known],
            late,
            [f"{name}: {each.fault}" for name, each in self._standings.items() if each.fault],
            len(self._settings.witnesses),
        )

    async def _waiting_since(self, name: str, now: datetime) -> datetime:
        last = await self._reads.last(name)
        since = await self._reads.waiting_since(0 if last is None else last[0])
        if since is None:
            return now
        return max(since, self._began_at) if last is None else since


def _condition(
    against: list[Contradiction], late: list[tuple[str, str]], faults: list[str], count: int
) -> Condition:
    if against:
        each = "; ".join(
            f"{it.witness} ({it.code}: it knows {it.known} leaves, {it.asked} asked)" for it in against
        )
        each_vi = "; ".join(
            f"{it.witness} ({it.code}: nhân chứng biết {it.known} lá, ta hỏi {it.asked})" for it in against
        )
        return Condition(Health.CONTRADICTED, f"contradicted by {each}", f"mâu thuẫn với {each_vi}")
    if late:
        en, vi = ("; ".join(words) for words in zip(*late, strict=True))
        return Condition(Health.LATE, f"late: {en}", vi)
    up, up_vi = f"cosigned by {count - len(faults)} of {count}", f"{count - len(faults)}/{count} nhân chứng đã ký"
    if not faults:
        return Condition.fine(up)
    told = "; ".join(faults)
    return Condition(Health.DEGRADED, f"{up}; {told}", f"{up_vi}; {told}")
