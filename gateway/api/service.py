"""What the HTTP side asks of the rest of the gateway: one facade, the authenticator, the readiness probe.

The facade speaks in the shapes of `gateway.api.models` and in ids; it knows no HTTP. For every method:

- A refusal is a RefusedError with a code of `gateway.reasons`; any other exception becomes `internal_error`
  (StorageBusyError `server_busy`, StorageClosedError `server_stopping`, StorageError `storage_unavailable`).
- What belongs to somebody else does not exist: `not_found`, never `not_permitted`.
- Spooled bodies and files belong to the caller of the method, who discards them afterwards; the facade may
  have kept them (`Bodies.keep`) and even discarded them by then.

It does NOT cover the operators' commands: those come through the administrators' socket.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from gateway.api import models
from gateway.api.encryption import EncryptionCertificateOut
from gateway.message_signatures import Presented
from gateway.model import Caller
from gateway.storage.bodies import SpooledBody
from gateway.storage.body_file import BodyFile
from gateway.transparency.tiles import TilePath


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """The circumstances of a request that submits something."""

    caller: Caller
    #: When its first byte was read (aware UTC).
    at: datetime
    #: 32 hexadecimal digits, the one id of the whole journey.
    trace_id: str
    #: As the client meant it, quotes removed.
    idempotency_key: str | None = None
    #: Recipients named beside the document: not followed.
    named: tuple[str, ...] = ()
    #: The request itself, where it brought signatures.
    request: Presented | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmittedFile:
    """One `file` part of a multipart submission."""

    #: As sent: no path, no control character, at most 255 characters.
    name: str
    content_type: str
    body: SpooledBody


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptedAnswer:
    """The 202, byte for byte as stored with the receipt."""

    #: JSON of `models.Accepted`.
    body: bytes
    #: 202 unless the facade knows better.
    status: int = 202
    #: Whether it repeats an earlier answer.
    replayed: bool = False
    #: That it made.
    deliveries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """Bytes to hand out, lying in a file."""

    file: BodyFile
    size: int
    #: Lower-case hexadecimal; becomes the ETag.
    sha256: str
    #: A safe name for the receiver's disk.
    name: str
    #: None for a message as it was received: its own first bytes tell.
    content_type: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The acceptance seal of one message."""

    #: transfer.json, exact bytes.
    transfer: bytes
    #: The XAdES file, exact bytes.
    xades: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentQuery:
    """Filters of the sender's own documents; None or "" does not filter."""

    limit: int
    #: A `next` of the page before.
    cursor: str = ""
    kind: str = ""
    document_id: str = ""
    number: str = ""
    notation: str = ""
    #: A delivery state that at least one delivery must have.
    state: str = ""
    #: Accepted on this day or later, this day or earlier (days of Vietnam).
    accepted_from: date | None = None
    accepted_to: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxQuery:
    """What of the caller's inbox to list."""

    limit: int
    #: A code of one represented agency; "": all of them.
    agency: str = ""
    cursor: str = ""
    #: How long to wait for a first item, in seconds; the facade waits.
    wait: float = 0.0
    #: Seconds for which the listed items are the reader's alone; 0 takes no lease.
    lease: float = 0.0
    #: Who holds the lease, a name of the client's choice.
    reader: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """What /readyz says."""

    ready: bool
    #: Part -> its state in words; no secret, no agency's name.
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """That an event is in the transparency log."""

    #: Of its leaf, from 0.
    index: int
    #: Its exact bytes.
    leaf: bytes
    #: A file of C2SP tlog-proof.
    file: bytes
    #: A stamp over its checkpoint, TimeStampResp in DER; None while there is none.
    stamp: bytes | None = None
    #: `recorded_at`, and `proven`: null, or `not_later_than`, `server`, `independent`.
    times: Mapping[str, object] = field(default_factory=dict)


class Room(Protocol):
    """Disk that a request was promised."""

    def grow(self, size: int) -> None:
        """Have `size` bytes in all promised, or be refused."""
        ...


