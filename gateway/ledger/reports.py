"""What reported statuses do to the lines they are about: appended, judged, and moving what they move.

Runs inside the transaction that records the status message, or in which a person matches a parked one. A report
without a line is parked: kept for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.failpoints import failpoint
from gateway.ledger import history
from gateway.ledger.judgement import HANDLED, Judgement, judge
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.ledger.rows import NewMessage, StatusEffect
from gateway.states import State, Trigger, sources
from gateway.storage.pump import Transaction

#: The receiver took it in and, where it keeps a register, entered it.
REGISTERED: Final = "03"
_ACKNOWLEDGEABLE = sources(Trigger.ACKNOWLEDGED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one status message says of one line, and who brought the two together."""

    message_id: str
    effect: StatusEffect
    #: When it takes effect: acceptance, or a person's act.
    at: datetime
    actor: str
    #: Refused where one of 02 to 06 was reported before.
    is_first: bool = False


def reports_of(fresh: Sequence[NewMessage]) -> list[Report]:
    """The reports of accepted messages, in their order."""
    return [
        Report(
            message_id=item.message.id,
            effect=effect,
            at=item.message.accepted_at,
            actor=item.actor,
            is_first=item.is_first,
        )
        for item in fresh
        for effect in item.statuses
    ]


class _Line:
    """A line as the reports of one batch, one after the other, leave it."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.message_id: str = row[1]
        self.state = State(row[2])
        self.business: str = row[3]
        self.waits: bool = row[4] is not None
        self.dispatch_id: str = row[5]
        self.expects_status = bool(row[6])
        self.untouched = bool(row[8])

    def take(self, effect: StatusEffect) -> Judgement:
        """Judge one report and follow it."""
        verdict = judge(
            current=self.business,
            code=effect.code,
            has_request=self.waits or effect.answers_request,
            untouched=self.untouched,
            withdrawn=self.state is State.WITHDRAWN,
        )
        if verdict.moves:
            self.business = effect.code
        self.untouched = self.untouched and effect.code not in HANDLED
        if verdict.answers:
            self.waits = False
        return verdict


async def apply_reports(tx: Transaction, reports: Sequence[Report]) -> list[Judgement]:
    """Append every report, judge it against the line as it is now, and move what it moves; how each was judged.

    In the order given, so that two reports about one line (03 and 05 sent together) are judged in turn.
    RefusedError where one that must be the first is not; then the transaction must not go on.
    """
    if not reports:
        return []
    wanted = sorted({item.effect.delivery_id for item in reports if item.effect.delivery_id is not None})
    lines = {row[0]: _Line(row) for row in await tx.fetch("delivery_get_for_status", (as_json(wanted),))}
    verdicts: list[Judgement] = []
    business: dict[str, list[object]] = {}
    moves: list[Move] = []
    events: list[history.EventRow] = []
    registered: dict[str, int] = {}
    for item in reports:
        key, code = item.effect.delivery_id, item.effect.code
        if key is None:
            verdicts.append(Judgement(moves=False))
            events.append(_event(Event.STATUS_PARKED, item, {"reason": item.effect.parked}))
            continue
        line = lines[key]
        if item.is_first and not line.untouched:
            raise RefusedError("state_forbids", f"status {line.business} was given")
        verdict = line.take(item.effect)
        verdicts.append(verdict)
        events.append(_event(Event.STATUS_RECORDED, item, {"moved": verdict.moves}))
        if code == REGISTERED:
            registered.setdefault(key, micros(item.at))
        if verdict.flag:
            events.append(_event(Event.STATUS_FLAGGED, item, {"flag": verdict.flag}))
        if verdict.moves:
            answered = verdict.answers or (key in business and bool(business[key][2]))
            business[key] = [key, code, int(answered)]
        if line.state in _ACKNOWLEDGEABLE and line.expects_status:
            moves.append(_acknowledgement(item, key, line))
            line.state = State.ACKNOWLEDGED
    rows = [_row(item, verdict) for item, verdict in zip(reports, verdicts, strict=True)]
    failpoint("status.record.before")
    await tx.execute_many("status_insert", rows)
    if business:
        await tx.fetch("delivery_set_business_status", (as_json(list(business.values())),))
    if registered:
        await tx.fetch("delivery_set_registered_if_first", (as_json(list(registered.items())),))
    failpoint("status.record.after")
    await history.append(tx, events)
    await _acknowledge(tx, moves, [lines[step.delivery_id].dispatch_id for step in moves])
    return verdicts


async def _acknowledge(tx: Transaction, moves: Sequence[Move], dispatches: Sequence[str]) -> None:
    await move(tx, moves)
    if moves:
        # A status instead of an acknowledgement ends a hand-out too.
        await tx.fetch("attempt_close_of_dispatches", {"now": micros(moves[0].at), "ids": as_json(dispatches)})
        await settle(tx, dispatches)


def _acknowledgement(item: Report, delivery_id: str, line: _Line) -> Move:
    return Move(
        delivery_id=delivery_id,
        message_id=line.message_id,
        state=line.state,
        trigger=Trigger.ACKNOWLEDGED,
        at=item.at,
        actor=item.actor,
        facts={"status": item.message_id, "code": item.effect.code},
    )


def _row(item: Report, verdict: Judgement) -> tuple[object, ...]:
    effect = item.effect
    return (
        effect.id,
        item.message_id,
        effect.delivery_id,
        effect.reporter_id,
        effect.code,
        micros(effect.reported_at) if effect.reported_at is not None else None,
        micros(item.at),
        effect.description,
        effect.matched_by or None,
        int(verdict.moves),
        verdict.flag or None,
        effect.parked or None,
    )


def _event(kind: Event, item: Report, facts: dict[str, object]) -> history.EventRow:
    return history.EventRow(
        kind=kind,
        at=item.at,
        actor=item.actor,
        facts={"code": item.effect.code, "reporter": item.effect.reporter_id} | facts,
        message_id=item.message_id,
        delivery_id=item.effect.delivery_id,
    )
