"""Heard by telephone: somebody at an office has an urgent document of which its system reports nothing.

This is no status of the office, and nobody is told that it is one: for an office nobody answers but its own clerk.
The delivery stays what it is; that somebody heard, from whom, and who wrote it down, stands in the story of its
document, and no alarm is about this delivery any more, unless it is sent again. What is written down, its events
and the end of an alarm about which nothing is left are one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.alarms import Looked, close
from gateway.ledger.params import as_json
from gateway.model import AgencyId
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers

#: Of what is not hỏa tốc, and of what is: the rule of the alarm that nobody has confirmed it.
RULES: Final = ("urgent_unconfirmed", "flash_unconfirmed")
#: Lines of one office that a person is shown and may say this of at once.
MOST: Final = 200
#: What arrived earlier and was never confirmed is history: urgent, hỏa tốc; and what was accepted so long ago.
_URGENT, _FLASH, _ACCEPTED = timedelta(days=3), timedelta(days=30), timedelta(days=60)


def span(now: datetime, *, flash: timedelta, urgent: timedelta) -> dict[str, object]:
    """Which documents an alarm is about, for statements: those that waited so long, and are no history."""
    return {
        "flash": micros(now - flash),
        "urgent": micros(now - urgent),
        "since": micros(now - _ACCEPTED),
        "flash_since": micros(now - _FLASH),
        "urgent_since": micros(now - _URGENT),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Unconfirmed:
    """A delivery that an office's system took, and that nobody there has confirmed."""

    delivery_id: str
    message_id: str
    number: str
    notation: str
    subject: str
    arrived_at: datetime


async def unconfirmed(
    readers: Readers, office: AgencyId, during: Mapping[str, object], *, is_flash: bool
) -> list[Unconfirmed]:
    """What an alarm about an office is about, the oldest first, `MOST` at most."""
    params = {**during, "office": office, "is_flash": int(is_flash), "limit": MOST}
    rows = await readers.fetch("delivery_list_unconfirmed_of_office", params)
    return [
        Unconfirmed(
            delivery_id=row[0], message_id=row[1], number=row[2], notation=row[3], subject=row[4],
            arrived_at=instant(row[5]),
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Hear:
    """Somebody telephoned."""

    deliveries: frozenset[str]
    actor: str
    #: With whom.
    spoke_to: str
    why: str
    #: When, what an alarm would be about (`span`), and who hears that one is over.
    look: Looked
    during: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """Of how many deliveries it was written down, and how many alarms are over."""

    deliveries: int
    alarms: int


class HearOperation:
    """Writes it down. What its office has confirmed meanwhile, and what was written down before, is left."""

    name = "hear"

    async def apply(self, tx: Transaction, payloads: Sequence[Hear]) -> Sequence[Heard | RefusedError]:
        """What was written down, or why nothing was."""
        return [await self._hear(tx, each) for each in payloads]

    async def _hear(self, tx: Transaction, ask: Hear) -> Heard | RefusedError:
        rows = await tx.fetch("delivery_list_to_hear_of", (as_json(sorted(ask.deliveries)),))
        if len(rows) < len(ask.deliveries):
            return RefusedError("delivery_unknown")
        fit = [row for row in rows if row[4]]
        if not fit:
            return RefusedError("state_forbids", "nothing of it is an urgent document that waits to be confirmed")
        at, note = micros(ask.look.now), f"{ask.spoke_to}: {ask.why}"
        await tx.execute_many("heard_insert", [(row[0], at, ask.actor, ask.spoke_to) for row in fit])
        await history.append(tx, [_event(row, ask, note) for row in fit])
        offices = {(row[2], row[3]) for row in fit}
        over = [await self._end(tx, ask, note, office, is_flash=is_flash) for office, is_flash in sorted(offices)]
        return Heard(deliveries=len(fit), alarms=sum(over))

    async def _end(self, tx: Transaction, ask: Hear, note: str, office: str, *, is_flash: int) -> bool:
        params = {**ask.during, "office": office, "is_flash": is_flash, "limit": 1}
        if await tx.fetch("delivery_list_unconfirmed_of_office", params):
            return False
        return await close(tx, ask.look, RULES[is_flash], office, actor=ask.actor, note=note)


def _event(row: tuple[Any, ...], ask: Hear, note: str) -> history.EventRow:
    return history.EventRow(
        kind=Event.DELIVERY_TELEPHONED,
        at=ask.look.now,
        actor=ask.actor,
        facts={"agency": row[2]},
        message_id=row[1],
        delivery_id=row[0],
        note=note,
    )
