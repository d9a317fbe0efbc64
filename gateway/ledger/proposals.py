"""Acts that a second person must consent to: proposed, answered by somebody else, carried out in portions.

A proposal names its deliveries one by one, so that what is consented to is what was seen. Consent moves nothing
yet: from then on `CarryOutOperation` goes through the deliveries, some in a transaction, and asks of each again
whether the act is for it. A crash leaves the rest undone, and the next run goes on where the marks end. Nobody
answers twice, nobody consents to what he proposed himself (the table repeats it) or by an account that may be in
the same hand (`gateway.ledger.hands`), and what nobody answers lapses.

Leaves hold ids, counts and digests; reasons stay in the rows and beside the leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from gateway.clock import instant, micros
from gateway.eligibility import TRIGGERS, ActName, Judged, Line, judge
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.hands import one_hand
from gateway.ledger.params import as_json
from gateway.ledger.purge_answers import list_digest
from gateway.ledger.replays import Ask, AskOperation
from gateway.states import State
from gateway.storage.pump import Transaction

Answer = Literal["consented", "refused", "withdrawn", "lapsed"]

#: Mark of a delivery that the act was carried out on.
MOVED: Final = "moved"
#: Codes that a person's decision leaves on the delivery, where the usual one names somebody else.
REASONS: Final[Mapping[ActName, str]] = {
    ActName.CANCEL: "cancelled_by_operator",
    ActName.QUARANTINE: "quarantined_by_operator",
}
_EVENTS: Final[Mapping[Answer, Event]] = {
    "consented": Event.PROPOSAL_CONSENTED,
    "refused": Event.PROPOSAL_REFUSED,
    "withdrawn": Event.PROPOSAL_WITHDRAWN,
    "lapsed": Event.PROPOSAL_LAPSED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """One of them, as the table has it."""

    id: str
    act: ActName
    #: `to`: an organ id; or how it was handed over.
    details: dict[str, str]
    sha256: str
    deliveries: int
    reason: str
    made_at: datetime
    made_by: str
    expires_at: datetime
    #: "" while nobody answered.
    answer: str
    answered_at: datetime | None
    answered_by: str
    answered_why: str
    moved: int
    unfit: int
    ended_at: datetime | None

    @property
    def is_running(self) -> bool:
        """Whether it is being carried out."""
        return self.answer == "consented" and self.ended_at is None


def proposal_of(row: Sequence[Any]) -> Proposal:
    """A row of `proposal_read`."""
    fields = dict(zip(Proposal.__dataclass_fields__, row, strict=True))
    fields |= {"act": ActName(row[1]), "details": msgspec.json.decode(row[2])}
    for name in ("made_at", "expires_at", "answered_at", "ended_at"):
        fields[name] = None if fields[name] is None else instant(fields[name])
    return Proposal(**fields)


def line_of(row: Sequence[Any]) -> Line:
    """A row of `delivery_list_for_act`."""
    fields = dict(zip(Line.__dataclass_fields__, row, strict=True))
    fields |= {"state": State(row[4])} | {name: bool(fields[name]) for name in fields if name.startswith("is_")}
    return Line(**fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Propose:
    """A new proposal."""

    id: str
    act: ActName
    details: dict[str, str]
    delivery_ids: tuple[str, ...]
    reason: str
    actor: str
    now: datetime
    expires_at: datetime


class ProposeOperation:
    """Records proposals; one that is asked for already is refused."""

    name = "propose"

    async def apply(self, tx: Transaction, payloads: Sequence[Propose]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._propose(tx, payload) for payload in payloads]

    async def _propose(self, tx: Transaction, ask: Propose) -> RefusedError | None:
        details, digest = as_json(ask.details), list_digest(ask.delivery_ids)
        same = await tx.fetch("proposal_find_same", (str(ask.act), details, digest))
        if same:
            return RefusedError("state_forbids", f"the proposal {same[0][0]} asks for the same")
        row = (
            ask.id, str(ask.act), details, digest, len(ask.delivery_ids), ask.reason, micros(ask.now), ask.actor,
            micros(ask.expires_at),
        )  # fmt: skip
        await tx.execute_many("proposal_insert", [row])
        lines = [(ask.id, place, key) for place, key in enumerate(ask.delivery_ids, start=1)]
        await tx.execute_many("proposal_line_insert", lines)
        facts: dict[str, object] = {
            "proposal": ask.id,
            "act": str(ask.act),
            "deliveries": len(ask.delivery_ids),
            "list": digest,
        }
        await _record(tx, Event.PROPOSAL_MADE, facts, ask.actor, ask.now, ask.reason)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerProposal:
    """Consent or refusal of a second person, or the first one's withdrawal."""

    id: str
    answer: Answer
    actor: str
    why: str
    now: datetime


class AnswerProposalOperation:
    """Answers once."""

    name = "answer_proposal"

    async def apply(self, tx: Transaction, payloads: Sequence[AnswerProposal]) -> Sequence[RefusedError | None]:
        """None, or why not."""
        return [await self._answer(tx, payload) for payload in payloads]

    async def _answer(self, tx: Transaction, ask: AnswerProposal) -> RefusedError | None:
        rows = await tx.fetch("proposal_read", (ask.id,))
        if not rows:
            return RefusedError("proposal_unknown", ask.id)
        found = proposal_of(rows[0])
        refusal = _refusal(found, ask)
        if refusal is None and ask.answer == "consented":
            refusal = await one_hand(tx, found.made_by, ask.actor, ask.now)
        if refusal is not None:
            return refusal
        params = {
            "id": ask.id,
            "answer": ask.answer,
            "at": micros(ask.now),
            "by": ask.actor,
            "why": ask.why or None,
        }
        await tx.fetch("proposal_answer_if_open", params)
        facts: dict[str, object] = {"proposal": ask.id, "act": str(found.act), "list": found.sha256}
        await _record(tx, _EVENTS[ask.answer], facts, ask.actor, ask.now, ask.why)
        return None


