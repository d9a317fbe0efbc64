"""Deliveries that wait for a look at a document's signatures, and the verdicts.

`wait` belongs to the transaction that records an acceptance: what a recipient's policy asks for is held from its
first instant, so no claim or fetch comes between. `RecordVerdict` writes verdict, event and what it rests on, and
lets go what waited, in one transaction: a crash before it leaves the document waiting, and it is examined again.
Where a recipient requires signatures as the law asks and there are none, the delivery is held anew, for a person.
While CAs do not say whether a certificate was revoked, the document waits for them (`Wait`). When the grace ends
first, the verdict is recorded as it is, and once more when they have answered: what it held back goes then. A look
between the two that finds nothing else records nothing: a CA that is out for a month would fill the log.
A document without any signature that held nothing up has a verdict, and no event: its bytes say the same later.
Where the parser has seen that there is none, the verdict comes with the acceptance, and nobody looks again.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.clock import micros
from gateway.events import Event
from gateway.failpoints import failpoint
from gateway.ledger import history
from gateway.ledger.moves import Move, move, settle
from gateway.ledger.params import as_json
from gateway.ledger.rows import MessageRow, NewMessage
from gateway.signatures.judgement import judge
from gateway.signatures.model import Examined
from gateway.states import State, Trigger
from gateway.storage.pump import Transaction

WAITING: Final = "held_for_checks"
REFUSED: Final = "signatures_not_valid"


async def wait(tx: Transaction, fresh: Sequence[NewMessage]) -> None:
    """Let documents wait for their check, and hold the deliveries that wait with them."""
    plain = [item.message for item in fresh if item.unsigned and item.checks == {}]
    await tx.execute_many("verdict_insert", [_nothing_found(each) for each in plain])
    due = [item for item in fresh if item.checks or (item.checks == {} and not item.unsigned)]
    if not due:
        return
    rows = [(item.message.id, micros(item.message.accepted_at), as_json(dict(item.checks or {}))) for item in due]
    await tx.execute_many("check_due_insert", rows)
    lines = [(delivery, item) for item in due for delivery in item.deliveries if delivery.id in (item.checks or {})]
    await move(
        tx,
        [
            Move(
                delivery_id=delivery.id,
                message_id=item.message.id,
                state=State.QUEUED,
                trigger=Trigger.HELD,
                at=item.message.accepted_at,
                reason=WAITING,
            )
            for delivery, item in lines
        ],
    )
    await settle(tx, [delivery.dispatch_id for delivery, _ in lines])


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """A document was examined, and what CAs have not said yet may still change what it is worth."""

    message_id: str
    #: Subject of each answer that would do -> the CA's name.
    subjects: Mapping[str, str]
    now: datetime
    #: When it is looked at again, whatever they say.
    due_at: datetime
    #: When the look began: what came since may not have been seen.
    begun_at: datetime


class WaitForAnswers:
    """The operation; its deliveries stay held. Whether the document still waits for a verdict."""

    name = "wait_for_answers"

    async def apply(self, tx: Transaction, payloads: Sequence[Wait]) -> Sequence[bool]:
        """One after the other: each is a document of its own."""
        return [await _wait_for(tx, each) for each in payloads]


async def _wait_for(tx: Transaction, each: Wait) -> bool:
    params = {"id": each.message_id, "now": micros(each.now), "due": micros(each.due_at)}
    if not await tx.fetch("check_due_wait", params):
        return False
    await _wait_anew(tx, each)
    return True


async def _wait_anew(tx: Transaction, wait: Wait) -> None:
    await tx.fetch("check_wait_delete", (wait.message_id,))
    rows = [(wait.message_id, subject, authority) for subject, authority in sorted(wait.subjects.items())]
    await tx.execute_many("check_wait_insert", rows)
    subjects = as_json(sorted(wait.subjects))
    if await tx.fetch("revocation_answer_find_placed", (subjects, micros(wait.begun_at))):
        await tx.fetch("check_due_wake_by_subjects", (subjects,))


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A document was examined, and recipients' policies decide by it."""

    message_id: str
    report: Examined
    now: datetime
    #: The grace ended before the CAs answered: it is examined once more when they have, and no earlier than needed.
    open: Wait | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """The row of what waits."""

    held: Mapping[str, str]
    created_at: int
    waiting_since: int | None
    #: When policies decided by a verdict that was open; None before.
    decided_at: int | None


