"""What a desk's list looks at: not what was brought to an office before it kept a desk, however much that is."""

from __future__ import annotations

import asyncio

from gateway.foundation import load_statements
from gateway.ledger.desk import DeskReads
from gateway.ledger.drafts_kept import KeepDesk, KeepDeskOperation
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from tests.ledger.lab import HOUR, START, Lab, message

OFFICE = AgencyId("a1")


def looked_at(lab: Lab) -> int:
    """Steps of SQLite's machine for a page of the list."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    asked = {"offices": as_json([OFFICE]), "priority": 9, "after": 0, "limit": 20}
    lab.eye.set_progress_handler(step, 1)
    try:
        lab.eye.execute(load_statements().get("desk_list_waiting"), asked).fetchall()
    finally:
        lab.eye.set_progress_handler(None, 1)
    return steps


async def test_list_does_not_go_through_what_no_desk_may_see(lab: Lab) -> None:
    """Lines whose system never reported anything; what comes once there is a desk is found."""
    await lab.record(message(OFFICE))
    looked_at(lab)  # reads the schema
    few = looked_at(lab)
    await asyncio.gather(*(lab.record(message(OFFICE)) for _ in range(200)))
    assert looked_at(lab) == few
    desk = KeepDesk(office_id=OFFICE, is_kept=True, actor="user:x", now=START + HOUR)
    await lab.record(message(OFFICE, name="meanwhile", at=START + HOUR))
    await lab.pump.submit(KeepDeskOperation(), desk)
    await lab.record(message(OFFICE, name="later", at=START + 2 * HOUR))
    await lab.rows("UPDATE delivery SET state = 'delivered'")
    assert looked_at(lab) < few + 1000
    found = await DeskReads(lab.readers).waiting([OFFICE], limit=20)
    assert [item.delivery_id for item in found] == ["meanwhile/a1", "later/a1"]
