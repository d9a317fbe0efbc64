"""Carries out what two persons want: proposals that were consented to, some deliveries at a time; others lapse.

Killed anywhere, the next run goes on with the deliveries that have no mark yet. Forwarding one and marking it are
two transactions; what was forwarded and not marked is found to be a recipient already, and is marked as that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway.admin.acts import Desk
from gateway.admin.forwarding import among_recipients, forward, target
from gateway.clock import micros
from gateway.eligibility import ActName, Line, Unfit, unfit
from gateway.errors import RefusedError
from gateway.ledger.params import as_json
from gateway.ledger.proposals import (
    MOVED,
    AnswerProposal,
    AnswerProposalOperation,
    CarryOut,
    CarryOutOperation,
    MarkOperation,
    Marks,
    Proposal,
    line_of,
    proposal_of,
)
from gateway.model import AgencyId

#: Deliveries of one transaction: so few that documents which come in meanwhile do not wait for them.
AT_ONCE: Final = 100

_log = structlog.get_logger(__name__)


class Consented:
    """The duty."""

    name = "consented"
    every = timedelta(seconds=2)

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._carry, self._mark, self._answer = CarryOutOperation(), MarkOperation(), AnswerProposalOperation()

    async def run_once(self) -> None:
        """Everything that was consented to, to its end."""
        base = self._desk.foundation
        now = base.clock.now()
        for (key,) in await base.readers.fetch("proposal_list_lapsed", (micros(now),)):
            lapse = AnswerProposal(id=key, answer="lapsed", actor="gateway", why="", now=now)
            await base.pump.submit(self._answer, lapse)
        for (key,) in await base.readers.fetch("proposal_list_running"):
            row = await base.readers.fetch_one("proposal_read", (key,))
            assert row is not None, "proposals are never deleted"
            await self._carry_out(proposal_of(row))

    async def _carry_out(self, found: Proposal) -> None:
        _log.info("proposal.begun", proposal=found.id, act=str(found.act), deliveries=found.deliveries)
        while not await (self._forward(found) if found.act is ActName.FORWARD else self._portion(found)):
            pass
        _log.info("proposal.done", proposal=found.id)

    async def _portion(self, found: Proposal) -> bool:
        base = self._desk.foundation
        now = base.clock.now()
        give_up_at = now + base.settings.delivery.give_up_after
        ask = CarryOut(id=found.id, most=AT_ONCE, now=now, give_up_at=give_up_at)
        carried = await base.pump.submit(self._carry, ask)
        if found.act in {ActName.REQUEUE, ActName.RELEASE}:
            self._desk.requeued({AgencyId(line.recipient_id) for line in carried.moved})
        return carried.is_done

    async def _forward(self, found: Proposal) -> bool:
        """The next one."""
        base = self._desk.foundation
        undone = await base.readers.fetch("proposal_line_list_undone", (found.id, 1))
        if not undone:
            return True
        place, key = undone[0]
        [row] = await base.readers.fetch("delivery_list_for_act", (as_json([key]),))
        marks = Marks(
            id=found.id, results=((place, await self._result(found, line_of(row))),), now=base.clock.now()
        )
        return await base.pump.submit(self._mark, marks)

    async def _result(self, found: Proposal, line: Line) -> str:
        why, to = unfit(found.act, line), found.details["to"]
        if why is not None:
            return str(why)
        facts: dict[str, object] = {"proposal": found.id, "consented_by": found.answered_by}
        try:
            office = await target(self._desk.foundation, to)
            if await among_recipients(self._desk.foundation, [line], office):
                return str(Unfit.IS_RECIPIENT)
            await forward(self._desk, line, to, actor=found.made_by, note=found.reason, facts=facts)
        except RefusedError as error:
            _log.warning("proposal.not_forwarded", proposal=found.id, delivery=line.id, reason=error.code)
            return str(Unfit.NOT_ROUTABLE)
        return MOVED
