"""The journey of a message, as code: `accept` is steps 2 to 6, each line one call into one module.

    1 receive       api/ has spooled the body and hashed it while reading
    2 authenticate  may this caller speak for From/OrganId?
    3 validate      edXML of any dialect -> Envelope, in a process that holds no key
    4 route         recipients -> deliveries and dispatches (pure)
    5 seal          XAdES over the exact bytes and the transfer record
    6 record        one transaction; the body is synced before it        --> 202 and receipt
    7 checks        maintenance/checker.py examines signatures; what a recipient's policy holds waits for it
    8               worker.py and deliver.py carry what is due
    9 status back   a status message is accepted like a document and moves the lines it is about

Guarantees: the answer is given after body and rows are synced; the same request gives the same answer, byte for
byte. What is refused leaves nothing behind. What it does NOT do: deliver, retry, or speak for anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from gateway import drafts
from gateway.addressing import Addressing, Plan
from gateway.api import models
from gateway.authenticate import permit
from gateway.bundle.receivers import Due
from gateway.clock import Clock
from gateway.directory.directory import Directory
from gateway.drafts import Checked
from gateway.edxml.envelope import Envelope, Finding, MessageKind, ParseReport
from gateway.errors import BodyDamagedError, RefusedError
from gateway.events import Event
from gateway.failpoints import failpoint
from gateway.ids import uuid7
from gateway.intake import Intake
from gateway.ledger.entries import NewEntry
from gateway.ledger.history import EventRow, RecordEvents
from gateway.ledger.reads import Reads
from gateway.ledger.receiver_proofs import ProofRow
from gateway.ledger.record import RecordMessage
from gateway.ledger.rows import IdempotencyRow, Imported, NewMessage, ReceiptRow
from gateway.message_signatures import Presented
from gateway.model import Agency, Caller
from gateway.observe import Metrics
from gateway.openable import Openable, Openness
from gateway.reasons import is_temporary
from gateway.receivers import Receivers, may_be_signed
from gateway.route import is_hosted
from gateway.seal.profile import DOCUMENT_TYPE
from gateway.signatures.document import is_evidently_unsigned
from gateway.signatures.policy import Policies
from gateway.signing import SealingKey
from gateway.storage.bodies import Bodies, SpooledBody
from gateway.storage.pump import Pump


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """One request to accept something."""

    caller: Caller
    body: SpooledBody
    trace_id: str
    arrived_at: datetime
    idempotency_key: str | None = None
    #: Recipients named beside the document; it goes to its own, and a finding tells where these are others.
    named: tuple[str, ...] = ()
    #: Set where the request was not these bytes: they were built from its parts.
    fingerprint: str | None = None
    #: Only a status message will do.
    status_only: bool = False
    #: The inbox item that a reader answered, or the delivery that a notice of ours is about.
    about_delivery: str | None = None
    #: The gateway itself tells a sender of its own outcome: a status that moves nothing.
    is_notice: bool = False
    #: Another system handled it before: an operator speaks for its sender.
    imported: Imported | None = None
    #: What the parser said of these very bytes a moment ago.
    report: ParseReport | None = None
    #: The request itself, where it brought signatures.
    request: Presented | None = None
    #: What a signed answer to an inbox item must be about; None: these bytes.
    answered: Due | None = None
    #: The line of the clerk's register that is written in the same transaction.
    entry: NewEntry | None = None
    #: A status that is refused where one of 02 to 06 was reported before it.
    is_first: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What acceptance would come to."""

    #: None where it cannot be read.
    envelope: Envelope | None
    findings: tuple[Finding, ...]
    #: Reason code and detail of what would stop it; "" where nothing would.
    refusal: str = ""
    detail: str = ""
    #: Reason code of a status that would wait for a person.
    parked: str = ""
    #: The message that these bytes became before.
    known: str = ""
    report: ParseReport | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The 202's body, and whether it repeats an earlier one."""

    body: bytes
    replayed: bool
    message_id: str
    #: That this answer, unlike a repeated one, made.
    deliveries: int = 0


