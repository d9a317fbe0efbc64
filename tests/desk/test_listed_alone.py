"""An urgent document that a desk lists says 01 by itself: until somebody opens it, an alarm is about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.ledger import heard
from tests.desk.lab import DeskLab, lab_of, running


@pytest_asyncio.fixture
async def lab(tmp_path: Path, pki_folder: Path) -> AsyncIterator[DeskLab]:
    async with running(tmp_path, pki_folder) as site:
        yield await lab_of(site)


async def unconfirmed(lab: DeskLab) -> list[tuple[str, int, int]]:
    """Offices, urgency and how many, as an alarm of tomorrow finds them."""
    base = lab.app.foundation
    during = heard.span(base.clock.now() + timedelta(days=1), flash=timedelta(hours=1), urgent=timedelta(hours=1))
    return [row[:3] for row in await base.readers.fetch("delivery_list_unconfirmed_urgent", during)]


@pytest.mark.parametrize(("priority", "urgency"), [(3, 0), (1, 1)])
async def test_what_only_a_list_has_shown_is_confirmed_by_nobody(lab: DeskLab, priority: int, urgency: int) -> None:
    """A desk that is left open at night is no reader; an ordinary document rings for nobody."""
    delivery, _ = await lab.send(priority=priority), await lab.send()
    assert await unconfirmed(lab) == []
    await lab.desk.inbox.waiting(lab.clerk)
    await lab.desk.registering.arrived(lab.clerk, delivery)
    assert [code for code, _ in lab.statuses(delivery)] == ["01"]
    assert await unconfirmed(lab) == [(lab.office, urgency, 1)]
    await lab.app.gateway.mailbox.opened(lab.clerk.for_office(lab.office), delivery)
    assert await unconfirmed(lab) == []


async def test_what_was_registered_from_the_list_is_confirmed(lab: DeskLab) -> None:
    """Whoever gives it a number has it."""
    delivery = await lab.send(priority=3)
    await lab.desk.registering.arrived(lab.clerk, delivery)
    await lab.desk.registering.register(lab.clerk, delivery)
    assert await unconfirmed(lab) == []
