"""Everything REST v1 does, as one object: the composition root's answer to `gateway.api.service.Gateway`.

Each method is a call or two into the part that does it; nothing is decided here.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import msgspec

from gateway import views
from gateway.accounts.accounts import Accounts
from gateway.accounts.credentials import Credentials
from gateway.acknowledging import Acknowledging
from gateway.api import models, service
from gateway.api.encryption import EncryptionCertificateOut
from gateway.bundle.receivers import Due
from gateway.clock import VIETNAM, Clock, micros
from gateway.compose import Composer
from gateway.damage import SoundBodies
from gateway.directory.directory import Directory
from gateway.directory.encryption import to_encrypt_to
from gateway.enrolment import IssuedCertificate
from gateway.errors import RefusedError
from gateway.feed import Feed
from gateway.intake import Intake, Room
from gateway.journey import Journey, Submission
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.pages import SentQuery
from gateway.ledger.readings import ReadAct, Reading
from gateway.ledger.reads import Reads
from gateway.ledger.stamps import Times
from gateway.ledger.tree import LogReads
from gateway.mailbox import Asked, Mailbox, envelope_of
from gateway.message_signatures import Presented
from gateway.model import Agency, AgencyId, Caller
from gateway.outbox import Outbox
from gateway.parsing.pool import LARGE_BYTES
from gateway.pushes import Pushes
from gateway.readings import Readings
from gateway.receivers import due_of_answer
from gateway.storage.bodies import Bodies, SpooledBody
from gateway.storage.readers import Readers
from gateway.transparency.tiles import TileId, TilePath

#: A cursor is a number that the database can hold, behind the epoch that gave it.
_CURSOR_DIGITS = 18
#: Seconds until somebody asks again for what is not under a checkpoint yet.
_NEXT_CHECKPOINT = 60


@dataclass(frozen=True, kw_only=True)
class LocalGateway:
    """The facade over the parts of this process."""

    journey: Journey
    composer: Composer
    mailbox: Mailbox
    outbox: Outbox
    feed: Feed
    pushes: Pushes
    acknowledging: Acknowledging
    reads: Reads
    readers: Readers
    log: LogReads
    #: What the institution signed of it.
    by_institution: CheckpointSignatures
    times: Times
    directory: Directory
    accounts: Accounts
    credentials: Credentials
    bodies: Bodies
    sound: SoundBodies
    intake: Intake
    clock: Clock
    readings: Readings

    def room(self, size: int) -> AbstractContextManager[Room]:
        """Disk for `size` bytes, refused before anything is written."""
        return self.intake.room(size)

    async def accept(self, arrival: service.Arrival, body: SpooledBody) -> service.AcceptedAnswer:
        """A raw document or status."""
        return await self._submit(arrival, body)

    async def accept_status(self, arrival: service.Arrival, body: SpooledBody) -> service.AcceptedAnswer:
        """A raw status message."""
        return await self._submit(arrival, body, status_only=True)

    async def accept_parts(
        self, arrival: service.Arrival, metadata: models.NewDocument, files: Sequence[service.SubmittedFile]
    ) -> service.AcceptedAnswer:
        """Metadata and files: built, then accepted like any other bytes."""
        built = await self.composer.document(metadata, files)
        return await self._submit(arrival, built.body, fingerprint=built.fingerprint)

    async def answer(
        self, arrival: service.Arrival, delivery_id: str, status: models.NewStatus, reader: str
    ) -> service.AcceptedAnswer:
        """A status about one inbox item, built for its recipient and accepted like any other."""
        row = await self.mailbox.answerable(arrival.caller, delivery_id, reader)
        built = await self.composer.status(row, status)
        request = arrival.request
        return await self._submit(
            arrival,
            built.body,
            fingerprint=built.fingerprint,
            status_only=True,
            about=row.id,
            answered=due_of_answer(row, request.body or b"" if request else b""),
        )

    async def _submit(
        self,
        arrival: service.Arrival,
        body: SpooledBody,
        *,
        fingerprint: str | None = None,
        status_only: bool = False,
        about: str | None = None,
        answered: Due | None = None,
    ) -> service.AcceptedAnswer:
        submission = Submission(
            caller=arrival.caller,
            body=body,
            trace_id=arrival.trace_id,
            arrived_at=arrival.at,
            idempotency_key=arrival.idempotency_key,
            named=arrival.named,
            fingerprint=fingerprint,
            status_only=status_only,
            about_delivery=about,
            request=arrival.request,
            answered=answered,
        )
        # a large one has a place of its own kind already, and is no reason for small ones to wait
        turn = self.intake.turn(arrival.caller.agency_id) if body.size <= LARGE_BYTES else nullcontext()
        async with turn:
            answer = await self.journey.accept(submission)
        return service.AcceptedAnswer(body=answer.body, replayed=answer.replayed, deliveries=answer.deliveries)

    async def validate(self, caller: Caller, body: SpooledBody) -> models.Validation:
        """What acceptance would find."""
        return await self.journey.validate(caller, body)

    async def documents(self, caller: Caller, query: service.DocumentQuery) -> models.DocumentPage:
        """What the caller's agencies sent, newest first; the cursor is the last id."""
        if query.cursor:
            _check_id(query.cursor)
        rows = await self.reads.sent(
            SentQuery(
                agencies=caller.speaks_for,
                limit=query.limit + 1,
                before=query.cursor or None,
                kind=query.kind or None,
                document_ref=query.document_id or None,
                number=query.number or None,
                notation=query.notation or None,
                state=query.state or None,
                since=_start_of(query.accepted_from) if query.accepted_from else None,
                until=_end_of(query.accepted_to) if query.accepted_to else None,
            )
        )
        page = rows[: query.limit]
        return models.DocumentPage(
            items=[views.document_out(row) for row in page],
            next=page[-1].id if len(rows) > query.limit else None,
        )

    async def document(self, caller: Caller, message_id: str) -> models.DocumentOut:
        """One of them."""
        row = await self.outbox.own(caller, message_id)
        return views.document_out(row, await self.reads.verdict(message_id))

    async def content(self, caller: Caller, message_id: str) -> service.Content:
        """Its bytes."""
        row = await self.outbox.own(caller, message_id)
        await self.sound.refuse_purged(message_id)
        await self._note(caller, ReadAct.DOWNLOADED, message_id, part="content")
        return await self._content(row.sha256, f"{row.code_number}-{row.code_notation}")

    async def _note(
        self, caller: Caller, act: ReadAct, message_id: str, *, delivery_id: str = "", part: str = ""
    ) -> None:
        reading = Reading(
            message_id=message_id,
            delivery_id=delivery_id,
            actor=caller.actor,
            act=act,
            part=part,
            channel=caller.channel,
            at=self.clock.now(),
        )
        await self.readings.record(reading)

    async def _content(self, sha256: str, name: str) -> service.Content:
        body = await self.sound.open(sha256)
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:60] or "document"
        return service.Content(file=body.file, size=body.size, sha256=sha256, name=f"{safe}.edxml")

    async def receipt(self, caller: Caller, message_id: str) -> service.Receipt:
        """Its seal."""
        await self.outbox.readable(caller, message_id)
        found = await self.reads.receipt(message_id)
        if found is None:
            raise RefusedError("not_found")
        return service.Receipt(transfer=found[0], xades=found[1])

    async def proof(self, caller: Caller, message_id: str) -> service.Proof:
        """That its acceptance is in the log."""
        await self.outbox.readable(caller, message_id)
        seq = await self.log.accepted_seq(message_id)
        index = None if seq is None else await self.log.index_of(seq)
        proved = None if index is None else await self.log.proved(index)
        if proved is None:
            raise RefusedError("proof_pending", retry_after=_NEXT_CHECKPOINT)
        await self._note(caller, ReadAct.PROVED, message_id)
        stamps = proved.checkpoint.stamps
        return service.Proof(
            index=proved.index,
            leaf=proved.leaf,
            file=bytes(proved.proof),
            stamp=stamps[0].token if stamps else None,
            times=await self.times.told(proved.index, str(msgspec.json.decode(proved.leaf)["at"])),
        )

    async def log_checkpoint(self) -> bytes | None:
        """What the log signed last."""
        latest = await self.log.latest()
        return None if latest is None else latest.note

    async def log_institution(self) -> tuple[bytes, bytes] | None:
        """What the institution signed last."""
        latest = await self.by_institution.latest()
        return None if latest is None else (latest.note, latest.cms)

    async def log_tile(self, path: TilePath) -> bytes | None:
        """Hashes of a tile of what was signed."""
        return None if path.level is None else await self.log.tile(TileId(path.level, path.index), path.width)

    async def findings(self, caller: Caller, message_id: str) -> list[models.FindingOut]:
        """What the validator noticed."""
        await self.outbox.own(caller, message_id)
        return await self.journey.findings(message_id)

    async def deliveries(self, caller: Caller, message_id: str) -> list[models.DeliveryOut]:
        """One line per recipient."""
        rows = await self.outbox.deliveries(caller, message_id)
        agencies = await self.directory.agencies([row.recipient_id for row in rows])
        return [views.delivery_out(row, agencies) for row in rows]

    async def withdraw(
        self, caller: Caller, message_id: str, withdrawal: models.Withdrawal
    ) -> models.WithdrawalResult:
        """Take it back where it has not left."""
        acted = await self.outbox.withdraw(caller, message_id, withdrawal.recipients, withdrawal.reason)
        return models.WithdrawalResult(
            withdrawn=[views.acted_out(item) for item in acted if item.moved],
            left=[views.acted_out(item) for item in acted if not item.moved],
        )

    async def redeliver(
        self, caller: Caller, message_id: str, redelivery: models.Redelivery
    ) -> list[models.AcceptedDelivery]:
        """A new series of attempts."""
        acted = await self.outbox.redeliver(caller, message_id, redelivery.recipients, redelivery.reason)
        return [views.acted_out(item) for item in acted]

    async def inbox(self, caller: Caller, query: service.InboxQuery) -> models.InboxPage:
        """Unacknowledged items, oldest first."""
        epoch = self.reads.epoch_first()
        asked = Asked(
            limit=query.limit,
            after=_decode_cursor(query.cursor, epoch),
            agency=query.agency,
            wait=query.wait,
            lease=query.lease,
            reader=query.reader,
        )
        found = await self.mailbox.listing(caller, asked)
        senders = await self.directory.agencies({row.sender_id for row in found.items})
        return models.InboxPage(
            items=[views.inbox_item(row, senders) for row in found.items],
            cursor=_encode_cursor(found.cursor, epoch),
            more=found.more,
        )

    async def inbox_detail(self, caller: Caller, delivery_id: str) -> models.InboxDetail:
        """The envelope of one item."""
        row = await self.mailbox.opened(caller, delivery_id)
        senders = await self.directory.agencies([row.sender_id])
        envelope = envelope_of(row)
        return models.InboxDetail(
            item=views.inbox_item(row, senders),
            envelope=views.envelope_out(envelope),
            attachments=[views.attachment_out(delivery_id, item) for item in envelope.attachments],
        )

    async def inbox_content(self, caller: Caller, delivery_id: str, reader: str) -> service.Content:
        """Its bytes, handed out."""
        row = await self.mailbox.hand_out(caller, delivery_id, reader)
        return await self._content(row.sha256, f"{row.code_number}-{row.code_notation}")

    def attachment(
        self, caller: Caller, delivery_id: str, number: int, reader: str
    ) -> AbstractAsyncContextManager[service.Content]:
        """One decoded attachment."""
        return self._attachment(caller, delivery_id, number, reader)

    @asynccontextmanager
    async def _attachment(
        self, caller: Caller, delivery_id: str, number: int, reader: str
    ) -> AsyncIterator[service.Content]:
        async with self.mailbox.attachment(caller, delivery_id, number, reader) as (file, found):
            yield service.Content(
                file=file,
                size=found.size,
                sha256=found.sha256,
                name=found.safe_name,
                content_type=views.media_type(found),
            )

    async def acknowledge(
        self, caller: Caller, delivery_id: str, reader: str, request: Presented | None = None
    ) -> models.Acknowledged:
        """The reader has it."""
        state = await self.mailbox.acknowledge(caller, delivery_id, reader, request)
        return models.Acknowledged(id=delivery_id, state=state.value)

    async def agencies(self, text: str, organ_id: str, limit: int, cursor: str) -> models.AgencyPage:
        """Search the directory."""
        if organ_id:
            found = list((await self.directory.resolve([organ_id], self.clock.now())).values())
        elif text:
            found = await self.directory.search(text, limit=limit + 1, after=AgencyId(cursor) if cursor else None)
        else:
            found = await self.directory.page(limit=limit + 1, after=AgencyId(cursor) if cursor else None)
        page = found[:limit]
        return models.AgencyPage(
            items=[views.agency_out(agency) for agency in page],
            next=page[-1].id if len(found) > limit else None,
        )

    async def agency(self, agency_id: str) -> models.AgencyOut:
        """One agency."""
        found = await self.directory.agencies([AgencyId(agency_id)])
        if not found:
            raise RefusedError("not_found")
        return views.agency_out(next(iter(found.values())))

    async def encryption_certificate(self, code: str) -> EncryptionCertificateOut:
        """To which one encrypts for an agency, by any of its codes or its id."""
        now = self.clock.now()
        known = await self.directory.resolve([code], now)
        agency = known.get(code) or (await self.directory.agencies([AgencyId(code)])).get(AgencyId(code))
        if agency is None:
            raise RefusedError("not_found")
        return views.encryption_out(agency, await to_encrypt_to(self.readers, agency.id, code, now))

    async def channels(self, caller: Caller) -> list[models.ChannelOut]:
        """The channels and whether they are up."""
        waiting = await self.reads.waiting()
        own = {agency.endpoint.id for agency in await self._spoken_for(caller) if agency.endpoint is not None}
        states = await self.directory.endpoint_states()
        # What waits for others is their business.
        return [
            views.channel_out(state, waiting.get(state.endpoint.id, 0) if state.endpoint.id in own else 0)
            for state in states
        ]

    async def _spoken_for(self, caller: Caller) -> list[Agency]:
        return list((await self.directory.agencies(caller.speaks_for)).values())

    async def daily_quota(self, caller: Caller) -> int:
        """Bytes x recipients a day of the caller's agency."""
        found = await self.directory.agencies([caller.agency_id])
        return self.intake.quota_of(found[caller.agency_id])

    def events(self, caller: Caller, since: int | None) -> AsyncGenerator[models.EventOut, None]:
        """Events that concern the caller."""
        return self.feed.events(caller, since)

    async def enrol(self, request: models.EnrolmentRequest, address: str) -> models.Certificate:
        """Certify a system's first key."""
        label = request.label or address
        issued = await self.accounts.enrol(request.code, request.signing_request.encode(), label, self.clock.now())
        return await self._certificate(issued)

    async def pushed(self, caller: Caller, since: int, limit: int) -> models.PushedPage:
        """What the caller's webhooks confirmed."""
        return await self.pushes.page(caller, since, limit)

    async def pushed_content(self, caller: Caller, delivery_id: str) -> service.Content:
        """The bytes of one of them."""
        found = await self.pushes.content(caller, delivery_id)
        await self.sound.refuse_purged(found.message_id)
        await self._note(caller, ReadAct.DOWNLOADED, found.message_id, delivery_id=delivery_id, part="content")
        return await self._content(found.sha256, found.name)

    async def replay(self, caller: Caller, request: models.ReplayRequest) -> models.Replays:
        """Push some of it again."""
        return await self.pushes.replay(caller, request)

    async def alert(self, token: str) -> bool:
        """Whether it was acknowledged before."""
        return await self.acknowledging.is_done(token)

    async def acknowledge_alert(self, token: str) -> bool:
        """Nobody else is called; whether that was new."""
        return await self.acknowledging.acknowledge(token)

    async def renew(self, caller: Caller, request: models.RenewalRequest) -> models.Certificate:
        """Certify its next key."""
        issued = await self.accounts.renew(caller, request.signing_request.encode(), self.clock.now())
        return await self._certificate(issued)

    async def _certificate(self, issued: IssuedCertificate) -> models.Certificate:
        credential = await self.credentials.find(issued.fingerprint)
        assert credential is not None, "the credential was recorded with the certificate"
        found = await self.directory.agencies([credential.agency_id])
        return models.Certificate(
            certificate=issued.pem,
            chain=issued.chain_pem,
            fingerprint=issued.fingerprint,
            not_after=issued.not_after,
            organ_id=found[credential.agency_id].organ_id,
        )


def _start_of(day: date) -> int:
    return micros(datetime.combine(day, time(), VIETNAM))


def _end_of(day: date) -> int | None:
    """The beginning of the day after; None: there is none."""
    return None if day == date.max else _start_of(day + timedelta(days=1))


def _check_id(cursor: str) -> None:
    try:
        UUID(cursor)
    except ValueError as error:
        raise RefusedError("parameter_invalid", "cursor: not one of ours") from error


def _encode_cursor(seq: int, epoch: int) -> str:
    text = f"e{epoch}i{seq}" if epoch else f"i{seq}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, epoch: int) -> int:
    """One of another epoch pages from the start: since a restore its number stands for something else."""
    if not cursor:
        return 0
    with suppress(ValueError):
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        given, mark, seq = text.partition("i")
        if mark and seq.isdecimal() and len(seq) < _CURSOR_DIGITS and _is_epoch(given):
            return int(seq) if given == (f"e{epoch}" if epoch else "") else 0
    raise RefusedError("parameter_invalid", "cursor: not one of ours")


def _is_epoch(text: str) -> bool:
    return not text or (text.startswith("e") and text[1:].isdecimal() and len(text) <= _CURSOR_DIGITS)
