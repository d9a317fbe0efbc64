"""Four eyes in the ledger: proposed, answered once by somebody else, carried out in portions, lapsed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.eligibility import ActName
from gateway.errors import RefusedError
from gateway.ledger.proposals import (
    AnswerProposal,
    AnswerProposalOperation,
    Carried,
    CarryOut,
    CarryOutOperation,
    MarkOperation,
    Marks,
    Propose,
    ProposeOperation,
)
from gateway.model import OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import DAY, HOUR, START, SUBJECT, Lab, message

FIRST, SECOND = "user:hoa", "user:minh"


def proposing(*ids: str, act: ActName = ActName.CANCEL, key: str = "p", **more: Any) -> Propose:
    """Hoa proposes it."""
    return Propose(
        id=key, act=act, details=more.pop("details", {}), delivery_ids=ids, reason=SUBJECT, actor=FIRST, now=START,
        expires_at=START + DAY, **more,
    )  # fmt: skip


def answering(answer: Any = "consented", *, actor: str = SECOND, key: str = "p", **more: Any) -> AnswerProposal:
    """Minh answers it."""
    return AnswerProposal(id=key, answer=answer, actor=actor, why=SUBJECT, now=more.pop("now", START + HOUR))


async def propose(lab: Lab, *ids: str, **more: Any) -> None:
    """Record it."""
    await lab.pump.submit(ProposeOperation(), proposing(*ids, **more))


async def answer(lab: Lab, *args: Any, **more: Any) -> None:
    """Answer it."""
    await lab.pump.submit(AnswerProposalOperation(), answering(*args, **more))


async def carry_out(lab: Lab, most: int = 100) -> Carried:
    """One portion."""
    ask = CarryOut(id="p", most=most, now=START + HOUR, give_up_at=START + 2 * DAY)
    return await lab.pump.submit(CarryOutOperation(), ask)


async def test_consent_is_another_persons_and_moves_nothing_by_itself(lab: Lab) -> None:
    """The first one cannot consent; after the second one's consent the lines still wait for their turn."""
    await lab.record(message("a1", "a2", name="m"))
    await propose(lab, "m/a1", "m/a2")
    for own in ("consented", "refused"):
        with pytest.raises(RefusedError) as caught:
            await answer(lab, own, actor=FIRST)
        assert caught.value.code == "proposal_one_person"
    await answer(lab)
    assert await lab.states("m") == {"a1": State.QUEUED, "a2": State.QUEUED}


async def test_carried_out_act_names_both_persons_and_its_reason(lab: Lab) -> None:
    """The events of the lines are the first one's, with whose consent in the leaf and why beside it."""
    await lab.record(message("a1", "a2", name="m"))
    await propose(lab, "m/a1", "m/a2")
    await answer(lab)
    carried = await carry_out(lab)
    assert carried.is_done
    assert await lab.states("m") == {"a1": State.WITHDRAWN, "a2": State.WITHDRAWN}
    assert await lab.rows("SELECT DISTINCT reason FROM delivery") == [("cancelled_by_operator",)]
    rows = await lab.rows(
        "SELECT kind, actor, note, leaf FROM event WHERE kind LIKE 'proposal.%' OR delivery_id = 'm/a1'"
    )
    told = [(kind, actor, bool(note)) for kind, actor, note, _ in rows]
    assert told == [
        ("proposal.made", FIRST, True),
        ("proposal.consented", SECOND, True),
        ("delivery.withdrawn", FIRST, True),
        ("proposal.completed", "gateway", False),
    ]
    facts = [json.loads(leaf)["facts"] for *_, leaf in rows]
    assert facts[2]["proposal"] == "p"
    assert facts[2]["consented_by"] == SECOND
    assert facts[0]["list"] == facts[1]["list"]
    assert facts[3] == {"proposal": "p", "moved": 2, "unfit": 0}
    assert all(SUBJECT.encode() not in leaf for *_, leaf in rows)


