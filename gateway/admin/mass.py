"""Acts of people on a choice of deliveries: rehearsed, done at once where they are few, else proposed to another.

A choice is a list of ids, at most `MOST`: whatever found them (a page of the ledger, a document, the queue of a
channel), what was seen is what is touched. The rehearsal changes nothing and says how many the act is for and why
not for the others. `act` does what one person may decide alone; `propose` records what needs a second one, `answer`
takes that one's word, and `gateway.maintenance.consented` carries it out. Each asks `gateway.eligibility` anew.

Unlike the acts of `gateway.admin.acts` these are not behind the socket: who acts is a person of the console, and
root needs no consent for what it can do anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from gateway.admin.acts import Change, Desk, Instant, Reply
from gateway.admin.forwarding import among_recipients, forward, target
from gateway.clock import micros, rfc3339
from gateway.eligibility import FEW, MOST, TRIGGERS, WORDS, ActName, Judged, Line, Unfit, judge, needs_second
from gateway.errors import RefusedError
from gateway.foundation import Foundation
from gateway.ids import uuid7
from gateway.ledger.acts import Act, ActOperation
from gateway.ledger.params import as_json
from gateway.ledger.proposals import (
    REASONS,
    AnswerProposal,
    AnswerProposalOperation,
    Proposal,
    Propose,
    ProposeOperation,
    line_of,
    proposal_of,
)
from gateway.ledger.replays import Ask, AskOperation
from gateway.model import AgencyId
from gateway.states import State, after

#: How long a proposal waits for a second person.
CONSENT_WITHIN: Final = timedelta(hours=24)
#: Lines of a proposal on one page.
LINES: Final = 100

_ACT, _ASK = ActOperation(), AskOperation()
_PROPOSE, _ANSWER = ProposeOperation(), AnswerProposalOperation()

Word = Annotated[str, Meta(min_length=1, max_length=200)]
DeliveryIds = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=40)]], Meta(min_length=1, max_length=MOST)
]


class HandedOver(Struct, kw_only=True, forbid_unknown_fields=True):
    """How a person brought documents to the recipient."""

    channel: Literal["post", "hand", "fax", "other"]
    #: Of the letter, or of the receipt.
    number: Word
    by: Word
    at: Instant


class MassAct(Change, kw_only=True):
    """One act on some deliveries."""

    act: ActName
    deliveries: DeliveryIds
    #: FORWARD: organ id of the other office.
    to: Annotated[str, Meta(max_length=50)] = ""
    #: HAND_OVER.
    handed_over: HandedOver | None = None


class GiveAnswer(Change, kw_only=True):
    """To a proposal: of a second person, or the first one's second thoughts."""

    proposal: Word
    answer: Literal["consented", "refused", "withdrawn"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """What an act would come to."""

    act: ActName
    asked: int
    fit: tuple[Line, ...]
    unfit: Mapping[Unfit, tuple[str, ...]]
    documents: int
    #: (organ id, deliveries), most first.
    recipients: tuple[tuple[str, int], ...]
    needs_second: bool

    def words(self) -> list[tuple[int, str, str]]:
        """How many are unfit and why: count, Vietnamese, English; most first."""
        counted = sorted(self.unfit.items(), key=lambda item: -len(item[1]))
        return [(len(ids), *WORDS[why]) for why, ids in counted]


async def rehearse(base: Foundation, request: MassAct) -> Rehearsal:
    """Change nothing."""
    judged = await _judged(base, request)
    return Rehearsal(
        act=request.act,
        asked=len(set(request.deliveries)),
        fit=judged.fit,
        unfit=judged.unfit,
        documents=len({line.message_id for line in judged.fit}),
        recipients=tuple(Counter(line.recipient_code for line in judged.fit).most_common()),
        needs_second=needs_second(request.act, len(judged.fit)),
    )


async def act(desk: Desk, request: MassAct, actor: str) -> Reply:
    """Do it at once; `second_person_needed` where one person may not."""
    base = desk.foundation
    judged = await _judged(base, request)
    if needs_second(request.act, len(judged.fit)):
        why = (
            "a cancellation" if request.act is ActName.CANCEL else f"{len(judged.fit)} deliveries, more than {FEW}"
        )
        raise RefusedError("second_person_needed", why)
    states = await _done(desk, request, judged.fit, actor)
    left = {line.id: str(Unfit.NOT_ROUTABLE) for line in judged.fit if line.id not in states}
    left |= {key: str(why) for why, ids in judged.unfit.items() for key in ids}
    return {
        "moved": len(states),
        "items": [{"id": key, "state": state, "moved": True} for key, state in states.items()]
        + [{"id": key, "why": why, "moved": False} for key, why in left.items()],
    }


async def _done(desk: Desk, request: MassAct, lines: Sequence[Line], actor: str) -> dict[str, str]:
    base, now = desk.foundation, desk.foundation.clock.now()
    if not lines:
        return {}
    if request.act is ActName.FORWARD:
        return await _forwarded(desk, request, lines, actor)
    if request.act is ActName.REDELIVER:
        again = tuple((line.id, line.message_id) for line in lines)
        await base.pump.submit(_ASK, Ask(deliveries=again, actor=actor, now=now, note=request.reason))
        return {line.id: str(line.state) for line in lines}
    trigger = TRIGGERS[request.act]
    acted = await base.pump.submit(
        _ACT,
        Act(
            trigger=trigger,
            delivery_ids=tuple(line.id for line in lines),
            actor=actor,
            note=request.reason,
            now=now,
            give_up_at=now + base.settings.delivery.give_up_after,
            handed_over=_details(request) if request.act is ActName.HAND_OVER else {},
            reason=REASONS.get(request.act, ""),
        ),
    )
    if after(lines[0].state, trigger) is State.QUEUED:
        desk.requeued({AgencyId(line.recipient_id) for line in lines})
    return {item.id: str(item.state) for item in acted if item.moved}


async def _forwarded(desk: Desk, request: MassAct, lines: Sequence[Line], actor: str) -> dict[str, str]:
    """Those that could be; the refusal where none could."""
    refusals, ids = list[RefusedError](), list[str]()
    for line in lines:
        try:
            await forward(desk, line, request.to, actor=actor, note=request.reason)
            ids.append(line.id)
        except RefusedError as error:
            refusals.append(error)
    if not ids:
        raise refusals[0]
    rows = await desk.foundation.readers.fetch("delivery_list_for_act", (as_json(ids),))
    return {row[0]: row[4] for row in rows}


async def propose(desk: Desk, request: MassAct, actor: str) -> Reply:
    """Record it for a second person, with the deliveries that it is for now."""
    base, now = desk.foundation, desk.foundation.clock.now()
    judged = await _judged(base, request)
    if not judged.fit:
        raise RefusedError(
            "state_forbids", "; ".join(f"{len(ids)}: {WORDS[why][1]}" for why, ids in judged.unfit.items())
        )
    ask = Propose(
        id=uuid7(),
        act=request.act,
        details=_details(request),
        delivery_ids=tuple(line.id for line in judged.fit),
        reason=request.reason,
        actor=actor,
        now=now,
        expires_at=now + CONSENT_WITHIN,
    )
    await base.pump.submit(_PROPOSE, ask)
    return {
        "proposal": ask.id,
        "deliveries": len(judged.fit),
        "unfit": judged.left,
        "expires_at": rfc3339(ask.expires_at),
    }


async def answer(desk: Desk, request: GiveAnswer, actor: str) -> Reply:
    """Take a second person's word, or the first one's withdrawal."""
    base = desk.foundation
    ask = AnswerProposal(
        id=request.proposal, answer=request.answer, actor=actor, why=request.reason, now=base.clock.now()
    )
    await base.pump.submit(_ANSWER, ask)
    return {"proposal": request.proposal, "answer": request.answer}


async def proposals(base: Foundation, *, waiting: bool, limit: int = 200) -> list[Proposal]:
    """Those that wait for an answer, first to lapse first; or the newest of all."""
    name = "proposal_list_open" if waiting else "proposal_list_recent"
    return [proposal_of(row) for row in await base.readers.fetch(name, (limit,))]


async def consented(base: Foundation, since: datetime, *, limit: int) -> list[Proposal]:
    """Those that a second person consented to since an instant, the newest first."""
    rows = await base.readers.fetch("proposal_list_consented", (micros(since), limit))
    return [proposal_of(row) for row in rows]


async def proposal(base: Foundation, key: str) -> Proposal:
    """One of them; `proposal_unknown`."""
    row = await base.readers.fetch_one("proposal_read", (key,))
    if row is None:
        raise RefusedError("proposal_unknown", key)
    return proposal_of(row)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedLine:
    """One delivery of a proposal."""

    place: int
    delivery_id: str
    #: "" until its turn came.
    result: str
    message_id: str
    recipient_code: str
    state: State


async def proposed_lines(base: Foundation, key: str, *, beyond: int = 0) -> list[ProposedLine]:
    """A page of a proposal's deliveries."""
    rows = await base.readers.fetch("proposal_line_list", (key, beyond, LINES))
    names = tuple(ProposedLine.__dataclass_fields__)
    return [ProposedLine(**dict(zip(names, (*row[:5], State(row[5])), strict=True))) for row in rows]


async def _judged(base: Foundation, request: MassAct) -> Judged:
    """What the act is for now; RefusedError where the request lacks what the act needs."""
    rows = await base.readers.fetch("delivery_list_for_act", (as_json(request.deliveries),))
    judged = judge(request.act, [line_of(row) for row in rows], request.deliveries)
    if request.act is ActName.HAND_OVER and request.handed_over is None:
        raise RefusedError("parameter_invalid", "say how it was handed over: channel, number, by whom and when")
    if request.act is not ActName.FORWARD:
        return judged
    office = await target(base, request.to)
    present = await among_recipients(base, judged.fit, office)
    if not present:
        return judged
    fit = tuple(line for line in judged.fit if line.message_id not in present)
    there = tuple(line.id for line in judged.fit if line.message_id in present)
    return Judged(fit=fit, unfit={**judged.unfit, Unfit.IS_RECIPIENT: there})


def _details(request: MassAct) -> dict[str, str]:
    if request.act is ActName.FORWARD:
        return {"to": request.to}
    if request.act is ActName.HAND_OVER and request.handed_over is not None:
        told: dict[str, str] = msgspec.to_builtins(request.handed_over)
        return told
    return {}
