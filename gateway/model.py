"""The nouns, and the glossary of this project: one word per concept, taken from the regulation.

- *document* (văn bản): what one agency sends to others; *status message* (trạng thái): codes 01 to 16 about
  a document, a message of its own; *message*: either of the two, accepted and sealed alike.
- *agency* (cơ quan): has our own id, and dated *organ ids* (mã định danh) and names.
- *endpoint*: a peer's channel; it may host many agencies. *Dispatch*: one transmission of one message to one
  endpoint. *Attempt*: one try of a dispatch. *Delivery*: one message for one recipient, the ledger's line.
- *relay*: a peer that carries for agencies it does not own (the axis). *Relayed* is not *delivered*.
- *seal*: our signature over the exact bytes received; *receipt*: the file that holds it;
  *event*: one row of history; *leaf*: its canonical bytes.
- *take-back* (lấy lại): status 13; *recall* (thu hồi): type 1; *update*: type 2; *replacement*: type 3.
- *rendition*: a copy built for a peer that cannot read the original.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NewType

from gateway.states import State

AgencyId = NewType("AgencyId", str)
#: A code as somebody wrote it; compare by its canonical form.
OrganId = NewType("OrganId", str)
MessageId = NewType("MessageId", str)
DeliveryId = NewType("DeliveryId", str)
DispatchId = NewType("DispatchId", str)
AttemptId = NewType("AttemptId", str)
EndpointId = NewType("EndpointId", str)
CredentialId = NewType("CredentialId", str)
BootId = NewType("BootId", str)
#: 64 lowercase hexadecimal digits.
Sha256Hex = NewType("Sha256Hex", str)


class Lane(StrEnum):
    """Priority lanes; `rank` is what the queue sorts by."""

    FLASH = "flash"
    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"

    @property
    def rank(self) -> int:
        """0 goes first."""
        return list(Lane).index(self)

    @classmethod
    def of_priority(cls, priority: int) -> Lane:
        """Hỏa tốc (3, 4) -> flash; khẩn, thượng khẩn (1, 2) -> urgent; thường -> normal."""
        return cls.FLASH if priority >= 3 else cls.URGENT if priority >= 1 else cls.NORMAL  # noqa: PLR2004


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a peer can take; data in the directory, shown over REST."""

    #: The dialect it reads; None: the original bytes, whatever they are.
    dialect: Literal["A", "B"] | None = None
    #: Whether one transmission may carry several of its agencies.
    fans_out: bool = False
    #: The largest message it takes, in bytes.
    max_bytes: int = 300_000_000
    #: BussinessDocTypes it understands.
    document_types: tuple[str, ...] = ("0", "1", "2", "3")
    #: Whether it takes status messages.
    statuses: bool = True
    #: Whether its agencies answer with statuses (else a delivery is final when delivered).
    answers: bool = True
    #: Whether it wants to be told of our own outcomes (dead, refused) by a status message from the gateway's
    #: organ id: for peers that read edXML and neither REST nor events.
    outcomes: bool = False
    #: How many transmissions may be under way at once, at most.
    max_in_flight: int = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A peer's channel."""

    id: EndpointId
    name: str
    #: `inbox`: its agencies pull; anything else names the adapter that reaches it.
    kind: str
    #: What its adapter, and the source that it is polled by, need; documented with them. Never a secret itself.
    settings: dict[str, object] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=Capabilities)
    #: Carries for agencies it does not own.
    is_relay: bool = False
    paused_until: datetime | None = None
    down_since: datetime | None = None


