"""Tasks for operators: what a peer asks for that no peer may do by itself. Opened, closed, never deleted.

The same wish of the same agency, while its task is open, is that task: a client that asks every minute makes one.
How many an agency may have open is bounded. What was asked is free text of a stranger's: it stays in the row, and
the events hold ids and digests only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.storage.pump import Transaction

#: Open tasks of one agency.
MOST_OPEN: Final = 20

_facts: Final = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One of them."""

    id: str
    kind: str
    agency_id: str
    facts: dict[str, str]
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str
    closed_why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTask:
    """Something to be done."""

    kind: str
    agency_id: str
    facts: Mapping[str, str]
    actor: str
    now: datetime


class OpenTaskOperation:
    """Opens tasks; the id of each, which an earlier one may have."""

    name = "open_task"

    async def apply(self, tx: Transaction, payloads: Sequence[OpenTask]) -> Sequence[str | RefusedError]:
        """One after the other: two of them may be the same wish."""
        return [await self._open(tx, payload) for payload in payloads]

    async def _open(self, tx: Transaction, ask: OpenTask) -> str | RefusedError:
        facts = as_json(dict(sorted(ask.facts.items())))
        wish = hashlib.sha256(f"{ask.agency_id}\n{ask.kind}\n{facts}".encode()).hexdigest()
        known = await tx.fetch("task_find_open_wish", (wish,))
        if known:
            return str(known[0][0])
        if (await tx.fetch("task_count_open", (ask.agency_id,)))[0][0] >= MOST_OPEN:
            return RefusedError("tasks_too_many", f"{MOST_OPEN} are open")
        key = uuid7()
        await tx.fetch(
            "task_insert_new",
            {
                "id": key,
                "kind": ask.kind,
                "agency_id": ask.agency_id,
                "facts": facts,
                "wish": wish,
                "at": micros(ask.now),
                "by": ask.actor,
            },
        )
        told: dict[str, object] = {"task": key, "kind": ask.kind, "agency": ask.agency_id, "wish": wish}
        await history.append(tx, [_event(Event.TASK_OPENED, ask.now, ask.actor, told)])
        return key


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseTask:
    """It is done, or will not be."""

    id: str
    actor: str
    why: str
    now: datetime


class CloseTaskOperation:
    """Closes tasks; each once."""

    name = "close_task"

    async def apply(self, tx: Transaction, payloads: Sequence[CloseTask]) -> Sequence[str | RefusedError]:
        """The kind of each."""
        return [await self._close(tx, payload) for payload in payloads]

    async def _close(self, tx: Transaction, ask: CloseTask) -> str | RefusedError:
        params = {"id": ask.id, "at": micros(ask.now), "by": ask.actor, "why": ask.why}
        rows = await tx.fetch("task_close_if_open", params)
        if not rows:
            return RefusedError("task_unknown", ask.id)
        facts: dict[str, object] = {"task": ask.id, "kind": rows[0][0], "agency": rows[0][1]}
        await history.append(tx, [_event(Event.TASK_CLOSED, ask.now, ask.actor, facts, note=ask.why)])
        return str(rows[0][0])


def task_of(row: tuple[Any, ...]) -> Task:
    """A row of `task_list_…`."""
    key, kind, agency, facts, opened, opened_by, closed, closed_by, why = row
    return Task(
        id=key,
        kind=kind,
        agency_id=agency,
        facts=_facts.decode(facts),
        opened_at=instant(opened),
        opened_by=opened_by,
        closed_at=None if closed is None else instant(closed),
        closed_by=closed_by or "",
        closed_why=why or "",
    )


def _event(kind: Event, at: datetime, actor: str, facts: dict[str, object], note: str = "") -> history.EventRow:
    return history.EventRow(kind=kind, at=at, actor=actor, facts=facts, note=note)
