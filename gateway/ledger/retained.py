"""Documents that must not be destroyed, whatever order names them: each for a paper, until that is ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Retain:
    """Documents to be retained: id of the entry -> message."""

    entries: tuple[tuple[str, str], ...]
    ref: str
    reason: str
    actor: str
    now: datetime


class RetainOperation:
    """Retains them; one that is destroyed already refuses the whole payload."""

    name = "retain_documents"

    async def apply(self, tx: Transaction, payloads: Sequence[Retain]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._retain(tx, payload) for payload in payloads]

    async def _retain(self, tx: Transaction, ask: Retain) -> RefusedError | None:
        messages = as_json([message for _, message in ask.entries])
        gone = [row[0] for row in await tx.fetch("purge_find_of_messages", (messages,))]
        if gone:
            return RefusedError("body_purged", ", ".join(gone))
        now = micros(ask.now)
        rows = [(key, message, ask.ref, ask.reason, now, ask.actor) for key, message in ask.entries]
        await tx.execute_many("retained_insert", rows)
        events = [
            _event(Event.DOCUMENT_RETAINED, key, message, ask.actor, ask.now, ask.reason)
            for key, message in ask.entries
        ]
        await history.append(tx, events)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class EndRetained:
    """An entry that holds no longer."""

    id: str
    reason: str
    actor: str
    now: datetime


class EndRetainedOperation:
    """Ends them."""

    name = "end_retained"

    async def apply(self, tx: Transaction, payloads: Sequence[EndRetained]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._end(tx, payload) for payload in payloads]

    async def _end(self, tx: Transaction, ask: EndRetained) -> RefusedError | None:
        params = {"id": ask.id, "now": micros(ask.now), "actor": ask.actor}
        rows = await tx.fetch("retained_end_if_open", params)
        if not rows:
            return RefusedError("not_found", ask.id)
        event = _event(Event.DOCUMENT_UNRETAINED, ask.id, rows[0][0], ask.actor, ask.now, ask.reason)
        await history.append(tx, [event])
        return None


def _event(kind: Event, key: str, message: str, actor: str, now: datetime, note: str) -> history.EventRow:
    return history.EventRow(kind=kind, at=now, actor=actor, facts={"entry": key}, message_id=message, note=note)
