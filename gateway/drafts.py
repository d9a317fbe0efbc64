"""From a checked envelope to the rows of a new message: keys, fingerprints, transfer record, answer. Pure.

Keys (DESIGN, "Keys"): the fingerprint stands for the request (parts or bytes, sender, recipients); the content
key for what a person would call the same document (attachments and core header, without To, traces and zip
metadata). The transfer record is what the seal covers beside the document's bytes; it is canonical JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

import msgspec

from gateway.api import models
from gateway.clock import rfc3339
from gateway.directory.fold import fold
from gateway.edxml.envelope import Envelope, Finding, MessageKind, Severity
from gateway.ledger.rows import DeliveryRow, MessageRow
from gateway.model import Agency, AgencyId, Caller

#: Format of transfer.json.
TRANSFER_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A message that was received, authenticated and validated."""

    id: str
    envelope: Envelope
    findings: tuple[Finding, ...]
    #: The parser has seen that nobody signed it.
    unsigned: bool = False
    sha256: str
    size: int
    sender: Agency
    caller: Caller
    fingerprint: str
    trace_id: str
    received_at: datetime
    accepted_at: datetime
    arrived_by: str | None
    directory_version: int
    #: Of each attachment that is encrypted end to end, for whom (`gateway.openable`).
    encrypted: tuple[Mapping[str, object], ...] = ()

    @property
    def actor(self) -> str:
        """Who acted, as events name it."""
        return self.caller.actor


def fingerprint_of_bytes(sender: AgencyId, digest: str) -> str:
    """The same bytes from the same sender are the same request: the recipients are in the bytes."""
    return sha256(f"bytes\n{sender}\n{digest}".encode()).hexdigest()


def fingerprint_of_parts(sender: AgencyId, metadata: models.NewDocument, files: Sequence[tuple[str, str]]) -> str:
    """The request's parts, not the XML built from them: (name, sha256) of each file."""
    parts = msgspec.json.encode([metadata, list(files)], order="sorted")
    return sha256(f"parts\n{sender}\n".encode() + parts).hexdigest()


def fingerprint_of_answer(delivery_id: str, status: models.NewStatus) -> str:
    """A status given for an inbox item: the same answer twice is one message."""
    parts = msgspec.json.encode(status, order="sorted")
    return sha256(f"answer\n{delivery_id}\n".encode() + parts).hexdigest()


def fingerprint_anew(fingerprint: str, destroyed: str) -> str:
    """The same request after the message that it became was destroyed: another one, once."""
    return sha256(f"anew\n{fingerprint}\n{destroyed}\n".encode()).hexdigest()


def content_key(envelope: Envelope, sender: AgencyId) -> str:
    """Equal for what is the same document sent again."""
    core = [
        str(envelope.kind),
        sender,
        envelope.code_number,
        envelope.code_notation,
        envelope.promulgation_date_text,
        envelope.subject,
        str(envelope.business.type),
        [attachment.sha256 for attachment in envelope.attachments],
        envelope.status_code,
    ]
    return sha256(msgspec.json.encode(core)).hexdigest()


def message_row(checked: Checked, *, original_id: str | None) -> MessageRow:
    """The message as the ledger keeps it."""
    envelope = checked.envelope
    is_status = envelope.kind is MessageKind.STATUS
    about = envelope.responses_for[0] if is_status and envelope.responses_for else None
    number, _, notation = about.code.partition("/") if about else (envelope.code_number, "", envelope.code_notation)
    return MessageRow(
        id=checked.id,
        kind="status" if is_status else "document",
        sha256=checked.sha256,
        size=checked.size,
        sender_id=checked.sender.id,
        sender_code=envelope.sender.organ_id,
        business_type=envelope.status_code if is_status else str(envelope.business.type),
        document_ref=about.document_id if about else envelope.document_id,
        code_number=number,
        code_notation=notation,
        promulgated_on=envelope.promulgation_date.isoformat() if envelope.promulgation_date else None,
        subject=envelope.subject,
        subject_folded=fold(envelope.subject),
        priority=envelope.priority,
        content_key=content_key(envelope, checked.sender.id),
        fingerprint=checked.fingerprint,
        original_id=original_id,
        arrived_by=checked.arrived_by,
        caller=msgspec.json.encode(_caller(checked.caller)).decode(),
        envelope=msgspec.json.encode(envelope).decode(),
        findings=msgspec.json.encode(checked.findings).decode(),
        directory_version=checked.directory_version,
        trace_id=checked.trace_id,
        sandbox=checked.sender.sandbox,
        received_at=checked.received_at,
        accepted_at=checked.accepted_at,
    )


