"""`evidence/bundle.json`: what the ledger said of a document when its bundle was made. Frozen with format 1.

Everything in it is sealed by the export, and claimed by the gateway: what of it is proved besides (by receipts,
leaves, peers' ids), a verifier tells. Instants are RFC 3339 in UTC; ids are the ledger's; digests are hexadecimal.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.bundle.format import BUNDLE, FORMAT, VERSION
from gateway.errors import BundleError


class Part(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A part of the facts; a name that is not known is refused."""


class Document(Part, kw_only=True, frozen=True):
    """The document, as its envelope and the ledger have it."""

    id: str
    kind: Literal["document", "status"]
    document_id: str
    number: str
    notation: str
    promulgated_on: str | None
    subject: str
    business_type: str
    sha256: str
    size: int
    #: The directory's id of its sender.
    sender: str
    #: The document that it recalls, updates, replaces or takes back.
    original: str | None
    received_at: str
    accepted_at: str
    trace_id: str
    #: How whoever brought it was authenticated.
    caller: dict[str, Any]
    findings: list[dict[str, Any]]
    #: When its bytes were destroyed by order; left out where they were not.
    destroyed_at: str | UnsetType = UNSET


class Party(Part, kw_only=True, frozen=True):
    """An office, then (at acceptance) and now (when the bundle was made)."""

    agency: str
    #: The code under which it appears in the document.
    code: str
    name_then: str
    name_now: str
    closed_at: str | None = None
    successor: str | None = None
    successor_name: str = ""


class Delivery(Part, kw_only=True, frozen=True):
    """The document for one recipient."""

    id: str
    recipient: str
    code: str
    state: str
    created_at: str
    state_at: str
    reason: str
    detail: str
    #: 01 to 16 of QCVN 102:2016, as last reported; "" when nothing was.
    business_status: str
    #: The intermediary's own id of what it took; "" where there is none.
    peer_reference: str
    dispatch: str
    channel: str
    #: Protocol of the channel.
    channel_kind: str
    is_relay: bool


class Attempt(Part, kw_only=True, frozen=True):
    """One transmission."""

    id: str
    dispatch: str
    series: int
    started_at: str
    ended_at: str | None
    outcome: str
    reason: str
    detail: str
    #: Who answered: address, certificate's digest, what it said.
    peer: dict[str, Any]


class Status(Part, kw_only=True, frozen=True):
    """What the recipient reported of one delivery."""

    id: str
    delivery: str
    code: str
    reporter: str
    reported_at: str | None
    recorded_at: str
    description: str
    moved: bool
    flag: str
    #: The status message, one of `messages`.
    message: str


class Message(Part, kw_only=True, frozen=True):
    """Another message about the document, which lies in `messages/`."""

    id: str
    kind: Literal["document", "status"]
    business_type: str
    sha256: str
    size: int
    sender: str
    accepted_at: str


class Leaf(Part, kw_only=True, frozen=True):
    """An event of the history, which lies in `evidence/leaves/`."""

    index: int
    kind: str


class Log(Part, kw_only=True, frozen=True):
    """The transparency log and the checkpoint that covers the leaves."""

    origin: str
    size: int
    #: Base 64, as in the checkpoint.
    root: str
    signed_at: str
    #: The log's public key, as the gateway says; an auditor compares it with what he was given.
    vkey: str


class Stamp(Part, kw_only=True, frozen=True):
    """A time stamp: over the checkpoint as first signed, or over receipts."""

    entry: str
    server: str
    at: str


class Verdict(Part, kw_only=True, frozen=True):
    """What was found about signatures that others made, when the gateway looked."""

    entry: str
    #: The document, or a message of `messages`.
    message: str
    checked_at: str
    #: PASSED, INDETERMINATE, FAILED.
    verdict: str
    #: How many signatures were found.
    signatures: int
    #: Of the entry's bytes: what the event tells.
    sha256: str


class Facts(Part, kw_only=True, frozen=True):
    """The whole."""

    format: str = FORMAT
    version: int = VERSION
    made_at: str
    #: Who asked for it, as events name persons.
    made_by: str
    #: Organ id of the gateway.
    gateway: str
    #: Version of the program.
    program: str
    document: Document
    parties: list[Party]
    deliveries: list[Delivery]
    attempts: list[Attempt]
    statuses: list[Status]
    messages: list[Message]
    leaves: list[Leaf]
    #: Events that are under no checkpoint yet, or that wait for one with enough witnesses.
    pending_leaves: int
    log: Log | None
    stamps: list[Stamp]
    #: Over the receipt, among others of its minute or alone; left out where there is none.
    receipt_stamp: Stamp | UnsetType = UNSET
    #: Oldest first; left out where there is none.
    verdicts: list[Verdict] | UnsetType = UNSET
    #: Whether the export seal was given stamps that let it last (XAdES B-LTA).
    lasting: bool | UnsetType = UNSET
    #: Entries and their roles; `mimetype` and this file are left out.
    entries: dict[str, str]


def written(part: Part) -> bytes:
    """A file of its own."""
    return msgspec.json.format(msgspec.json.encode(part, order="deterministic"), indent=1) + b"\n"


def read(file: bytes) -> Facts:
    """The facts; BundleError for another format, another version, or a wrong shape."""
    try:
        head = msgspec.json.decode(file, type=dict[str, Any])
        if (head.get("format"), head.get("version")) != (FORMAT, VERSION):
            raise BundleError(f"{BUNDLE} is not of format {FORMAT}, version {VERSION}", code="version_unknown")
        return msgspec.json.decode(file, type=Facts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{BUNDLE} cannot be read: {error}", code="facts_unreadable") from error
