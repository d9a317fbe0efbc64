"""Days that people said are off or worked on (`gateway.workdays`); each change with its event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger.history import EventRow, append
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers
from gateway.workdays import Workdays

#: Days of one entry.
MOST: Final = 31


@dataclass(frozen=True, kw_only=True, slots=True)
class EnteredDay:
    """One of them."""

    day: date
    works: bool
    name: str
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetDays:
    """Some days in a row are off, worked on, or (None) what the rule says."""

    first: date
    last: date
    works: bool | None
    name: str
    actor: str
    now: datetime
    why: str

    def __post_init__(self) -> None:
        if not timedelta() <= self.last - self.first < timedelta(days=MOST):
            raise RefusedError("parameter_invalid", f"days: from the first to the last, {MOST} at most")


class SetDaysOperation:
    """Nothing to give back."""

    name = "set_days"

    async def apply(self, tx: Transaction, payloads: Sequence[SetDays]) -> Sequence[None]:
        """One after the other."""
        for each in payloads:
            for number in range((each.last - each.first).days + 1):
                day = (each.first + timedelta(days=number)).isoformat()
                if each.works is None:
                    await tx.fetch("calendar_day_drop", (day,))
                else:
                    await tx.fetch(
                        "calendar_day_set", (day, int(each.works), each.name, micros(each.now), each.actor)
                    )
        await append(tx, [_event(each) for each in payloads])
        return [None] * len(payloads)


def _event(each: SetDays) -> EventRow:
    said = "rule" if each.works is None else "work" if each.works else "off"
    facts: dict[str, object] = {"first": each.first.isoformat(), "last": each.last.isoformat(), "as": said}
    note = f"{each.name}: {each.why}" if each.name else each.why
    return EventRow(kind=Event.CALENDAR_CHANGED, at=each.now, actor=each.actor, facts=facts, note=note)


async def entered_days(readers: Readers) -> list[EnteredDay]:
    """All that people entered, in order."""
    return [
        EnteredDay(day=date.fromisoformat(day), works=bool(works), name=name, at=instant(at), by=by)
        for day, works, name, at, by in await readers.fetch("calendar_day_list")
    ]


async def workdays(readers: Readers) -> Workdays:
    """The calendar as it stands."""
    return Workdays({each.day: each.works for each in await entered_days(readers)})