def transfer_record(checked: Checked, deliveries: Sequence[DeliveryRow], *, gateway_organ_id: str) -> bytes:
    """transfer.json: who, to whom, when, how authenticated, what was noticed; canonical JSON."""
    facts: dict[str, object] = {
        "version": TRANSFER_VERSION,
        "gateway": gateway_organ_id,
        "message": checked.id,
        "kind": str(checked.envelope.kind),
        "document": {"sha256": checked.sha256, "size": checked.size},
        "document_id": checked.envelope.document_id,
        "sender": {"agency": checked.sender.id, "organ_id": checked.envelope.sender.organ_id},
        "recipients": [
            {"delivery": item.id, "agency": item.recipient_id, "organ_id": item.recipient_code}
            for item in deliveries
        ],
        "received_at": rfc3339(checked.received_at),
        "accepted_at": rfc3339(checked.accepted_at),
        "caller": _caller(checked.caller),
        "findings": [{"rule": item.rule, "severity": str(item.severity)} for item in checked.findings],
        "directory_version": checked.directory_version,
        "trace_id": checked.trace_id,
    }
    if checked.encrypted:
        facts["encrypted"] = checked.encrypted
    return msgspec.json.encode(facts, order="sorted")


def _caller(caller: Caller) -> dict[str, object]:
    return {
        "credential": caller.credential_id,
        "agency": caller.agency_id,
        "method": caller.method,
        "fingerprint": caller.fingerprint,
        "address": caller.address,
        "relay": caller.relay_endpoint_id,
    }


def answer(
    checked: Checked, deliveries: Sequence[DeliveryRow], *, receipt_sha256: str, duplicate_of: str | None
) -> bytes:
    """The 202's body."""
    return msgspec.json.encode(
        models.Accepted(
            id=checked.id,
            kind="status" if checked.envelope.kind is MessageKind.STATUS else "document",
            document_id=checked.envelope.document_id,
            sha256=checked.sha256,
            size=checked.size,
            accepted_at=checked.accepted_at,
            duplicate_of=duplicate_of,
            receipt=models.ReceiptLink(href=f"/api/v1/documents/{checked.id}/receipt", sha256=receipt_sha256),
            deliveries=[
                models.AcceptedDelivery(id=item.id, organ_id=item.recipient_code, state="queued")
                for item in deliveries
            ],
            findings=[finding_out(item) for item in checked.findings],
        )
    )


def finding_out(finding: Finding) -> models.FindingOut:
    """A finding as REST shows it."""
    return models.FindingOut(
        rule=finding.rule,
        severity=finding.severity.value,
        path=finding.path,
        message=models.Bilingual(vi=finding.vi, en=finding.en),
    )


def with_findings(
    checked: Checked, more: Sequence[Finding], encrypted: tuple[Mapping[str, object], ...] = ()
) -> Checked:
    """The same message with further findings, and for whom it is encrypted."""
    return replace(checked, findings=(*checked.findings, *more), encrypted=encrypted) if more else checked


def named_otherwise(named: tuple[str, ...], envelope: Envelope) -> tuple[Finding, ...]:
    """A call that names other recipients than its document, as one may that sends it group by group."""
    if not named or set(named) == {party.organ_id for party in envelope.recipients}:
        return ()
    return (
        Finding(
            rule="GW-TO-01",
            severity=Severity.WARNING,
            vi="Tham số to của lời gọi khác với các nơi nhận trong văn bản và không được dùng: văn bản đi tới mọi"
            " nơi nhận ghi trong đó.",
            en="The call's parameter to differs from the document's recipients and is not followed: it goes to all"
            " whom the document names.",
        ),
    )
