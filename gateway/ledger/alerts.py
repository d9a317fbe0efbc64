"""Alerts: who is told that documents wait, each attempt to do so, and what came of it.

The order is that of deliveries: an alert is a row before anybody dials, an attempt is committed before the dial,
its outcome after it. What a crash leaves between the two is found by the next boot, closed as *unknown* and made
again, marked `doubted`, so that nothing is sent twice without a trace. An event is recorded for each alert that
ended, never with an address in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.model import BootId
from gateway.storage.pump import Transaction

Way = Literal["mail", "call"]
#: The urgency from which nothing is muted (hỏa tốc).
FLASH: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAlert:
    """One to be made; with `settled` it is recorded as not needed."""

    way: Way
    agency_id: str
    target: str
    due_at: datetime
    delivery_id: str | None = None
    day: str | None = None
    settled: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """Alerts, and up to which delivery that is all of them."""

    alerts: tuple[NewAlert, ...]
    now: datetime
    upto: int | None = None


class PlanOperation:
    """Makes them; one that is there already stays as it is."""

    name = "plan_alerts"

    async def apply(self, tx: Transaction, payloads: Sequence[Planned]) -> Sequence[None]:
        """Nothing to give back."""
        for plan in payloads:
            now = micros(plan.now)
            rows = [
                (
                    uuid7(), item.way, item.agency_id, item.delivery_id, item.day, item.target,
                    "dropped" if item.settled else "waiting", now, micros(item.due_at),
                    now if item.settled else None, item.settled or None,
                )
                for item in plan.alerts
            ]  # fmt: skip
            await tx.execute_many("alert_insert_new", rows)
            if plan.upto is not None:
                await tx.execute_many("alert_cursor_move", [(plan.upto,)])
        return [None] * len(payloads)


class BeginOperation:
    """Opens the account at the first run, and takes up what other boots left; payloads are (boot, now)."""

    name = "begin_alerts"

    async def apply(self, tx: Transaction, payloads: Sequence[tuple[BootId, datetime]]) -> Sequence[int]:
        """How many attempts had no outcome."""
        counts = []
        for boot_id, now in payloads:
            await tx.execute_many("alert_cursor_begin", [()])
            orphans = [row[0] for row in await tx.fetch("alert_attempt_list_orphans", (boot_id,))]
            for attempt_id in orphans:
                ended = Ended(
                    attempt_id=attempt_id, outcome="unknown", reason="outcome_unknown", now=now, due_at=now
                )
                await _end(tx, ended)
            counts.append(len(orphans))
        return counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """These alerts go out together."""

    attempt_id: str
    boot_id: BootId
    way: Way
    target: str
    alert_ids: tuple[str, ...]
    now: datetime


class ClaimOperation:
    """Commits the attempt; gives back the alerts that are in it."""

    name = "claim_alerts"

    async def apply(self, tx: Transaction, payloads: Sequence[Claim]) -> Sequence[frozenset[str]]:
        """None of them where somebody else was first."""
        results = []
        for ask in payloads:
            params = {"ids": as_json(list(ask.alert_ids)), "attempt": ask.attempt_id}
            taken = frozenset(row[0] for row in await tx.fetch("alert_claim_waiting", params))
            if taken:
                row = (ask.attempt_id, ask.boot_id, ask.way, ask.target, len(taken), micros(ask.now))
                await tx.execute_many("alert_attempt_insert", [row])
            results.append(taken)
        return results


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How an attempt ended."""

    attempt_id: str
    outcome: Literal["sent", "deferred", "failed", "unknown"]
    now: datetime
    #: When it is tried again, where it is.
    due_at: datetime
    reason: str = ""
    detail: str = ""
    #: The address that is not written to any more.
    bounced: str = ""


