"""Compares our ledger with peers' own books: each night the day before, and the present day after an outage.

`compare` asks the peer, reads our lines of the day, keeps the report (`gateway reconcile show`) with its event,
whose leaf holds its digest. A peer that cannot be asked leaves no report: the night's comparison is tried again an
hour later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from gateway import reconcile
from gateway.channels import has_counterpart
from gateway.clock import VIETNAM, instant, micros
from gateway.errors import ConfigError, SourceError
from gateway.events import Event
from gateway.foundation import Foundation
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.model import Endpoint, EndpointId
from gateway.observe import Metrics
from gateway.ports import Counterpart, SentRecord
from gateway.storage.pump import Transaction

#: From this hour on, in Vietnam, the day before is compared.
_HOUR: Final = 1
_AGAIN: Final = timedelta(hours=1)
#: What was accepted so long before it was sent is looked for, too.
_LONGEST_WAIT: Final = timedelta(days=14)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconciled:
    """A report to keep."""

    endpoint_id: EndpointId
    report: reconcile.Report
    actor: str
    at: datetime


class ReconciledOperation:
    """Keeps reports; the id of each."""

    name = "reconciled"

    async def apply(self, tx: Transaction, payloads: Sequence[Reconciled]) -> Sequence[str]:
        """Each with its event."""
        ids = []
        for ask in payloads:
            key, content = uuid7(), msgspec.json.encode(ask.report)
            row = (key, ask.endpoint_id, ask.report.day, micros(ask.at), ask.report.findings, content.decode())
            await tx.fetch("reconciliation_insert", row)
            facts: dict[str, object] = {
                "endpoint": ask.endpoint_id,
                "day": ask.report.day,
                "findings": ask.report.findings,
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            event = history.EventRow(kind=Event.RECONCILIATION_MADE, at=ask.at, actor=ask.actor, facts=facts)
            await history.append(tx, [event])
            ids.append(key)
        return ids


async def compare(
    base: Foundation, endpoint: Endpoint, counterpart: Counterpart, day: date, *, actor: str
) -> tuple[str, reconcile.Report]:
    """Compare one day with one peer and keep what came of it."""
    theirs = await counterpart.sent(day, day)
    listed = await counterpart.listed()
    counted = await counterpart.counted()
    now = base.clock.now()
    out = reconcile.outgoing(
        day, await _ours(base, endpoint, day, theirs), theirs, await _undecided(base, endpoint), now=now
    )
    start, end = reconcile.bounds_of(day)
    span = {"endpoint": endpoint.id, "first": micros(start), "last": micros(end) - 1}
    came = (await base.readers.fetch("offer_count_between", span))[0]
    refs = {"endpoint": endpoint.id, "refs": as_json([entry.ref for entry in listed])}
    known = {
        row[0]: reconcile.Known(
            message=row[2], acknowledged=row[3] is not None, failure=row[4], refused=row[5] == "refused"
        )
        for row in await base.readers.fetch("offer_list_by_refs", refs)
    }
    into = reconcile.incoming((came[0], came[1], came[2]), listed, known, counted)
    report = reconcile.report_of(endpoint.name, day, now, out, into)
    kept = Reconciled(endpoint_id=endpoint.id, report=report, actor=actor, at=now)
    return await base.pump.submit(ReconciledOperation(), kept), report


async def _ours(
    base: Foundation, endpoint: Endpoint, day: date, theirs: Sequence[SentRecord]
) -> list[reconcile.Sent]:
    """Our lines of the day, and those of the days around it that its list may show on this day."""
    start, end = reconcile.bounds_of(day)
    span = {
        "endpoint": endpoint.id,
        "first": micros(start - _LONGEST_WAIT),
        "last": micros(end + timedelta(days=1)),
    }
    rows = await base.readers.fetch("delivery_list_relayed_between", span)
    refs = {record.ref for record in theirs}
    return [_sent(row) for row in rows if row[9] is not None and (row[3] in refs or start <= instant(row[9]) < end)]


def _sent(row: tuple[Any, ...]) -> reconcile.Sent:
    return reconcile.Sent(
        delivery=row[0],
        message=row[1],
        recipient=row[2],
        ref=row[3],
        state=row[4],
        business_status=row[5],
        expects_status=bool(row[6]),
        kind=row[7],
        document_id=row[8],
        sent_at=instant(row[9]),
    )


async def _undecided(base: Foundation, endpoint: Endpoint) -> list[reconcile.Item]:
    rows = await base.readers.fetch("delivery_list_ambiguous", (endpoint.id,))
    return [reconcile.Item(ref="", delivery=row[0], message=row[1], recipient=row[2], document_id=row[3])
            for row in rows]  # fmt: skip


class Reconciler:
    """The duty."""

    name = "reconciler"
    every = timedelta(minutes=1)

    def __init__(
        self, base: Foundation, counterpart_of: Callable[[Endpoint], Counterpart], metrics: Metrics
    ) -> None:
        self._base, self._counterpart_of, self._metrics = base, counterpart_of, metrics
        self._failing: set[str] = set()
        self._not_before: dict[EndpointId, datetime] = {}

    async def run_once(self) -> None:
        """Compare what is due; a peer that cannot be asked keeps no other from its turn."""
        now = self._base.clock.now()
        states = {row[0]: row[1] is not None for row in await self._base.readers.fetch("source_list_states")}
        for endpoint in await self._base.directory.endpoints():
            if not has_counterpart(endpoint) or not endpoint.is_relay:
                continue
            if states.get(endpoint.name):
                self._failing.add(endpoint.name)
                continue
            for day in await self._due(endpoint, now):
                await self._try(endpoint, day)

    async def _due(self, endpoint: Endpoint, now: datetime) -> list[date]:
        if self._not_before.get(endpoint.id, now) > now:
            return []
        local = now.astimezone(VIETNAM)
        days = []
        if endpoint.name in self._failing:
            days.append(local.date())
        yesterday = local.date() - timedelta(days=1)
        if local.hour >= _HOUR:
            known = await self._base.readers.fetch("reconciliation_newest", (endpoint.id, yesterday.isoformat()))
            _, ended = reconcile.bounds_of(yesterday)
            if not known or instant(known[0][0]) < ended:
                days.append(yesterday)
        return days

    async def _try(self, endpoint: Endpoint, day: date) -> None:
        try:
            counterpart = self._counterpart_of(endpoint)
            try:
                _, report = await compare(self._base, endpoint, counterpart, day, actor="gateway")
            finally:
                await counterpart.close()
        except (SourceError, ConfigError) as error:
            self._not_before[endpoint.id] = self._base.clock.now() + _AGAIN
            _log.warning("reconciliation.failed", endpoint=endpoint.name, day=day.isoformat(), error=str(error))
            return
        self._failing.discard(endpoint.name)
        self._metrics.reconciliation_findings.labels(endpoint.name).set(report.findings)
        _log.info("reconciliation.made", endpoint=endpoint.name, day=report.day, findings=report.findings)
