"""Looks every so often for troubles that need a person, and opens, repeats and closes alarms about them.

What is open is read from the ledger at each look, so a restart loses none; what only this process knows is that a
trouble was seen at the look before, and when an open one was seen last (`gateway.alarms.deciding`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.alarms.deciding import Key, Memory, decide
from gateway.alarms.rules import rule_of
from gateway.alarms.symptoms import Symptom, symptoms
from gateway.condition import Condition
from gateway.foundation import Foundation
from gateway.ledger.alarms import MOST, Alarm, LookedOperation

_log = structlog.get_logger(__name__)


class AlarmWatch:
    """The duty."""

    name = "alarm watch"
    every = timedelta(seconds=30)

    def __init__(self, base: Foundation, conditions: Callable[[], Mapping[str, Condition]]) -> None:
        self._base, self._conditions = base, conditions
        self._memory, self._write = Memory(), LookedOperation()

    async def run_once(self) -> None:
        """One look."""
        base = self._base
        # first: what a person ends while the symptoms are looked for is not opened again by what was seen before
        alarms = [Alarm.of_row(row) for row in await base.readers.fetch("alarm_list_open", (MOST,))]
        found = await symptoms(base, self._conditions)
        now = base.clock.now()
        look = decide(
            self._memory,
            found.symptoms,
            alarms,
            base.settings.alarms,
            explained=self._explained(found.symptoms, now),
            unseen=found.unseen,
            now=now,
        )
        if not (look.opened or look.again or look.grown or look.facts or look.closed):
            return
        await base.pump.submit(self._write, look)
        for each in look.opened:
            _log.warning("alarm.opened", rule=each.rule, subject=each.subject)

    def _explained(self, found: Sequence[Symptom], now: datetime) -> set[Key]:
        """Silence that somebody has announced."""
        outages = self._base.outages.told(now)
        return {
            (each.rule, each.subject)
            for each in found
            if rule_of(each.rule).is_silence and any(outage.explains(each.endpoint_id, now) for outage in outages)
        }