class Gateway(Protocol):
    """Everything REST v1 does."""

    def room(self, size: int) -> AbstractContextManager[Room]:
        """Entering refuses before anything is written: no disk for so many bytes, too much waiting, stopping.

        Until it is left, the bytes are spoken for.
        """
        ...

    async def accept(self, arrival: Arrival, body: SpooledBody) -> AcceptedAnswer:
        """A raw edXML document (or, since peers do that, a status message) from `POST /documents`."""
        ...

    async def accept_parts(
        self, arrival: Arrival, metadata: models.NewDocument, files: Sequence[SubmittedFile]
    ) -> AcceptedAnswer:
        """Metadata and files from which the gateway builds the edXML."""
        ...

    async def accept_status(self, arrival: Arrival, body: SpooledBody) -> AcceptedAnswer:
        """A raw edXML status message."""
        ...

    async def validate(self, caller: Caller, body: SpooledBody) -> models.Validation:
        """What acceptance would find; stores nothing."""
        ...

    async def documents(self, caller: Caller, query: DocumentQuery) -> models.DocumentPage:
        """What the caller's agencies sent, newest first; a cursor it cannot read is `parameter_invalid`."""
        ...

    async def document(self, caller: Caller, message_id: str) -> models.DocumentOut:
        """One of them."""
        ...

    async def content(self, caller: Caller, message_id: str) -> Content:
        """Its bytes, for its sender."""
        ...

    async def receipt(self, caller: Caller, message_id: str) -> Receipt:
        """Its seal; for sender and recipients."""
        ...

    async def proof(self, caller: Caller, message_id: str) -> Proof:
        """That its acceptance is in the log, for sender and recipients; `proof_pending` until it is signed."""
        ...

    async def log_checkpoint(self) -> bytes | None:
        """What the log signed last; None: nothing yet."""
        ...

    async def log_institution(self) -> tuple[bytes, bytes] | None:
        """The newest checkpoint that the institution signed, and its CMS; None: none was."""
        ...

    async def log_tile(self, path: TilePath) -> bytes | None:
        """Hashes of a tile, if the signed tree has so many; None otherwise, and for entries."""
        ...

    async def findings(self, caller: Caller, message_id: str) -> list[models.FindingOut]:
        """What the validator noticed when it was accepted."""
        ...

    async def deliveries(self, caller: Caller, message_id: str) -> list[models.DeliveryOut]:
        """One line per recipient."""
        ...

    async def withdraw(
        self, caller: Caller, message_id: str, withdrawal: models.Withdrawal
    ) -> models.WithdrawalResult:
        """Take it back where it has not left; `already_left` when that is nowhere."""
        ...

    async def redeliver(
        self, caller: Caller, message_id: str, redelivery: models.Redelivery
    ) -> list[models.AcceptedDelivery]:
        """A new series of attempts, or more recipients."""
        ...

    async def inbox(self, caller: Caller, query: InboxQuery) -> models.InboxPage:
        """Unacknowledged items, oldest first. Waits up to `query.wait`; may be cancelled while it waits.

        An agency that the caller does not speak for is `not_found`, a cursor that was never given
        `parameter_invalid`.
        """
        ...

    async def inbox_detail(self, caller: Caller, delivery_id: str) -> models.InboxDetail:
        """The envelope of one item; hands nothing out."""
        ...

    async def inbox_content(self, caller: Caller, delivery_id: str, reader: str) -> Content:
        """Its bytes; marks it fetched in the transaction that decides whether it may still be handed out."""
        ...

    def attachment(
        self, caller: Caller, delivery_id: str, number: int, reader: str
    ) -> AbstractAsyncContextManager[Content]:
        """One decoded attachment, fetched in the same sense; the file lives as long as the context.

        A number that no attachment has hands nothing out.
        """
        ...

    async def acknowledge(
        self, caller: Caller, delivery_id: str, reader: str, request: Presented | None = None
    ) -> models.Acknowledged:
        """The reader has it: the item leaves the inbox. Repeating it is harmless; `request` may be signed."""
        ...

    async def answer(
        self, arrival: Arrival, delivery_id: str, status: models.NewStatus, reader: str
    ) -> AcceptedAnswer:
        """A status message about one item, built in the name of its recipient."""
        ...

    async def agencies(self, text: str, organ_id: str, limit: int, cursor: str) -> models.AgencyPage:
        """Search the directory by words (diacritics or not) or by one exact code."""
        ...

    async def agency(self, agency_id: str) -> models.AgencyOut:
        """One agency."""
        ...

    async def encryption_certificate(self, code: str) -> EncryptionCertificateOut:
        """To which one encrypts for an agency, by any of its codes or its id."""
        ...

    async def channels(self, caller: Caller) -> list[models.ChannelOut]:
        """The channels a sender may meet, and whether they are up."""
        ...

    async def daily_quota(self, caller: Caller) -> int:
        """Bytes x recipients the caller's agency may send a day."""
        ...

    def events(self, caller: Caller, since: int | None) -> AsyncGenerator[models.EventOut, None]:
        """Events that concern the caller, after sequence number `since` (None: from now on), without end.

        A number not given yet counts as now: after a restored backup nothing that comes is hidden by it.
        The consumer takes one at a time, so the producer reads in bounded batches and holds no more.
        """
        ...

    async def enrol(self, request: models.EnrolmentRequest, address: str) -> models.Certificate:
        """Certify a system's first key, for a one-time code."""
        ...

    async def pushed(self, caller: Caller, since: int, limit: int) -> models.PushedPage:
        """What the caller's webhooks confirmed, in that order; it looks at so much of the history at most."""
        ...

    async def pushed_content(self, caller: Caller, delivery_id: str) -> Content:
        """The bytes of one of them."""
        ...

    async def replay(self, caller: Caller, request: models.ReplayRequest) -> models.Replays:
        """Push some of that again; `state_forbids` while too much of an earlier request waits."""
        ...

    async def alert(self, token: str) -> bool:
        """Whether the alert of this link was acknowledged before; `not_found` where it is no link of ours."""
        ...

    async def acknowledge_alert(self, token: str) -> bool:
        """Somebody has seen it: nobody else is called; whether that was new."""
        ...

    async def renew(self, caller: Caller, request: models.RenewalRequest) -> models.Certificate:
        """Certify its next key; only for callers that came with a certificate."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadProgress:
    """Where a resumable upload stands."""

    id: str
    #: Bytes in all, and those that are synced.
    length: int
    offset: int
    expires_at: datetime


class Uploads(Protocol):
    """Bodies that come in pieces; each belongs to the agency that began it, for others it does not exist."""

    async def begin(self, caller: Caller, *, length: int, name: str, content_type: str) -> UploadProgress:
        """A new one, empty; refused when the agency has too many or the disk has no room for all of it."""
        ...

    def progress(self, caller: Caller, upload_id: str) -> UploadProgress:
        """Where it stands."""
        ...

    async def append(
        self, caller: Caller, upload_id: str, offset: int, chunks: AsyncIterator[bytes]
    ) -> UploadProgress:
        """Write and sync what comes; what came before `chunks` broke off is kept, and its error comes through."""
        ...

    async def give_up(self, caller: Caller, upload_id: str) -> None:
        """Its owner does not want it any more."""
        ...

    def answered(self, caller: Caller, upload_ids: Sequence[str], request: str) -> bytes | None:
        """The 202 that the same request got before; None when it was never made."""
        ...

    def submitted(
        self, caller: Caller, upload_ids: Sequence[str]
    ) -> AbstractAsyncContextManager[list[SubmittedFile]]:
        """Whole uploads in the spool, for as long as the context lasts; they stay for another try."""
        ...

    async def accepted(self, caller: Caller, upload_ids: Sequence[str], request: str, answer: bytes) -> None:
        """They are in the ledger: their bytes go, the answer stays for a repeated request."""
        ...


class Authenticator(Protocol):
    """Who makes a request."""

    async def authenticate(
        self, *, certificate_der: bytes | None, bearer: str | None, address: str, now: datetime
    ) -> Caller:
        """The caller, checked against revocation and source address now; raises RefusedError."""
        ...


class ReadinessProbe(Protocol):
    """Whether the gateway can accept documents."""

    async def readiness(self) -> Readiness:
        """Asks every part; an outage of a peer is a detail, not a refusal."""
        ...
