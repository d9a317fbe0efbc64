"""When an inbox was last used by those that it is for: what they take and confirm, and that they asked."""

from __future__ import annotations

import pytest

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.ledger.inbox import NoteAsked, NoteAskedOperation
from gateway.model import EndpointId
from tests.ledger.lab import HOUR, START, Lab, message


async def last(lab: Lab, endpoint: str = "box") -> int | None:
    """When something last got through, or was taken."""
    [(at,)] = await lab.rows(f"SELECT last_success_at FROM endpoint WHERE id = '{endpoint}'")
    return at  # type: ignore[no-any-return]


async def test_taking_and_confirming_are_exchanges_in_their_own_transaction(lab: Lab) -> None:
    """Each time, repeated ones too; no other channel's, and no second batch."""
    await lab.record(message("i1", "a1", name="m"))
    with pytest.raises(RefusedError):
        await lab.acknowledge("m/i1", now=START)
    assert await last(lab) is None
    batches = lab.pump.counters.batches
    await lab.fetch("m/i1", now=START)
    assert (await last(lab), lab.pump.counters.batches) == (micros(START), batches + 1)
    await lab.fetch("m/i1", now=START + HOUR)
    assert await last(lab) == micros(START + HOUR)
    await lab.acknowledge("m/i1", now=START + 2 * HOUR)
    assert await last(lab) == micros(START + 2 * HOUR)
    await lab.acknowledge("m/i1", now=START + 3 * HOUR)
    assert await last(lab) == micros(START + 3 * HOUR)
    assert lab.pump.counters.batches == batches + 4
    with pytest.raises(RefusedError):
        await lab.fetch("m/a1", now=START + 4 * HOUR)
    assert await last(lab, "push") is None


async def test_asking_is_noted_for_inboxes_and_never_backwards(lab: Lab) -> None:
    """The newest counts, whichever is written last."""
    note = NoteAskedOperation()
    newest = micros(START + HOUR)
    both = ((EndpointId("box"), newest), (EndpointId("push"), newest))
    await lab.pump.submit(note, NoteAsked(latest=both))
    await lab.pump.submit(note, NoteAsked(latest=((EndpointId("box"), micros(START)),)))
    assert (await last(lab), await last(lab, "push")) == (newest, None)
