"""What people who look after the gateway say of its alarms: seen, or tell me later. See `gateway.admin.acts`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.clock import rfc3339
from gateway.ledger.alarms import Seen, SeenOperation

#: Hours.
LONGEST_SNOOZE: Final = 168
_SEE = SeenOperation()


class AcknowledgeAlarm(Change, kw_only=True):
    """Somebody sees to it: nobody is told of it again, unless more hỏa tốc joins it."""

    alarm: Annotated[str, Meta(min_length=1, max_length=40)]


class SnoozeAlarm(Change, kw_only=True):
    """Nobody is told of it again before then."""

    alarm: Annotated[str, Meta(min_length=1, max_length=40)]
    hours: Annotated[int, Meta(ge=1, le=LONGEST_SNOOZE)]


async def acknowledge_alarm(desk: Desk, request: AcknowledgeAlarm, actor: str) -> Reply:
    """Whether that was new, and whether it is about hỏa tốc."""
    base = desk.foundation
    ask = Seen(alarm_id=request.alarm, actor=actor, why=request.reason, now=base.clock.now())
    acknowledged = await base.pump.submit(_SEE, ask)
    row = await base.readers.fetch_one("alarm_find", (request.alarm,))
    return {"alarm": request.alarm, "acknowledged": acknowledged, "flash": bool(row and row[0])}


async def snooze_alarm(desk: Desk, request: SnoozeAlarm, actor: str) -> Reply:
    """Until when."""
    base = desk.foundation
    now = base.clock.now()
    until = now + timedelta(hours=request.hours)
    await base.pump.submit(
        _SEE, Seen(alarm_id=request.alarm, actor=actor, why=request.reason, now=now, until=until)
    )
    return {"alarm": request.alarm, "until": rfc3339(until)}
