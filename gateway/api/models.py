"""The shapes of REST v1: what requests are checked against and what the OpenAPI document is made from.

JSON names are camelCase of the fields. Instants are RFC 3339 UTC. Unknown request fields are refused. Ids are
ours (UUIDv7); `organId` is a code in the exact form its owner used.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from gateway.api.signatures import SignaturesOut

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
ShortText = Annotated[str, Meta(max_length=500)]
Code = Annotated[str, Meta(min_length=1, max_length=50)]
Priority = Annotated[int, Meta(ge=0, le=4)]
#: The number of an event.
Cursor = Annotated[int, Meta(ge=0, le=10**18)]


class Request(Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Base of what callers send."""


class Response(Struct, rename="camel", kw_only=True):
    """Base of what we answer."""


# Requests ---------------------------------------------------------------------------------------------


class NewResponseFor(Request):
    """The document that this one answers or recalls."""

    organ_id: Code
    code: ShortText = ""
    promulgation_date: date | None = None
    document_id: ShortText = ""


class NewReplacement(Request):
    """A replaced document and who had received it."""

    document_id: ShortText
    organ_ids: list[Code] = []


class NewDocument(Request):
    """The `metadata` part of a multipart submission; the files are the parts named `file`, in order."""

    sender: Code
    recipients: Annotated[list[Code], Meta(min_length=1, max_length=2000)]
    code_number: Code
    code_notation: Code
    promulgation_date: date
    subject: Annotated[str, Meta(min_length=1, max_length=2000)]
    type_name: Annotated[str, Meta(min_length=1, max_length=100)] = "Công văn"
    type: Annotated[int, Meta(ge=0, le=99999)] = 18
    place: ShortText = ""
    content: Annotated[str, Meta(max_length=2000)] = ""
    document_id: Annotated[str, Meta(max_length=200)] = ""
    signer: ShortText = ""
    signer_position: ShortText = ""
    signer_competence: ShortText = ""
    due_date: date | None = None
    priority: Priority = 0
    to_places: list[ShortText] = []
    steering_type: Annotated[int, Meta(ge=0, le=2)] = 0
    business_type: Literal["0", "1", "2", "3"] = "0"
    business_reason: ShortText = ""
    #: The updated document (type 2).
    updates_document_id: Annotated[str, Meta(max_length=200)] = ""
    replaces: list[NewReplacement] = []
    responses_for: list[NewResponseFor] = []
    department: ShortText = ""
    staff: ShortText = ""


class NewStatus(Request):
    """A receiver's answer to one inbox item."""

    code: Annotated[str, Meta(pattern="^(0?[1-6]|1[3-6])$")]
    description: Annotated[str, Meta(max_length=1000)] = ""
    department: ShortText = ""
    staff: ShortText = ""
    reported_at: Annotated[datetime, Meta(tz=True)] | None = None


class Withdrawal(Request):
    """Taking a document back before it leaves; without recipients: from all."""

    reason: Text
    recipients: list[Code] = []


class Redelivery(Request):
    """A new series of attempts, or additional recipients of the same bytes."""

    reason: Text
    recipients: Annotated[list[Code], Meta(min_length=1, max_length=2000)]


class ReplayRequest(Request):
    """What to push again: everything after a cursor up to another one, or some deliveries."""

    after: Cursor | None = None
    upto: Cursor | None = None
    deliveries: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=500)] = []


class EnrolmentRequest(Request):
    """A system's own key, to be certified."""

    code: Annotated[str, Meta(min_length=8, max_length=100)]
    #: PKCS#10 in PEM.
    signing_request: Annotated[str, Meta(max_length=20000)]
    label: Annotated[str, Meta(max_length=100)] = ""


class RenewalRequest(Request):
    """A new key for the certificate that makes this request."""

    signing_request: Annotated[str, Meta(max_length=20000)]


# Responses --------------------------------------------------------------------------------------------


class Bilingual(Response):
    """A sentence in both languages."""

    vi: str
    en: str


class FindingOut(Response):
    """One thing the validator noticed."""

    rule: str
    severity: Literal["error", "warning", "info"]
    path: str
    message: Bilingual


