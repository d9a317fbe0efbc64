"""What people do to deliveries: withdraw, hold, release, confirm, requeue, quarantine, hand over by post.

Each act is one trigger of the state machine on any number of deliveries, with its actor and reason; what the
state forbids is reported per delivery and changes nothing. Nobody is sent again what was destroyed by order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.clock import micros
from gateway.eligibility import allowed
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.states import State, Trigger, after
from gateway.storage.pump import Transaction

#: The acts, and the reason code that each leaves on the delivery.
REASON_OF = {
    Trigger.WITHDRAWN: "withdrawn_by_sender",
    Trigger.HELD: "held_by_operator",
    Trigger.RELEASED: "",
    Trigger.REQUEUED: "",
    Trigger.QUARANTINED: "quarantined_by_operator",
    Trigger.HANDED_OVER: "",
    Trigger.CONFIRMED: "confirmed_by_operator",
}

#: Whoever releases what may have arrived says that it did not: a new series, which is in no doubt.
_DOUBTFUL: Final = frozenset({"outcome_ambiguous", "outcome_untraced"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """One act on some deliveries."""

    trigger: Trigger
    delivery_ids: tuple[str, ...]
    actor: str
    #: Free text for people; kept on the delivery, never in a leaf.
    note: str
    now: datetime
    #: When a requeued or released delivery is given up again.
    give_up_at: datetime
    #: HANDED_OVER: channel, number, by, at.
    handed_over: dict[str, str] = field(default_factory=dict)
    #: The code left on the delivery, where it is not the usual one.
    reason: str = ""
    #: More for the leaves: the proposal that it carries out.
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Acted:
    """One delivery after the act."""

    id: str
    message_id: str
    recipient_code: str
    state: State
    #: Whether the act moved it; else the state forbade it.
    moved: bool


class ActOperation:
    """Carries acts out; one list of results per payload, in the ledger's order."""

    name = "act_on_deliveries"

    async def apply(self, tx: Transaction, payloads: Sequence[Act]) -> Sequence[list[Acted]]:
        """Acts one after the other, since two of them may name the same delivery."""
        return [await self._act(tx, payload) for payload in payloads]

    async def _act(self, tx: Transaction, act: Act) -> list[Acted]:
        lines = await tx.fetch("delivery_list_by_ids", (as_json(list(act.delivery_ids)),))
        befores = allowed(act.trigger)
        able = [line for line in lines if State(line[3]) in befores]
        if act.trigger in {Trigger.RELEASED, Trigger.REQUEUED}:
            gone = await tx.fetch("purge_find_of_messages", (as_json([line[1] for line in able]),))
            destroyed = {row[0] for row in gone}
            able = [line for line in able if line[1] not in destroyed]
        moved = await move(
            tx,
            [
                Move(
                    delivery_id=line[0],
                    message_id=line[1],
                    state=State(line[3]),
                    trigger=act.trigger,
                    at=act.now,
                    actor=act.actor,
                    reason=act.reason or REASON_OF[act.trigger],
                    detail=act.note,
                    note=act.note,
                    facts=act.facts,
                )
                for line in able
            ],
        )
        await self._follow_up(tx, act, able, moved)
        return [
            Acted(
                id=line[0],
                message_id=line[1],
                recipient_code=line[5],
                state=after(State(line[3]), act.trigger) if line[0] in moved else State(line[3]),
                moved=line[0] in moved,
            )
            for line in lines
        ]

    async def _follow_up(
        self, tx: Transaction, act: Act, lines: Sequence[tuple[Any, ...]], moved: set[str]
    ) -> None:
        if not moved:
            return
        dispatches = [line[4] for line in lines]
        if act.trigger in {Trigger.RELEASED, Trigger.REQUEUED}:
            doubtful = {line[4] for line in lines if line[6] in _DOUBTFUL}
            anew = dispatches if act.trigger is Trigger.REQUEUED else sorted(doubtful)
            await _reopen(tx, act, anew, new_series=True)
            await _reopen(tx, act, [each for each in dispatches if each not in set(anew)], new_series=False)
            return
        if act.trigger is Trigger.HANDED_OVER:
            facts = as_json(act.handed_over)
            await tx.fetch("delivery_set_handed_over", (as_json([[item, facts] for item in sorted(moved)]),))
        await settle(tx, dispatches)


async def _reopen(tx: Transaction, act: Act, dispatches: Sequence[str], *, new_series: bool) -> None:
    if dispatches:
        params = {"ids": as_json(dispatches), "now": micros(act.now), "give_up": micros(act.give_up_at)}
        await tx.fetch("dispatch_reopen_settled", params | {"new_series": int(new_series)})
