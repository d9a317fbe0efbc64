"""Lists of peers in the ledger: what an entry's going from the list says."""

from __future__ import annotations

from gateway.clock import micros
from gateway.ledger.offers import Look, LookOperation
from gateway.model import EndpointId
from gateway.ports import Listed
from tests.ledger.lab import HOUR, MINUTE, START, Lab, message


async def test_an_accepted_entry_that_is_gone_was_acknowledged_by_us(lab: Lab) -> None:
    """Our record of it was lost with a crash; one that we have not accepted was somebody else's to acknowledge."""
    axis, look = EndpointId("axis"), LookOperation()
    items = tuple(Listed(ref=ref, kind="document") for ref in ("ours", "theirs"))
    await lab.pump.submit(look, Look(endpoint_id=axis, items=items, at=START))
    await lab.record(message("a1", name="m"))
    await lab.rows("UPDATE offer SET message_id = 'm' WHERE ref = 'ours'")
    await lab.pump.submit(look, Look(endpoint_id=axis, items=items, at=START + MINUTE))
    assert await lab.rows("SELECT COUNT(acknowledged_at), COUNT(gone_at) FROM offer") == [(0, 0)]
    await lab.pump.submit(look, Look(endpoint_id=axis, items=(), at=START + HOUR))
    rows = await lab.rows("SELECT ref, gone_at, acknowledged_at FROM offer ORDER BY ref")
    gone = micros(START + HOUR)
    assert rows == [("ours", gone, gone), ("theirs", gone, None)]
