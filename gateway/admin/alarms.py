"""What people say of alarms: I see to it, tell me later, I have heard by telephone. See `gateway.admin.acts`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, field

from gateway.admin.acts import Change, Desk, Reply
from gateway.alarms.deciding import ways
from gateway.alarms.quiet import told_from
from gateway.clock import rfc3339
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ledger import heard
from gateway.ledger.alarms import Looked, Seen, SeenOperation
from gateway.ledger.heard import Hear, HearOperation, Unconfirmed
from gateway.model import AgencyId

#: Hours.
LONGEST_SNOOZE: Final = 168
_SEE, _HEAR = SeenOperation(), HearOperation()


class AcknowledgeAlarm(Change, kw_only=True):
    """Somebody sees to it: nobody is told of it again, unless more hỏa tốc joins it."""

    alarm: Annotated[str, Meta(min_length=1, max_length=40)]


class SnoozeAlarm(Change, kw_only=True):
    """Nobody is told of it again before then."""

    alarm: Annotated[str, Meta(min_length=1, max_length=40)]
    hours: Annotated[int, Meta(ge=1, le=LONGEST_SNOOZE)]


class Telephoned(Change, kw_only=True):
    """An office says that it has urgent documents which its system took and nobody there confirmed."""

    #: With whom somebody spoke.
    spoke_to: Annotated[str, Meta(min_length=2, max_length=100)]
    #: Of which; none named: all that the alarm is about.
    deliveries: Annotated[list[str], Meta(max_length=heard.MOST)] = field(default_factory=list)
    alarm: Annotated[str, Meta(max_length=40)] = ""


async def acknowledge_alarm(desk: Desk, request: AcknowledgeAlarm, actor: str) -> Reply:
    """Whether that was new, and whether it is about hỏa tốc."""
    base = desk.foundation
    ask = Seen(alarm_id=request.alarm, actor=actor, why=request.reason, now=base.clock.now())
    acknowledged = await base.pump.submit(_SEE, ask)
    row = await base.readers.fetch_one("alarm_find", (request.alarm,))
    return {"alarm": request.alarm, "acknowledged": acknowledged, "flash": bool(row and row[0])}


async def snooze_alarm(desk: Desk, request: SnoozeAlarm, actor: str) -> Reply:
    """Until when, and whether it was put off: what somebody sees to is not."""
    base = desk.foundation
    now = base.clock.now()
    until = now + timedelta(hours=request.hours)
    ask = Seen(alarm_id=request.alarm, actor=actor, why=request.reason, now=now, until=until)
    return {"alarm": request.alarm, "until": rfc3339(until), "snoozed": await base.pump.submit(_SEE, ask)}


async def telephoned(desk: Desk, request: Telephoned, actor: str) -> Reply:
    """Of how many documents it is written down, and how many alarms are over; no status of the office."""
    base, now = desk.foundation, desk.foundation.clock.now()
    settings = base.settings.alarms
    named = request.deliveries
    if request.alarm or not named:  # what was confirmed since somebody looked is left
        _, waiting = await unconfirmed_of(base, request.alarm, now)
        about = [each.delivery_id for each in waiting]
        named = [each for each in about if each in named] if named else about
    ask = Hear(
        deliveries=frozenset(named),
        actor=actor,
        spoke_to=request.spoke_to.strip(),
        why=request.reason,
        look=Looked(now=now, ways=ways(settings), told_from=told_from(now, settings)),
        during=_during(base, now),
    )
    done = await base.pump.submit(_HEAR, ask)
    return {"heard": done.deliveries, "over": done.alarms}


async def unconfirmed_of(base: Foundation, alarm: str, now: datetime) -> tuple[AgencyId, list[Unconfirmed]]:
    """An open alarm's office and documents; RefusedError where it is about something else, or over."""
    row = await base.readers.fetch_one("alarm_find", (alarm,))
    if row is None:
        raise RefusedError("not_found", alarm)
    _, closed_at, rule, subject = row
    if closed_at is not None:
        raise RefusedError("state_forbids", "the alarm is over")
    if rule not in heard.RULES:
        raise RefusedError("state_forbids", "the alarm is not about documents that an office's system took")
    office, is_flash = AgencyId(subject), rule == heard.RULES[True]
    return office, await heard.unconfirmed(base.readers, office, _during(base, now), is_flash=is_flash)


def _during(base: Foundation, now: datetime) -> Mapping[str, object]:
    settings = base.settings.alarms
    return heard.span(now, flash=settings.flash, urgent=settings.unread)
