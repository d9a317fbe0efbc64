"""Recording accepted messages: one transaction per batch holds every row, effect and event of each.

1. Set aside what was accepted before (same fingerprint, same Idempotency-Key), in the table or earlier in
   this very batch: the answer is the first one's.
2. Insert messages, receipts, dispatches, deliveries, usage; and every key that came with a request, also with
   one set aside: whoever repeats a request under another key has used that key up.
3. What another system has sent already: its lines are closed as handed over (`gateway.ledger.imports`).
4. Requests (13, types 1, 2, 3): withdraw what has not left, open the request where it has.
5. Statuses: append, judge, move.
6. Documents whose signatures are to be examined wait for it, and with them the deliveries that must.
7. Lines of clerks' registers: the number of a document is given with its 03, or not at all.
8. Events, in the order of the above.

It does NOT decide who gets what: that came with the payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import checks, effects, history, imports
from gateway.ledger.entries import Entering, enter
from gateway.ledger.params import as_json
from gateway.ledger.receiver_proofs import insert_proofs
from gateway.ledger.reports import apply_reports, reports_of
from gateway.ledger.rows import DeliveryRow, DispatchRow, NewMessage
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """The message that now stands for the request."""

    message_id: str
    #: The request had been accepted before.
    replayed: bool


class RecordMessage:
    """The operation; a payload whose key was used for another request yields RefusedError."""

    name = "record_message"

    async def apply(self, tx: Transaction, payloads: Sequence[NewMessage]) -> Sequence[Recorded | RefusedError]:
        """Record the new ones; one result per payload, in order."""
        results, fresh, keys = await _set_aside_known(tx, payloads)
        if fresh:
            await _insert_rows(tx, fresh)
            await history.append(tx, [event for item in fresh for event in _accepted(item)])
            await imports.apply_imports(tx, fresh)
            await effects.apply_requests(tx, fresh)
            await apply_reports(tx, reports_of(fresh))
            await checks.wait(tx, fresh)
            await _enter(tx, fresh)
        await tx.execute_many("idempotency_insert", keys)
        return results


async def _enter(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    for item in fresh:
        if item.entry is not None:
            message = item.message
            is_status = message.kind == "status"
            ask = Entering(
                entry=item.entry,
                at=message.accepted_at,
                status_id=message.id if is_status else None,
                message_id=None if is_status else message.id,
            )
            await enter(tx, ask)


async def _set_aside_known(
    tx: Transaction, payloads: Sequence[NewMessage]
) -> tuple[list[Recorded | RefusedError], list[NewMessage], list[tuple[object, ...]]]:
    known = {
        row[0]: row[1]
        for row in await tx.fetch(
            "message_find_by_fingerprints", (as_json([p.message.fingerprint for p in payloads]),)
        )
    }
    keys: dict[tuple[str, str], str] = {}
    asked = [[p.idempotency.agency_id, p.idempotency.key] for p in payloads if p.idempotency is not None]
    if asked:
        keys = {(row[0], row[1]): row[2] for row in await tx.fetch("idempotency_find", (as_json(asked),))}
    results: list[Recorded | RefusedError] = []
    fresh: list[NewMessage] = []
    new_keys: list[tuple[object, ...]] = []
    for payload in payloads:
        row, key = payload.message, payload.idempotency
        slot = (key.agency_id, key.key) if key is not None else None
        if slot is not None and slot in keys and keys[slot] != row.fingerprint:
            results.append(RefusedError("idempotency_key_reused"))
            continue
        replayed = row.fingerprint in known
        if not replayed:
            known[row.fingerprint] = row.id
            fresh.append(payload)
        message_id = known[row.fingerprint]
        if key is not None and slot is not None and slot not in keys:
            keys[slot] = row.fingerprint
            new_keys.append((key.agency_id, key.key, row.fingerprint, message_id, micros(key.expires_at)))
        results.append(Recorded(message_id=message_id, replayed=replayed))
    return results, fresh, new_keys


async def _insert_rows(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    await tx.execute_many("message_insert", [_message(item) for item in fresh])
    await tx.execute_many(
        "receipt_insert",
        [(i.message.id, i.receipt.transfer, i.receipt.xades, i.receipt.sha256, i.receipt.answer) for i in fresh],
    )
    await insert_lines(
        tx, [d for item in fresh for d in item.dispatches], [d for item in fresh for d in item.deliveries]
    )
    await insert_proofs(tx, [item.proof for item in fresh if item.proof is not None])
    await tx.execute_many(
        "usage_add", [(i.usage_agency_id, i.usage_day, i.usage_bytes) for i in fresh if i.usage_bytes]
    )


async def insert_lines(
    tx: Transaction, dispatches: Sequence[DispatchRow], deliveries: Sequence[DeliveryRow]
) -> None:
    """Queue transmissions and open the ledger's lines that they carry."""
    await tx.execute_many(
        "dispatch_insert",
        [
            (
                d.id,
                d.message_id,
                d.endpoint_id,
                d.recipient_id,
                d.state,
                d.lane,
                d.after_id,
                micros(d.created_at),
                micros(d.due_at),
                micros(d.give_up_at),
            )
            for d in dispatches
        ],
    )
    await tx.execute_many(
        "delivery_insert",
        [
            (
                d.id,
                d.message_id,
                d.recipient_id,
                d.recipient_code,
                d.endpoint_id,
                d.dispatch_id,
                int(d.expects_status),
                int(d.in_inbox),
                micros(d.created_at),
                micros(d.created_at),
            )
            for d in deliveries
        ],
    )


def _message(item: NewMessage) -> tuple[object, ...]:
    m = item.message
    return (
        m.id, m.kind, m.sha256, m.size, m.sender_id, m.sender_code, m.business_type, m.document_ref, m.code_number,
        m.code_notation, m.promulgated_on, m.subject, m.subject_folded, m.priority, m.content_key, m.fingerprint,
        m.original_id, m.arrived_by, m.caller, m.envelope, m.findings, m.directory_version, m.trace_id,
        int(m.sandbox), micros(m.received_at), micros(m.accepted_at),
    )  # fmt: skip


def _accepted(item: NewMessage) -> list[history.EventRow]:
    m = item.message

    def event(kind: Event, facts: dict[str, object]) -> history.EventRow:
        return history.EventRow(kind=kind, at=m.accepted_at, actor=item.actor, facts=facts, message_id=m.id)

    facts: dict[str, object] = {
        "kind": m.kind,
        "sha256": m.sha256,
        "size": m.size,
        "receipt": item.receipt.sha256,
        "sender": m.sender_id,
        "deliveries": len(item.deliveries),
    }
    if item.proof is not None:
        facts["proof"] = item.proof.sha256
    events = [event(Event.DOCUMENT_ACCEPTED, facts)]
    if item.linked_to:
        events.append(event(Event.DOCUMENT_LINKED, {"other": item.linked_to}))
    if item.conflicts_with:
        events.append(event(Event.DOCUMENT_CONFLICTED, {"other": item.conflicts_with}))
    return events