async def test_line_that_changed_meanwhile_is_left_and_counted(lab: Lab) -> None:
    """What was fit when it was proposed is asked again when its turn comes."""
    await lab.record(message("a1", "a2", name="m"))
    await propose(lab, "m/a1", "m/a2")
    [item, *_] = [one for one in await lab.claim() if one.dispatch_id == "m>a1"]
    await lab.finish(item)
    await answer(lab)
    for other in await lab.rows("SELECT id FROM delivery WHERE state = 'in_flight'"):
        assert other == ("m/a2",)
    await carry_out(lab)
    assert await lab.rows("SELECT place, result FROM proposal_line") == [(1, "arrived"), (2, "under_way")]
    [(moved, left, ended)] = await lab.rows("SELECT moved, unfit, ended_at IS NOT NULL FROM proposal")
    assert (moved, left, ended) == (0, 2, 1)


async def test_portions_go_on_where_the_marks_end(lab: Lab) -> None:
    """A crash between two portions loses and repeats nothing."""
    names = [f"m{number}" for number in range(5)]
    for name in names:
        await lab.record(message("a1", name=name))
    await propose(lab, *(f"{name}/a1" for name in names), act=ActName.HOLD)
    await answer(lab)
    assert [(await carry_out(lab, 2)).is_done for _ in range(3)] == [False, False, True]
    assert (await carry_out(lab, 2)).is_done
    assert await lab.rows("SELECT count(*) FROM event WHERE kind = 'delivery.held'") == [(5,)]
    assert await lab.rows("SELECT moved, unfit FROM proposal") == [(5, 0)]


async def test_nothing_is_carried_out_without_consent(lab: Lab) -> None:
    """Open, refused or withdrawn: the operation itself does nothing."""
    await lab.record(message("a1", name="m"))
    await propose(lab, "m/a1")
    assert (await carry_out(lab)).is_done
    await answer(lab, "refused")
    assert (await carry_out(lab)).is_done
    assert await lab.state("m/a1") is State.QUEUED


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"answer": "consented", "now": START + DAY}, "lapsed"),
        ({"answer": "withdrawn", "actor": SECOND}, "somebody else's"),
        ({"answer": "lapsed", "actor": "gateway"}, "not over"),
        ({"answer": "consented", "key": "q"}, "q"),
    ],
)
async def test_answer_that_nobody_may_give_is_refused(lab: Lab, given: dict[str, Any], refused: str) -> None:
    """Too late, not one's own, too early, of nothing."""
    await lab.record(message("a1", name="m"))
    await propose(lab, "m/a1")
    with pytest.raises(RefusedError, match=refused):
        await lab.pump.submit(AnswerProposalOperation(), answering(given.pop("answer"), **given))
    assert await lab.rows("SELECT answer FROM proposal") == [(None,)]


async def test_proposal_lapses_and_its_maker_may_withdraw_it(lab: Lab) -> None:
    """Each ends it, with an event; nobody answers after that."""
    await lab.record(message("a1", "a2", name="m"))
    await propose(lab, "m/a1")
    await propose(lab, "m/a2", key="q")
    await answer(lab, "withdrawn", actor=FIRST)
    await answer(lab, "lapsed", actor="gateway", key="q", now=START + DAY)
    for key in ("p", "q"):
        with pytest.raises(RefusedError, match="before"):
            await answer(lab, key=key)
    kinds = await lab.rows("SELECT kind, actor FROM event WHERE kind LIKE 'proposal.%' ORDER BY seq")
    assert kinds[2:] == [("proposal.withdrawn", FIRST), ("proposal.lapsed", "gateway")]


async def test_of_two_answers_at_once_the_first_holds(lab: Lab) -> None:
    """Whoever is second is told."""
    await lab.record(message("a1", name="m"))
    await propose(lab, "m/a1")
    operation = AnswerProposalOperation()
    results = await asyncio.gather(
        lab.pump.submit(operation, answering("refused")),
        lab.pump.submit(operation, answering("consented", actor="user:lan")),
        return_exceptions=True,
    )
    assert results[0] is None
    assert isinstance(results[1], RefusedError)
    assert await lab.rows("SELECT answer, answered_by FROM proposal") == [("refused", SECOND)]