#: Who carries an agency's documents while two systems run side by side.
ServedBy = Literal["gateway", "shadow", "scripts"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Agency:
    """An agency at one instant of the directory."""

    id: AgencyId
    #: The code valid now (the QCVN 102 form where it has one).
    organ_id: OrganId
    #: Every code valid now, both forms.
    codes: tuple[OrganId, ...]
    name: str
    kind: str
    parent_id: AgencyId | None = None
    endpoint: Endpoint | None = None
    closed_at: datetime | None = None
    successor_id: AgencyId | None = None
    sandbox: bool = False
    daily_quota_bytes: int | None = None
    #: Who serves it: we; another system, at which we look (shadow); another system.
    served_by: ServedBy = "gateway"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who makes a request, as authenticated."""

    credential_id: CredentialId
    agency_id: AgencyId
    #: The agency itself and every principal it represents now.
    speaks_for: frozenset[AgencyId]
    #: The endpoint of a relay peer, which may bring documents of any agency except those we host.
    relay_endpoint_id: EndpointId | None
    #: shared_secret: an HMAC over the request's headers; pulled: we fetched it from a peer's list; imported: an
    #: operator brought another system's work over; session: a person signed in to the console.
    method: Literal["certificate", "token", "socket", "shared_secret", "pulled", "imported", "session"]
    #: SHA-256 of the certificate or token, hex.
    fingerprint: str
    address: str
    #: The protocol that the request came by.
    channel: str = "rest"
    #: DER of the connection's certificate, where that is the credential.
    certificate: bytes = field(default=b"", repr=False)

    @property
    def actor(self) -> str:
        """Who acts, as events name it."""
        return self.credential_id if self.method == "session" else f"credential:{self.credential_id}"


def the_gateway(own_id: AgencyId) -> Caller:
    """The gateway itself as the sender of what it writes in its own name; `own_id` is its agency."""
    return Caller(
        credential_id=CredentialId("gateway"),
        agency_id=own_id,
        speaks_for=frozenset({own_id}),
        relay_endpoint_id=None,
        method="socket",
        fingerprint="",
        address="",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingDelivery:
    """One recipient of a dispatch under way."""

    id: DeliveryId
    recipient_id: AgencyId
    recipient_code: str


#: Questions without a find before something in doubt is sent again: a list may lag behind.
ASKED_TWICE: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Earlier tries of this series may have reached the peer, and nobody knows.

    An adapter whose peer cannot tell a repetition by itself asks the peer ASKED_TWICE times before it sends again.
    """

    #: When the first of them began, and the last.
    since: datetime
    last: datetime
    #: Transmissions that ended unknown; a try that we did not survive is one, unless its turn was to ask.
    transmissions: int
    #: Since the last of those, questions that found nothing at the peer (`SendReport.peer["inquiry"] == "none"`).
    inquiries: int
    #: Likewise, questions whose answer could be read in part only, so that nothing follows from it ("unclear").
    unclear: int = 0
    #: The peer's ids of other transmissions of ours that it may list under the same number.
    taken: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A claimed dispatch: what an adapter gets to send; the attempt is already committed."""

    dispatch_id: DispatchId
    attempt_id: AttemptId
    message_id: MessageId
    kind: Literal["document", "status"]
    endpoint_id: EndpointId
    sha256: Sha256Hex
    size: int
    sender_code: str
    document_ref: str
    business_type: str
    priority: int
    trace_id: str
    #: 1 for the first try of this series.
    number: int
    deliveries: tuple[OutgoingDelivery, ...]
    lane: int = 2
    series: int = 1
    failures: int = 0
    created_at: datetime | None = None
    doubt: Doubt | None = None
    #: What a person would look for at the peer: `125/UBND-VP`, and the title.
    notation: str = ""
    subject: str = ""
    #: It was confirmed before, and its receiver asks for it again.
    is_replay: bool = False


class OutcomeKind(StrEnum):
    """How a try ended for one delivery; past participles."""

    DELIVERED = "delivered"
    RELAYED = "relayed"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    #: The peer may have it, in a way that only a person can decide: nothing goes out until then.
    HELD = "held"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a try ended for one delivery, born temporary or permanent at the place that knows."""

    kind: OutcomeKind
    #: A code of `gateway.reasons` unless delivered or relayed.
    reason: str = ""
    #: One sentence for operators, at most 500 characters, no secret; where it is cut, marked (`gateway.said`).
    detail: str = ""
    #: The intermediary's own id.
    peer_ref: str = ""
    #: Seconds the peer asked us to wait.
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SendReport:
    """What an adapter returns: one outcome per delivery, and facts about the connection for the attempt row."""

    outcomes: dict[DeliveryId, Outcome]
    #: address, certificate_sha256, http_status, duration_ms, clock_offset_seconds (the peer's minus ours) …
    peer: dict[str, object] = field(default_factory=dict)
    #: The peer spoke about every delivery by itself, so whatever went wrong is not the channel's fault.
    answered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryView:
    """A delivery as REST and the commands show it."""

    id: DeliveryId
    message_id: MessageId
    recipient_id: AgencyId
    recipient_code: str
    state: State
    final: bool
    reason: str
    detail: str
    business_status: str
    peer_ref: str
    state_at: datetime
    created_at: datetime


def whole_code(number: str | None, notation: str | None) -> str:
    """Number and notation as people write them, `12/UBND-VP`; what is missing leaves no slash."""
    return "/".join(filter(None, (number, notation)))