class Journey:
    """Accepts messages."""

    def __init__(
        self,
        *,
        parse: Callable[[SpooledBody, str, str], Awaitable[ParseReport]],
        directory: Directory,
        reads: Reads,
        bodies: Bodies,
        pump: Pump,
        key: SealingKey,
        intake: Intake,
        addressing: Addressing,
        clock: Clock,
        gateway_organ_id: str,
        idempotency_days: int,
        committed: Callable[[Plan], None],
        policies: Policies,
        receivers: Receivers,
        openable: Openable,
        metrics: Metrics,
    ) -> None:
        self._parse, self._directory, self._reads, self._bodies = parse, directory, reads, bodies
        self._pump, self._intake, self._addressing = pump, intake, addressing
        self._key, self._clock, self._organ_id = key, clock, gateway_organ_id
        self._keep_keys = timedelta(days=idempotency_days)
        self._committed, self._policies, self._receivers = committed, policies, receivers
        self._openable = openable
        self._seconds = {
            step: metrics.step_seconds.labels(step) for step in ("validate", "route", "seal", "commit")
        }
        self._record, self._events = RecordMessage(), RecordEvents()

    async def accept(self, submission: Submission) -> Answer:
        """Steps 2 to 6; the answer of an earlier acceptance where the request is the same."""
        with self._seconds["validate"].time():
            envelope, findings, unsigned = await self._validated(submission)
        sender = await self._sender(envelope)
        own = await self._brought_back(submission, envelope, sender)
        if own is not None:
            return own
        await self._permit(submission, sender)
        if submission.imported is None and not _may_send(submission.caller, envelope, sender):
            raise RefusedError("sender_served_elsewhere", sender.organ_id)
        fingerprint = submission.fingerprint or drafts.fingerprint_of_bytes(sender.id, submission.body.sha256)
        known = await self._answered_before(submission, fingerprint)
        if known is not None:
            await self._make_whole(submission)
            return known
        checked = self._checked(submission, envelope, findings, sender, fingerprint, unsigned=unsigned)
        proof = await self._proof(submission, checked)
        with self._seconds["route"].time():
            plan = await self._plan(submission, checked)
            opened = await self._opened(submission, checked, plan)
        # work that another system did already counts against nobody's day
        cost = 0 if submission.imported else checked.size * max(1, len(plan.deliveries))
        day = await self._intake.reserve(sender, cost, checked.accepted_at)
        try:
            async with self._bodies.claims.claimed(checked.sha256):
                with self._seconds["seal"].time():
                    checked = drafts.with_findings(checked, (*plan.findings, *opened.findings), opened.facts)
                    new = await self._sealed(submission, checked, plan, cost, day, proof)
                with self._seconds["commit"].time():
                    failpoint("accept.record.before")
                    recorded = await self._pump.submit(self._record, new)
                    failpoint("accept.record.after")
        except Exception:  # a cancelled commit may yet succeed, so its cost stays counted
            self._intake.give_back(sender, day, cost)
            raise
        if recorded.replayed:
            self._intake.give_back(sender, day, cost)
            if await self._comes_anew(submission, recorded.message_id):
                return await self._again(submission, drafts.fingerprint_anew(fingerprint, recorded.message_id))
            return await self._stored(recorded.message_id)
        self._committed(plan)
        made = len(plan.deliveries)
        return Answer(body=new.receipt.answer, replayed=False, message_id=checked.id, deliveries=made)

    async def _comes_anew(self, submission: Submission, message_id: str) -> bool:
        """Whether a sender sends again what was destroyed here; what a relay brings again is the same as before."""
        is_own = submission.caller.relay_endpoint_id is None and submission.imported is None
        return is_own and await self._reads.is_purged(message_id)

    async def _again(self, submission: Submission, fingerprint: str) -> Answer:
        """Accept it as another request; what was kept a moment ago is its body."""
        kept = await self._bodies.open(submission.body.sha256)
        body = await self._bodies.spool_file(kept.file)
        try:
            anew = replace(submission, body=body, fingerprint=fingerprint, idempotency_key=None)
            return await self.accept(anew)
        finally:
            await self._bodies.discard(body)

    async def _make_whole(self, submission: Submission) -> None:
        """The same answer promises the same again: bytes damaged meanwhile are replaced by those that came.

        What was destroyed by order stays so.
        """
        if submission.fingerprint is not None or await self._reads.is_destroyed(submission.body.sha256):
            return
        try:
            await self._bodies.open_sound(submission.body.sha256)
        except BodyDamagedError:
            await self._bodies.keep(submission.body)

    async def _validated(self, submission: Submission) -> tuple[Envelope, tuple[Finding, ...], bool]:
        """The message, what was noticed, and whether it is evident that nobody signed it."""
        report = submission.report
        if report is None:
            report = await self._parse(submission.body, "full", submission.caller.agency_id)
        if report.envelope is None or report.refusal:
            raise RefusedError(report.refusal, report.detail, findings=report.findings)
        if submission.status_only and report.envelope.kind is not MessageKind.STATUS:
            raise RefusedError("edxml_invalid", "a status message is expected here", findings=report.findings)
        findings = (*report.findings, *drafts.named_otherwise(submission.named, report.envelope))
        return report.envelope, findings, is_evidently_unsigned(report)

    async def _sender(self, envelope: Envelope) -> Agency:
        code = envelope.sender.organ_id
        known = await self._directory.resolve([code], self._clock.now())
        if code not in known:
            raise RefusedError("sender_unknown", code)
        sender = known[code]
        if sender.closed_at is not None:
            raise RefusedError("sender_closed", code)
        return sender

    async def _permit(self, submission: Submission, sender: Agency) -> None:
        if submission.imported is None or submission.imported.direction == "received":
            permit(submission.caller, sender, hosted=await self._is_ours(submission.caller, sender))
        elif not is_hosted(sender):
            raise RefusedError(
                "sender_not_permitted", f"{sender.organ_id} is not served here: it is no work of ours"
            )

    async def _plan(self, submission: Submission, checked: Checked) -> Plan:
        sent = submission.imported is not None and submission.imported.direction == "sent"
        return await self._addressing.plan(
            checked,
            about_delivery=submission.about_delivery,
            is_notice=submission.is_notice,
            whoever_serves=sent,
            partly=sent,
        )

    async def _opened(self, submission: Submission, checked: Checked, plan: Plan) -> Openness:
        """For whom it is encrypted; RefusedError where a recipient could not open it and would not have it."""
        given = submission.caller.relay_endpoint_id is None and submission.imported is None
        return await self._openable.judged(
            checked.envelope, plan.deliveries, checked.sender.id, checked.accepted_at, may_refuse=given
        )

    async def _is_ours(self, caller: Caller, sender: Agency) -> bool:
        """Whether only its own systems speak for it; what it sends by another system, a relay brings."""
        return sender.served_by == "gateway" and await self._lives_here(caller, sender)

    async def _lives_here(self, caller: Caller, sender: Agency) -> bool:
        """Whether a relay may not speak for the sender: we host it, it is ourselves, or it connects here."""
        if is_hosted(sender):
            return True
        if caller.relay_endpoint_id is None or sender.endpoint is not None:
            return False
        now = self._clock.now()
        ourselves = (await self._directory.resolve([self._organ_id], now)).get(self._organ_id)
        if ourselves is not None and ourselves.id == sender.id:
            return True
        return await self._reads.connects_here(await self._directory.agents_of(sender.id, now))

    async def _brought_back(self, submission: Submission, envelope: Envelope, sender: Agency) -> Answer | None:
        """A relay that brings a document of ours: linked, acknowledged, not delivered again."""
        if submission.caller.relay_endpoint_id is None or not is_hosted(sender):
            return None
        original = await self._reads.own_copy(
            submission.body.sha256,
            envelope.document_id,
            sender.id,
            str(envelope.business.type),
            relay=submission.caller.relay_endpoint_id,
        )
        if original is None:
            return None
        returned = EventRow(
            kind=Event.DOCUMENT_LINKED,
            at=self._clock.now(),
            actor=submission.caller.actor,
            facts={"returned": True, "sha256": submission.body.sha256},
            message_id=original,
        )
        await self._pump.submit(self._events, returned)
        return await self._stored(original)

    async def _answered_before(self, submission: Submission, fingerprint: str) -> Answer | None:
        if submission.idempotency_key is None:
            return None  # the recording transaction finds a repeated fingerprint by itself
        found = await self._reads.idempotent_answer(submission.caller.agency_id, submission.idempotency_key)
        if found is None:
            return None
        if found[0] != fingerprint:
            raise RefusedError("idempotency_key_reused")
        return Answer(body=found[1], replayed=True, message_id="")

    async def _stored(self, message_id: str) -> Answer:
        found = await self._reads.receipt(message_id)
        assert found is not None, "a message has its receipt from the same transaction"
        return Answer(body=found[2], replayed=True, message_id=message_id)

    def _checked(
        self,
        submission: Submission,
        envelope: Envelope,
        findings: tuple[Finding, ...],
        sender: Agency,
        fingerprint: str,
        *,
        unsigned: bool = False,
    ) -> Checked:
        return Checked(
            id=uuid7(),
            envelope=envelope,
            findings=findings,
            sha256=submission.body.sha256,
            size=submission.body.size,
            sender=sender,
            caller=submission.caller,
            fingerprint=fingerprint,
            trace_id=submission.trace_id,
            received_at=submission.arrived_at,
            accepted_at=self._clock.now(),
            arrived_by=submission.caller.relay_endpoint_id,
            directory_version=self._directory.version,
            unsigned=unsigned,
        )

    async def _sealed(
        self, submission: Submission, checked: Checked, plan: Plan, cost: int, day: str, proof: ProofRow | None
    ) -> NewMessage:
        """Sign and sync the body, both in processes of their own; then every row is known."""
        transfer = drafts.transfer_record(checked, plan.deliveries, gateway_organ_id=self._organ_id)
        failpoint("seal.sign.before")
        sealing = self._key.begin(
            document_sha256=bytes.fromhex(checked.sha256),
            document_type=checked.envelope.media_type or DOCUMENT_TYPE,
            transfer=transfer,
            signed_at=checked.accepted_at,
        )
        try:
            await self._bodies.keep(submission.body)
        except BaseException:
            sealing.cancel()
            raise
        xades = await sealing.receipt()
        failpoint("seal.sign.after")
        row = drafts.message_row(checked, original_id=plan.original_id)
        linked, conflicts = self._twins(checked, row.content_key)
        receipt_sha256 = hashlib.sha256(xades).hexdigest()
        answer = drafts.answer(
            checked, plan.deliveries, receipt_sha256=receipt_sha256, duplicate_of=linked or conflicts
        )
        return NewMessage(
            message=row,
            receipt=ReceiptRow(transfer=transfer, xades=xades, sha256=receipt_sha256, answer=answer),
            dispatches=plan.dispatches,
            deliveries=plan.deliveries,
            actor=checked.actor,
            idempotency=self._idempotency(submission, checked),
            usage_bytes=cost,
            usage_agency_id=checked.sender.id,
            usage_day=day,
            linked_to=linked,
            conflicts_with=conflicts,
            statuses=plan.statuses,
            requests=plan.requests,
            imported=submission.imported,
            proof=proof,
            entry=submission.entry,
            is_first=submission.is_first,
            checks=self._checks(submission, checked, plan),
            unsigned=checked.unsigned,
        )

    async def _proof(self, submission: Submission, checked: Checked) -> ProofRow | None:
        """How a reporter's word is proved; our own word, and that of another system's files, is not one."""
        is_status = checked.envelope.kind is MessageKind.STATUS
        if not is_status or submission.is_notice or submission.imported is not None:
            return None
        due = submission.answered or Due(act="status", delivery="", document="", body=checked.sha256)
        return await self._receivers.reported(
            submission.caller, checked.sender, due, checked.id, submission.request, checked.accepted_at
        )

    def _checks(self, submission: Submission, checked: Checked, plan: Plan) -> Mapping[str, str] | None:
        """Which deliveries wait for a look at the signatures (step 7); what went out elsewhere is not looked at."""
        if submission.imported is not None and submission.imported.direction == "sent":
            return None
        if checked.envelope.kind is not MessageKind.DOCUMENT:  # a signed status is evidence; nothing waits for it
            return {} if not submission.is_notice and may_be_signed(submission.body.content) else None
        return self._policies.waiting((item.id, item.recipient_code) for item in plan.deliveries)

    def _idempotency(self, submission: Submission, checked: Checked) -> IdempotencyRow | None:
        if submission.idempotency_key is None:
            return None
        return IdempotencyRow(
            agency_id=submission.caller.agency_id,
            key=submission.idempotency_key,
            expires_at=checked.accepted_at + self._keep_keys,
        )

    def _twins(self, checked: Checked, content_key: str) -> tuple[str | None, str | None]:
        """An earlier document with the same business key: (same content, other content)."""
        envelope = checked.envelope
        if envelope.kind is MessageKind.STATUS or not envelope.document_id:
            return None, None
        earlier = self._reads.same_business(envelope.document_id, checked.sender.id, str(envelope.business.type))
        same = next((item[0] for item in earlier if item[1] == content_key), None)
        return (same, None) if same else (None, earlier[0][0] if earlier else None)

    async def judge(self, submission: Submission, *, whoever_serves: bool = False) -> Judged:
        """Steps 2 to 4 without a trace; a temporary trouble of ours raises."""
        report = await self._parse(submission.body, "full", submission.caller.agency_id)
        envelope, findings = report.envelope, report.findings
        if envelope is None or report.refusal:
            return Judged(envelope=envelope, findings=findings, refusal=report.refusal, detail=report.detail)
        known = ""
        try:
            sender = await self._sender(envelope)
            fingerprint = drafts.fingerprint_of_bytes(sender.id, submission.body.sha256)
            known = await self._reads.message_of_fingerprint(fingerprint)
            await self._permit(submission, sender)
            checked = self._checked(submission, envelope, findings, sender, fingerprint)
            if whoever_serves:
                plan = await self._addressing.plan(checked, whoever_serves=True)
            else:
                plan = await self._plan(submission, checked)
            opened = await self._opened(submission, checked, plan)
        except RefusedError as error:
            if is_temporary(error.code):
                raise
            return Judged(
                envelope=envelope, findings=findings, refusal=error.code, detail=error.detail, known=known
            )
        parked = next((effect.parked for effect in plan.statuses if effect.parked), "")
        findings = (*findings, *plan.findings, *opened.findings)
        return Judged(envelope=envelope, findings=findings, parked=parked, known=known, report=report)

    async def validate(self, caller: Caller, body: SpooledBody) -> models.Validation:
        """What acceptance would find; nothing is stored."""
        report = await self._parse(body, "full", caller.agency_id)
        envelope, refusal = report.envelope, report.refusal
        if envelope is not None and not refusal:
            try:
                sender = await self._sender(envelope)
                permit(caller, sender, hosted=await self._is_ours(caller, sender))
                if not _may_send(caller, envelope, sender):
                    raise RefusedError("sender_served_elsewhere")  # noqa: TRY301  # told like the others
            except RefusedError as error:
                refusal = error.code
        return models.Validation(
            ok=not refusal,
            reason=refusal,
            kind=str(envelope.kind) if envelope else "",
            dialect=str(envelope.dialect) if envelope else "",
            document_id=envelope.document_id if envelope else "",
            subject=envelope.subject if envelope else "",
            findings=[drafts.finding_out(item) for item in report.findings],
        )

    async def findings(self, message_id: str) -> list[models.FindingOut]:
        """What the validator noticed when the message was accepted."""
        row = await self._reads.summary(message_id)
        stored = msgspec.json.decode(row[11], type=tuple[Finding, ...]) if row else ()
        return [drafts.finding_out(item) for item in stored]


def _may_send(caller: Caller, envelope: Envelope, sender: Agency) -> bool:
    """Whether documents of this sender go by us; its statuses answer what came by us, so they always do."""
    return (
        sender.served_by == "gateway" or envelope.kind is MessageKind.STATUS or caller.relay_endpoint_id is not None
    )
