"""What operators set of alerts: to which addresses and numbers an agency's are sent. See `gateway.admin.acts`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.alerting import Person, Wishes
from gateway.clock import rfc3339
from gateway.errors import RefusedError
from gateway.ledger.alerts import (
    Acknowledge,
    AcknowledgeOperation,
    SetAlerting,
    SetAlertingOperation,
    Snooze,
    SnoozeOperation,
)

_SNOOZE, _ACKNOWLEDGE = SnoozeOperation(), AcknowledgeOperation()


class SetAlerts(Change, kw_only=True):
    """What is given is set, the rest stays; an empty list takes all of it away."""

    organ_id: str
    mail: list[str] | None = None
    notices: Literal["each", "digest", "both"] | None = None
    details: bool | None = None
    attach: bool | None = None
    calls: list[Person] | None = None


class SnoozeAlert(Change, kw_only=True):
    """Put an alert off."""

    alert: Annotated[str, Meta(min_length=1, max_length=40)]
    hours: Annotated[int, Meta(ge=1, le=24)]


class AcknowledgeAlert(Change, kw_only=True):
    """Somebody has seen it."""

    alert: Annotated[str, Meta(min_length=1, max_length=40)]


async def snooze_alert(desk: Desk, request: SnoozeAlert, actor: str) -> Reply:
    """Until when it is put off."""
    base = desk.foundation
    now = base.clock.now()
    until = now + timedelta(hours=request.hours)
    ask = Snooze(alert_id=request.alert, until=until, actor=actor, why=request.reason, now=now)
    await base.pump.submit(_SNOOZE, ask)
    return {"alert": request.alert, "until": rfc3339(until)}


async def acknowledge_alert(desk: Desk, request: AcknowledgeAlert, actor: str) -> Reply:
    """Nobody else is called about the same document; whether that was new."""
    base = desk.foundation
    ask = Acknowledge(alert_id=request.alert, now=base.clock.now(), actor=actor, note=request.reason)
    return {"alert": request.alert, "acknowledged": await base.pump.submit(_ACKNOWLEDGE, ask)}


async def set_alerts(desk: Desk, request: SetAlerts, actor: str) -> Reply:
    """The agency's wishes as they are now."""
    base = desk.foundation
    now = base.clock.now()
    agency = await base.directory.require(request.organ_id, now)
    row = await base.readers.fetch_one("alerting_find", (agency.id,))
    wishes = msgspec.json.decode(row[0]) if row else {}
    given = {name: getattr(request, name) for name in ("mail", "notices", "details", "attach", "calls")}
    wishes |= {name: msgspec.to_builtins(value) for name, value in given.items() if value is not None}
    try:
        checked = msgspec.convert(wishes, Wishes)
    except msgspec.ValidationError as error:
        raise RefusedError("parameter_invalid", str(error)) from error
    change = SetAlerting(
        agency_id=agency.id,
        wishes=msgspec.json.encode(checked).decode(),
        addresses=tuple(checked.mail),
        actor=actor,
        now=now,
        why=request.reason,
    )
    await base.pump.submit(SetAlertingOperation(), change)
    return {"organ_id": agency.organ_id, **msgspec.to_builtins(checked)}
