"""What a person makes of a parked status: matches it with a delivery, or dismisses it.

The parked row stays and is marked, with who did it and why; a match appends a row of its own, which is judged
and moves its line like any other report. So that the document's sender gets the message that it should have got
at once, its transmission comes with the match. Both happen once: whoever is second is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.judgement import Judgement
from gateway.ledger.record import insert_lines
from gateway.ledger.reports import Report, apply_reports
from gateway.ledger.rows import DeliveryRow, DispatchRow, StatusEffect
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolve:
    """One decision about one parked status."""

    status_id: str
    #: The status message.
    message_id: str
    reporter_id: str
    code: str
    actor: str
    #: Why, in free text; kept on the row and beside the leaves, never in one.
    note: str
    now: datetime
    #: What it says of the lines it is about, the chosen one first; none: it is dismissed.
    effects: tuple[StatusEffect, ...] = ()
    #: How it goes to the sender of the document.
    dispatches: tuple[DispatchRow, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()


class ResolveOperation:
    """Carries decisions out; the judgement of each effect, or why nothing was done."""

    name = "resolve_parked_status"

    async def apply(
        self, tx: Transaction, payloads: Sequence[Resolve]
    ) -> Sequence[tuple[Judgement, ...] | RefusedError]:
        """One after the other, since two of them may name the same status."""
        return [await self._resolve(tx, payload) for payload in payloads]

    async def _resolve(self, tx: Transaction, ask: Resolve) -> tuple[Judgement, ...] | RefusedError:
        marked = await tx.fetch(
            "status_resolve",
            {
                "id": ask.status_id,
                "resolution": "matched" if ask.effects else "dismissed",
                "at": micros(ask.now),
                "by": ask.actor,
                "why": ask.note,
            },
        )
        if not marked:
            return RefusedError("state_forbids", f"the status {ask.status_id} was matched or dismissed before")
        await history.append(tx, _events(ask))
        await insert_lines(tx, ask.dispatches, ask.deliveries)
        reports = [
            Report(message_id=ask.message_id, effect=effect, at=ask.now, actor=ask.actor) for effect in ask.effects
        ]
        return tuple(await apply_reports(tx, reports))


def _events(ask: Resolve) -> list[history.EventRow]:
    def event(kind: Event, facts: dict[str, object], delivery_id: str | None = None) -> history.EventRow:
        return history.EventRow(
            kind=kind,
            at=ask.now,
            actor=ask.actor,
            facts=facts,
            message_id=ask.message_id,
            delivery_id=delivery_id,
            note=ask.note,
        )

    about: dict[str, object] = {"status": ask.status_id, "code": ask.code, "reporter": ask.reporter_id}
    if not ask.effects:
        return [event(Event.STATUS_DISMISSED, about)]
    events = [event(Event.STATUS_MATCHED, about, ask.effects[0].delivery_id)]
    if ask.deliveries:
        added = [line.id for line in ask.deliveries]
        events.append(event(Event.DOCUMENT_READDRESSED, {"deliveries": added, "count": len(added)}))
    return events
