"""What administrators say of the calendar: holidays, and days that are exchanged. See `gateway.admin.acts`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from gateway.admin.acts import Change, Desk, Reply
from gateway.ledger.calendar import SetDays, SetDaysOperation

_SET = SetDaysOperation()


class EnterDays(Change, kw_only=True):
    """Some days in a row are off, worked on, or what the rule says."""

    first: date
    last: date
    what: Literal["off", "work", "rule"]
    name: Annotated[str, Meta(max_length=100)] = ""


async def enter_days(desk: Desk, request: EnterDays, actor: str) -> Reply:
    """It counts for whatever is looked at from now on."""
    base = desk.foundation
    change = SetDays(
        first=request.first,
        last=request.last,
        works={"off": False, "work": True, "rule": None}[request.what],
        name=request.name.strip(),
        actor=actor,
        now=base.clock.now(),
        why=request.reason,
    )
    await base.pump.submit(_SET, change)
    return {"first": request.first.isoformat(), "last": request.last.isoformat(), "what": request.what}
