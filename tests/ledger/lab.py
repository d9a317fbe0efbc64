"""A ledger with four channels and a few agencies, and short ways to record, claim and finish.

Everything is real but the receipts, whose bytes are placeholders. Names are ids: the delivery of message `m`
for agency `a1` is `m/a1`; its dispatch is `m>a1`, or `m>axis` where one transmission carries several.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from gateway.clock import SystemClock
from gateway.foundation import load_statements
from gateway.ids import uuid7
from gateway.ledger.acts import Act, Acted, ActOperation
from gateway.ledger.ages import Rescue, RescueOperation
from gateway.ledger.boots import Boot, BootOperation
from gateway.ledger.claims import ClaimDue, ClaimOperation, Finish, FinishOperation, FinishResult
from gateway.ledger.inbox import Acknowledge, AcknowledgeOperation, Fetch, FetchOperation
from gateway.ledger.receiver_proofs import ProofRow
from gateway.ledger.record import Recorded, RecordMessage
from gateway.ledger.rows import (
    DeliveryRow,
    DispatchRow,
    IdempotencyRow,
    MessageRow,
    NewMessage,
    ReceiptRow,
    RequestEffect,
    StatusEffect,
)
from gateway.model import AgencyId, BootId, DeliveryId, EndpointId, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.retry import RetryPlan
from gateway.states import State, Trigger
from gateway.storage.driver import choose_driver
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.storage.sqlite import SqliteSettings, Writer, connect_writer
from tests.migrated import lay_database

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SUBJECT = "Về việc tuyệt mật trong trích yếu"

ENDPOINTS = {"push": "loopback", "other": "loopback", "axis": "loopback", "box": "inbox"}
HOMES = {
    "sender": "box", "a1": "push", "a2": "push", "a3": "push", "b1": "other",
    "x1": "axis", "x2": "axis", "x3": "axis", "i1": "box", "i2": "box",
}  # fmt: skip

_numbers = itertools.count(1)


def outcome(kind: OutcomeKind, reason: str = "") -> Outcome:
    """An outcome, with a reason where one is due."""
    good = kind in {OutcomeKind.DELIVERED, OutcomeKind.RELAYED}
    return Outcome(kind=kind, reason=reason or ("" if good else "peer_error"), detail="" if good else SUBJECT)


def message(
    *recipients: str,
    name: str = "",
    at: datetime = START,
    lane: int = 2,
    after_id: str | None = None,
    fans_out: bool = False,
    expects_status: bool = True,
    kind: Literal["document", "status"] = "document",
    **more: Any,
) -> NewMessage:
    """A message to these agencies, one dispatch each, or one per channel when it fans out."""
    name = name or f"m{next(_numbers)}"
    carried: dict[str, list[str]] = {}
    for recipient in recipients:
        carried.setdefault(HOMES[recipient] if fans_out else recipient, []).append(recipient)
    dispatches = [
        DispatchRow(
            id=f"{name}>{target}",
            message_id=name,
            endpoint_id=target if fans_out else HOMES[target],
            recipient_id=None if fans_out else target,
            state="inbox" if HOMES[behind[0]] == "box" else "ready",
            lane=lane,
            after_id=after_id,
            created_at=at,
            due_at=at,
            give_up_at=at + DAY,
        )
        for target, behind in carried.items()
    ]
    deliveries = [
        DeliveryRow(
            id=f"{name}/{recipient}",
            message_id=name,
            recipient_id=recipient,
            recipient_code=f"code of {recipient}",
            endpoint_id=HOMES[recipient],
            dispatch_id=f"{name}>{target}",
            expects_status=expects_status,
            in_inbox=HOMES[recipient] == "box",
            created_at=at,
        )
        for target, behind in carried.items()
        for recipient in behind
    ]
    return NewMessage(
        message=_row(name, kind, at, more.pop("fingerprint", f"fingerprint of {name}")),
        receipt=ReceiptRow(transfer=b"transfer", xades=b"xades", sha256="cd" * 32, answer=b"{}"),
        dispatches=tuple(dispatches),
        deliveries=tuple(deliveries),
        actor="agency:sender",
        **more,
    )


def _row(name: str, kind: Literal["document", "status"], at: datetime, fingerprint: str) -> MessageRow:
    return MessageRow(
        id=name, kind=kind, sha256=hashlib.sha256(name.encode()).hexdigest(), size=100, sender_id="sender",
        sender_code="000.00.00.H33", business_type="0", document_ref=f"ref {name}", code_number="1",
        code_notation="VB", promulgated_on="2026-11-22", subject=SUBJECT, subject_folded=SUBJECT.lower(),
        priority=0, content_key=name, fingerprint=fingerprint, original_id=None, arrived_by=None, caller="{}",
        envelope="{}", findings="[]", directory_version=1, trace_id="0af7651916cd43dd8448eb211c80319c",
        sandbox=False,
        received_at=at, accepted_at=at,
    )  # fmt: skip


def status(code: str, *delivery_ids: str, at: datetime = START, answers_request: bool = False) -> NewMessage:
    """A status message about some lines, itself without recipients."""
    name = f"s{next(_numbers)}"
    effects = tuple(
        StatusEffect(
            id=f"{name}/{place}",
            delivery_id=delivery_id,
            reporter_id=delivery_id.rpartition("/")[2],
            code=code,
            reported_at=at,
            description=SUBJECT,
            matched_by="document_ref",
            answers_request=answers_request,
        )
        for place, delivery_id in enumerate(delivery_ids)
    )
    return message(name=name, kind="status", at=at, statuses=effects)


def request(
    original_id: str, *recipients: str, withdraws: bool = True, at: datetime = START, also: tuple[str, ...] = ()
) -> NewMessage:
    """A recall of a message (and of others), sent to its recipients behind it."""
    effects = tuple(
        RequestEffect(original_id=each, recipient_ids=recipients, withdraws=withdraws)
        for each in (original_id, *also)
    )
    return message(*recipients, at=at, after_id=original_id, requests=effects)


def idempotency(key: str) -> IdempotencyRow:
    """A caller's own key."""
    return IdempotencyRow(agency_id="sender", key=key, expires_at=START + DAY)


