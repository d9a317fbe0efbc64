"""The inbox: items that wait until their receiver pulls them.

Handing out and withdrawing meet in one transaction: whichever commits first decides, so a recalled item is
either never handed out or is known to have left. An item stays until it is acknowledged; no age takes it away.
A lease keeps two readers of one agency from working on the same item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.ledger.readings import ReadAct, Reading, note
from gateway.ledger.receiver_proofs import ProofRow, insert_proofs
from gateway.model import BootId, EndpointId
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Lease:
    """Hold items for one reader until an instant."""

    delivery_ids: tuple[str, ...]
    reader: str
    now: datetime
    until: datetime


class LeaseOperation:
    """Gives the ids that the reader now holds."""

    name = "inbox_lease"

    async def apply(self, tx: Transaction, payloads: Sequence[Lease]) -> Sequence[set[str]]:
        """One set per payload; the first of two readers wins."""
        results = []
        for ask in payloads:
            rows = await tx.fetch(
                "delivery_lease_free",
                {
                    "ids": as_json(list(ask.delivery_ids)),
                    "reader": ask.reader,
                    "until": micros(ask.until),
                    "now": micros(ask.now),
                },
            )
            results.append({row[0] for row in rows})
        return results


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """Hand the content out; the caller's right to it was checked."""

    delivery_id: str
    reader: str
    actor: str
    boot_id: BootId
    now: datetime
    #: Facts about the connection for the attempt row.
    peer: dict[str, object]
    #: What is handed out: `content`, or `attachment 3`.
    part: str = "content"
    channel: str = "rest"


class FetchOperation:
    """Marks items as handed out before the bytes leave; a withdrawn one is refused."""

    name = "inbox_fetch"

    async def apply(self, tx: Transaction, payloads: Sequence[Fetch]) -> Sequence[str | RefusedError]:
        """The message id, or why not."""
        lines = await lines_of_readers(tx, [ask.delivery_id for ask in payloads])
        results: list[str | RefusedError] = []
        first: dict[str, Fetch] = {}
        read: list[Reading] = []
        for ask in payloads:
            line = lines.get(ask.delivery_id)
            refusal = _cannot_read(line, ask.reader, ask.now)
            if refusal is not None or line is None:
                results.append(refusal or RefusedError("not_found"))
                continue
            results.append(line[1])
            read.append(_reading(ask, line[1]))
            if line[2] == State.QUEUED:
                first.setdefault(ask.delivery_id, ask)
        await self._hand_out(tx, lines, first)
        if read:
            taken = [lines[each.delivery_id][3] for each in read]
            await _note_exchange(tx, taken, max(each.at for each in read))
        # the move's own event tells of the first hand-out, and by whom
        await note(tx, read, told={_reading(ask, lines[key][1]).key for key, ask in first.items()})
        return results

    async def _hand_out(self, tx: Transaction, lines: dict[str, tuple[Any, ...]], first: dict[str, Fetch]) -> None:
        if not first:
            return
        attempts = {key: uuid7() for key in first}
        await tx.execute_many(
            "attempt_insert_of_reader",
            [
                (attempts[key], lines[key][3], ask.boot_id, micros(ask.now), as_json(ask.peer))
                for key, ask in first.items()
            ],
        )
        await move(
            tx,
            [
                Move(
                    delivery_id=key,
                    message_id=lines[key][1],
                    state=State.QUEUED,
                    trigger=Trigger.FETCHED,
                    at=ask.now,
                    actor=ask.actor,
                    facts={"attempt": attempts[key]},
                )
                for key, ask in first.items()
            ],
        )
        now = max(ask.now for ask in first.values())
        await tx.fetch("delivery_mark_fetched", {"now": micros(now), "ids": as_json(list(first))})


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledge:
    """The receiver has the content in full."""

    delivery_id: str
    reader: str
    actor: str
    now: datetime
    proof: ProofRow


