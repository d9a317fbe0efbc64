"""Builds edXML for callers that send parts: a document from metadata and files, a status for an inbox item.

What is built goes through the same acceptance as bytes from outside. A status is built in the name of the
office whose authenticated system asked for it, with the sender's code in the very form the sender used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from gateway import drafts
from gateway.api import models
from gateway.api.service import SubmittedFile
from gateway.clock import VIETNAM, Clock
from gateway.directory.directory import Directory
from gateway.edxml.builder import AttachmentSource, build_status, write_document
from gateway.edxml.codes import BUSINESS_TYPES
from gateway.edxml.envelope import (
    Business,
    BusinessType,
    Dialect,
    Envelope,
    MessageKind,
    Party,
    Replacement,
    ResponseFor,
    StaffInfo,
    TraceHeader,
)
from gateway.edxml.profiles import Profile
from gateway.errors import RefusedError
from gateway.ledger.reads import InboxRow
from gateway.model import Agency
from gateway.storage.bodies import Bodies, SpooledBody
from gateway.storage.body_file import ScratchFile

#: Closed agencies, one succeeded by the next.
_MOST_HEIRS = 20
_PROFILE = Profile(dialect=Dialect.A)


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """Bytes in the spool, and the request they stand for."""

    body: SpooledBody
    fingerprint: str


class Composer:
    """Builds messages into the spool."""

    def __init__(self, *, bodies: Bodies, directory: Directory, clock: Clock) -> None:
        self._bodies, self._directory, self._clock = bodies, directory, clock

    async def document(
        self, metadata: models.NewDocument, files: Sequence[SubmittedFile], *, at: datetime | None = None
    ) -> Built:
        """A document in dialect A; with an instant of its own, the same parts give the same bytes."""
        now = self._clock.now()
        known = await self._directory.resolve([metadata.sender, *metadata.recipients], now)
        sender = known.get(metadata.sender)
        if sender is None:
            raise RefusedError("sender_unknown", metadata.sender)
        envelope = _envelope(metadata, known, at or now)
        sources = [_source(item, number if at else 0) for number, item in enumerate(files, 1)]
        with self._bodies.scratch() as target:
            await self._bodies.run(lambda: _write(target, envelope, sources))
            body = await self._bodies.spool_file(target)
        fingerprint = drafts.fingerprint_of_parts(
            sender.id, metadata, [(item.name, item.body.sha256) for item in files]
        )
        return Built(body=body, fingerprint=fingerprint)

    async def status(self, row: InboxRow, status: models.NewStatus) -> Built:
        """A status about one inbox item, from the office that holds it."""
        now = self._clock.now()
        agencies = await self._directory.agencies([row.recipient_id])
        code, office = await self._answering(row.recipient_code, agencies.get(row.recipient_id), now)
        original = msgspec.json.decode(row.envelope, type=Envelope)
        envelope = Envelope(
            kind=MessageKind.STATUS,
            dialect=Dialect.A,
            sender=_party(code, office),
            responses_for=(_about(row, original),),
            staff=StaffInfo(department=status.department, staff=status.staff),
            status_code="15" if status.code == "14" else status.code.zfill(2),
            status_description=status.description,
            status_at=(status.reported_at or now).astimezone(VIETNAM),
        )
        async with self._bodies.open_spool() as spool:
            await spool.write(build_status(envelope, _PROFILE))
            body = await spool.finish()
        return Built(body=body, fingerprint=drafts.fingerprint_of_answer(row.id, status))

    async def _answering(self, written: str, office: Agency | None, now: datetime) -> tuple[str, Agency | None]:
        """Who answers, under the code that the sender used; where it was closed since, its heir under its own."""
        for _ in range(_MOST_HEIRS):
            if office is None or office.closed_at is None or office.closed_at > now or office.successor_id is None:
                break
            heirs = await self._directory.agencies([office.successor_id])
            office = heirs.get(office.successor_id)
            written = office.organ_id if office is not None else written
        return written, office


def _about(row: InboxRow, original: Envelope) -> ResponseFor:
    """What a status refers to: the item's document, or what a take-back (itself a status) is about."""
    if original.kind is MessageKind.STATUS and original.responses_for:
        return replace(original.responses_for[0], organ_id=row.sender_code)
    return ResponseFor(
        organ_id=row.sender_code,
        code=original.code,
        promulgation_date=original.promulgation_date,
        promulgation_date_text=original.promulgation_date_text,
        document_id=original.document_id,
    )


def _write(target: ScratchFile, envelope: Envelope, sources: Sequence[AttachmentSource]) -> None:
    with target.create() as out:
        write_document(out, envelope, sources, _PROFILE, scratch=target.path.parent)


def _source(item: SubmittedFile, number: int) -> AttachmentSource:
    return AttachmentSource(
        name=item.name,
        content_type=item.content_type or "application/octet-stream",
        description=item.name,
        open=item.body.open,
        content_id=f"{number}.{item.body.sha256[:32]}" if number else "",
    )


def _party(code: str, agency: Agency | None) -> Party:
    name = agency.name if agency else ""
    return Party(organ_id=code, organization_in_charge=name, organ_name=name)


def _envelope(metadata: models.NewDocument, known: dict[str, Agency], now: datetime) -> Envelope:
    day = metadata.promulgation_date.strftime("%Y/%m/%d")
    code = f"{metadata.code_number}/{metadata.code_notation}"
    business = BusinessType(metadata.business_type)
    return Envelope(
        kind=MessageKind.DOCUMENT,
        dialect=Dialect.A,
        sender=_party(metadata.sender, known.get(metadata.sender)),
        recipients=tuple(_party(item, known.get(item)) for item in dict.fromkeys(metadata.recipients)),
        document_id=metadata.document_id or f"{metadata.sender},{day},{code}",
        code_number=metadata.code_number,
        code_notation=metadata.code_notation,
        place=metadata.place,
        promulgation_date=metadata.promulgation_date,
        doc_type=str(metadata.type),
        doc_type_detail="0",
        doc_type_name=metadata.type_name,
        subject=metadata.subject,
        content=metadata.content or metadata.subject,
        competence=metadata.signer_competence,
        position=metadata.signer_position,
        signer=metadata.signer,
        due_date=metadata.due_date,
        to_places=tuple(metadata.to_places),
        priority=metadata.priority,
        steering_type=metadata.steering_type,
        responses_for=tuple(_response_for(item) for item in metadata.responses_for),
        business=Business(
            type=business,
            type_text=metadata.business_type,
            reason=metadata.business_reason or BUSINESS_TYPES[business].usual_reason,
            document_id=metadata.updates_document_id,
            document_changed=business is BusinessType.UPDATE,
            replacements=tuple(
                Replacement(document_id=item.document_id, organ_ids=tuple(item.organ_ids))
                for item in metadata.replaces
            ),
            staff=StaffInfo(department=metadata.department, staff=metadata.staff),
        ),
        traces=(TraceHeader(organ_id=metadata.sender, timestamp=now.astimezone(VIETNAM)),),
    )


def _response_for(item: models.NewResponseFor) -> ResponseFor:
    return ResponseFor(
        organ_id=item.organ_id,
        code=item.code,
        promulgation_date=item.promulgation_date,
        document_id=item.document_id,
    )