@dataclass
class Lab:
    """The open ledger."""

    pump: Pump
    writer: Writer
    readers: Readers
    #: A connection of the tests' own: the writer's is the pump's alone.
    eye: Any
    boot: BootId
    claim_operation: ClaimOperation = field(default_factory=ClaimOperation)
    finish_operation: FinishOperation = field(default_factory=FinishOperation)
    record_operation: RecordMessage = field(default_factory=RecordMessage)
    act_operation: ActOperation = field(default_factory=ActOperation)
    fetch_operation: FetchOperation = field(default_factory=FetchOperation)
    acknowledge_operation: AcknowledgeOperation = field(default_factory=AcknowledgeOperation)

    async def start_boot(self, boot: str) -> None:
        """From now on everything is another run's work."""
        self.boot = BootId(boot)
        await self.pump.submit(BootOperation(), Boot(id=self.boot, at=START, purpose="serve"))

    async def record(self, item: NewMessage) -> Recorded:
        """Record one message."""
        return await self.pump.submit(self.record_operation, item)

    def asking(
        self,
        now: datetime = START,
        *,
        room: int = 16,
        limit: int = 1000,
        lease: timedelta = HOUR,
        endpoints: Iterable[str] = ("push", "other", "axis"),
        blocked: Iterable[tuple[str, str]] = (),
    ) -> ClaimDue:
        """A claim on every channel that pushes."""
        return ClaimDue(
            boot_id=self.boot,
            now=now,
            lease_until=now + lease,
            capacity=tuple((EndpointId(name), room) for name in endpoints),
            limit=limit,
            ageing=30 * MINUTE,
            blocked=tuple((EndpointId(endpoint), AgencyId(agency)) for endpoint, agency in blocked),
        )

    async def claim(self, now: datetime = START, **asked: Any) -> list[Outgoing]:
        """Claim what is due."""
        return await self.pump.submit(self.claim_operation, self.asking(now, **asked))

    async def claimed_messages(self, now: datetime = START, **asked: Any) -> list[str]:
        """Claim, and say of which messages, in order."""
        return [item.message_id for item in await self.claim(now, **asked)]

    def finishing(
        self,
        item: Outgoing,
        kinds: OutcomeKind | Mapping[str, OutcomeKind | Outcome] = OutcomeKind.DELIVERED,
        *,
        now: datetime = START,
        again: timedelta = MINUTE,
        peer: dict[str, object] | None = None,
    ) -> Finish:
        """The outcome of an attempt: one kind for all, or kinds by recipient (what is absent is not reported)."""
        if isinstance(kinds, OutcomeKind):
            kinds = {one.recipient_id: kinds for one in item.deliveries}
        outcomes = {
            DeliveryId(f"{item.message_id}/{name}"): kind if isinstance(kind, Outcome) else outcome(kind)
            for name, kind in kinds.items()
        }
        return Finish(
            attempt_id=item.attempt_id,
            dispatch_id=item.dispatch_id,
            now=now,
            report=SendReport(outcomes=outcomes, peer=peer or {}),
            retry=RetryPlan(due_at=now + again, counts=True),
        )

    async def finish(self, item: Outgoing, *args: Any, **more: Any) -> FinishResult:
        """Commit an outcome."""
        return await self.pump.submit(self.finish_operation, self.finishing(item, *args, **more))

    async def rescue(self, now: datetime = START, *, poison_crashes: int = 3) -> int:
        """Free what was abandoned."""
        ask = Rescue(boot_id=self.boot, now=now, steady_now=now, poison_crashes=poison_crashes)
        return await self.pump.submit(RescueOperation(), ask)

    def acting(self, trigger: Trigger, *delivery_ids: str, now: datetime = START) -> Act:
        """A person's act."""
        return Act(
            trigger=trigger,
            delivery_ids=delivery_ids,
            actor="operator:0",
            note=SUBJECT,
            now=now,
            give_up_at=now + DAY,
        )

    async def act(self, trigger: Trigger, *delivery_ids: str, now: datetime = START) -> list[Acted]:
        """Carry an act out."""
        return await self.pump.submit(self.act_operation, self.acting(trigger, *delivery_ids, now=now))

    def fetching(self, delivery_id: str, *, reader: str = "r1", now: datetime = START) -> Fetch:
        """A hand-out to a reader."""
        return Fetch(
            delivery_id=delivery_id,
            reader=reader,
            actor=f"credential:{reader}",
            boot_id=self.boot,
            now=now,
            peer={},
        )

    async def fetch(self, delivery_id: str, **more: Any) -> str:
        """Hand out."""
        return await self.pump.submit(self.fetch_operation, self.fetching(delivery_id, **more))

    async def acknowledge(
        self, delivery_id: str, *, reader: str = "r1", now: datetime = START, key_id: str | None = None
    ) -> State:
        """Acknowledge; `key_id`: as if the receiver had signed with that key."""
        rows = await self.rows("SELECT message_id, recipient_id FROM delivery WHERE id = ?", delivery_id)
        message_id, agency_id = rows[0] if rows else ("", "")
        proof = ProofRow(
            id=uuid7(),
            message_id=message_id,
            delivery_id=delivery_id,
            act="acknowledgement",
            agency_id=agency_id,
            kind="signature" if key_id else "token",
            key_id=key_id,
            at=now,
            file=f"{reader} has {delivery_id}, {key_id}".encode(),
        )
        ask = Acknowledge(
            delivery_id=delivery_id, reader=reader, actor=f"credential:{reader}", now=now, proof=proof
        )
        return await self.pump.submit(self.acknowledge_operation, ask)

    async def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """What the tables hold now."""
        return list(self.eye.execute(sql, params).fetchall())

    async def state(self, delivery_id: str) -> State:
        """Where a delivery stands."""
        return State((await self.rows("SELECT state FROM delivery WHERE id = ?", delivery_id))[0][0])

    async def states(self, message_id: str) -> dict[str, State]:
        """Where the deliveries of a message stand, by recipient."""
        rows = await self.rows("SELECT recipient_id, state FROM delivery WHERE message_id = ?", message_id)
        return {recipient: State(state) for recipient, state in rows}

    async def dispatch(self, dispatch_id: str) -> dict[str, Any]:
        """A dispatch: state, due_at, give_up_at, series, failures, crashes, warned_at."""
        names = ("state", "due_at", "give_up_at", "series", "failures", "crashes", "warned_at")
        row = (await self.rows(f"SELECT {', '.join(names)} FROM dispatch WHERE id = ?", dispatch_id))[0]
        return dict(zip(names, row, strict=True))

    async def history(self, delivery_id: str) -> list[str]:
        """The kinds of a delivery's events, without their prefix."""
        rows = await self.rows("SELECT kind FROM event WHERE delivery_id = ? ORDER BY seq", delivery_id)
        return [kind.removeprefix("delivery.") for (kind,) in rows]