class EndOperation:
    """Closes attempts."""

    name = "end_alerts"

    async def apply(self, tx: Transaction, payloads: Sequence[Ended]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            await _end(tx, item)
        return [None] * len(payloads)


async def _end(tx: Transaction, item: Ended) -> None:
    at = micros(item.now)
    closing = {
        "id": item.attempt_id, "at": at, "outcome": item.outcome, "reason": item.reason or None,
        "detail": item.detail or None,
    }  # fmt: skip
    if not await tx.fetch("alert_attempt_close", closing):
        return
    state = item.outcome if item.outcome in {"sent", "failed"} else "waiting"
    params = {
        "attempt": item.attempt_id, "state": state, "at": at, "due": micros(item.due_at),
        "reason": item.reason or None, "doubted": int(item.outcome == "unknown"),
    }  # fmt: skip
    settled = await tx.fetch("alert_settle", params)
    if item.bounced:
        await _mark(tx, Bounced(address=item.bounced, reason=item.reason, detail=item.detail, now=item.now))
    if state == "waiting":
        return
    kind = Event.ALERT_SENT if state == "sent" else Event.ALERT_FAILED
    events = []
    for alert_id, agency_id, delivery_id, way in settled:
        facts: dict[str, object] = {"alert": alert_id, "agency": agency_id, "way": way, "attempt": item.attempt_id}
        facts |= {"delivery": delivery_id} if delivery_id else {}
        facts |= {"reason": item.reason} if item.reason else {}
        events.append(history.EventRow(kind=kind, at=item.now, actor="gateway", facts=facts))
    await history.append(tx, events)


@dataclass(frozen=True, kw_only=True, slots=True)
class Put:
    """Alerts that wait are dropped (with a reason), or postponed."""

    alert_ids: tuple[str, ...]
    now: datetime
    reason: str = ""
    due_at: datetime | None = None


class PutOperation:
    """Drops or postpones."""

    name = "put_alerts"

    async def apply(self, tx: Transaction, payloads: Sequence[Put]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            ids = as_json(list(item.alert_ids))
            if item.due_at is not None:
                await tx.fetch("alert_postpone", {"ids": ids, "due": micros(item.due_at)})
            else:
                await tx.fetch("alert_drop", {"ids": ids, "at": micros(item.now), "reason": item.reason})
        return [None] * len(payloads)


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledge:
    """Somebody followed the link of an alert, or says it in the console."""

    alert_id: str
    now: datetime
    actor: str = "gateway"
    #: Beside the leaf.
    note: str = ""


class AcknowledgeOperation:
    """Stops the calls about the same deliveries; whether it was the first time."""

    name = "acknowledge_alert"

    async def apply(self, tx: Transaction, payloads: Sequence[Acknowledge]) -> Sequence[bool]:
        """Doing it twice is harmless."""
        firsts = []
        for item in payloads:
            at = micros(item.now)
            rows = await tx.fetch("alert_acknowledge", {"id": item.alert_id, "at": at})
            firsts.append(bool(rows))
            for agency_id, delivery_id in rows:
                others = [row[0] for row in await tx.fetch("alert_list_calls", (delivery_id,))]
                await tx.fetch("alert_drop", {"ids": as_json(others), "at": at, "reason": "acknowledged"})
                facts: dict[str, object] = {"alert": item.alert_id, "agency": agency_id, "delivery": delivery_id}
                event = history.EventRow(
                    kind=Event.ALERT_ACKNOWLEDGED, at=item.now, actor=item.actor, facts=facts, note=item.note
                )
                await history.append(tx, [event])
        return firsts


@dataclass(frozen=True, kw_only=True, slots=True)
class Snooze:
    """A person puts an alert off."""

    alert_id: str
    until: datetime
    actor: str
    why: str
    now: datetime


class SnoozeOperation:
    """Puts off what waits; nobody mutes what is as urgent as can be."""

    name = "snooze_alert"

    async def apply(self, tx: Transaction, payloads: Sequence[Snooze]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._snooze(tx, payload) for payload in payloads]

    async def _snooze(self, tx: Transaction, ask: Snooze) -> RefusedError | None:
        rows = await tx.fetch("alert_read_urgency", (ask.alert_id,))
        if not rows:
            return RefusedError("not_found", ask.alert_id)
        agency_id, state, priority = rows[0]
        if priority >= FLASH:
            return RefusedError("state_forbids", "what is as urgent as can be is never muted")
        if state != "waiting":
            return RefusedError("state_forbids", f"the alert is {state}")
        await tx.fetch("alert_postpone", {"ids": as_json([ask.alert_id]), "due": micros(ask.until)})
        facts: dict[str, object] = {"alert": ask.alert_id, "agency": agency_id, "until": micros(ask.until)}
        event = history.EventRow(kind=Event.ALERT_SNOOZED, at=ask.now, actor=ask.actor, facts=facts, note=ask.why)
        await history.append(tx, [event])
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounced:
    """An address takes no mail."""

    address: str
    reason: str
    detail: str
    now: datetime


class BounceOperation:
    """Marks addresses."""

    name = "mark_bounced"

    async def apply(self, tx: Transaction, payloads: Sequence[Bounced]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            await _mark(tx, item)
        return [None] * len(payloads)


async def _mark(tx: Transaction, item: Bounced) -> None:
    row = (item.address, micros(item.now), item.reason, item.detail)
    if not await tx.fetch("bounced_address_upsert", row):
        return
    agencies = [
        agency_id for agency_id, wishes in await tx.fetch("alerting_list_all") if f'"{item.address}"' in wishes
    ]
    facts: dict[str, object] = {"agencies": agencies, "reason": item.reason}
    await history.append(
        tx, [history.EventRow(kind=Event.ADDRESS_BOUNCED, at=item.now, actor="gateway", facts=facts)]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAlerting:
    """How an agency wants to be alerted, as JSON, and the addresses in it."""

    agency_id: str
    wishes: str
    addresses: tuple[str, ...]
    actor: str
    now: datetime
    why: str = ""


class SetAlertingOperation:
    """Sets it; an address that is set again is written to again."""

    name = "set_alerting"

    async def apply(self, tx: Transaction, payloads: Sequence[SetAlerting]) -> Sequence[None]:
        """Nothing to give back."""
        for item in payloads:
            await tx.execute_many("alerting_upsert", [(item.agency_id, item.wishes, micros(item.now))])
            await tx.execute_many("bounced_address_delete", [(address,) for address in item.addresses])
            event = history.EventRow(
                kind=Event.ALERTING_SET,
                at=item.now,
                actor=item.actor,
                facts={"agency": item.agency_id, "addresses": len(item.addresses)},
                note=item.why,
            )
            await history.append(tx, [event])
        return [None] * len(payloads)
