"""From the ledger's records to the shapes of REST: pure mapping, one function per shape."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec

from gateway.api import models
from gateway.api.encryption import EncryptionCertificateOut
from gateway.api.signatures import SignatureOut, SignaturesOut
from gateway.clock import instant
from gateway.directory.encryption import EncryptionCertificate
from gateway.directory.endpoints import EndpointState
from gateway.edxml.envelope import Attachment, Envelope
from gateway.ledger.acts import Acted
from gateway.ledger.pages import SentMessage
from gateway.ledger.reads import InboxRow
from gateway.model import Agency, AgencyId, DeliveryView
from gateway.signatures.judgement import judge
from gateway.signatures.model import Examined, SignerKind

_API = "/api/v1"
_BYTES = "application/octet-stream"


def signatures_out(row: tuple[Any, ...]) -> SignaturesOut:
    """A stored verdict: time, verdict, digest, report."""
    report = Examined.decode(row[3])
    judgement = judge(report)
    return SignaturesOut(
        checked_at=instant(row[0]),
        verdict=report.verdict.value,
        vi=judgement.vi,
        en=judgement.en,
        report_sha256=row[2],
        items=[
            SignatureOut(
                kind=each.kind.value,
                where=each.where,
                form=each.form,
                signer=each.signer.name if each.signer is not None else "",
                signer_kind=(each.signer.kind if each.signer is not None else SignerKind.UNKNOWN).value,
                belongs=each.belongs.value,
                verdict=each.verdict.value,
                claimed_at=each.claimed_at,
                proven_at=each.proven_at,
                findings=[f"{check.name} {check.indication}: {check.reason}" for check in each.faults],
            )
            for each in report.signatures
        ],
    )


def document_out(row: SentMessage, verdict: tuple[Any, ...] | None = None) -> models.DocumentOut:
    """A message as its sender sees it."""
    return models.DocumentOut(
        id=row.id,
        kind="status" if row.kind == "status" else "document",
        sender=row.sender_id,
        sender_organ_id=row.sender_code,
        document_id=row.document_ref,
        number=row.code_number,
        notation=row.code_notation,
        promulgated_on=date.fromisoformat(row.promulgated_on) if row.promulgated_on else None,
        subject=row.subject,
        business_type=row.business_type,
        priority=row.priority,
        sha256=row.sha256,
        size=row.size,
        received_at=row.received_at,
        accepted_at=row.accepted_at,
        original_id=row.original_id,
        states=row.states,
        signatures=signatures_out(verdict) if verdict is not None else None,
    )


def delivery_out(view: DeliveryView, agencies: Mapping[AgencyId, Agency]) -> models.DeliveryOut:
    """One line of the ledger."""
    agency = agencies.get(view.recipient_id)
    return models.DeliveryOut(
        id=view.id,
        recipient=view.recipient_id,
        organ_id=view.recipient_code,
        name=agency.name if agency else "",
        state=view.state.value,
        final=view.final,
        business_status=view.business_status,
        reason=view.reason,
        detail=view.detail,
        peer_reference=view.peer_ref,
        created_at=view.created_at,
        state_at=view.state_at,
    )


def acted_out(item: Acted) -> models.AcceptedDelivery:
    """A delivery after an act."""
    return models.AcceptedDelivery(id=item.id, organ_id=item.recipient_code, state=item.state.value)


def inbox_item(row: InboxRow, senders: Mapping[AgencyId, Agency]) -> models.InboxItem:
    """An item as its reader's list shows it."""
    sender = senders.get(row.sender_id)
    return models.InboxItem(
        id=row.id,
        message_id=row.message_id,
        kind="status" if row.kind == "status" else "document",
        recipient=row.recipient_id,
        organ_id=row.recipient_code,
        sender_organ_id=row.sender_code,
        sender_name=sender.name if sender else "",
        document_id=row.document_ref,
        number=row.code_number,
        notation=row.code_notation,
        subject=row.subject,
        business_type=row.business_type,
        status_code=row.status_code,
        priority=row.priority,
        sha256=row.sha256,
        size=row.size,
        accepted_at=row.accepted_at,
        fetched=row.fetched_at is not None,
        leased_until=row.leased_until,
        reminded_at=row.reminded_at,
    )


def attachment_out(delivery_id: str, attachment: Attachment) -> models.AttachmentOut:
    """One file of an item."""
    return models.AttachmentOut(
        number=attachment.number,
        name=attachment.safe_name,
        content_type=media_type(attachment),
        size=attachment.size,
        sha256=attachment.sha256,
        href=f"{_API}/inbox/{quote(delivery_id)}/attachments/{attachment.number}",
    )


def media_type(attachment: Attachment) -> str:
    """The type of the file itself: what travelled zipped is declared as a ZIP, so its name tells."""
    guessed = mimetypes.guess_type(attachment.safe_name)[0] or _BYTES
    return guessed if attachment.zipped else attachment.content_type or guessed


def envelope_out(envelope: Envelope) -> dict[str, object]:
    """The envelope as JSON, in snake_case as its own documentation names the fields."""
    built: dict[str, object] = msgspec.to_builtins(envelope)
    return built


def agency_out(agency: Agency) -> models.AgencyOut:
    """An agency of the directory."""
    endpoint = agency.endpoint
    return models.AgencyOut(
        id=agency.id,
        organ_id=agency.organ_id,
        codes=list(agency.codes),
        name=agency.name,
        kind=agency.kind,
        parent=agency.parent_id,
        closed=agency.closed_at is not None,
        successor=agency.successor_id,
        endpoint=endpoint.id if endpoint else None,
        capabilities=msgspec.to_builtins(endpoint.capabilities) if endpoint else {},
    )


def encryption_out(agency: Agency, found: EncryptionCertificate) -> EncryptionCertificateOut:
    """The certificate to encrypt to."""
    certificate = found.certificate
    return EncryptionCertificateOut(
        organ_id=agency.organ_id,
        certificate=certificate.pem,
        sha256=certificate.sha256,
        name=certificate.name,
        issuer=certificate.issuer,
        serial=certificate.serial,
        algorithm=certificate.algorithm,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        published_at=found.added_at,
    )


def channel_out(state: EndpointState, waiting: int) -> models.ChannelOut:
    """A peer's channel."""
    endpoint = state.endpoint
    return models.ChannelOut(
        id=endpoint.id,
        name=endpoint.name,
        kind=endpoint.kind,
        up=endpoint.down_since is None and endpoint.paused_until is None,
        paused_until=endpoint.paused_until,
        last_success_at=state.last_success_at,
        waiting=waiting,
        capabilities=msgspec.to_builtins(endpoint.capabilities),
    )