@asynccontextmanager
async def open_lab(folder: Path) -> AsyncIterator[Lab]:
    """Open a new ledger in a folder; channels and agencies are there, boot-1 runs."""
    statements = load_statements()
    await lay_database(folder / "gateway.sqlite")
    writer = await connect_writer(folder / "gateway.sqlite", SqliteSettings(allow_affected_sqlite=True))
    try:
        for name, kind in ENDPOINTS.items():
            await writer.fetch("INSERT INTO endpoint (id, name, kind) VALUES (?, ?, ?)", (name, name, kind))
        for name, home in HOMES.items():
            row = (name, "commune", home, 0, 0)
            await writer.fetch(
                "INSERT INTO agency (id, kind, endpoint_id, opened_at, updated_at) VALUES (?, ?, ?, ?, ?)", row
            )
        pump = Pump(writer, statements, clock=SystemClock())
        readers = Readers(folder / "gateway.sqlite", statements, count=1, allow_affected_sqlite=True)
        driver = choose_driver(allow_affected_sqlite=True).module
        await pump.start()
        await readers.start()
        try:
            with closing(driver.connect(folder / "gateway.sqlite", isolation_level=None)) as eye:
                lab = Lab(pump=pump, writer=writer, readers=readers, eye=eye, boot=BootId("boot-1"))
                await lab.start_boot(lab.boot)
                yield lab
        finally:
            await pump.close()
            await readers.close()
    finally:
        await writer.close()
