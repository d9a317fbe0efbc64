"""Reminding offices of a document that they have not registered: who would be told now, and telling them.

A mail goes wherever the office wants mails; it is called only about a document that is as urgent as calls are made
about. Whose documents somebody may remind of is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from gateway.admin.acts import Desk
from gateway.alerting import Wishes, wishes_of
from gateway.config.settings import Settings
from gateway.foundation import Foundation
from gateway.ledger.reminders import Address, Line, Remind, Reminded, RemindOperation
from gateway.model import AgencyId

_REMIND = RemindOperation()


async def lines_of(base: Foundation, message_id: str) -> list[Line]:
    """Of a document; none of what is no document."""
    return (await _read(base, message_id))[0]


async def remind(desk: Desk, message_id: str, actor: str, *, delivery_id: str = "") -> Reminded:
    """All offices of the document that may be reminded now, or one. RefusedError where nobody may be."""
    base = desk.foundation
    _, addresses = await _read(base, message_id)
    ask = Remind(
        message_id=message_id, delivery_id=delivery_id, actor=actor, now=base.clock.now(), addresses=addresses
    )
    return await base.pump.submit(_REMIND, ask)


async def _read(base: Foundation, message_id: str) -> tuple[list[Line], dict[AgencyId, tuple[Address, ...]]]:
    rows = await base.readers.fetch("delivery_list_to_remind", (message_id,))
    priority = rows[0][3] if rows else 0
    bounced = {row[0] for row in await base.readers.fetch("bounced_address_list")}
    concerned = {row[1] for row in rows}
    wishes = wishes_of(row for row in await base.readers.fetch("alerting_list_all") if row[0] in concerned)
    addresses = {AgencyId(key): _addresses(each, base.settings, priority, bounced) for key, each in wishes.items()}
    return [Line.of_row(row, addresses) for row in rows], addresses


def _addresses(wishes: Wishes, settings: Settings, priority: int, bounced: Collection[str]) -> tuple[Address, ...]:
    mails = [each for each in wishes.mail if each not in bounced] if settings.mail.host else []
    found = [Address(way="mail", target=each) for each in mails]
    if settings.calls.url and priority >= settings.calls.priority:
        found += [
            Address(way="call", target=each.number, after=timedelta(minutes=each.after_minutes))
            for each in wishes.calls
        ]
    return tuple(found)