def _refusal(found: Proposal, ask: AnswerProposal) -> RefusedError | None:
    if found.answer:
        return RefusedError("state_forbids", f"the proposal was {found.answer} before")
    has_lapsed = ask.now >= found.expires_at
    if ask.answer == "lapsed":
        return None if has_lapsed else RefusedError("state_forbids", "its time is not over")
    if has_lapsed:
        return RefusedError("state_forbids", "the proposal has lapsed: nobody answered it in time")
    if (ask.answer == "withdrawn") != (ask.actor == found.made_by):
        code = "state_forbids" if ask.answer == "withdrawn" else "proposal_one_person"
        return RefusedError(code, "it is somebody else's" if ask.answer == "withdrawn" else ask.actor)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class CarryOut:
    """The next portion of a proposal that was consented to."""

    id: str
    most: int
    now: datetime
    #: When what is sent anew is given up again.
    give_up_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """What a portion came to."""

    moved: tuple[Line, ...] = ()
    #: Whether the proposal is done.
    is_done: bool = False


class CarryOutOperation:
    """Carries out whatever needs nothing but the ledger: every act except forwarding."""

    name = "carry_out_proposal"

    def __init__(self) -> None:
        self._act, self._ask = ActOperation(), AskOperation()

    async def apply(self, tx: Transaction, payloads: Sequence[CarryOut]) -> Sequence[Carried]:
        """One result per payload."""
        return [await self._carry_out(tx, payload) for payload in payloads]

    async def _carry_out(self, tx: Transaction, ask: CarryOut) -> Carried:
        found = proposal_of((await tx.fetch("proposal_read", (ask.id,)))[0])
        if not found.is_running:
            return Carried(is_done=True)
        undone = await tx.fetch("proposal_line_list_undone", (ask.id, ask.most))
        if not undone:
            return Carried(is_done=True)
        rows = await tx.fetch("delivery_list_for_act", (as_json([key for _, key in undone]),))
        judged = judge(found.act, [line_of(row) for row in rows])
        await self._touch(tx, found, judged, ask)
        results = {line.id: MOVED for line in judged.fit}
        results |= {key: str(why) for why, ids in judged.unfit.items() for key in ids}
        marks = tuple((place, results[key]) for place, key in undone)
        done = await mark(tx, Marks(id=ask.id, results=marks, now=ask.now))
        return Carried(moved=judged.fit, is_done=done)

    async def _touch(self, tx: Transaction, found: Proposal, judged: Judged, ask: CarryOut) -> None:
        facts: dict[str, object] = {"proposal": found.id, "consented_by": found.answered_by}
        if found.act is ActName.REDELIVER:
            again = tuple((line.id, line.message_id) for line in judged.fit)
            wanted = Ask(deliveries=again, actor=found.made_by, now=ask.now, note=found.reason, facts=facts)
            await self._ask.apply(tx, [wanted])
            return
        act = Act(
            trigger=TRIGGERS[found.act],
            delivery_ids=tuple(line.id for line in judged.fit),
            actor=found.made_by,
            note=found.reason,
            now=ask.now,
            give_up_at=ask.give_up_at,
            handed_over=found.details if found.act is ActName.HAND_OVER else {},
            reason=REASONS.get(found.act, ""),
            facts=facts,
        )
        await self._act.apply(tx, [act])


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What became of some lines of a proposal."""

    id: str
    #: (place, result).
    results: tuple[tuple[int, str], ...]
    now: datetime


class MarkOperation:
    """Marks lines that were carried out elsewhere; whether the proposal is done."""

    name = "mark_proposal"

    async def apply(self, tx: Transaction, payloads: Sequence[Marks]) -> Sequence[bool]:
        """One answer per payload."""
        return [await mark(tx, payload) for payload in payloads]


async def mark(tx: Transaction, ask: Marks) -> bool:
    """Mark, count, and end the proposal where nothing is left; whether it is done."""
    marked = await tx.fetch("proposal_line_mark", {"id": ask.id, "results": as_json(ask.results)})
    moved = sum(1 for (result,) in marked if result == MOVED)
    await tx.execute_many("proposal_count_done", [(moved, len(marked) - moved, ask.id)])
    ended = await tx.fetch("proposal_end_if_done", (micros(ask.now), ask.id))
    if ended:
        facts: dict[str, object] = {"proposal": ask.id, "moved": ended[0][0], "unfit": ended[0][1]}
        await _record(tx, Event.PROPOSAL_COMPLETED, facts, "gateway", ask.now)
    return bool(ended)


async def _record(
    tx: Transaction, kind: Event, facts: dict[str, object], actor: str, now: datetime, note: str = ""
) -> None:
    await history.append(tx, [history.EventRow(kind=kind, at=now, actor=actor, facts=facts, note=note)])
