"""Waiting for facts."""

from __future__ import annotations

import asyncio

from gateway.simulate.acts import Got, Issued
from gateway.simulate.facts import Facts


async def test_known_facts_are_not_waited_for() -> None:
    """An act whose conditions hold already goes ahead."""
    facts = Facts()
    facts.add(Issued("circular"))
    await facts.wait_for({Issued("circular")})
    await facts.wait_for(set())


async def test_waiting_ends_with_the_last_of_the_facts() -> None:
    """All conditions must hold, in whatever order they come."""
    facts = Facts()
    waiting = asyncio.create_task(facts.wait_for({Issued("circular"), Got("decision", "x")}))
    await asyncio.sleep(0)
    facts.add(Got("decision", "x"))
    facts.add(Got("decision", "y"))
    await asyncio.sleep(0)
    assert not waiting.done()
    facts.add(Issued("circular"))
    await waiting
    assert Issued("circular") in facts


async def test_cancelled_waiting_does_not_disturb_the_others() -> None:
    """A system that stops leaves nothing behind."""
    facts = Facts()
    gone = asyncio.create_task(facts.wait_for({Issued("a")}))
    stays = asyncio.create_task(facts.wait_for({Issued("a")}))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    facts.add(Issued("a"))
    await stays
