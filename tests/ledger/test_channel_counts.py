"""What waits for a channel, for its page: all of it by urgency, what ends, what backs off."""

from __future__ import annotations

import asyncio

from gateway.clock import micros
from gateway.model import OutcomeKind
from tests.ledger.lab import DAY, HOUR, MINUTE, START, Lab, message


async def test_all_that_waits_is_counted_and_only_what_is_given_up_ends(lab: Lab) -> None:
    """What an office fetches itself waits for it, whatever its age."""
    await asyncio.gather(*(lab.record(message("a1", "i1", lane=lane)) for lane in (0, 2, 2)))
    for endpoint, state, ending in (("push", "ready", {0: 1, 2: 2}), ("box", "inbox", {})):
        rows = await lab.readers.fetch("dispatch_count_by_lane", (endpoint,))
        assert [row[:3] for row in rows] == [(0, state, 1), (2, state, 2)]
        asked = {"endpoint": endpoint, "before": micros(START + 2 * DAY), "limit": 100}
        assert dict(await lab.readers.fetch("dispatch_count_ending_by_lane", asked)) == ending
    soon = {"endpoint": "push", "before": micros(START + HOUR), "limit": 100}
    assert await lab.readers.fetch("dispatch_count_ending_by_lane", soon) == []


async def test_what_backs_off_is_listed_with_its_next_try_and_hoa_toc_first(lab: Lab) -> None:
    """What is due is not among it, nor what waits for another channel."""
    for lane, again in ((2, MINUTE), (0, HOUR), (1, 2 * MINUTE)):
        await lab.record(message("a1", name=f"lane{lane}", lane=lane))
        [claimed] = await lab.claim()
        await lab.finish(claimed, OutcomeKind.DEFERRED, again=again)
    await lab.record(message("a1", "b1", name="due"))
    asked = {"endpoint": "push", "now": micros(START), "limit": 2}
    rows = await lab.readers.fetch("dispatch_list_later_of_channel", asked)
    assert [(row[0], row[3]) for row in rows] == [
        ("lane0", micros(START + HOUR)),
        ("lane2", micros(START + MINUTE)),
    ]
    assert len(await lab.readers.fetch("dispatch_list_later_of_channel", asked | {"limit": 9})) == 3