class Problem(Response):
    """application/problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    #: A code of the closed list, see /api/v1/reasons.
    code: str
    detail: str
    message: Bilingual
    next_step: Bilingual
    #: The id to quote to an operator.
    trace_id: str
    findings: list[FindingOut] = []


class Findings(Response):
    """What the validator noticed."""

    items: list[FindingOut]


class DeliveryOut(Response):
    """One message for one recipient."""

    id: str
    recipient: str
    organ_id: str
    name: str
    state: str
    final: bool
    business_status: str
    reason: str
    detail: str
    peer_reference: str
    created_at: datetime
    state_at: datetime


class Deliveries(Response):
    """One line per recipient."""

    items: list[DeliveryOut]


class AcceptedDelivery(Response):
    """One line of a 202."""

    id: str
    organ_id: str
    state: str


class Redelivered(Response):
    """The deliveries that start again, or for the first time."""

    items: list[AcceptedDelivery]


class ReceiptLink(Response):
    """Where the seal is, and its digest."""

    href: str
    sha256: str


class Accepted(Response):
    """The 202: the message and its receipt are durable."""

    id: str
    kind: Literal["document", "status"]
    document_id: str
    sha256: str
    size: int
    accepted_at: datetime
    #: Another accepted document with the same business key or content.
    duplicate_of: str | None
    receipt: ReceiptLink
    deliveries: list[AcceptedDelivery]
    findings: list[FindingOut]


class Validation(Response):
    """What /validate found; nothing was stored."""

    ok: bool
    reason: str
    kind: str
    dialect: str
    document_id: str
    subject: str
    findings: list[FindingOut]


class DocumentOut(Response):
    """A document as its sender sees it."""

    id: str
    kind: Literal["document", "status"]
    sender: str
    sender_organ_id: str
    document_id: str
    number: str
    notation: str
    promulgated_on: date | None
    subject: str
    business_type: str
    priority: int
    sha256: str
    size: int
    received_at: datetime
    accepted_at: datetime
    original_id: str | None
    #: state -> how many deliveries.
    states: dict[str, int]
    #: With one document, once they have been examined; null in lists.
    signatures: SignaturesOut | None = None


class DocumentPage(Response):
    """Newest first; `next` is the cursor of the following page."""

    items: list[DocumentOut]
    next: str | None


class AttachmentOut(Response):
    """One file of a document."""

    number: int
    name: str
    content_type: str
    size: int
    sha256: str
    href: str


class InboxItem(Response):
    """A message that waits for one of the caller's agencies."""

    #: The delivery's id; dedupe on it.
    id: str
    message_id: str
    kind: Literal["document", "status"]
    recipient: str
    organ_id: str
    sender_organ_id: str
    sender_name: str
    document_id: str
    number: str
    notation: str
    subject: str
    business_type: str
    #: 01 … 16 of a status message.
    status_code: str
    priority: int
    sha256: str
    size: int
    accepted_at: datetime
    fetched: bool
    leased_until: datetime | None
    #: When a person last had its office reminded of it.
    reminded_at: datetime | None = None


class InboxPage(Response):
    """Oldest first; `cursor` goes on from here and never consumes anything."""

    items: list[InboxItem]
    cursor: str
    more: bool


class InboxDetail(Response):
    """The envelope of one item as JSON."""

    item: InboxItem
    envelope: dict[str, Any]
    attachments: list[AttachmentOut]


class PushedItem(Response):
    """A delivery that a webhook of yours confirmed."""

    #: The number of its confirmation: a cursor.
    seq: int
    #: The delivery.
    id: str
    message_id: str
    dispatch_id: str
    kind: Literal["document", "status"]
    organ_id: str
    sender_organ_id: str
    document_id: str
    sha256: str
    size: int
    delivered_at: datetime
    #: Where its bytes are.
    content: str


class PushedPage(Response):
    """In the order in which they were confirmed; `cursor` goes on from here."""

    items: list[PushedItem]
    cursor: int
    more: bool


class Replays(Response):
    """How many will be pushed again; `cursor` is where to go on where it was not all of them."""

    queued: int
    cursor: int
    more: bool


class Acknowledged(Response):
    """The item left the inbox."""

    id: str
    state: str


class WithdrawalResult(Response):
    """What could still be taken back, and what had left."""

    withdrawn: list[AcceptedDelivery]
    left: list[AcceptedDelivery]


class AgencyOut(Response):
    """An agency of the directory."""

    id: str
    organ_id: str
    codes: list[str]
    name: str
    kind: str
    parent: str | None
    closed: bool
    successor: str | None
    endpoint: str | None
    capabilities: dict[str, Any]


class AgencyPage(Response):
    """A page of the directory."""

    items: list[AgencyOut]
    next: str | None


class CodeOut(Response):
    """One entry of a code list."""

    code: str
    name: Bilingual


class Codes(Response):
    """The code lists in force."""

    priorities: list[CodeOut]
    business_types: list[CodeOut]
    statuses: list[CodeOut]
    steering_types: list[CodeOut]


class ReasonOut(Response):
    """One reason code."""

    code: str
    temporary: bool
    status: int
    message: Bilingual
    next_step: Bilingual


class Reasons(Response):
    """The closed list of reason codes."""

    items: list[ReasonOut]


class UploadedDocument(Request):
    """Whole uploads to be accepted: one edXML as it is, or metadata with files, in order."""

    document: Annotated[str, Meta(max_length=64)] = ""
    metadata: NewDocument | None = None
    files: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=200)] = field(
        default_factory=list
    )


class Limits(Response):
    """What a request may hold, in bytes and counts."""

    max_body: int
    max_header: int
    max_attachment: int
    max_attachments_total: int
    max_attachments: int
    max_recipients: int
    daily_quota: int
    requests_per_second: int
    deliveries_per_second: int
    requests_at_once: int
    uploads_at_once: int
    page_size: int
    longest_wait_seconds: int


class ChannelOut(Response):
    """A peer's channel and whether it is up."""

    id: str
    name: str
    kind: str
    up: bool
    paused_until: datetime | None
    last_success_at: datetime | None
    waiting: int
    capabilities: dict[str, Any]


class Channels(Response):
    """The peers' channels."""

    items: list[ChannelOut]


class EventOut(Response):
    """One event that concerns the caller, as sent by /events."""

    seq: int
    kind: str
    at: datetime
    message_id: str | None
    delivery_id: str | None
    facts: dict[str, Any]


class Certificate(Response):
    """The answer to an enrolment or renewal."""

    certificate: str
    chain: str
    fingerprint: str
    not_after: datetime
    organ_id: str
