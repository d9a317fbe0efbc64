"""Whose sender is told of our outcome: once for each, also when a person had it tried again in between."""

from __future__ import annotations

from gateway.clock import micros
from gateway.ledger.told import Told, ToldOperation
from gateway.model import DeliveryId, OutcomeKind
from gateway.states import Trigger
from tests.ledger.lab import DAY, HOUR, START, Lab, message


async def _untold(lab: Lab) -> list[str]:
    return [row[0] for row in await lab.readers.fetch("delivery_list_untold", {"since": micros(START - DAY)})]


async def test_a_second_outcome_is_told_again_and_a_clock_that_went_back_tells_nothing_twice(lab: Lab) -> None:
    capable = "UPDATE endpoint SET capabilities = '{\"outcomes\": true}' WHERE id = 'box'"
    await lab.rows(capable)
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item, OutcomeKind.REFUSED)
    assert await _untold(lab) == ["m/a1"]
    before = Told(delivery_id=DeliveryId("m/a1"), now=START - HOUR)  # by a clock that was set back meanwhile
    await lab.pump.submit(ToldOperation(), before)
    assert await _untold(lab) == []
    await lab.act(Trigger.REQUEUED, "m/a1", now=START + HOUR)
    [again] = await lab.claim(START + HOUR)
    await lab.finish(again, OutcomeKind.REFUSED, now=START + 2 * HOUR)
    assert await _untold(lab) == ["m/a1"]
