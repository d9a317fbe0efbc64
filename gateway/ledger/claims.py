"""The queue: claiming due dispatches, committing outcomes, rescuing what a crash left in flight.

A claim commits the attempt before anybody dials; the attempt's id is the fencing token: an outcome counts
only while its attempt still owns the dispatch. Giving up is `gateway.retry`'s decision, carried out by
`Expire`. The pump commits many claims and outcomes together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.clock import instant, micros
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.model import (
    ASKED_TWICE,
    AgencyId,
    AttemptId,
    BootId,
    DeliveryId,
    DispatchId,
    Doubt,
    EndpointId,
    MessageId,
    Outcome,
    OutcomeKind,
    Outgoing,
    OutgoingDelivery,
    SendReport,
    Sha256Hex,
)
from gateway.retry import RetryPlan
from gateway.said import shortened
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimDue:
    """Take what is due, at most `room` per endpoint and `limit` in all."""

    boot_id: BootId
    now: datetime
    lease_until: datetime
    capacity: tuple[tuple[EndpointId, int], ...]
    limit: int
    ageing: timedelta
    #: Recipients behind an endpoint that are left alone for now.
    blocked: tuple[tuple[EndpointId, AgencyId], ...] = ()


#: Of one lane of one endpoint in one claim.
_MOST_HEADS = 64
#: Hỏa tốc goes first, but behind so many in a row over a channel one of the others that wait for it.
TOP_IN_A_ROW: Final = 7


class ClaimOperation:
    """Claims; the attempts are committed with it."""

    name = "claim_due"

    def __init__(self) -> None:
        #: Hỏa tốc that went in a row, by channel; a run begins anew.
        self._row: dict[str, int] = {}

    async def apply(self, tx: Transaction, payloads: Sequence[ClaimDue]) -> Sequence[list[Outgoing]]:
        """One list per payload."""
        return [await self._claim(tx, payload) for payload in payloads]

    async def _claim(self, tx: Transaction, ask: ClaimDue) -> list[Outgoing]:
        now = micros(ask.now)
        picked = await tx.fetch(
            "dispatch_pick_due",
            {
                "slots": as_json([[key, room, self._row.get(key, 0)] for key, room in ask.capacity]),
                "share": TOP_IN_A_ROW,
                "blocked": as_json([f"{endpoint} {recipient}" for endpoint, recipient in ask.blocked]),
                "now": now,
                "ageing": max(1, int(ask.ageing.total_seconds() * 1e6)),
                "limit": ask.limit,
                "heads": min(_MOST_HEADS, max((room for _, room in ask.capacity), default=0)),
            },
        )
        if not picked:
            return []
        rows = await tx.fetch(
            "dispatch_claim_picked",
            {
                "picked": as_json([[row[0], uuid7()] for row in picked]),
                "boot": ask.boot_id,
                "lease": micros(ask.lease_until),
            },
        )
        doubts = await _doubts(tx, rows)
        await tx.execute_many("attempt_insert", [(row[1], row[0], ask.boot_id, row[5], now) for row in rows])
        messages = {
            row[0]: row
            for row in await tx.fetch("message_get_for_sending", (as_json(sorted({row[2] for row in rows})),))
        }
        lines = await _open_lines(tx, [row[0] for row in rows])
        attempts = {row[0]: row[1] for row in rows}
        await move(
            tx,
            [
                Move(
                    delivery_id=line[0],
                    message_id=line[1],
                    state=State(line[4]),
                    trigger=Trigger.CLAIMED,
                    at=ask.now,
                    facts={"attempt": attempts[dispatch]},
                )
                for dispatch, found in lines.items()
                for line in found
            ],
        )
        order = {row[0]: place for place, row in enumerate(picked)}
        rows.sort(key=lambda row: order[row[0]])
        for row in rows:
            self._row[row[3]] = 0 if row[4] else min(self._row.get(row[3], 0) + 1, TOP_IN_A_ROW)
        return [_outgoing(row, messages[row[2]], lines.get(row[0], []), doubts.get(row[0])) for row in rows]


async def _doubts(tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> dict[str, Doubt]:
    """What earlier tries of the same series left unknown, by dispatch."""
    found = await tx.fetch("attempt_list_unknown", (as_json([[row[0], row[5]] for row in rows]),))
    if not found:
        return {}
    tries: dict[str, list[tuple[Any, ...]]] = {}
    for row in found:
        tries.setdefault(row[0], []).append(row)
    taken: dict[str, set[str]] = {}
    for dispatch, ref in await tx.fetch("delivery_list_twins_ids", (as_json(list(tries)),)):
        taken.setdefault(dispatch, set()).add(ref)
    doubts = {dispatch: _doubt(rows, frozenset(taken.get(dispatch, ()))) for dispatch, rows in tries.items()}
    return {dispatch: doubt for dispatch, doubt in doubts.items() if doubt is not None}


def _doubt(tries: Sequence[tuple[Any, ...]], taken: frozenset[str]) -> Doubt | None:
    """What the tries of one series leave unknown, in their order; None where none of them sent anything."""
    since, last, transmissions, inquiries, unclear = 0, 0, 0, 0, 0
    for _, started_at, inquiry, is_seen in tries:
        if inquiry:
            inquiries += inquiry == "none"
            unclear += inquiry == "unclear"
        elif is_seen or not transmissions or inquiries + 1 >= ASKED_TWICE:
            # one that nobody saw the end of may have sent something only where its turn was not to ask
            since, last, transmissions = since or started_at, started_at, transmissions + 1
            inquiries, unclear = 0, 0
    if not transmissions:
        return None
    return Doubt(
        since=instant(since),
        last=instant(last),
        transmissions=transmissions,
        inquiries=inquiries,
        unclear=unclear,
        taken=taken,
    )


async def _open_lines(tx: Transaction, dispatch_ids: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for line in await tx.fetch("delivery_list_open_of_dispatches", (as_json(list(dispatch_ids)),)):
        found.setdefault(line[5], []).append(line)
    return found


def _outgoing(
    row: tuple[Any, ...], message: tuple[Any, ...], lines: list[tuple[Any, ...]], doubt: Doubt | None
) -> Outgoing:
    return Outgoing(
        dispatch_id=DispatchId(row[0]),
        attempt_id=AttemptId(row[1]),
        message_id=MessageId(row[2]),
        kind=message[1],
        endpoint_id=EndpointId(row[3]),
        sha256=Sha256Hex(message[2]),
        size=message[3],
        sender_code=message[4],
        document_ref=message[5],
        business_type=message[6],
        priority=message[7],
        trace_id=message[8],
        number=row[6] + 1,
        deliveries=tuple(
            OutgoingDelivery(id=DeliveryId(line[0]), recipient_id=AgencyId(line[2]), recipient_code=line[3])
            for line in lines
        ),
        lane=row[4],
        series=row[5],
        failures=row[6],
        created_at=instant(row[7]),
        doubt=doubt,
        notation=f"{message[9]}/{message[10]}",
        subject=message[11],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """The outcome of one attempt."""

    attempt_id: AttemptId
    dispatch_id: DispatchId
    now: datetime
    report: SendReport
    retry: RetryPlan
    bytes_sent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishResult:
    """Whether the attempt still owned its dispatch, and what became of its deliveries."""

    applied: bool
    refused: tuple[DeliveryId, ...] = ()


_TRIGGERS = {
    OutcomeKind.DELIVERED: Trigger.DELIVERED,
    OutcomeKind.RELAYED: Trigger.RELAYED,
    OutcomeKind.DEFERRED: Trigger.DEFERRED,
    OutcomeKind.REFUSED: Trigger.REFUSED,
    # Not known is not arrived: it waits like a failure and goes out again under the same ids.
    OutcomeKind.UNKNOWN: Trigger.DEFERRED,
    OutcomeKind.HELD: Trigger.HELD,
}
#: What a try is called that leaves its delivery to a person.
_TOLD = {OutcomeKind.HELD: OutcomeKind.UNKNOWN}
_ARRIVED = frozenset({OutcomeKind.DELIVERED, OutcomeKind.RELAYED})
_AGAIN = frozenset({OutcomeKind.DEFERRED, OutcomeKind.UNKNOWN})


class FinishOperation:
    """Commits outcomes; an attempt that lost its dispatch only leaves a trace."""

    name = "finish_attempt"

    async def apply(self, tx: Transaction, payloads: Sequence[Finish]) -> Sequence[FinishResult]:
        """One result per payload."""
        pairs = as_json([[p.dispatch_id, p.attempt_id] for p in payloads])
        owned = {row[1] for row in await tx.fetch("dispatch_get_held_by", (pairs,))}
        current = [p for p in payloads if p.attempt_id in owned]
        lines = await _open_lines(tx, [p.dispatch_id for p in current])
        await tx.execute_many("attempt_close", [_closing(p) for p in payloads])
        moved = await move(tx, [m for p in current for m in _moves(p, lines.get(p.dispatch_id, []))])
        if current:
            released = as_json([_release(p, lines.get(p.dispatch_id, [])) for p in current])
            await tx.fetch("dispatch_release_owned", (released,))
            # those left with held ones wait with them
            await settle(tx, [p.dispatch_id for p in current if _is_held(p)])
        arrived = [p for p in current if any(o.kind in _ARRIVED for o in p.report.outcomes.values())]
        if arrived:
            latest = micros(max(p.now for p in arrived))
            params = {"now": latest, "ids": as_json([p.dispatch_id for p in arrived])}
            await tx.fetch("endpoint_note_arrivals", params)
        await history.append(tx, [_outdated(p) for p in payloads if p.attempt_id not in owned])
        return [_finish_result(p, applied=p.attempt_id in owned, moved=moved) for p in payloads]


def _is_held(payload: Finish) -> bool:
    return any(outcome.kind is OutcomeKind.HELD for outcome in payload.report.outcomes.values())


def _finish_result(payload: Finish, *, applied: bool, moved: set[str]) -> FinishResult:
    if not applied:
        return FinishResult(applied=False)
    refused = tuple(
        delivery_id
        for delivery_id, outcome in payload.report.outcomes.items()
        if outcome.kind is OutcomeKind.REFUSED and delivery_id in moved
    )
    return FinishResult(applied=True, refused=refused)


def _outcome_of(payload: Finish, delivery_id: str) -> Outcome:
    missing = Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown")
    return payload.report.outcomes.get(DeliveryId(delivery_id), missing)


def _moves(payload: Finish, lines: Sequence[tuple[Any, ...]]) -> list[Move]:
    moves = []
    for line in lines:
        if line[4] != State.IN_FLIGHT:
            continue
        outcome = _outcome_of(payload, line[0])
        moves.append(
            Move(
                delivery_id=line[0],
                message_id=line[1],
                state=State.IN_FLIGHT,
                trigger=_TRIGGERS[outcome.kind],
                at=payload.now,
                reason=outcome.reason,
                detail=outcome.detail,
                peer_ref=outcome.peer_ref,
                facts={"attempt": payload.attempt_id} | _bound_to(payload, outcome),
            )
        )
    return moves


def _bound_to(payload: Finish, outcome: Outcome) -> dict[str, object]:
    """The certificate of the server that says it has the document: what a push is proved by."""
    certificate = payload.report.peer.get("certificate_sha256")
    is_taken = outcome.kind in {OutcomeKind.DELIVERED, OutcomeKind.RELAYED}
    return {"certificate": certificate} if is_taken and certificate else {}


def _release(payload: Finish, lines: Sequence[tuple[Any, ...]]) -> list[object]:
    again = any(_outcome_of(payload, line[0]).kind in _AGAIN for line in lines if line[4] == State.IN_FLIGHT)
    waits = again or _is_held(payload) or any(line[4] != State.IN_FLIGHT for line in lines)
    due = micros(payload.retry.due_at) if again else None
    counted = int(again and payload.retry.counts)
    return [payload.dispatch_id, payload.attempt_id, "ready" if waits else "done", due, counted]


def _closing(payload: Finish) -> tuple[object, ...]:
    outcomes = list(payload.report.outcomes.values())
    kinds = {_TOLD.get(outcome.kind, outcome.kind) for outcome in outcomes} or {OutcomeKind.UNKNOWN}
    worst = next((o for o in outcomes if o.reason), None)
    return (
        micros(payload.now),
        str(kinds.pop()) if len(kinds) == 1 else "mixed",
        worst.reason if worst else None,
        (shortened(worst.detail) or None) if worst else None,
        as_json(payload.report.peer),
        payload.bytes_sent,
        payload.attempt_id,
    )


def _outdated(payload: Finish) -> history.EventRow:
    return history.EventRow(
        kind=Event.ATTEMPT_OUTDATED,
        at=payload.now,
        actor="gateway",
        facts={"attempt": payload.attempt_id, "dispatch": payload.dispatch_id},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Renew:
    """Hold on to work under way."""

    attempt_ids: tuple[AttemptId, ...]
    lease_until: datetime


class RenewOperation:
    """Gives the attempts that still own their dispatch."""

    name = "renew_leases"

    async def apply(self, tx: Transaction, payloads: Sequence[Renew]) -> Sequence[frozenset[AttemptId]]:
        """One set per payload."""
        results = []
        for ask in payloads:
            params = {"until": micros(ask.lease_until), "ids": as_json(list(ask.attempt_ids))}
            results.append(frozenset(row[0] for row in await tx.fetch("dispatch_renew_owned", params)))
        return results
