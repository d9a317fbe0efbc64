"""Makes one order a month of what the rules of retention say is due; two persons decide about it as ever.

Without rules nothing is ever ordered. What is retained, is on its way, or shares its bytes with a document that is
not due yet is left out, and comes with a later month. An order holds so many documents at most: the oldest first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.clock import Clock, instant, micros
from gateway.config.retention import RetentionSettings
from gateway.ids import uuid7
from gateway.ledger.purges import OrderPurge, OrderPurgeOperation
from gateway.purging.rules import Dated, earliest_due, is_due, month_of
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

#: Documents of one order, and of one page.
MOST: Final = 5_000
_PAGE: Final = 1_000

_log = structlog.get_logger(__name__)


class Retention:
    """One per server."""

    name = "retention"
    every = timedelta(hours=6)

    def __init__(self, readers: Readers, pump: Pump, *, settings: RetentionSettings, clock: Clock) -> None:
        self._readers, self._pump = readers, pump
        self._settings, self._clock = settings, clock
        self._order = OrderPurgeOperation()

    async def run_once(self) -> None:
        """Make the month's order, unless it was made or nothing is due."""
        now = self._clock.now()
        month, before = month_of(now), earliest_due(self._settings.rules, now)
        if before is None or await self._readers.fetch("purge_month_exists", (month,)):
            return
        documents = await self._due(before, now)
        if not documents:
            return
        rules = self._settings.rules
        words = ", ".join(f"{each.kind}{':' + each.code if each.code else ''} {each.after}" for each in rules)
        ask = OrderPurge(
            id=uuid7(),
            documents=tuple(documents),
            ref=f"[retention] rules, {month}",
            reason=words[:500],
            with_envelope=False,
            actor="gateway",
            now=now,
            month=month,
        )
        made = await self._pump.submit(self._order, ask)
        if made is not None:
            _log.warning("purge.ordered", order=ask.id, month=month, documents=made.documents)

    async def _due(self, before: datetime, now: datetime) -> list[str]:
        found: list[str] = []
        after, after_id = 0, ""
        while len(found) < MOST:
            page = {"before": micros(before), "after": after, "after_id": after_id, "limit": _PAGE}
            rows = await self._readers.fetch("document_list_accepted_before", page)
            if not rows:
                break
            for row in rows:
                dated = Dated(id=row[0], accepted_at=instant(row[1]), business_type=row[2], doc_type=row[3])
                if is_due(self._settings.rules, dated, now):
                    found.append(dated.id)
            after, after_id = rows[-1][1], rows[-1][0]
        return found[:MOST]
