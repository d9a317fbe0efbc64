"""Compares our ledger with peers' own books: each night the days before it, and the present day after an outage.

`compare` asks the peer, reads our lines of the day, keeps the report (`gateway reconcile show`) with its event,
whose leaf holds its digest. A peer that cannot be asked leaves no report: it is asked again an hour later, and how
far its books were compared is a metric that grows old. Which days are due, `comparing` says; nothing of it is kept
in memory but that hour.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

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
from gateway.maintenance.comparing import AGAIN, LONGEST, Due, compared_of, due_days, standing_findings
from gateway.model import Endpoint, EndpointId
from gateway.observe import Metrics
from gateway.ports import Counterpart, SentRecord
from gateway.storage.pump import Transaction

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
    base: Foundation,
    endpoint: Endpoint,
    counterpart: Counterpart,
    day: date,
    *,
    actor: str,
    left_out: Sequence[date] = (),
) -> tuple[str, reconcile.Report]:
    """Compare one day with one peer and keep what came of it; `left_out` are days that nobody will compare."""
    failed_looks = (await _source(base, endpoint)).failed_looks  # before: what fails from here on is another outage
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
    report = reconcile.report_of(
        endpoint.name,
        day,
        now,
        out,
        into,
        failed_looks=failed_looks,
        left_out=[each.isoformat() for each in left_out],
    )
    kept = Reconciled(endpoint_id=endpoint.id, report=report, actor=actor, at=now)
    return await base.pump.submit(ReconciledOperation(), kept), report


async def _ours(
    base: Foundation, endpoint: Endpoint, day: date, theirs: Sequence[SentRecord]
) -> list[reconcile.Sent]:
    """Our lines of the day and of those before it, which may still wait, and those that its list shows."""
    start, end = reconcile.bounds_of(day)
    span = {
        "endpoint": endpoint.id,
        "first": micros(start - LONGEST),
        "last": micros(end + timedelta(days=1)),
    }
    rows = await base.readers.fetch("delivery_list_relayed_between", span)
    refs = {record.ref for record in theirs}
    return [_sent(row) for row in rows if row[9] is not None and (row[3] in refs or instant(row[9]) < end)]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """How the looks at a peer's list go."""

    failed_looks: int = 0
    is_failing: bool = False
    began_at: datetime | None = None


async def _source(base: Foundation, endpoint: Endpoint) -> _Source:
    row = await base.readers.fetch_one("source_count_failures", (endpoint.id,))
    if row is None:
        return _Source()
    return _Source(failed_looks=row[0], is_failing=row[1] is not None, began_at=instant(row[2]))


class Reconciler:
    """The duty."""

    name = "reconciler"
    every = timedelta(minutes=1)

    def __init__(
        self, base: Foundation, counterpart_of: Callable[[Endpoint], Counterpart], metrics: Metrics
    ) -> None:
        self._base, self._counterpart_of, self._metrics = base, counterpart_of, metrics
        self._started_at = base.clock.now()
        self._not_before: dict[EndpointId, datetime] = {}

    async def run_once(self) -> None:
        """Compare what is due; a peer that cannot be asked keeps no other from its turn."""
        for endpoint in await self._base.directory.endpoints():
            if not has_counterpart(endpoint) or not endpoint.is_relay:
                continue
            source, now = await _source(self._base, endpoint), self._base.clock.now()
            due = await self._show(endpoint, source, now)
            if source.is_failing or self._not_before.get(endpoint.id, now) > now:
                continue
            await self._compare(endpoint, due, is_today=await self._is_after_outage(endpoint, source, now))

    async def _show(self, endpoint: Endpoint, source: _Source, now: datetime) -> Due:
        known = compared_of(await self._base.readers.fetch("reconciliation_list_days", (endpoint.id,)))
        due = due_days(known, began_at=source.began_at or self._started_at, now=now)
        self._metrics.reconciled_until.labels(endpoint.name).set(due.until.timestamp())
        self._metrics.reconciliation_findings.labels(endpoint.name).set(standing_findings(known, now))
        return due

    async def _is_after_outage(self, endpoint: Endpoint, source: _Source, now: datetime) -> bool:
        last = await self._base.readers.fetch_one("reconciliation_last", (endpoint.id,))
        if last is None:
            return source.failed_looks > 0
        # a list that fails now and again is no reason to compare by the minute
        return source.failed_looks > last[1] and now - instant(last[0]) >= AGAIN

    async def _compare(self, endpoint: Endpoint, due: Due, *, is_today: bool) -> None:
        today = self._base.clock.now().astimezone(VIETNAM).date()
        left_out = due.left_out
        for day in (*due.days, *([today] if is_today else [])):
            if not await self._try(endpoint, day, left_out):
                return  # the others with it, an hour later
            left_out = ()
        if due.days or is_today:
            await self._show(endpoint, await _source(self._base, endpoint), self._base.clock.now())

    async def _try(self, endpoint: Endpoint, day: date, left_out: Sequence[date]) -> bool:
        try:
            counterpart = self._counterpart_of(endpoint)
            try:
                _, report = await compare(
                    self._base, endpoint, counterpart, day, actor="gateway", left_out=left_out
                )
            finally:
                await counterpart.close()
        except (SourceError, ConfigError) as error:
            self._not_before[endpoint.id] = self._base.clock.now() + AGAIN
            _log.warning("reconciliation.failed", endpoint=endpoint.name, day=day.isoformat(), error=str(error))
            return False
        _log.info("reconciliation.made", endpoint=endpoint.name, day=report.day, findings=report.findings)
        return True
