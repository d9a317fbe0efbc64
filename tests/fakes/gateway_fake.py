"""A gateway in memory for tests of the HTTP side: it keeps the promises of `gateway.api.service`, no more.

Any body that begins with `<` is a document from the caller's agency, SENDER or RECIPIENT, to the other of the
two, whose only attachment is the body itself; `<status` begins a status message. Rights, replays, leases,
withdrawal and events behave as the facade says, which `tests/journeys/test_service_port.py` asks of the real
gateway too; `failures` makes the next call of a method raise.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from gateway.api import models
from gateway.api.service import (
    AcceptedAnswer,
    Arrival,
    Content,
    DocumentQuery,
    InboxQuery,
    Proof,
    Readiness,
    Receipt,
    SubmittedFile,
)
from gateway.edxml.envelope import Finding, Severity
from gateway.errors import RefusedError
from gateway.ids import uuid7
from gateway.message_signatures import Presented
from gateway.model import AgencyId, Caller
from gateway.storage.bodies import SpooledBody
from gateway.storage.body_file import BodyFile
from gateway.storage.body_format import HEADER
from tests.fakes.bodies import bytes_of
from tests.fakes.directory_fake import FakePublished
from tests.fakes.gateway_shapes import (
    NOW,
    ORGAN_IDS,
    RECIPIENT,
    SENDER,
    agency_shape,
    certificate_shape,
    delivery_shape,
    document_shape,
)
from tests.fakes.log_fake import FakeLog
from tests.fakes.pushes_fake import FakePushes
from tests.fakes.room_fake import FakeRoom


@dataclass(frozen=True, kw_only=True)
class EventSeen:
    """An event and whom it concerns."""

    out: models.EventOut
    concerns: frozenset[AgencyId]


_FINDING = Finding(rule="EDX-XML-01", severity=Severity.ERROR, vi="Không phải XML.", en="Not XML.")


@dataclass(kw_only=True)
class _Message:
    out: models.DocumentOut
    sender: AgencyId
    recipient: AgencyId
    path: Path
    answer: bytes
    delivery: models.DeliveryOut
    status_code: str = ""
    fetched: bool = False
    leased_by: str = ""
    leased_until: datetime | None = None


@dataclass(kw_only=True)
class FakeGateway(FakePushes, FakeLog, FakePublished):
    """`gateway.api.service.Gateway`."""

    folder: Path
    #: method -> what its next call raises.
    failures: dict[str, Exception] = field(default_factory=dict)
    messages: list[_Message] = field(default_factory=list)
    seen: list[EventSeen] = field(default_factory=list)
    #: (agency, Idempotency-Key) -> digest.
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    #: (agency, digest) -> the answer given.
    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    rooms: list[FakeRoom] = field(default_factory=list)
    #: What arrived last, for tests to look at.
    arrivals: list[Arrival] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    #: Set whenever somebody begins to wait.
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    now: datetime = NOW
    #: What the last acknowledgement brought.
    presented: Presented | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def room(self, size: int) -> Iterator[FakeRoom]:
        self._fail("room")
        room = FakeRoom(size=size)
        self.rooms.append(room)
        try:
            yield room
        finally:
            self.rooms.remove(room)

    @property
    def reserved(self) -> list[int]:
        """What uploads under way may need."""
        return [room.size for room in self.rooms]

    async def accept(self, arrival: Arrival, body: SpooledBody) -> AcceptedAnswer:
        self._fail("accept")
        return self._record(arrival, bytes_of(body))

    async def accept_status(self, arrival: Arrival, body: SpooledBody) -> AcceptedAnswer:
        self._fail("accept_status")
        data = bytes_of(body)
        if data.startswith(b"<") and not data.startswith(b"<status"):
            raise RefusedError("edxml_invalid", "a status message is expected here")
        return self._record(arrival, data)

    async def accept_parts(
        self, arrival: Arrival, metadata: models.NewDocument, files: Sequence[SubmittedFile]
    ) -> AcceptedAnswer:
        self._fail("accept_parts")
        self.files = [(file.name, file.content_type, bytes_of(file.body)) for file in files]
        for file in files:
            assert file.body.sha256 == hashlib.sha256(bytes_of(file.body)).hexdigest()
        return self._record(arrival, b"<built>" + msgspec.json.encode(metadata) + b"</built>")

    async def validate(self, caller: Caller, body: SpooledBody) -> models.Validation:
        self._fail("validate")
        good = bytes_of(body).startswith(b"<")
        return models.Validation(
            ok=good,
            reason="" if good else "xml_not_wellformed",
            kind="document" if good else "",
            dialect="A" if good else "",
            document_id="",
            subject="",
            findings=[],
        )

    async def documents(self, caller: Caller, query: DocumentQuery) -> models.DocumentPage:
        self._fail("documents")
        mine = [message.out for message in reversed(self.messages) if message.sender in caller.speaks_for]
        wanted = [
            out
            for out in mine
            if (not query.number or out.number == query.number)
            and (not query.notation or out.notation == query.notation)
            and (not query.document_id or out.document_id == query.document_id)
            and (not query.kind or out.kind == query.kind)
            and (not query.state or query.state in out.states)
            and (query.accepted_from is None or out.accepted_at.date() >= query.accepted_from)
            and (query.accepted_to is None or out.accepted_at.date() <= query.accepted_to)
        ]
        start = self._cursor(query.cursor)
        page = wanted[start : start + query.limit]
        more = start + query.limit < len(wanted)
        return models.DocumentPage(items=page, next=str(start + query.limit) if more else None)

    async def document(self, caller: Caller, message_id: str) -> models.DocumentOut:
        self._fail("document")
        return self._sent(caller, message_id).out

    async def content(self, caller: Caller, message_id: str) -> Content:
        return _content(self._sent(caller, message_id), "document.edxml")

    async def receipt(self, caller: Caller, message_id: str) -> Receipt:
        message = self._known(message_id)
        if not caller.speaks_for & {message.sender, message.recipient}:
            raise RefusedError("not_found")
        return Receipt(transfer=msgspec.json.encode({"id": message.out.id}), xades=b"<Signature/>")

    async def proof(self, caller: Caller, message_id: str) -> Proof:
        receipt = await self.receipt(caller, message_id)
        return Proof(index=0, leaf=receipt.transfer, file=b"c2sp.org/tlog-proof@v1\nindex 0\n\n")

    async def findings(self, caller: Caller, message_id: str) -> list[models.FindingOut]:
        self._sent(caller, message_id)
        return []

    async def deliveries(self, caller: Caller, message_id: str) -> list[models.DeliveryOut]:
        return [self._sent(caller, message_id).delivery]

    async def withdraw(
        self, caller: Caller, message_id: str, withdrawal: models.Withdrawal
    ) -> models.WithdrawalResult:
        message = self._named(caller, message_id, withdrawal.recipients)
        if message.delivery.state != "queued":
            raise RefusedError("already_left", message.delivery.state)
        self._move(message, "withdrawn")
        return models.WithdrawalResult(withdrawn=[_line(message)], left=[])

    async def redeliver(
        self, caller: Caller, message_id: str, redelivery: models.Redelivery
    ) -> list[models.AcceptedDelivery]:
        message = self._named(caller, message_id, redelivery.recipients)
        if message.delivery.state not in {"dead", "refused", "deferred"}:
            raise RefusedError("state_forbids", message.delivery.state)
        message.fetched = False
        self._move(message, "queued", "requeued")
        return [_line(message)]

    async def inbox(self, caller: Caller, query: InboxQuery) -> models.InboxPage:
        self._fail("inbox")
        if query.agency and query.agency not in {ORGAN_IDS.get(agency) for agency in caller.speaks_for}:
            raise RefusedError("not_found", "no such agency among those you represent")
        start = self._cursor(query.cursor)
        found = self._waiting(caller, query, start)
        if not found and query.wait:
            self.waiting.set()
            self._changed.clear()
            try:
                async with asyncio.timeout(query.wait):
                    await self._changed.wait()
            except TimeoutError:
                pass
            found = self._waiting(caller, query, start)
        page = found[: query.limit]
        for _, message in page:
            if query.lease:
                message.leased_by, message.leased_until = query.reader, self.now + timedelta(seconds=query.lease)
        cursor = str(page[-1][0] + 1) if page else query.cursor
        return models.InboxPage(
            items=[_item(message) for _, message in page], cursor=cursor, more=len(found) > query.limit
        )

    async def inbox_detail(self, caller: Caller, delivery_id: str) -> models.InboxDetail:
        message = self._received(caller, delivery_id)
        if message.delivery.state == "withdrawn":
            raise RefusedError("state_forbids", "withdrawn")
        attachment = models.AttachmentOut(
            number=1,
            name="công văn.pdf",
            content_type="application/pdf",
            size=message.out.size,
            sha256=message.out.sha256,
            href=f"/api/v1/inbox/{delivery_id}/attachments/1",
        )
        return models.InboxDetail(item=_item(message), envelope={"subject": "x"}, attachments=[attachment])

    async def inbox_content(self, caller: Caller, delivery_id: str, reader: str) -> Content:
        message = self._held(caller, delivery_id, reader)
        self._hand_out(message)
        return _content(message, "document.edxml")

    @asynccontextmanager
    async def attachment(
        self, caller: Caller, delivery_id: str, number: int, reader: str
    ) -> AsyncIterator[Content]:
        message = self._held(caller, delivery_id, reader)
        if number != 1:
            raise RefusedError("not_found")
        self._hand_out(message)
        yield replace(_content(message, "công văn.pdf"), content_type="application/pdf")

    async def acknowledge(
        self, caller: Caller, delivery_id: str, reader: str, request: Presented | None = None
    ) -> models.Acknowledged:
        self.presented = request
        message = self._held(caller, delivery_id, reader)
        if not message.fetched:
            raise RefusedError("item_not_fetched")
        if message.delivery.state == "in_flight":
            self._move(message, "delivered")
        return models.Acknowledged(id=delivery_id, state=message.delivery.state)

    async def answer(
        self, arrival: Arrival, delivery_id: str, status: models.NewStatus, reader: str
    ) -> AcceptedAnswer:
        message = self._held(arrival.caller, delivery_id, reader)
        if status.code.lstrip("0") == "2" and not status.description:
            raise RefusedError("status_reason_missing")
        built = msgspec.json.encode([delivery_id, status])
        answer = self._record(arrival, b"<status>" + built + b"</status>", status.code)
        if not answer.replayed:
            self._move(message, "acknowledged")
        return answer

    async def agencies(self, text: str, organ_id: str, limit: int, cursor: str) -> models.AgencyPage:
        start = self._cursor(cursor)
        found = [agency_shape(each) for each in ORGAN_IDS if not organ_id or ORGAN_IDS[each] == organ_id]
        more = len(found) > start + limit
        return models.AgencyPage(items=found[start : start + limit], next=str(start + limit) if more else None)

    async def agency(self, agency_id: str) -> models.AgencyOut:
        if agency_id not in ORGAN_IDS:
            raise RefusedError("not_found")
        return agency_shape(AgencyId(agency_id))

    async def channels(self, caller: Caller) -> list[models.ChannelOut]:
        channel = models.ChannelOut(
            id="endpoint-axis",
            name="Trục",
            kind="webhook",
            up=True,
            paused_until=None,
            last_success_at=NOW,
            waiting=0,
            capabilities={"fansOut": True},
        )
        return [channel]

    async def daily_quota(self, caller: Caller) -> int:
        return 1_000_000

    async def events(self, caller: Caller, since: int | None) -> AsyncGenerator[models.EventOut, None]:
        position = len(self.seen) if since is None else min(since, len(self.seen))
        while True:
            while position < len(self.seen):
                event = self.seen[position]
                position += 1
                if event.concerns & caller.speaks_for:
                    yield event.out
            self.waiting.set()
            self._changed.clear()
            await self._changed.wait()

    async def enrol(self, request: models.EnrolmentRequest, address: str) -> models.Certificate:
        if request.code != "GOOD-CODE":
            raise RefusedError("enrolment_code_invalid")
        return certificate_shape()

    async def renew(self, caller: Caller, request: models.RenewalRequest) -> models.Certificate:
        if caller.method != "certificate":
            raise RefusedError("not_permitted")
        return certificate_shape()

    async def readiness(self) -> Readiness:
        self._fail("readiness")
        return Readiness(ready=True, details={"storage": "ok"})

    def _fail(self, name: str) -> None:
        if name in self.failures:
            raise self.failures.pop(name)

    def _record(self, arrival: Arrival, data: bytes, status_code: str = "") -> AcceptedAnswer:
        self.arrivals.append(arrival)
        digest = hashlib.sha256(data).hexdigest()
        agency = arrival.caller.agency_id
        if not data.startswith(b"<"):
            raise RefusedError("xml_not_wellformed", "line 1", findings=(_FINDING,))
        if arrival.idempotency_key and self.keys.get((agency, arrival.idempotency_key), digest) != digest:
            raise RefusedError("idempotency_key_reused")
        known = self.answers.get((agency, digest))
        if known is not None:
            return AcceptedAnswer(body=known, replayed=True)
        message = self._message(arrival, data, digest)
        message.status_code = status_code
        self.messages.append(message)
        self.answers[agency, digest] = message.answer
        if arrival.idempotency_key:
            self.keys[agency, arrival.idempotency_key] = digest
        self._tell("document.accepted", message, frozenset({message.sender}))
        return AcceptedAnswer(body=message.answer)

    def _message(self, arrival: Arrival, data: bytes, digest: str) -> _Message:
        kind = "status" if data.startswith(b"<status") else "document"
        recipient = SENDER if arrival.caller.agency_id == RECIPIENT else RECIPIENT
        message_id, delivery_id = uuid7(), uuid7()
        path = self.folder / message_id
        path.write_bytes(HEADER + data)
        out = document_shape(arrival, message_id, kind, digest, len(data))
        accepted = models.Accepted(
            id=message_id,
            kind=out.kind,
            document_id=out.document_id,
            sha256=digest,
            size=len(data),
            accepted_at=self.now,
            duplicate_of=None,
            receipt=models.ReceiptLink(href=f"/api/v1/documents/{message_id}/receipt", sha256=digest),
            deliveries=[models.AcceptedDelivery(id=delivery_id, organ_id=ORGAN_IDS[recipient], state="queued")],
            findings=[],
        )
        answer = msgspec.json.encode(accepted)
        return _Message(
            out=out,
            sender=arrival.caller.agency_id,
            recipient=recipient,
            path=path,
            answer=answer,
            delivery=delivery_shape(delivery_id, recipient),
        )

    def _hand_out(self, message: _Message) -> None:
        if message.delivery.state == "queued":
            message.fetched = True
            self._move(message, "in_flight", "fetched")

    def _move(self, message: _Message, state: str, event: str = "") -> None:
        message.delivery.state = state
        message.out.states = {state: 1}
        concerns = frozenset({message.sender, message.recipient})
        self._tell(f"delivery.{event or state}", message, concerns, message.delivery.id)

    def _tell(self, kind: str, message: _Message, concerns: frozenset[AgencyId], delivery_id: str = "") -> None:
        event = models.EventOut(
            seq=len(self.seen) + 1,
            kind=kind,
            at=self.now,
            message_id=message.out.id,
            delivery_id=delivery_id or None,
            facts={"state": message.delivery.state},
        )
        self.seen.append(EventSeen(out=event, concerns=concerns))
        self._changed.set()

    def _known(self, message_id: str) -> _Message:
        for message in self.messages:
            if message.out.id == message_id:
                return message
        raise RefusedError("not_found")

    def _sent(self, caller: Caller, message_id: str) -> _Message:
        message = self._known(message_id)
        if message.sender not in caller.speaks_for:
            raise RefusedError("not_found")
        return message

    def _named(self, caller: Caller, message_id: str, codes: Sequence[str]) -> _Message:
        message = self._sent(caller, message_id)
        if any(code != message.delivery.organ_id for code in codes):
            raise RefusedError("recipient_unknown", codes[0])
        return message

    def _received(self, caller: Caller, delivery_id: str) -> _Message:
        for message in self.messages:
            if message.delivery.id == delivery_id and message.recipient in caller.speaks_for:
                return message
        raise RefusedError("not_found")

    def _held(self, caller: Caller, delivery_id: str, reader: str) -> _Message:
        message = self._received(caller, delivery_id)
        if message.leased_until and message.leased_until > self.now and message.leased_by != reader:
            raise RefusedError("item_leased")
        if message.delivery.state == "withdrawn":
            raise RefusedError("state_forbids", "withdrawn")
        return message

    def _waiting(self, caller: Caller, query: InboxQuery, start: int) -> list[tuple[int, _Message]]:
        return [
            (position, message)
            for position, message in enumerate(self.messages)
            if position >= start
            and message.recipient in caller.speaks_for
            and message.delivery.state in {"queued", "in_flight"}
            and not (message.leased_until and message.leased_until > self.now and message.leased_by != query.reader)
        ]

    def _cursor(self, cursor: str) -> int:
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
            raise RefusedError("parameter_invalid", "cursor: not one of ours")
        return int(cursor or 0)


def _content(message: _Message, name: str) -> Content:
    return Content(file=BodyFile(path=message.path), size=message.out.size, sha256=message.out.sha256, name=name)


def _line(message: _Message) -> models.AcceptedDelivery:
    line = message.delivery
    return models.AcceptedDelivery(id=line.id, organ_id=line.organ_id, state=line.state)


def _item(message: _Message) -> models.InboxItem:
    return models.InboxItem(
        id=message.delivery.id,
        message_id=message.out.id,
        kind=message.out.kind,
        recipient=message.recipient,
        organ_id=ORGAN_IDS[message.recipient],
        sender_organ_id=message.out.sender_organ_id,
        sender_name="Tỉnh",
        document_id=message.out.document_id,
        number=message.out.number,
        notation=message.out.notation,
        subject=message.out.subject,
        business_type="0",
        status_code=message.status_code,
        priority=0,
        sha256=message.out.sha256,
        size=message.out.size,
        accepted_at=NOW,
        fetched=message.fetched,
        leased_until=message.leased_until,
    )
