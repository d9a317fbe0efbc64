"""What time does to the queue: rescue after a crash or a lost lease, announcing and giving up by age.

Rescue is immediate: the lock file and the new boot id prove that no earlier boot is alive, so its work in
flight goes back to the queue as *outcome unknown*, without costing an attempt. A dispatch that was in flight
at `poison_crashes` crashes in a row is quarantined, so that it cannot stop the queue for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.clock import micros
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.model import BootId, EndpointId
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescue:
    """Free what other boots, or leases that ran out, left in flight."""

    boot_id: BootId
    now: datetime
    #: The same in the time that leases are kept in (`clock.Steady`).
    steady_now: datetime
    poison_crashes: int


class RescueOperation:
    """Gives the number of dispatches rescued."""

    name = "rescue_abandoned"

    async def apply(self, tx: Transaction, payloads: Sequence[Rescue]) -> Sequence[int]:
        """One count per payload."""
        return [await self._rescue(tx, payload) for payload in payloads]

    async def _rescue(self, tx: Transaction, ask: Rescue) -> int:
        now = micros(ask.now)
        rows = await tx.fetch("dispatch_list_abandoned", {"boot": ask.boot_id, "steady": micros(ask.steady_now)})
        if not rows:
            return 0
        crashed = {row[0]: row[4] != ask.boot_id for row in rows}
        poison = {row[0] for row in rows if crashed[row[0]] and row[3] + 1 >= ask.poison_crashes}
        rescued = [[row[0], row[1], "held" if row[0] in poison else "ready", int(crashed[row[0]])] for row in rows]
        lines = await tx.fetch("delivery_list_open_of_dispatches", (as_json([row[0] for row in rows]),))
        await tx.execute_many(
            "attempt_close",
            [(now, "unknown", "outcome_unknown", None, None, None, row[1]) for row in rows],
        )
        attempts = {row[0]: row[1] for row in rows}
        # what was requeued meanwhile shares the transmission, and so its quarantine
        touched = [line for line in lines if line[4] == State.IN_FLIGHT or line[5] in poison]
        await move(tx, [_back(line, ask, poison, attempts) for line in touched])
        await tx.fetch("dispatch_rescue_abandoned", {"rescued": as_json(rescued)})
        # a status may have ended every line while the transmission was under way
        await settle(tx, [row[0] for row in rows])
        return len(rows)


def _back(line: tuple[Any, ...], ask: Rescue, poison: set[str], attempts: dict[str, str]) -> Move:
    poisonous = line[5] in poison
    return Move(
        delivery_id=line[0],
        message_id=line[1],
        state=State(line[4]),
        trigger=Trigger.QUARANTINED if poisonous else Trigger.RESCUED,
        at=ask.now,
        reason="poison" if poisonous else "outcome_unknown",
        facts={"attempt": attempts[line[5]]},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Expire:
    """Announce what will be given up before `soon`, give up what is past its age."""

    now: datetime
    soon: datetime
    hard_cap: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Expired:
    """What happened."""

    announced: int
    dead: tuple[str, ...]


class ExpireOperation:
    """Carries out what `gateway.retry` decided about ages."""

    name = "expire_old"

    async def apply(self, tx: Transaction, payloads: Sequence[Expire]) -> Sequence[Expired]:
        """One result per payload."""
        return [await self._expire(tx, payload) for payload in payloads]

    async def _expire(self, tx: Transaction, ask: Expire) -> Expired:
        now = micros(ask.now)
        old = await tx.fetch("dispatch_list_expired", {"now": now, "hard": micros(ask.now - ask.hard_cap)})
        lines = await tx.fetch("delivery_list_open_of_dispatches", (as_json([row[0] for row in old]),))
        dead = await move(
            tx,
            [
                Move(
                    delivery_id=line[0],
                    message_id=line[1],
                    state=State(line[4]),
                    trigger=Trigger.EXPIRED,
                    at=ask.now,
                    reason="gave_up",
                )
                for line in lines
            ],
        )
        await settle(tx, [row[0] for row in old])
        soon = await tx.fetch("dispatch_list_expiring", {"now": now, "soon": micros(ask.soon)})
        ids = as_json([row[0] for row in soon])
        if soon:
            await tx.fetch("dispatch_mark_warned", {"now": now, "ids": ids})
            warned = await tx.fetch("delivery_list_open_of_dispatches", (ids,))
            await history.append(tx, [_expiring(line, ask.now) for line in warned])
        return Expired(announced=len(soon), dead=tuple(sorted(dead)))


def _expiring(line: tuple[Any, ...], now: datetime) -> history.EventRow:
    return history.EventRow(
        kind=Event.DELIVERY_EXPIRING, at=now, actor="gateway", message_id=line[1], delivery_id=line[0]
    )


async def shift_ages(tx: Transaction, endpoint_id: EndpointId, *, since: datetime, until: datetime) -> int:
    """Time in which nothing got through does not count; how many waiting dispatches it was given back to.

    Called in the transaction that ends the outage, so that nobody is given up in between.
    """
    params = {"endpoint": endpoint_id, "since": micros(since), "until": micros(until)}
    return len(await tx.fetch("dispatch_shift_ages", params))
