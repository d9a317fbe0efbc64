"""Pushes again what receivers ask for (`gateway.pushes`), beside the worker's queue and more slowly.

One transmission at a time to each channel, so that new documents are never kept waiting by old ones; what belonged
to one dispatch goes out as one. A channel that is paused or down is left alone, and a try that failed is made again
after a while, ten times at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

import structlog

from gateway.clock import Clock, micros
from gateway.config.settings import DeliverySettings
from gateway.deliver import Bodies, deliver
from gateway.directory.directory import Directory
from gateway.ids import uuid7
from gateway.ledger.replays import (
    AdoptReplaysOperation,
    ClaimReplays,
    ClaimReplaysOperation,
    Replayed,
    ReplayedOperation,
)
from gateway.model import (
    AgencyId,
    AttemptId,
    BootId,
    DeliveryId,
    DispatchId,
    EndpointId,
    MessageId,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    Sha256Hex,
)
from gateway.ports import Adapter
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_DUE = 200
_TRIES = 10
_PAUSE = timedelta(minutes=1)
_PAUSE_MOST = timedelta(hours=1)
_ARRIVED = frozenset({OutcomeKind.DELIVERED, OutcomeKind.RELAYED})

_log = structlog.get_logger(__name__)


class Replayer:
    """The duty."""

    name = "replayer"
    every = timedelta(seconds=2)

    def __init__(
        self,
        readers: Readers,
        pump: Pump,
        bodies: Bodies,
        adapters: Mapping[str, Adapter],
        *,
        directory: Directory,
        boot_id: BootId,
        settings: DeliverySettings,
        clock: Clock,
    ) -> None:
        self._readers, self._pump, self._bodies, self._adapters = readers, pump, bodies, adapters
        self._directory, self._boot_id, self._settings, self._clock = directory, boot_id, settings, clock
        self._claim, self._end = ClaimReplaysOperation(), ReplayedOperation()
        self._has_begun = False

    async def run_once(self) -> None:
        """Everything that is due, channel beside channel."""
        if not self._has_begun:
            await self._pump.submit(AdoptReplaysOperation(), (self._boot_id, self._clock.now()))
            self._has_begun = True
        rows = await self._readers.fetch("replay_list_due", {"now": micros(self._clock.now()), "limit": _DUE})
        channels: dict[EndpointId, dict[str, list[tuple[Any, ...]]]] = {}
        for row in rows:
            channels.setdefault(EndpointId(row[5]), {}).setdefault(row[6], []).append(row)
        await asyncio.gather(*(self._serve(endpoint, list(found.values())) for endpoint, found in channels.items()))

    async def _serve(self, endpoint_id: EndpointId, dispatches: Sequence[Sequence[tuple[Any, ...]]]) -> None:
        for rows in dispatches:
            endpoint = await self._directory.endpoint(endpoint_id)
            adapter = None if endpoint is None else self._adapters.get(endpoint.kind)
            if endpoint is None or adapter is None or endpoint.paused_until or endpoint.down_since:
                return
            attempt_id, ids = uuid7(), tuple(row[0] for row in rows)
            claim = ClaimReplays(
                replay_ids=ids, attempt_id=attempt_id, boot_id=self._boot_id, now=self._clock.now()
            )
            if await self._pump.submit(self._claim, claim) != frozenset(ids):
                return
            outgoing = _outgoing(rows, attempt_id, endpoint_id)
            default = self._settings.timeout.total_seconds()
            report = await deliver(outgoing, endpoint, adapter, self._bodies, default_seconds=default)
            for row in rows:
                outcome = report.outcomes[DeliveryId(row[2])]
                await self._pump.submit(self._end, self._ended(row, attempt_id, outcome))
            if not report.answered:
                return

    def _ended(self, row: tuple[Any, ...], attempt_id: str, outcome: Outcome) -> Replayed:
        now, failures = self._clock.now(), int(row[1])
        state: Literal["sent", "failed", "waiting"] = "waiting"
        if outcome.kind in _ARRIVED:
            state = "sent"
        elif outcome.kind is OutcomeKind.REFUSED or failures + 1 >= _TRIES:
            state = "failed"
        return Replayed(
            delivery_id=row[2],
            attempt_id=attempt_id,
            state=state,
            outcome=str(outcome.kind),
            now=now,
            due_at=now + min(_PAUSE_MOST, _PAUSE * 2**failures),
            reason=outcome.reason,
            detail=outcome.detail,
        )


def _outgoing(rows: Sequence[tuple[Any, ...]], attempt_id: str, endpoint_id: EndpointId) -> Outgoing:
    first = rows[0]
    return Outgoing(
        dispatch_id=DispatchId(first[6]),
        attempt_id=AttemptId(attempt_id),
        message_id=MessageId(first[7]),
        kind=first[8],
        endpoint_id=endpoint_id,
        sha256=Sha256Hex(first[9]),
        size=first[10],
        sender_code=first[11],
        document_ref=first[12],
        business_type=first[13],
        priority=first[14],
        trace_id=first[15],
        number=max(row[1] for row in rows) + 1,
        deliveries=tuple(
            OutgoingDelivery(id=DeliveryId(row[2]), recipient_id=AgencyId(row[3]), recipient_code=row[4])
            for row in rows
        ),
        is_replay=True,
    )
