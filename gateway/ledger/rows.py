"""The rows of a new message, as the recording operation takes them; instants still as datetimes.

Built by `gateway.journey`, which has decided everything: nothing here is computed from anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.ledger.entries import NewEntry
from gateway.ledger.receiver_proofs import ProofRow


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRow:
    """One accepted message; column for column as in the table."""

    id: str
    kind: Literal["document", "status"]
    sha256: str
    size: int
    sender_id: str
    sender_code: str
    business_type: str
    document_ref: str
    code_number: str
    code_notation: str
    promulgated_on: str | None
    subject: str
    subject_folded: str
    priority: int
    content_key: str
    fingerprint: str
    original_id: str | None
    arrived_by: str | None
    caller: str
    envelope: str
    findings: str
    directory_version: int
    trace_id: str
    sandbox: bool
    received_at: datetime
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchRow:
    """One transmission to come."""

    id: str
    message_id: str
    endpoint_id: str
    recipient_id: str | None
    state: Literal["ready", "inbox", "held"]
    lane: int
    after_id: str | None
    created_at: datetime
    due_at: datetime
    give_up_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """One message for one recipient, queued."""

    id: str
    message_id: str
    recipient_id: str
    recipient_code: str
    endpoint_id: str
    dispatch_id: str
    expects_status: bool
    in_inbox: bool
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptRow:
    """The seal over the message, and the bytes of the 202."""

    transfer: bytes
    xades: bytes
    sha256: str
    answer: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class IdempotencyRow:
    """The caller's own key."""

    agency_id: str
    key: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusEffect:
    """What a status message says of one delivery; `delivery_id` None parks it with the reason `parked`."""

    id: str
    delivery_id: str | None
    reporter_id: str
    code: str
    reported_at: datetime | None
    description: str
    matched_by: str
    parked: str = ""
    #: The line is that of the request itself, which this status answers.
    answers_request: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestEffect:
    """A take-back, recall, update or replacement: what it asks of the original's deliveries.

    Where the original has not left, it is withdrawn here (when `withdraws`) and the request's own delivery
    to that recipient with it; where it has, the request becomes open and awaits 15 or 16.
    """

    original_id: str
    recipient_ids: tuple[str, ...]
    withdraws: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """Where a message comes from that another system handled, as that system's files claim."""

    #: sent: it went out there, so its lines are closed as handed over; received: it is to be delivered by us.
    direction: Literal["sent", "received"]
    #: The other system's or the axis's own id.
    ref: str
    claimed_at: datetime | None
    #: Who brought it over, and why.
    actor: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewMessage:
    """All that one acceptance writes, in one transaction."""

    message: MessageRow
    receipt: ReceiptRow
    dispatches: tuple[DispatchRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    actor: str
    idempotency: IdempotencyRow | None = None
    #: bytes x recipients, and the agency whose quota it counts against.
    usage_bytes: int = 0
    usage_agency_id: str = ""
    usage_day: str = ""
    #: An accepted document with the same business key: same content, or a conflict for a person.
    linked_to: str | None = None
    conflicts_with: str | None = None
    statuses: tuple[StatusEffect, ...] = ()
    requests: tuple[RequestEffect, ...] = ()
    imported: Imported | None = None
    #: Of a status: what proves that its reporter sent it.
    proof: ProofRow | None = None
    #: The line of the clerk's register that is written with it.
    entry: NewEntry | None = None
    #: A status that decides what becomes of a document: refused where one of 02 to 06 was reported before it.
    is_first: bool = False
    #: The deliveries that wait for a look at the signatures, with their policy; None: nobody looks.
    checks: Mapping[str, str] | None = None
    #: The parser has seen that there is no signature; then nobody looks again unless something waits for it.
    unsigned: bool = False
