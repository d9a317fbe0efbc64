"""Appending events: the audit row and its leaf, in the transaction of what it tells.

The leaf holds ids, digests, codes and instants; whoever builds `facts` keeps subjects, names and free text
out of it (a test greps the leaves of a whole run). Not here: the Merkle tree, which is grown over the stored
leaf hashes by the sequencer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.clock import micros
from gateway.events import Event, canonical, leaf_hash
from gateway.failpoints import failpoint
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """One event about to be recorded."""

    kind: Event
    at: datetime
    #: Who did it: `gateway`, `agency:<id>`, `credential:<id>`, `operator:<uid>`, `user:<id>`.
    actor: str
    facts: dict[str, object] = field(default_factory=dict)
    message_id: str | None = None
    delivery_id: str | None = None
    #: Why an operator acted, in free words; kept beside the leaf, never in it.
    note: str = ""


def leaf_of(row: EventRow) -> bytes:
    """The canonical bytes of an event; format 1 of the leaves."""
    leaf: dict[str, object] = {
        "v": 1,
        "kind": str(row.kind),
        "at": micros(row.at),
        "actor": row.actor,
        "facts": row.facts,
    }
    if row.message_id is not None:
        leaf["message"] = row.message_id
    if row.delivery_id is not None:
        leaf["delivery"] = row.delivery_id
    return canonical(leaf)


async def append(tx: Transaction, events: Sequence[EventRow]) -> None:
    """Insert the events in their order; `seq` is the order of commits."""
    rows = []
    for event in events:
        leaf = leaf_of(event)
        rows.append(
            (
                str(event.kind),
                micros(event.at),
                event.message_id,
                event.delivery_id,
                event.actor,
                leaf,
                leaf_hash(leaf),
                event.note or None,
            )
        )
    failpoint("event.append.before")
    await tx.execute_many("event_insert", rows)
    failpoint("event.append.after")


class RecordEvents:
    """Appends what changes nothing else in the ledger: one event a payload."""

    name = "record_events"

    async def apply(self, tx: Transaction, payloads: Sequence[EventRow]) -> Sequence[None]:
        """Nothing to give back."""
        await append(tx, payloads)
        return [None] * len(payloads)
