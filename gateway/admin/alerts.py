"""What operators set of alerts: to which addresses and numbers an agency's are sent. See `gateway.admin.acts`."""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway.admin.acts import Change, Desk, Reply
from gateway.alerting import Person, Wishes
from gateway.errors import RefusedError
from gateway.ledger.alerts import SetAlerting, SetAlertingOperation


class SetAlerts(Change, kw_only=True):
    """What is given is set, the rest stays; an empty list takes all of it away."""

    organ_id: str
    mail: list[str] | None = None
    notices: Literal["each", "digest", "both"] | None = None
    details: bool | None = None
    attach: bool | None = None
    calls: list[Person] | None = None


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
