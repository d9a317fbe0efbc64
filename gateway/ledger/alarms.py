"""Alarms to the people who look after the gateway: opened, told again, closed, acknowledged, put off; and tellings.

An alarm, its event and a row for everybody who is to be told are one transaction. A telling is claimed before
anybody dials and settled after: what a crash leaves between the two is told again, marked as perhaps a repetition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.params import as_json
from gateway.model import BootId
from gateway.storage.pump import Transaction

Way = Literal["mail", "push"]
About = Literal["opened", "again", "closed"]
#: Alarms that are open at once, at most; more say nothing more.
MOST: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """A row."""

    id: str
    rule: str
    subject: str
    is_flash: bool
    since: datetime
    opened_at: datetime
    #: `name`, perhaps `count` and `text`.
    facts: Mapping[str, Any]
    acknowledged_at: datetime | None
    acknowledged_by: str
    snoozed_until: datetime | None
    note: str
    again_at: datetime | None
    closed_at: datetime | None

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Alarm:
        """Of `alarm_list_open` or `alarm_list_closed`."""
        values = dict(zip(cls.__dataclass_fields__, row, strict=True))
        for name in ("since", "opened_at", "acknowledged_at", "snoozed_until", "again_at", "closed_at"):
            values[name] = None if values[name] is None else instant(values[name])
        return cls(**values | {"is_flash": bool(values["is_flash"]), "facts": msgspec.json.decode(values["facts"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAlarm:
    """One to be opened."""

    rule: str
    subject: str
    is_flash: bool
    since: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What a look found, and who is told of it from when on."""

    now: datetime
    opened: tuple[NewAlarm, ...] = ()
    #: Id -> its facts as they are now.
    again: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Likewise, of what is about hỏa tốc: there is more than was told, so that it is told whoever sees to it.
    grown: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Likewise, of what nobody is told now.
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    ways: tuple[tuple[Way, str], ...] = ()
    #: When what is not about hỏa tốc may be told.
    told_from: datetime
    #: What is due until then is told again now.
    again_by: datetime | None = None
    #: When what is told now is told again; None: never.
    next_at: datetime | None = None
    #: Likewise, what is about hỏa tốc.
    next_flash_at: datetime | None = None


class LookedOperation:
    """Opens, repeats and closes."""

    name = "look_at_alarms"

    async def apply(self, tx: Transaction, payloads: Sequence[Looked]) -> Sequence[int]:
        """How many changed."""
        return [await self._apply(tx, each) for each in payloads]

    async def _apply(self, tx: Transaction, look: Looked) -> int:
        events: list[history.EventRow] = []
        for alarm in look.opened:
            key = uuid7()
            row = {
                "id": key, "rule": alarm.rule, "subject": alarm.subject, "is_flash": int(alarm.is_flash),
                "since": micros(alarm.since), "at": micros(look.now), "facts": as_json(alarm.facts),
                "again": _next(look, is_flash=alarm.is_flash),
            }  # fmt: skip
            if await tx.fetch("alarm_insert_new", row):
                await _tell(tx, look, key, "opened", is_flash=alarm.is_flash)
                events.append(_event(Event.ALARM_OPENED, look.now, key, alarm.rule, alarm.subject))
        for key, facts in look.again.items():
            row = {"id": key, "facts": as_json(facts), "now": micros(look.now)}
            row |= {"next": _next(look, is_flash=False), "next_flash": _next(look, is_flash=True)}
            row["by"] = micros(look.again_by or look.now)
            for (is_flash,) in await tx.fetch("alarm_set_again", row):
                await _tell(tx, look, key, "again", is_flash=bool(is_flash))
        for key, facts in look.grown.items():
            row = {"id": key, "facts": as_json(facts), "next": _next(look, is_flash=True)}
            if await tx.fetch("alarm_set_grown", row):
                await _tell(tx, look, key, "again", is_flash=True)
        for key, facts in look.facts.items():
            await tx.fetch("alarm_set_facts", {"id": key, "facts": as_json(facts)})
        for key in look.closed:
            for rule, subject in await tx.fetch("alarm_close_open", {"id": key, "at": micros(look.now)}):
                await _tell(tx, look, key, "closed", is_flash=False)  # good news wakes nobody
                events.append(_event(Event.ALARM_CLOSED, look.now, key, rule, subject))
        await history.append(tx, events)
        return len(events)


async def close(tx: Transaction, look: Looked, rule: str, subject: str, *, actor: str, note: str) -> bool:
    """A person has ended what an alarm is about; whether one was open."""
    row = {"rule": rule, "subject": subject, "at": micros(look.now), "by": actor, "note": note}
    closed = await tx.fetch("alarm_close_about", row)
    for (key,) in closed:
        await _tell(tx, look, key, "closed", is_flash=False)
        event = _event(Event.ALARM_CLOSED, look.now, key, rule, subject, actor=actor, note=note)
        await history.append(tx, [event])
    return bool(closed)


