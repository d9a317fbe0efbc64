"""Two accounts that may be in one hand are no two persons: who opened which, within a week."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.directory.changes import event_of
from gateway.eligibility import ActName
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import history
from gateway.ledger.history import EventRow
from gateway.ledger.proposals import AnswerProposal, AnswerProposalOperation, Propose, ProposeOperation
from gateway.ledger.purges import AnswerForPurge, AnswerForPurgeOperation, OrderPurge, OrderPurgeOperation
from gateway.storage.pump import Transaction
from tests.ledger.lab import DAY, HOUR, START, Lab, message

FIRST, SECOND = "user:hoa", "user:minh"


class Happened:
    """Events, as they stand in the log."""

    name = "happened"

    async def apply(self, tx: Transaction, payloads: Sequence[EventRow]) -> Sequence[None]:
        await history.append(tx, payloads)
        return [None] * len(payloads)


async def opened(lab: Lab, whose: str, by: str, *, days: int = 1, kind: Event = Event.USER_ADDED) -> None:
    """An account was opened so many days ago, or given a first password."""
    facts: dict[str, object] = {"user": whose.removeprefix("user:")}
    await lab.pump.submit(Happened(), event_of(kind, START - days * DAY, by, facts))


async def consent(lab: Lab) -> str:
    """What becomes of the second one's consent to a cancellation."""
    await lab.record(message("a1", name="m"))
    ask = Propose(
        id="p",
        act=ActName.CANCEL,
        details={},
        delivery_ids=("m/a1",),
        reason="nhầm nơi nhận",
        actor=FIRST,
        now=START,
        expires_at=START + DAY,
    )
    await lab.pump.submit(ProposeOperation(), ask)
    given = AnswerProposal(id="p", answer="consented", actor=SECOND, why="đúng", now=START + HOUR)
    try:
        await lab.pump.submit(AnswerProposalOperation(), given)
    except RefusedError as error:
        return error.code
    return "consented"


@pytest.mark.parametrize(
    ("whose", "by", "kind"),
    [(SECOND, FIRST, Event.USER_ADDED), (SECOND, FIRST, Event.USER_RESET), (FIRST, SECOND, Event.USER_RESET)],
)
async def test_whoever_can_sign_in_as_the_other_is_no_second_person(
    lab: Lab, whose: str, by: str, kind: Event
) -> None:
    """An administrator who opens a second account, or gives somebody a new password, would answer himself."""
    await opened(lab, whose, by, kind=kind)
    assert await consent(lab) == "second_person_opened"


async def test_accounts_of_one_hand_are_one_person_however_they_came_of_it(lab: Lab) -> None:
    """Two accounts that the same person opened, one of them by a third."""
    await opened(lab, FIRST, "user:third", days=2)
    await opened(lab, "user:third", "user:root", days=3)
    await opened(lab, SECOND, "user:root")
    assert await consent(lab) == "second_person_opened"


async def test_accounts_of_before_and_of_the_machines_own_are_two_persons(lab: Lab) -> None:
    """After a week, by different hands, or by the administrators' socket."""
    await opened(lab, SECOND, FIRST, days=8)
    await opened(lab, FIRST, "user:one")
    await opened(lab, SECOND, "user:two")
    await opened(lab, FIRST, "operator:0")
    await opened(lab, SECOND, "operator:0", kind=Event.USER_RESET)
    await opened(lab, "user:somebody", FIRST)
    await opened(lab, SECOND, FIRST, kind=Event.USER_UNLOCKED)
    assert await consent(lab) == "consented"


async def test_one_hand_destroys_nothing(lab: Lab) -> None:
    """The same of an order to destroy."""
    await opened(lab, SECOND, FIRST)
    await lab.record(message("a1", name="m"))
    [item] = await lab.claim()
    await lab.finish(item)
    order = OrderPurge(
        id="o", documents=("m",), ref="QĐ 1", reason="hết hạn", with_envelope=False, actor=FIRST, now=START
    )
    await lab.pump.submit(OrderPurgeOperation(), order)
    given = AnswerForPurge(id="o", why="đúng", actor=SECOND, now=START + HOUR, since=START - DAY)
    with pytest.raises(RefusedError) as told:
        await lab.pump.submit(AnswerForPurgeOperation(), given)
    assert told.value.code == "second_person_opened"
    assert await lab.rows("SELECT confirmed_by FROM purge") == [(None,)]