class RecordVerdict:
    """The operation; the agencies whose deliveries may go, or None where another verdict came first."""

    name = "record_verdict"

    async def apply(self, tx: Transaction, payloads: Sequence[Verdict]) -> Sequence[list[str] | None]:
        """One after the other: each is a document of its own."""
        return [await self._record(tx, each) for each in payloads]

    async def _record(self, tx: Transaction, verdict: Verdict) -> list[str] | None:
        rows = await tx.fetch("check_due_take", (verdict.message_id,))
        if not rows:
            return None
        held, created_at, waiting_since, decided_at = rows[0]
        taken = _Taken(
            held=msgspec.json.decode(held, type=dict[str, str]),
            created_at=created_at,
            waiting_since=waiting_since,
            decided_at=decided_at,
        )
        failpoint("check.verdict.before")
        if verdict.open is None or taken.decided_at is None or await _says_something_new(tx, verdict):
            await self._keep(tx, verdict, taken)
        free, kept_back = await self._let_go(tx, verdict, taken)
        if verdict.open is not None:
            await self._leave_open(tx, verdict.open, taken, kept_back)
        failpoint("check.verdict.after")
        return free

    async def _keep(self, tx: Transaction, verdict: Verdict, taken: _Taken) -> None:
        """The verdict, what it rests on, and its event."""
        report, at = verdict.report, micros(verdict.now)
        sent = {sha256: b64decode(der) for sha256, der in report.revocations.items() if der}
        # what a process sent that reads foreign bytes is looked at before it is kept for ten years
        answers = [(name, at, raw) for name, raw in sent.items() if hashlib.sha256(raw).hexdigest() == name]
        await tx.execute_many("revocation_answer_insert_new", answers)
        await tx.execute_many("revocation_answer_mark_used", [(name,) for name in report.revocations])
        kept = _without_answers(report)
        await tx.execute_many("verdict_insert", [_row(verdict.message_id, verdict.now, report, kept)])
        if report.signatures or taken.held:
            await history.append(tx, [_event(verdict, kept)])

    async def _let_go(self, tx: Transaction, verdict: Verdict, taken: _Taken) -> tuple[list[str], list[str]]:
        """The agencies whose deliveries may go, and the deliveries that a recipient's policy keeps."""
        held, is_first = taken.held, taken.decided_at is None
        rows = await tx.fetch("delivery_list_by_ids", (as_json(sorted(held)),)) if held else []
        reason = WAITING if is_first else REFUSED
        lines = [line for line in rows if line[3] == State.HELD and line[6] == reason]
        judgement = judge(verdict.report)
        kept = [line for line in lines if not judgement.as_the_law_asks and held[line[0]] == "require"]
        ids = [line[0] for line in kept]
        if not lines or (kept and not is_first):
            return [], ids
        await move(tx, [_move(line, State.HELD, Trigger.RELEASED, verdict.now) for line in lines])
        dispatches = sorted({line[4] for line in lines})
        now = micros(verdict.now)
        await tx.fetch(
            "dispatch_reopen_settled", {"ids": as_json(dispatches), "now": now, "give_up": now, "new_series": 0}
        )
        moves = [_move(line, State.QUEUED, Trigger.HELD, verdict.now, REFUSED, judgement.vi) for line in kept]
        if await move(tx, moves):
            await settle(tx, dispatches)
        return [line[2] for line in lines if line not in kept], ids

    async def _leave_open(self, tx: Transaction, wait: Wait, taken: _Taken, kept_back: list[str]) -> None:
        now = micros(wait.now)
        row = (
            wait.message_id,
            taken.created_at,
            as_json({key: taken.held[key] for key in kept_back}),
            taken.waiting_since if taken.waiting_since is not None else now,
            micros(wait.due_at),
            taken.decided_at if taken.decided_at is not None else now,
        )
        await tx.execute_many("check_due_insert_decided", [row])
        await _wait_anew(tx, wait)


async def _says_something_new(tx: Transaction, verdict: Verdict) -> bool:
    """Whether a signature is worth something else than the newest verdict says."""
    rows = await tx.fetch("verdict_get_newest", (verdict.message_id,))
    return not rows or _worth(Examined.decode(bytes(rows[0][3]))) != _worth(verdict.report)


def _worth(report: Examined) -> list[tuple[str, ...]]:
    return [(each.kind, each.where, each.name, each.verdict, each.belongs) for each in report.signatures]


def _without_answers(report: Examined) -> bytes:
    """The report as it is kept: revocation lists by their digest, since thousands of verdicts share one."""
    return Examined(
        at=report.at,
        signatures=report.signatures,
        not_examined=report.not_examined,
        certificates=report.certificates,
        revocations=dict.fromkeys(report.revocations, ""),
    ).encode()


def _row(message_id: str, at: datetime, report: Examined, kept: bytes) -> tuple[object, ...]:
    sha256 = hashlib.sha256(kept).hexdigest()
    return message_id, micros(at), str(report.verdict), len(report.signatures), sha256, kept


def _nothing_found(message: MessageRow) -> tuple[object, ...]:
    report = Examined(at=message.accepted_at)
    return _row(message.id, message.accepted_at, report, report.encode())


def _event(verdict: Verdict, kept: bytes) -> history.EventRow:
    facts: dict[str, object] = {
        "verdict": str(verdict.report.verdict),
        "report": hashlib.sha256(kept).hexdigest(),
        "signatures": len(verdict.report.signatures),
    }
    return history.EventRow(
        kind=Event.DOCUMENT_CHECKED, at=verdict.now, actor="gateway", facts=facts, message_id=verdict.message_id
    )


def _move(
    line: tuple[Any, ...], state: State, trigger: Trigger, at: datetime, reason: str = "", detail: str = ""
) -> Move:
    return Move(
        delivery_id=line[0], message_id=line[1], state=state, trigger=trigger, at=at, reason=reason, detail=detail
    )
