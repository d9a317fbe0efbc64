"""What /readyz and /metrics are told: asked of every part when somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.alarms.rules import RULES
from gateway.api.service import Readiness
from gateway.clock import instant
from gateway.condition import Condition
from gateway.damage import SoundBodies
from gateway.endings import Ending, endings, without_replaced
from gateway.errors import RefusedError, StorageError
from gateway.foundation import Foundation
from gateway.intake import Intake
from gateway.maintenance.clock_watch import ClockWatch
from gateway.observe import Metrics
from gateway.signing import SealingKey


class Probe:
    """Readiness, and the gauges that nobody sets in passing."""

    def __init__(
        self,
        *,
        foundation: Foundation,
        intake: Intake,
        sound: SoundBodies,
        watch: ClockWatch,
        conditions: Callable[[], Mapping[str, Condition]],
        key: SealingKey,
        metrics: Metrics,
        tls_ends_at: Callable[[], datetime],
    ) -> None:
        self._base, self._intake, self._sound = foundation, intake, sound
        self._watch, self._metrics, self._conditions, self._key = watch, metrics, conditions, key
        #: Of the certificate in use, which is not that of the file while a renewed one waits for a reload.
        self._tls_ends_at = tls_ends_at

    async def readiness(self) -> Readiness:
        """Whether documents can be accepted now; an outage of a peer is only a detail."""
        refusal = ""
        try:
            self._intake.check_room()
        except RefusedError as error:
            refusal = error.code
        broken = self._base.pump.broken or self._base.bodies.broken
        details: dict[str, object] = {
            "intake": refusal or "open",
            "storage": broken or "writable",
            "sqlite": self._base.store.sqlite_version,
            **{name: each.words for name, each in self._conditions().items()},
        }
        try:
            endpoints = await self._base.directory.endpoints()
        except StorageError as error:
            broken = str(error)
            details["storage"] = f"cannot be read: {error}"
        else:
            details["endpoints"] = len(endpoints)
            details["endpoints_down"] = sum(1 for endpoint in endpoints if endpoint.down_since is not None)
            details |= await self._sources()
        if self._watch.told:
            details["clock"] = self._watch.told
        if self._sound.damaged:
            details["bodies_damaged"] = len(self._sound.damaged)
        if self._base.store.alarm:
            details["alarm"] = self._base.store.alarm
        is_ready = not refusal and broken is None and self._key.trouble is None
        return Readiness(ready=is_ready, details=details)

    async def _sources(self) -> dict[str, object]:
        """The polled channels whose lists cannot be read, or have been empty for too long."""
        try:
            rows = await self._base.readers.fetch("source_list_states")
        except StorageError:
            return {}
        states = {row[0]: "degraded" if row[1] is not None else "silent" for row in rows if row[1] or row[6]}
        return {"sources": states} if states else {}

    async def refresh(self) -> None:
        """Set the gauges."""
        base, metrics = self._base, self._metrics
        metrics.wal_bytes.set(base.writer.wal_bytes())
        metrics.disk_free_bytes.set(base.bodies.free_bytes())
        metrics.pump_queue.set(base.pump.waiting)
        metrics.pump_broken.set(0 if base.pump.broken is None else 1)
        metrics.bodies_broken.set(0 if base.bodies.broken is None else 1)
        metrics.bodies_encrypted.set(base.bodies.keys.is_encrypting)
        try:
            await self._read_ledger()
            metrics.ledger_readable.set(1)
        except StorageError:  # the figures stay what they were
            metrics.ledger_readable.set(0)
        trouble = self._key.trouble
        failing = 0.0 if trouble is None else max((base.clock.now() - trouble.since).total_seconds(), 1.0)
        metrics.seal_failing_seconds.set(failing)
        now = base.clock.now()
        for ending in without_replaced(await asyncio.to_thread(self._endings), now):
            metrics.certificate_days.labels(purpose=ending.purpose).set(ending.days_left(now))
            metrics.certificate_warning.labels(purpose=ending.purpose).set(ending.level(now))

    async def _read_ledger(self) -> None:
        base, metrics = self._base, self._metrics
        waiting = await base.reads.waiting()
        oldest = await base.reads.oldest_seconds(base.clock.now())
        for endpoint in await base.directory.endpoints():
            up = endpoint.down_since is None and endpoint.paused_until is None
            metrics.endpoint_up.labels(endpoint=endpoint.name).set(1 if up else 0)
            metrics.waiting.labels(endpoint=endpoint.name).set(waiting.get(endpoint.id, 0))
            metrics.oldest_seconds.labels(endpoint=endpoint.name).set(oldest.get(endpoint.id, 0.0))
        for state, count in (await base.reads.open_deliveries()).items():
            metrics.deliveries.labels(state=state).set(count)
        metrics.statuses_parked.set(await base.reads.parked())
        alarms = await base.readers.fetch("alarm_count_open")
        metrics.alarms_open.clear()  # of rules that an earlier version had, too
        for rule, count in [*((each, 0) for each in RULES), *alarms]:
            metrics.alarms_open.labels(rule=rule).set(count)
        metrics.sessions_open.set(await base.sign_in.count_open(base.clock.now()))
        await self._read_sources()

    async def _read_sources(self) -> None:
        base, metrics = self._base, self._metrics
        now = base.clock.now()
        rows = await base.readers.fetch("source_list_states")
        stuck = {row[0]: row[1:] for row in await base.readers.fetch("offer_count_stuck")}
        lingering = {row[0]: row[1:] for row in await base.readers.fetch("offer_count_lingering")}
        for name, failing_since, _, _, _, _, silent_since, _ in rows:
            failing = (now - instant(failing_since)).total_seconds() if failing_since is not None else 0.0
            metrics.source_failing.labels(name).set(failing)
            metrics.source_silent.labels(name).set(0 if silent_since is None else 1)
            count, oldest = stuck.get(name, (0, None))
            metrics.offers_stuck.labels(name).set(count)
            metrics.offers_oldest_seconds.labels(name).set(_age(oldest, now))
            count, oldest = lingering.get(name, (0, None))
            metrics.offers_lingering.labels(name).set(count)
            metrics.offers_lingering_seconds.labels(name).set(_age(oldest, now))

    def _endings(self) -> list[Ending]:
        found = endings(self._base.settings)
        in_use = self._tls_ends_at()
        return [
            replace(each, ends=min(each.ends, in_use)) if each.purpose == "tls" and each.ends else each
            for each in found
        ]


def _age(since: int | None, now: datetime) -> float:
    """Seconds; none where nothing waits."""
    return 0.0 if since is None else (now - instant(since)).total_seconds()
