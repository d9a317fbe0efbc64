"""The senders' side: what an agency sent, where each delivery stands, taking back and sending again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from gateway.addressing import Addressing, Plan
from gateway.clock import Clock
from gateway.directory.directory import Directory
from gateway.edxml.envelope import Envelope
from gateway.errors import RefusedError
from gateway.intake import Intake
from gateway.ledger.acts import Act, Acted, ActOperation
from gateway.ledger.pages import SentMessage
from gateway.ledger.readdress import Readdress, ReaddressOperation
from gateway.ledger.reads import Reads
from gateway.model import AgencyId, Caller, DeliveryView
from gateway.openable import Openable
from gateway.states import State, Trigger, sources
from gateway.storage.pump import Pump


class Outbox:
    """Sender's reads and acts; another agency's document does not exist here."""

    def __init__(
        self,
        *,
        reads: Reads,
        pump: Pump,
        clock: Clock,
        directory: Directory,
        addressing: Addressing,
        intake: Intake,
        give_up_after: timedelta,
        requeued: Callable[[Iterable[AgencyId]], None],
        openable: Openable,
    ) -> None:
        self._reads, self._pump, self._clock = reads, pump, clock
        self._give_up_after = give_up_after
        self._requeued = requeued
        self._directory, self._addressing, self._intake = directory, addressing, intake
        self._openable = openable
        self._act, self._add = ActOperation(), ReaddressOperation()

    async def own(self, caller: Caller, message_id: str) -> SentMessage:
        """A message that one of the caller's agencies sent."""
        found = await self._reads.sent_message(message_id, caller.speaks_for)
        if found is None:
            raise RefusedError("not_found")
        return found

    async def readable(self, caller: Caller, message_id: str) -> None:
        """Refuse unless the caller speaks for the sender or for a recipient."""
        if not await self._reads.may_read(message_id, caller.speaks_for):
            raise RefusedError("not_found")

    async def deliveries(self, caller: Caller, message_id: str) -> list[DeliveryView]:
        """The ledger's lines of one's own message."""
        await self.own(caller, message_id)
        return await self._reads.deliveries(message_id)

    async def withdraw(self, caller: Caller, message_id: str, codes: list[str], reason: str) -> list[Acted]:
        """Take back what has not left, from the named recipients or from all."""
        lines = self._named(await self.deliveries(caller, message_id), codes)
        # what is quarantined only a person may end
        able = [line.id for line in lines if line.state is not State.QUARANTINED]
        acted = await self._do(Trigger.WITHDRAWN, caller, able, reason)
        if not any(item.moved for item in acted):
            raise RefusedError("already_left", ", ".join(f"{line.recipient_code}: {line.state}" for line in lines))
        return acted

    async def redeliver(self, caller: Caller, message_id: str, codes: list[str], reason: str) -> list[Acted]:
        """A new series of attempts to the named recipients; who is none yet becomes one.

        What is under way or final refuses all of it, and so does a quarantine: only a person may end that.
        """
        sent = await self.own(caller, message_id)
        present = await self._reads.deliveries(message_id)
        has = {line.recipient_code for line in present}
        added = [code for code in dict.fromkeys(codes) if code not in has]
        lines = self._named(present, [code for code in codes if code in has]) if len(added) < len(codes) else []
        allowed = sources(Trigger.REQUEUED) - {State.QUARANTINED}
        stuck = [line for line in lines if line.state not in allowed]
        stuck += [line for line in present if line.state is State.QUARANTINED and line not in stuck]
        if stuck:
            detail = ", ".join(f"{line.recipient_code}: {line.state}" for line in stuck)
            raise RefusedError("state_forbids", detail)
        if added and sent.kind == "status":
            raise RefusedError("state_forbids", "a status goes to whom it is about, and to nobody else")
        actor = caller.actor
        new = await self._readdress(actor, sent, added, must_open=True) if added else []
        if not lines:
            return new
        acted = await self._do(Trigger.REQUEUED, caller, [line.id for line in lines], reason)
        self._requeued(line.recipient_id for line in lines)
        return acted + new

    async def add_recipients(self, message_id: str, codes: list[str]) -> None:
        """Further recipients of a document that a relay brought, by the gateway itself."""
        sender_id = await self._reads.sender_of(message_id)
        sent = await self._reads.sent_message(message_id, frozenset({sender_id}))
        assert sent is not None, "its sender was just read"
        await self._readdress("gateway", sent, codes)

    async def deliver_after_all(self, delivery_ids: Sequence[str], recipients: Sequence[AgencyId]) -> None:
        """What went another way came by it to us, for recipients of ours."""
        now = self._clock.now()
        act = Act(
            trigger=Trigger.REQUEUED,
            delivery_ids=tuple(delivery_ids),
            actor="gateway",
            note="",
            now=now,
            give_up_at=now + self._give_up_after,
        )
        await self._pump.submit(self._act, act)
        self._requeued(recipients)

    async def _require_openable(self, sent: SentMessage, plan: Plan, now: datetime) -> None:
        """What was encrypted for others helps nobody who is added: a recipient may have it refused."""
        row = await self._reads.summary(sent.id)
        assert row is not None, "it was just read"
        envelope = msgspec.json.decode(row[12], type=Envelope)
        await self._openable.judged(envelope, plan.deliveries, sent.sender_id, now)

    async def _readdress(
        self, actor: str, sent: SentMessage, codes: list[str], *, must_open: bool = False
    ) -> list[Acted]:
        now = self._clock.now()
        plan = await self._addressing.more_recipients(sent, codes, now)
        sender = (await self._directory.agencies([sent.sender_id]))[sent.sender_id]
        cost = sent.size * len(plan.deliveries)
        if must_open:
            await self._require_openable(sent, plan, now)
        day = await self._intake.reserve(sender, cost, now)
        ask = Readdress(
            message_id=sent.id,
            dispatches=plan.dispatches,
            deliveries=plan.deliveries,
            usage=(sender.id, day, cost),
            actor=actor,
            now=now,
        )
        try:
            await self._pump.submit(self._add, ask)
        except Exception:
            self._intake.give_back(sender, day, cost)
            raise
        self._requeued(plan.recipients)
        return [
            Acted(
                id=line.id,
                message_id=sent.id,
                recipient_code=line.recipient_code,
                state=State.QUEUED,
                moved=True,
            )
            for line in plan.deliveries
        ]

    @staticmethod
    def _named(lines: list[DeliveryView], codes: list[str]) -> list[DeliveryView]:
        if not codes:
            return lines
        by_code = {line.recipient_code: line for line in lines}
        unknown = [code for code in codes if code not in by_code]
        if unknown:
            raise RefusedError("recipient_unknown", f"not a recipient of this document: {', '.join(unknown)}")
        return [by_code[code] for code in dict.fromkeys(codes)]

    async def _do(self, trigger: Trigger, caller: Caller, ids: Iterable[str], note: str) -> list[Acted]:
        now = self._clock.now()
        return await self._pump.submit(
            self._act,
            Act(
                trigger=trigger,
                delivery_ids=tuple(ids),
                actor=caller.actor,
                note=note,
                now=now,
                give_up_at=now + self._give_up_after,
            ),
        )
