"""Whether a message, its receipt, its transfer record and its 202 say the same. Pure code.

1. The receipt: its digest, its signature over the body's *stored* digest and the transfer record, at the time
   of acceptance, up to the anchors given.
2. The transfer record, which is sealed: every fact in it against the rows.
3. The accepted event, which is a leaf: kind, digest, size, receipt, sender, number of deliveries.
4. The envelope against the columns made from it.
5. Renditions: each has its event with the same dialect, digest and length.

The digest that the signature must cover is the one found by hashing the stored bytes, not the column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import drafts
from gateway.audit.findings import Findings
from gateway.audit.leaves import facts_of
from gateway.audit.purges import is_blanked
from gateway.audit.rows import Delivery, HistoryRow, Message, Page, Receipt, ReceiverProof, Rendition
from gateway.clock import instant, rfc3339
from gateway.directory.fold import fold
from gateway.edxml.envelope import Envelope
from gateway.events import Event
from gateway.model import AgencyId
from gateway.seal.report import Verdict
from gateway.seal.trust import TrustStore
from gateway.seal.verify import verify_receipt

_UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError)


def examine_papers(
    page: Page, message: Message, stored_sha256: str | None, anchors: TrustStore, findings: Findings
) -> None:
    """All five parts; `stored_sha256` is None when there are no bytes to hash (reported elsewhere)."""
    receipt = page.receipts.get(message.id)
    deliveries = page.deliveries.get(message.id, [])
    history = page.history.get(message.id, [])
    _examine_envelope(message, findings, is_blank=is_blanked(page, message))
    _examine_renditions(message, page.renditions.get(message.id, []), history, findings)
    _examine_proofs(page.proofs.get(message.id, []), history, message.id, findings)
    if receipt is None:
        findings.add("receipt_missing", message.id)
        return
    _examine_receipt(message, receipt, stored_sha256 or message.sha256, anchors, findings)
    _examine_transfer(message, receipt, deliveries, history, findings)
    _examine_answer(message, receipt, findings)
    _examine_accepted(message, receipt, deliveries, history, findings)


def _examine_receipt(
    message: Message, receipt: Receipt, stored_sha256: str, anchors: TrustStore, findings: Findings
) -> None:
    if hashlib.sha256(receipt.xades).hexdigest() != receipt.sha256:
        findings.add("receipt_digest", message.id, "the receipt's bytes have another digest than its row says")
    report = verify_receipt(
        receipt.xades,
        document_sha256=bytes.fromhex(stored_sha256),
        transfer=receipt.transfer,
        anchors=anchors,
        at=instant(message.accepted_at),
    )
    if report.verdict is not Verdict.PASSED:
        code = "receipt_invalid" if report.verdict is Verdict.FAILED else "receipt_unproven"
        told = "; ".join(f"{check.name}: {check.reason}" for check in report.faults)
        findings.add(code, message.id, told[:500])


def _examine_transfer(
    message: Message,
    receipt: Receipt,
    deliveries: Sequence[Delivery],
    history: Sequence[HistoryRow],
    findings: Findings,
) -> None:
    try:
        sealed = msgspec.json.decode(receipt.transfer, type=dict[str, Any])
        due = _facts_due(message)
    except _UNREADABLE:
        findings.add("row_unreadable", message.id, "its transfer record, caller or findings")
        return
    wrong = [name for name, value in due.items() if sealed.get(name) != value]
    recipients = {
        line.id: {"delivery": line.id, "agency": line.recipient_id, "organ_id": line.recipient_code}
        for line in deliveries
    }
    named = sealed.get("recipients")
    if not isinstance(named, list):
        named = []
    lacking = [item for item in named if item not in recipients.values()]
    added = {key for key, item in recipients.items() if item not in named}
    told, count = _added_later(history)
    if lacking or not told <= added or count != len(added):
        wrong.append(f"recipients ({len(lacking)} lacking, {len(added)} added, {count} of them told)")
    if wrong:
        findings.add("transfer_differs", message.id, ", ".join(wrong))


def _added_later(history: Sequence[HistoryRow]) -> tuple[set[str], int]:
    """Which deliveries were added after acceptance (of very many only some are named), and how many."""
    ids: set[str] = set()
    count = 0
    for row in history:
        if row.kind == Event.DOCUMENT_READDRESSED:
            facts = facts_of(row.leaf)
            named, told = facts.get("deliveries"), facts.get("count")
            ids |= set(map(str, named)) if isinstance(named, list) else set()
            count += told if isinstance(told, int) else 0
    return ids, count


def _facts_due(message: Message) -> dict[str, object]:
    noticed = msgspec.json.decode(message.findings, type=list[dict[str, Any]])
    due: dict[str, object] = {
        "version": drafts.TRANSFER_VERSION,
        "message": message.id,
        "kind": message.kind,
        "document": {"sha256": message.sha256, "size": message.size},
        "sender": {"agency": message.sender_id, "organ_id": message.sender_code},
        "received_at": rfc3339(instant(message.received_at)),
        "accepted_at": rfc3339(instant(message.accepted_at)),
        "caller": msgspec.json.decode(message.caller),
        "findings": [{"rule": item["rule"], "severity": item["severity"]} for item in noticed],
        "directory_version": message.directory_version,
        "trace_id": message.trace_id,
    }
    if message.kind == "document":
        due["document_id"] = message.document_ref
    return due


def _examine_answer(message: Message, receipt: Receipt, findings: Findings) -> None:
    try:
        answer = msgspec.json.decode(receipt.answer, type=dict[str, Any])
    except _UNREADABLE:
        findings.add("answer_differs", message.id, "it is no JSON object")
        return
    due = {"id": message.id, "kind": message.kind, "sha256": message.sha256, "size": message.size}
    wrong = [name for name, value in due.items() if answer.get(name) != value]
    link = answer.get("receipt")
    if not isinstance(link, dict) or link.get("sha256") != receipt.sha256:
        wrong.append("receipt")
    if wrong:
        findings.add("answer_differs", message.id, ", ".join(wrong))


def _examine_accepted(
    message: Message,
    receipt: Receipt,
    deliveries: Sequence[Delivery],
    history: Sequence[HistoryRow],
    findings: Findings,
) -> None:
    accepted = [row for row in history if row.kind == Event.DOCUMENT_ACCEPTED]
    if len(accepted) != 1:
        findings.add("accepted_event", message.id, f"there are {len(accepted)}")
        return
    facts = facts_of(accepted[0].leaf)
    due: dict[str, object] = {
        "kind": message.kind,
        "sha256": message.sha256,
        "size": message.size,
        "receipt": receipt.sha256,
        "sender": message.sender_id,
        "deliveries": len(deliveries) - _added_later(history)[1],
    }
    wrong = [name for name, value in due.items() if facts.get(name) != value]
    if accepted[0].at != message.accepted_at:
        wrong.append("accepted_at")
    if wrong:
        findings.add("accepted_event", message.id, ", ".join(wrong))


def _examine_envelope(message: Message, findings: Findings, *, is_blank: bool) -> None:
    try:
        envelope = msgspec.json.decode(message.envelope, type=Envelope)
    except _UNREADABLE:
        findings.add("row_unreadable", message.id, "its envelope")
        return
    due = columns_of(envelope, message.sender_id)
    if is_blank:  # made of the subject that it had
        del due["content_key"]
    wrong = [name for name, value in due.items() if getattr(message, name) != value]
    if wrong:
        findings.add("message_differs", message.id, ", ".join(wrong))


def _examine_renditions(
    message: Message, renditions: Sequence[Rendition], history: Sequence[HistoryRow], findings: Findings
) -> None:
    kept = [(each.dialect, each.sha256, each.size, each.created_at) for each in renditions]
    told = [(facts_of(row.leaf), row.at) for row in history if row.kind == Event.DOCUMENT_RENDERED]
    # as text, so that a leaf which holds something else can be sorted too
    due = [(facts.get("dialect"), facts.get("sha256"), facts.get("size"), at) for facts, at in told]
    if sorted(map(str, kept)) != sorted(map(str, due)):
        findings.add("rendition_differs", message.id, f"{len(kept)} renditions, {len(due)} events")


def _examine_proofs(
    proofs: Sequence[ReceiverProof], history: Sequence[HistoryRow], message_id: str, findings: Findings
) -> None:
    """Every proof is the file whose digest its act's leaf holds, and every digest of a leaf has its file."""
    told = {str(facts["proof"]) for facts in (facts_of(row.leaf) for row in history) if "proof" in facts}
    kept = {hashlib.sha256(each.file).hexdigest() for each in proofs if each.sha256 in told}
    for each in proofs:
        if hashlib.sha256(each.file).hexdigest() != each.sha256 or each.sha256 not in told:
            findings.add("receiver_proof_differs", each.id, f"it is not what a leaf of {message_id} tells")
    for digest in sorted(told - kept):
        findings.add("receiver_proof_differs", message_id, f"a leaf tells of a proof {digest} that is not there")


def is_own(message: Message) -> bool:
    """Whether the gateway wrote it for itself (`gateway.notices`)."""
    try:
        return bool(msgspec.json.decode(message.caller, type=dict[str, Any]).get("credential") == "gateway")
    except _UNREADABLE:
        return False  # told by the look at the transfer record


def columns_of(envelope: Envelope, sender_id: str) -> dict[str, object]:
    """What the columns of a message with this envelope hold."""
    about = envelope.responses_for[0] if envelope.kind == "status" and envelope.responses_for else None
    number, _, notation = about.code.partition("/") if about else (envelope.code_number, "", envelope.code_notation)
    return {
        "kind": str(envelope.kind),
        "sender_code": envelope.sender.organ_id,
        "business_type": envelope.status_code if envelope.kind == "status" else str(envelope.business.type),
        "document_ref": about.document_id if about else envelope.document_id,
        "code_number": number,
        "code_notation": notation,
        "promulgated_on": envelope.promulgation_date.isoformat() if envelope.promulgation_date else None,
        "subject": envelope.subject,
        "subject_folded": fold(envelope.subject),
        "priority": envelope.priority,
        "content_key": drafts.content_key(envelope, AgencyId(sender_id)),
    }