class AcknowledgeOperation:
    """Closes items; the same acknowledgement twice is fine, one for an item that another reader holds is not.

    A signed one that comes when the item is closed already (by a status, or unsigned) is kept too, once.
    """

    name = "inbox_acknowledge"

    async def apply(self, tx: Transaction, payloads: Sequence[Acknowledge]) -> Sequence[State | RefusedError]:
        """The state after it, or why not."""
        lines = await lines_of_readers(tx, [ask.delivery_id for ask in payloads])
        results: list[State | RefusedError] = []
        moves: dict[str, Acknowledge] = {}
        late: dict[str, Acknowledge] = {}
        for ask in payloads:
            line = lines.get(ask.delivery_id)
            if line is None or not line[7]:
                results.append(RefusedError("not_found"))
            elif line[2] == State.IN_FLIGHT and is_held_by_another(line, ask.reader, ask.now):
                results.append(RefusedError("item_leased"))
            elif line[2] == State.IN_FLIGHT:
                moves.setdefault(ask.delivery_id, ask)
                results.append(State.DELIVERED)
            elif line[2] in {State.DELIVERED, State.ACKNOWLEDGED}:
                if ask.proof.key_id is not None:
                    late.setdefault(ask.delivery_id, ask)
                results.append(State(line[2]))
            else:
                code = "item_not_fetched" if line[2] == State.QUEUED else "state_forbids"
                results.append(RefusedError(code, f"the item is {line[2]}"))
        heard = [ask for ask, result in zip(payloads, results, strict=True) if isinstance(result, State)]
        if heard:
            confirmed = [lines[ask.delivery_id][3] for ask in heard]
            await _note_exchange(tx, confirmed, max(ask.now for ask in heard))
        if moves:
            await self._close(tx, lines, moves)
        if late:
            await self._keep_late(tx, lines, late)
        return results

    async def _close(
        self, tx: Transaction, lines: dict[str, tuple[Any, ...]], moves: dict[str, Acknowledge]
    ) -> None:
        moved = await move(
            tx,
            [
                Move(
                    delivery_id=key,
                    message_id=lines[key][1],
                    state=State.IN_FLIGHT,
                    trigger=Trigger.DELIVERED,
                    at=ask.now,
                    actor=ask.actor,
                    facts={"proof": ask.proof.sha256},
                )
                for key, ask in moves.items()
            ],
        )
        await insert_proofs(tx, [ask.proof for key, ask in moves.items() if key in moved])
        dispatches = [lines[key][3] for key in moves]
        now = max(ask.now for ask in moves.values())
        await tx.fetch("attempt_close_of_dispatches", {"now": micros(now), "ids": as_json(dispatches)})
        await settle(tx, dispatches)

    async def _keep_late(
        self, tx: Transaction, lines: dict[str, tuple[Any, ...]], late: dict[str, Acknowledge]
    ) -> None:
        signed = {row[0] for row in await tx.fetch("receiver_proof_find_signed", (as_json(sorted(late)),))}
        fresh = [ask for key, ask in late.items() if key not in signed]
        await insert_proofs(tx, [ask.proof for ask in fresh])
        await history.append(
            tx,
            [
                history.EventRow(
                    kind=Event.DELIVERY_PROVED,
                    at=ask.now,
                    actor=ask.actor,
                    facts={"proof": ask.proof.sha256},
                    message_id=lines[ask.delivery_id][1],
                    delivery_id=ask.delivery_id,
                )
                for ask in fresh
            ],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteAsked:
    """When what waits in some inboxes was last asked for, in microseconds."""

    latest: tuple[tuple[EndpointId, int], ...]


class NoteAskedOperation:
    """An exchange with an inbox that moved nothing."""

    name = "inbox_note_asked"

    async def apply(self, tx: Transaction, payloads: Sequence[NoteAsked]) -> Sequence[None]:
        """An earlier one than what is known changes nothing."""
        for payload in payloads:
            await tx.fetch("endpoint_note_asked", (as_json(list(payload.latest)),))
        return [None for _ in payloads]


async def _note_exchange(tx: Transaction, dispatches: Sequence[str], now: datetime) -> None:
    await tx.fetch("endpoint_note_arrivals", {"now": micros(now), "ids": as_json(list(dispatches))})


async def lines_of_readers(tx: Transaction, ids: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Rows of `delivery_get_for_reader` by id."""
    return {row[0]: row for row in await tx.fetch("delivery_get_for_reader", (as_json(list(ids)),))}


def _reading(ask: Fetch, message_id: str) -> Reading:
    return Reading(
        message_id=message_id,
        delivery_id=ask.delivery_id,
        actor=ask.actor,
        act=ReadAct.DOWNLOADED,
        part=ask.part,
        channel=ask.channel,
        at=ask.now,
    )


def _cannot_read(line: tuple[Any, ...] | None, reader: str, now: datetime) -> RefusedError | None:
    if line is None or not line[7]:
        return RefusedError("not_found")
    if line[2] in {State.WITHDRAWN, State.HELD, State.QUARANTINED, State.HANDED_OVER}:
        return RefusedError("state_forbids", f"the item is {line[2]}")
    return RefusedError("item_leased") if is_held_by_another(line, reader, now) else None


def is_held_by_another(line: tuple[Any, ...], reader: str, now: datetime) -> bool:
    """Whether somebody else's lease lasts."""
    return line[4] is not None and line[4] != reader and line[5] > micros(now)