async def test_same_proposal_is_not_made_twice_while_it_waits(lab: Lab) -> None:
    """The same act on the same list; another act is another matter."""
    await lab.record(message("a1", name="m"))
    await propose(lab, "m/a1")
    with pytest.raises(RefusedError, match="asks for the same"):
        await propose(lab, "m/a1", key="q")
    await propose(lab, "m/a1", key="q", act=ActName.HOLD)


async def test_handing_over_keeps_how_it_was_done(lab: Lab) -> None:
    """Channel, number, who and when stay on the line, and never enter a leaf."""
    await lab.record(message("a1", name="m"))
    how = {"channel": "post", "number": "EMS 1", "by": "Lan", "at": "2026-11-22T09:00:00Z"}
    await propose(lab, "m/a1", act=ActName.HAND_OVER, details=how)
    await answer(lab)
    await carry_out(lab)
    [(state, kept)] = await lab.rows("SELECT state, handed_over FROM delivery")
    assert (state, json.loads(kept)) == ("handed_over", how)
    assert all(b"EMS 1" not in leaf for (leaf,) in await lab.rows("SELECT leaf FROM event"))


async def test_pushing_again_is_asked_for_once_and_moves_no_state(lab: Lab) -> None:
    """What waits to be pushed again already is left."""
    await lab.writer.fetch("UPDATE endpoint SET kind = 'webhook' WHERE id = 'push'")
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item, OutcomeKind.DELIVERED)
    for key in ("p", "q"):
        await propose(lab, "m/a1", act=ActName.REDELIVER, key=key)
        await answer(lab, key=key)
        ask = CarryOut(id=key, most=9, now=START + HOUR, give_up_at=START + DAY)
        assert (await lab.pump.submit(CarryOutOperation(), ask)).is_done
    assert await lab.rows("SELECT proposal_id, result FROM proposal_line") == [("p", "moved"), ("q", "repeating")]
    assert await lab.rows("SELECT asked_by, state FROM replay") == [(FIRST, "waiting")]
    assert await lab.state("m/a1") is State.DELIVERED


async def test_requeued_lines_begin_a_new_series(lab: Lab) -> None:
    """As a single requeue does."""
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item, OutcomeKind.REFUSED)
    await propose(lab, "m/a1", act=ActName.REQUEUE)
    await answer(lab)
    assert [line.id for line in (await carry_out(lab)).moved] == ["m/a1"]
    [item] = await lab.claim(START + HOUR)
    assert (item.series, item.number) == (2, 1)


async def test_marks_are_taken_once(lab: Lab) -> None:
    """Whoever repeats a mark after a crash counts nothing twice."""
    await lab.record(message("a1", "a2", name="m"))
    await propose(lab, "m/a1", "m/a2", act=ActName.FORWARD, details={"to": "x"})
    await answer(lab)
    operation = MarkOperation()
    first = Marks(id="p", results=((1, "moved"),), now=START)
    assert not await lab.pump.submit(operation, first)
    assert not await lab.pump.submit(operation, first)
    assert await lab.pump.submit(operation, Marks(id="p", results=((2, "not_routable"),), now=START))
    assert await lab.rows("SELECT moved, unfit FROM proposal") == [(1, 1)]


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE proposal SET answer = 'consented', answered_at = 1, answered_by = made_by",
        "UPDATE proposal SET answer = 'withdrawn', answered_at = 1, answered_by = 'user:x'",
        "UPDATE proposal SET ended_at = 1",
        "UPDATE proposal SET moved = 9",
    ],
)
async def test_database_repeats_the_rules(lab: Lab, forged: str) -> None:
    """A slip of the code is stopped by the table."""
    await lab.record(message("a1", name="m"))
    await propose(lab, "m/a1")
    with pytest.raises(Exception, match="CHECK"):
        lab.eye.execute(forged)


async def test_single_act_leaves_its_reason_beside_the_event(lab: Lab) -> None:
    """Why somebody acted is found with the event, long after the delivery went on."""
    await lab.record(message("a1", name="m"))
    await lab.act(Trigger.HELD, "m/a1")
    await lab.act(Trigger.RELEASED, "m/a1")
    assert await lab.rows("SELECT DISTINCT note FROM event WHERE delivery_id = 'm/a1'") == [(SUBJECT,)]