def _next(look: Looked, *, is_flash: bool) -> int | None:
    at = look.next_flash_at if is_flash else look.next_at
    return None if at is None else micros(at)


async def _tell(tx: Transaction, look: Looked, key: str, about: About, *, is_flash: bool) -> None:
    now, due = micros(look.now), micros(look.now if is_flash else look.told_from)
    rows = [(uuid7(), key, way, target, about, now, due) for way, target in look.ways]
    await tx.execute_many("alarm_notice_insert", rows)


def _event(
    kind: Event,
    at: datetime,
    key: str,
    rule: str,
    subject: str,
    *,
    actor: str = "gateway",
    note: str = "",
    **more: object,
) -> history.EventRow:
    facts: dict[str, object] = {"alarm": key, "rule": rule, "subject": subject, **more}
    return history.EventRow(kind=kind, at=at, actor=actor, facts=facts, note=note)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Somebody sees to an alarm; with `until` only puts it off."""

    alarm_id: str
    actor: str
    why: str
    now: datetime
    until: datetime | None = None


class SeenOperation:
    """Acknowledges or puts off; nobody puts off what is about hỏa tốc, or what somebody sees to."""

    name = "see_alarm"

    async def apply(self, tx: Transaction, payloads: Sequence[Seen]) -> Sequence[bool | RefusedError]:
        """Whether that changed anything, or why not."""
        return [await self._see(tx, each) for each in payloads]

    async def _see(self, tx: Transaction, ask: Seen) -> bool | RefusedError:
        found = await tx.fetch("alarm_find", (ask.alarm_id,))
        if not found:
            return RefusedError("not_found", ask.alarm_id)
        is_flash, closed_at = found[0][:2]
        if closed_at is not None:
            return RefusedError("state_forbids", "the alarm is over")
        if ask.until is None:
            row = {"id": ask.alarm_id, "at": micros(ask.now), "by": ask.actor, "note": ask.why}
            changed = await tx.fetch("alarm_acknowledge_open", row)
            events = [
                _event(Event.ALARM_ACKNOWLEDGED, ask.now, ask.alarm_id, *each, actor=ask.actor, note=ask.why)
                for each in changed
            ]
        elif is_flash:
            return RefusedError("state_forbids", "what is as urgent as can be is never muted")
        else:
            until = micros(ask.until)
            changed = await tx.fetch("alarm_snooze_open", {"id": ask.alarm_id, "until": until, "note": ask.why})
            events = [
                _event(
                    Event.ALARM_SNOOZED, ask.now, ask.alarm_id, *each, actor=ask.actor, note=ask.why, until=until
                )
                for each in changed
            ]
        await history.append(tx, events)
        return bool(changed)


class TakeUpOperation:
    """What was being told when a run ended, of this boot or another, is told again; payloads say nothing."""

    name = "take_up_alarm_notices"

    async def apply(self, tx: Transaction, payloads: Sequence[None]) -> Sequence[int]:
        """How many they are."""
        return [len(await tx.fetch("alarm_notice_take_up")) for _ in payloads]


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """Notices that go out together; without a state they are claimed, with one settled."""

    notices: tuple[str, ...]
    boot_id: BootId
    now: datetime
    state: Literal["", "waiting", "sent", "failed"] = ""
    #: When they are tried again.
    due_at: datetime | None = None
    reason: str = ""
    is_doubted: bool = False


class TellingOperation:
    """Claims and settles."""

    name = "tell_alarms"

    async def apply(self, tx: Transaction, payloads: Sequence[Telling]) -> Sequence[int]:
        """How many of them were there to be claimed or settled."""
        return [await self._apply(tx, each) for each in payloads]

    async def _apply(self, tx: Transaction, ask: Telling) -> int:
        ids = as_json(list(ask.notices))
        if not ask.state:
            return len(await tx.fetch("alarm_notice_claim", {"ids": ids, "boot": ask.boot_id}))
        row = {
            "ids": ids, "state": ask.state, "at": micros(ask.now), "due": micros(ask.due_at or ask.now),
            "reason": ask.reason or None, "doubted": int(ask.is_doubted),
        }  # fmt: skip
        settled = await tx.fetch("alarm_notice_end", row)
        if ask.state != "waiting" and settled:
            kind = Event.ALARM_TOLD if ask.state == "sent" else Event.ALARM_UNTOLD
            facts: dict[str, object] = {"alarms": sorted({each[0] for each in settled})}
            facts |= {"reason": ask.reason} if ask.reason else {}
            await history.append(tx, [history.EventRow(kind=kind, at=ask.now, actor="gateway", facts=facts)])
        return len(settled)
