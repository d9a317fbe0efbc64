"""Reminding offices of a document that they have not registered: who would be told now, and telling them.

A mail goes wherever the office wants mails; it is called only about a document that is as urgent as calls are made
about. Whose documents somebody may remind of is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from gateway.admin.acts import Desk
from gateway.alerting import Wishes
from gateway.config.settings import Settings
from gateway.foundation import Foundation
from gateway.ledger.reminders import Address, Line, Remind, Reminded, RemindOperation
from gateway.model import AgencyId

_REMIND = RemindOperation()


async def lines_of(base: Foundation, message_id: str) -> list[Line]:
    """Of a document; none of what is no document."""
    return [Line.of_row(row) for row in await base.readers.fetch("delivery_list_to_remind", (message_id,))]


async def remind(desk: Desk, message_id: str, actor: str, *, delivery_id: str = "") -> Reminded:
    """All offices of the document that may be reminded now, or one. RefusedError where nobody may be."""
    base = desk.foundation
    lines = await lines_of(base, message_id)
    wishes = await _wishes(base, {each.agency_id for each in lines})
    priority = lines[0].priority if lines else 0
    ask = Remind(
        message_id=message_id,
        delivery_id=delivery_id,
        actor=actor,
        now=base.clock.now(),
        addresses={key: _addresses(each, base.settings, priority) for key, each in wishes.items()},
    )
    return await base.pump.submit(_REMIND, ask)


async def _wishes(base: Foundation, agencies: Iterable[AgencyId]) -> dict[AgencyId, Wishes]:
    wanted = set(agencies)
    rows = await base.readers.fetch("alerting_list_all")
    return {AgencyId(key): msgspec.json.decode(text, type=Wishes) for key, text in rows if AgencyId(key) in wanted}


def _addresses(wishes: Wishes, settings: Settings, priority: int) -> tuple[Address, ...]:
    found = [Address(way="mail", target=each) for each in wishes.mail] if settings.mail.host else []
    if settings.calls.url and priority >= settings.calls.priority:
        found += [
            Address(way="call", target=each.number, after=timedelta(minutes=each.after_minutes))
            for each in wishes.calls
        ]
    return tuple(found)
