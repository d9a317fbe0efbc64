"""Reminders: a person has offices told once more that a document waits to be fetched and registered, or answered.

Those alone can be reminded whose documents wait here, in their inbox or at their desk: what a system of an office
or an intermediary has taken is reminded of by telephone, since no protocol has a message for it. Nobody is reminded
of one document more than once in `EVERY`, and nobody reminds of one more than `MOST_ACTS` times a day, so that a
button floods nobody; how many mails and calls an office gets in an hour is bounded besides, as those of all alerts.

A reminder, its event and its alerts are one transaction. Its alerts are new ones: an earlier one keeps its record,
and a receiver that knows the earlier by its id takes this for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from gateway.clock import VIETNAM, instant, micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ids import uuid7
from gateway.ledger import history
from gateway.ledger.alerts import Way
from gateway.model import AgencyId
from gateway.states import State
from gateway.storage.pump import Transaction

#: Between two reminders of one office about one document, at least.
EVERY: Final = timedelta(hours=4)
#: Of one document, within `_DAY`.
MOST_ACTS: Final = 30
_DAY: Final = timedelta(days=1)
#: Nothing is to be done by its recipient any more.
_ENDED: Final = frozenset({State.WITHDRAWN, State.HANDED_OVER, State.QUARANTINED})
_WAITS: Final = frozenset({State.QUEUED, State.IN_FLIGHT, State.DELIVERED, State.ACKNOWLEDGED})


def is_due(day: str, now: datetime) -> bool:
    """Whether an answer that is due by a day may be reminded of: on that day, and later."""
    return bool(day) and day <= now.astimezone(VIETNAM).date().isoformat()


class Unreminded(StrEnum):
    """Why an office is not reminded."""

    #: It has registered, returned or finished the document, and no answer is due.
    ANSWERED = "answered"
    #: It was reminded a short while ago.
    LATELY = "lately"
    #: Its own system or an intermediary brings it the document, or its system has taken it and nobody would see.
    ELSEWHERE = "elsewhere"
    #: It cannot have the document, or not yet.
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an office wants to hear of it, and how long after the others."""

    way: Way
    target: str
    after: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One recipient of a document."""

    delivery_id: str
    agency_id: AgencyId
    state: State
    priority: int
    #: Whether people or systems of the office come here for it.
    comes_here: bool
    #: Whether what waits there would be seen: an open item of its inbox, or clerks.
    is_seen: bool
    has_address: bool
    #: Registered, returned or finished.
    is_answered: bool
    #: The day by which an answer is due that has not come; "": none is.
    due_on: str
    reminded_at: datetime | None
    reminded_by: str

    @classmethod
    def of_row(cls, row: Sequence[Any], addresses: Mapping[AgencyId, Sequence[Address]]) -> Line:
        """Of `delivery_list_to_remind`."""
        return cls(
            delivery_id=row[0],
            agency_id=AgencyId(row[1]),
            state=State(row[2]),
            priority=row[3],
            comes_here=bool(row[4]),
            is_seen=bool(row[5]),
            has_address=bool(addresses.get(AgencyId(row[1]))),
            is_answered=bool(row[6]),
            due_on=row[7],
            reminded_at=None if row[8] is None else instant(row[8]),
            reminded_by=row[9],
        )

    def why_not(self, now: datetime) -> Unreminded | None:
        """None: it may be reminded now."""
        if self.is_answered and not is_due(self.due_on, now):
            return Unreminded.ANSWERED
        if self.is_answered and not (self.comes_here and self.has_address):
            return Unreminded.ELSEWHERE  # it stands in no list any more
        if self.state in _ENDED or (self.comes_here and self.state not in _WAITS):
            return Unreminded.UNAVAILABLE
        if not self.comes_here or not (self.is_seen or self.has_address):
            return Unreminded.ELSEWHERE
        is_late = self.reminded_at is not None and now - self.reminded_at < EVERY
        return Unreminded.LATELY if is_late else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Remind:
    """Remind the offices of a document, or of one delivery of it."""

    message_id: str
    actor: str
    now: datetime
    delivery_id: str = ""
    #: Office -> its addresses; one without any sees it at its desk and in its inbox.
    addresses: Mapping[AgencyId, tuple[Address, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reminded:
    """Deliveries whose offices were reminded, how many of them have an address, and why others were not."""

    deliveries: tuple[str, ...]
    told: int
    left: Mapping[Unreminded, int]


class RemindOperation:
    """Reminds."""

    name = "remind"

    async def apply(self, tx: Transaction, payloads: Sequence[Remind]) -> Sequence[Reminded | RefusedError]:
        """Who was, or why nobody."""
        return [await self._remind(tx, each) for each in payloads]

    async def _remind(self, tx: Transaction, ask: Remind) -> Reminded | RefusedError:
        rows = await tx.fetch("delivery_list_to_remind", (ask.message_id,))
        lines = [Line.of_row(row, ask.addresses) for row in rows]
        if ask.delivery_id:
            lines = [each for each in lines if each.delivery_id == ask.delivery_id]
        if not lines:
            return RefusedError("not_found")
        acts = await tx.fetch("reminder_count_acts", (ask.message_id, micros(ask.now - _DAY)))
        if acts[0][0] >= MOST_ACTS:
            return RefusedError("rate_limited", f"{MOST_ACTS} reminders of one document a day")
        fit: list[Line] = []
        left: dict[Unreminded, int] = {}
        for line in lines:
            why = line.why_not(ask.now)
            if why is None:
                fit.append(line)
            else:
                left[why] = left.get(why, 0) + 1
        await self._write(tx, ask, fit)
        told = sum(bool(ask.addresses.get(each.agency_id)) for each in fit)
        return Reminded(deliveries=tuple(each.delivery_id for each in fit), told=told, left=left)

    async def _write(self, tx: Transaction, ask: Remind, lines: Sequence[Line]) -> None:
        if not lines:
            return
        at = micros(ask.now)
        await tx.execute_many(
            "reminder_insert", [(each.delivery_id, at, ask.message_id, ask.actor) for each in lines]
        )
        rows = [
            (
                uuid7(), to.way, str(each.agency_id), each.delivery_id, to.target, at,
                micros(ask.now + to.after), at,
            )
            for each in lines
            for to in ask.addresses.get(each.agency_id, ())
        ]  # fmt: skip
        await tx.execute_many("alert_insert_reminder", rows)
        events = [
            history.EventRow(
                kind=Event.DELIVERY_REMINDED,
                at=ask.now,
                actor=ask.actor,
                facts={"agency": each.agency_id, "addresses": len(ask.addresses.get(each.agency_id, ()))},
                message_id=ask.message_id,
                delivery_id=each.delivery_id,
            )
            for each in lines
        ]
        await history.append(tx, events)
