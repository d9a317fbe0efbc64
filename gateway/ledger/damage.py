"""Setting aside what would hand out a damaged body, or rests on rows that cannot be read.

Lines that wait for the body become `quarantined`, and of those on their way the ones that met the damage. What is
on its way elsewhere was sound when it began, and what arrived has arrived. Once the body is whole again (the same
bytes came once more, or a person put a copy in its place), `requeue` sends it on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Damaged:
    """A body that is not what was accepted."""

    sha256: str
    now: datetime
    #: The transmission or the inbox item that met it; "" where nobody was about to get it.
    dispatch_id: str = ""
    delivery_id: str = ""


class DamagedOperation:
    """Gives how many lines were set aside; the event tells of the body even where that is none."""

    name = "set_damaged_aside"

    async def apply(self, tx: Transaction, payloads: Sequence[Damaged]) -> Sequence[int]:
        """One count per payload."""
        return [await self._set_aside(tx, payload) for payload in payloads]

    async def _set_aside(self, tx: Transaction, found: Damaged) -> int:
        params = {"sha256": found.sha256, "dispatch": found.dispatch_id, "delivery": found.delivery_id}
        lines = await tx.fetch("delivery_list_of_body", params)
        messages = {row[0] for row in await tx.fetch("message_list_of_body", (found.sha256,))}
        events = [
            history.EventRow(
                kind=Event.BODY_DAMAGED,
                at=found.now,
                actor="gateway",
                facts={"sha256": found.sha256},
                message_id=message_id,
            )
            for message_id in sorted(messages | {line[1] for line in lines})
        ]
        await history.append(tx, events)
        return await _quarantine(tx, lines, found.now, "body_damaged")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """Lines whose message cannot be read."""

    delivery_ids: tuple[str, ...]
    now: datetime


class UnreadableOperation:
    """Gives how many lines were set aside; the event tells of the damage even where that is none."""

    name = "set_unreadable_aside"

    async def apply(self, tx: Transaction, payloads: Sequence[Unreadable]) -> Sequence[int]:
        """One count per payload."""
        return [await self._set_aside(tx, payload) for payload in payloads]

    async def _set_aside(self, tx: Transaction, found: Unreadable) -> int:
        lines = await tx.fetch("delivery_list_unreadable", (as_json(list(found.delivery_ids)),))
        moved = await _quarantine(tx, lines, found.now, "ledger_damaged")
        told = history.EventRow(
            kind=Event.LEDGER_DAMAGED, at=found.now, actor="gateway", facts={"quarantined": moved}
        )
        await history.append(tx, [told])
        return moved


async def _quarantine(tx: Transaction, lines: Sequence[tuple[Any, ...]], at: datetime, reason: str) -> int:
    """Lines of id, message, state and dispatch; how many moved."""
    moves = [
        Move(
            delivery_id=line[0],
            message_id=line[1],
            state=State(line[2]),
            trigger=Trigger.QUARANTINED,
            at=at,
            reason=reason,
        )
        for line in lines
    ]
    moved = await move(tx, moves)
    await settle(tx, sorted({line[3] for line in lines}))
    return len(moved)
