"""Pushing again what a receiver had confirmed, because it asks for it: who asked, each try and what came of it.

The delivery's state does not move: it had arrived, whatever its receiver lost. That somebody heard by telephone
that the office has it holds no longer: an urgent document waits to be confirmed anew. A try is committed before
anybody dials and its outcome afterwards, each with an event on the delivery; what a crash leaves under way is
found by the next boot and tried again, as an outcome that nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.clock import micros
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.model import BootId
from gateway.storage.pump import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """These deliveries are wanted again; the caller's right to them was checked."""

    #: (delivery, its message).
    deliveries: tuple[tuple[str, str], ...]
    actor: str
    now: datetime
    #: Why a person asks; beside the leaves.
    note: str = ""
    #: More for the leaves.
    facts: dict[str, object] = field(default_factory=dict)


class AskOperation:
    """Queues them; how many did not wait already."""

    name = "ask_replays"

    async def apply(self, tx: Transaction, payloads: Sequence[Ask]) -> Sequence[int]:
        """One count per payload."""
        counts = []
        for ask in payloads:
            events: list[history.EventRow] = []
            for delivery_id, message_id in ask.deliveries:
                params = {"id": uuid7(), "delivery": delivery_id, "at": micros(ask.now), "by": ask.actor}
                events += [
                    history.EventRow(
                        kind=Event.REPLAY_ASKED,
                        at=ask.now,
                        actor=ask.actor,
                        facts={"replay": row[0]} | ask.facts,
                        message_id=message_id,
                        delivery_id=delivery_id,
                        note=ask.note,
                    )
                    for row in await tx.fetch("replay_insert_new", params)
                ]
            await history.append(tx, events)
            counts.append(len(events))
        return counts


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimReplays:
    """These go out as one transmission."""

    replay_ids: tuple[str, ...]
    attempt_id: str
    boot_id: BootId
    now: datetime


class ClaimReplaysOperation:
    """Commits the try; which of them are in it."""

    name = "claim_replays"

    async def apply(self, tx: Transaction, payloads: Sequence[ClaimReplays]) -> Sequence[frozenset[str]]:
        """One set per payload."""
        results = []
        for ask in payloads:
            params = {
                "ids": as_json(list(ask.replay_ids)), "attempt": ask.attempt_id, "boot": ask.boot_id,
                "at": micros(ask.now),
            }  # fmt: skip
            results.append(frozenset(row[0] for row in await tx.fetch("replay_claim_waiting", params)))
        return results


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """How a try ended for one delivery."""

    delivery_id: str
    attempt_id: str
    state: Literal["sent", "failed", "waiting"]
    #: As `OutcomeKind` says it.
    outcome: str
    now: datetime
    due_at: datetime
    reason: str = ""
    detail: str = ""


class ReplayedOperation:
    """Records outcomes."""

    name = "end_replays"

    async def apply(self, tx: Transaction, payloads: Sequence[Replayed]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            await _end(tx, item)
        return [None] * len(payloads)


class AdoptReplaysOperation:
    """Takes up what other boots left under way; payloads are (boot, now)."""

    name = "adopt_replays"

    async def apply(self, tx: Transaction, payloads: Sequence[tuple[BootId, datetime]]) -> Sequence[int]:
        """How many there were."""
        counts = []
        for boot_id, now in payloads:
            orphans = await tx.fetch("replay_list_orphans", (boot_id,))
            for delivery_id, attempt_id in orphans:
                left = Replayed(
                    delivery_id=delivery_id,
                    attempt_id=attempt_id,
                    state="waiting",
                    outcome="unknown",
                    now=now,
                    due_at=now,
                    reason="outcome_unknown",
                )
                await _end(tx, left)
            counts.append(len(orphans))
        return counts


async def _end(tx: Transaction, item: Replayed) -> None:
    params = {
        "delivery": item.delivery_id, "attempt": item.attempt_id, "state": item.state, "at": micros(item.now),
        "due": micros(item.due_at), "reason": item.reason or None, "detail": item.detail or None,
    }  # fmt: skip
    settled = await tx.fetch("replay_settle", params)
    if settled and item.state == "sent":
        await tx.execute_many("heard_set_again", [(micros(item.now), item.delivery_id)])
    for replay_id, message_id in settled:
        facts: dict[str, object] = {"replay": replay_id, "attempt": item.attempt_id, "outcome": item.outcome}
        facts |= {"reason": item.reason} if item.reason else {}
        event = history.EventRow(
            kind=Event.REPLAY_ENDED,
            at=item.now,
            actor="gateway",
            facts=facts,
            message_id=message_id,
            delivery_id=item.delivery_id,
        )
        await history.append(tx, [event])
