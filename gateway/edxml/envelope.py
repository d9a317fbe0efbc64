"""What an edXML message says, free of its dialect: the result of the parser and the input of the builder.

Shapes only. Texts are kept as received (NFC-normalised, white space trimmed); dates that could be read are
also given as `date`/`datetime`. Reference: QCVN 102:2016/BTTTT as used on the axis, see `schemas/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class MessageKind(StrEnum):
    """A document, or a status message about one."""

    DOCUMENT = "document"
    STATUS = "status"


class Dialect(StrEnum):
    """Which family of writers a message comes from (`schemas/README.md`)."""

    #: The axis vendor's Java SDK: default namespace, zipped attachments.
    A = "A"
    #: The .NET family: schema-instance attributes, xlink references, raw attachments.
    B = "B"
    #: Before the regulation: e-doc.vn namespace, blocks inside a SOAP header.
    C = "C"
    #: The provincial SOAP status, base64 in a `message` element.
    D = "D"


class BusinessType(StrEnum):
    """BussinessDocType."""

    NEW = "0"
    RECALL = "1"
    UPDATE = "2"
    REPLACEMENT = "3"


class Severity(StrEnum):
    """How bad a finding is: an error refuses the message, the others only accompany it."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing the parser or a rule noticed."""

    #: Stable id such as `EDX-ATT-03`; listed in `schemas/README.md`.
    rule: str
    severity: Severity
    #: Element path by local names, such as `edXML/edXMLEnvelope/…/PromulgationDate[1]`; "" for the whole file.
    path: str = ""
    vi: str
    en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """An agency as the message names it (From, To)."""

    organ_id: str
    organization_in_charge: str = ""
    organ_name: str = ""
    organ_add: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseFor:
    """The document a message answers, recalls or reports on."""

    organ_id: str = ""
    #: `number/notation`.
    code: str = ""
    promulgation_date: date | None = None
    #: As written, since dates that do not exist are sent.
    promulgation_date_text: str = ""
    document_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffInfo:
    """Who handled it."""

    department: str = ""
    staff: str = ""
    email: str = ""
    mobile: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """One replaced document and who had received it (type 3)."""

    document_id: str
    organ_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """A changed receiver of an updated document (type 2); 0 and 1 probably mean removed and added."""

    organ_id: str
    receiver_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Business:
    """The `Bussiness` block."""

    type: BusinessType = BusinessType.NEW
    #: As written (`0`, `4`, `thu hồi`).
    type_text: str = "0"
    reason: str = ""
    #: 1 = a paper copy follows.
    paper: bool = False
    #: The updated document (type 2).
    document_id: str = ""
    document_changed: bool = False
    receivers_changed: bool = False
    receivers: tuple[Receiver, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    staff: StaffInfo | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceHeader:
    """One hop."""

    organ_id: str
    timestamp: datetime | None = None
    timestamp_text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Encryption:
    """How a file is encrypted end to end (CMS), as far as its first bytes tell; we have no key to it."""

    #: `aes256-gcm` and so on, or the OID's bytes in hexadecimal.
    cipher: str = ""
    #: Whether whoever opens it notices a changed byte.
    authenticated: bool = False
    #: What names the certificates of those who can open it (`gateway.enveloped.certificates`).
    keys: tuple[str, ...] = ()
    #: How many more can, by a password or a shared key.
    others: int = 0
    #: Why its recipients cannot be told; "" where they can.
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """One file of a document, as found by the parser; its bytes are extracted on demand.

    `sha256` and `size` are those of the decoded, unzipped file, the one a clerk opens.
    """

    #: 1, 2, 3 … in the order of the AttachmentEncoded block.
    number: int
    #: As written, `cid:` stripped.
    content_id: str = ""
    #: As written; `safe_name` is what may become a file name.
    name: str = ""
    safe_name: str = ""
    content_type: str = ""
    description: str = ""
    #: Whether the transported bytes were a ZIP that holds the file.
    zipped: bool = False
    size: int = 0
    sha256: str = ""
    #: None where it is not encrypted end to end.
    encryption: Encryption | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A whole message without its attachment bytes."""

    kind: MessageKind
    dialect: Dialect
    sender: Party
    recipients: tuple[Party, ...] = ()
    #: DocumentId: `OrganId,yyyy/MM/dd,number/notation` or anything up to 200 characters; not unique.
    document_id: str = ""
    code_number: str = ""
    code_notation: str = ""
    place: str = ""
    promulgation_date: date | None = None
    promulgation_date_text: str = ""
    doc_type: str = ""
    doc_type_detail: str = ""
    doc_type_name: str = ""
    subject: str = ""
    content: str = ""
    competence: str = ""
    position: str = ""
    signer: str = ""
    due_date: date | None = None
    to_places: tuple[str, ...] = ()
    #: 0 thường, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ.
    priority: int = 0
    sphere: str = ""
    typer: str = ""
    copies: int | None = None
    pages: int | None = None
    direction: bool | None = None
    appendixes: tuple[str, ...] = ()
    steering_type: int = 0
    responses_for: tuple[ResponseFor, ...] = ()
    business: Business = field(default_factory=Business)
    traces: tuple[TraceHeader, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: Elements we know of no meaning for (vendor extensions): local name -> text, first 64 of them.
    extensions: tuple[tuple[str, str], ...] = ()
    #: `multipart/related` where the XML came as the first part of a MIME message, "" for XML itself.
    media_type: str = ""
    # Status messages only.
    #: Two digits, `01` … `16`; "" when it could not be read.
    status_code: str = ""
    #: As written (`1`, `14`), so that it can be echoed.
    status_code_text: str = ""
    status_description: str = ""
    status_at: datetime | None = None
    status_at_text: str = ""
    staff: StaffInfo | None = None

    @property
    def code(self) -> str:
        """`number/notation`, as people write it."""
        return f"{self.code_number}/{self.code_notation}" if self.code_notation else self.code_number


@dataclass(frozen=True, kw_only=True, slots=True)
class ParseReport:
    """The parser's answer about one file: an envelope, or a refusal, and what was noticed either way."""

    envelope: Envelope | None
    findings: tuple[Finding, ...] = ()
    #: A code of `gateway.reasons` when `envelope` is None (or must not be accepted), else "".
    refusal: str = ""
    #: One English sentence about this very refusal.
    detail: str = ""
    #: Whether a signature may be in it (`gateway.edxml.marks`); True also where nobody could tell.
    marked: bool = True
