"""Opening a new epoch: what a restore from a copy does to the ledger, in one transaction.

The copy is older than what the world knows. So nothing that waits in it is sent or handed out before a person says
so: every delivery that was queued, deferred or in flight is *held* (`held_after_restore`), and the attempts that it
had under way end as unknown. Sessions of the console end: the copy does not know who was signed out since. The
epoch's own event is written first. Its number is the instant of the restore in microseconds: far above every number
of the epoch before, since events come slower than that, so that a client which goes on from a number it has seen
misses nothing and no number means two events. Its leaf names the copy's last event and leaf hash. Cursors of the
inbox carry the epoch for the same purpose (`gateway.facade`).

It does NOT know what happened after the copy; nobody here does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.errors import StorageError
from gateway.events import Event, leaf_hash
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEpoch:
    """The ledger was restored from a copy."""

    #: The copy's name, and when it was taken.
    copy: str
    taken_at: datetime
    now: datetime
    actor: str
    #: Why it was restored, in free words.
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """The new epoch."""

    #: Counted from 1, the one that no restore opened.
    number: int
    #: Number of its first event.
    first: int
    #: The copy's last event.
    after: int
    #: Deliveries that are held now, and how many of them were in flight.
    held: int
    in_flight: int
    #: Sessions of the console that were open in the copy; they have ended.
    sessions: int


class OpenEpochOperation:
    """Opens the epoch and holds what waits."""

    name = "open_epoch"

    async def apply(self, tx: Transaction, payloads: Sequence[OpenEpoch]) -> Sequence[Opened]:
        """One result per payload."""
        return [await self._open(tx, payload) for payload in payloads]

    async def _open(self, tx: Transaction, ask: OpenEpoch) -> Opened:
        ((number,),) = await tx.fetch("epoch_read_number")
        last = await tx.fetch("event_read_last")
        after, leaf = (last[0][0], last[0][1].hex()) if last else (0, "")
        first = micros(ask.now)
        if first <= after:
            raise StorageError(f"the clock says {ask.now}, which is before the copy's last event; set it right")
        lines = await tx.fetch("delivery_list_waiting_all")
        ended = await tx.fetch("session_end_all", (first,))
        facts: dict[str, object] = {
            "epoch": number + 1,
            "after": after,
            "after_leaf": leaf,
            "copy": ask.copy,
            "taken_at": micros(ask.taken_at),
            "held": len(lines),
            "sessions": len(ended),
        }
        row = history.EventRow(kind=Event.EPOCH_OPENED, at=ask.now, actor=ask.actor, facts=facts, note=ask.note)
        content = history.leaf_of(row)
        opening = (first, str(row.kind), micros(row.at), row.actor, content, leaf_hash(content), row.note)
        await tx.execute_many("event_insert_opening", [opening])
        values = {"epoch": str(number + 1), "epoch_first": str(first)}
        await tx.execute_many("epoch_write_value", list(values.items()))
        await self._hold(tx, ask, lines)
        in_flight = sum(line[2] == State.IN_FLIGHT for line in lines)
        return Opened(
            number=number + 1,
            first=first,
            after=after,
            held=len(lines),
            in_flight=in_flight,
            sessions=len(ended),
        )

    async def _hold(self, tx: Transaction, ask: OpenEpoch, lines: Sequence[tuple[str, ...]]) -> None:
        now = micros(ask.now)
        tries = await tx.fetch("attempt_list_open_all")
        await tx.execute_many(
            "attempt_close", [(now, "unknown", "outcome_unknown", None, None, None, row[0]) for row in tries]
        )
        owned = await tx.fetch("dispatch_list_owned_all")
        freed = as_json([[row[0], row[1], "ready", 0] for row in owned])
        await tx.fetch("dispatch_rescue_abandoned", {"rescued": freed})
        await move(
            tx,
            [
                Move(
                    delivery_id=line[0],
                    message_id=line[1],
                    state=State(line[2]),
                    trigger=Trigger.HELD,
                    at=ask.now,
                    actor=ask.actor,
                    reason="held_after_restore",
                )
                for line in lines
            ],
        )
        await settle(tx, sorted({line[3] for line in lines} | {row[0] for row in owned}))
